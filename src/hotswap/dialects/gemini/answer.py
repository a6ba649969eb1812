"""The wire shape that whole answers and events of streams share, and what its reasons mean."""

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ...core.terms import Cause, Failure, Usage
from ..fault import read_in_band
from ..neutral import Finish
from ..openai.content import ABSENT, present
from ..unsound import MALFORMED
from .usage import Counts

KIND: Final = "google"
_NULL_BYTES: Final = len(b"null")

_BAD_OUTPUT: Final = Failure(Cause.QUALITY, "server_error", 200)
"""The model's own output was bad: neither the caller nor the server's health is at fault."""

FAILED_FINISHES: Final[Mapping[str, Failure]] = {
    "MALFORMED_FUNCTION_CALL": _BAD_OUTPUT,
    "MALFORMED_RESPONSE": _BAD_OUTPUT,
    "UNEXPECTED_TOOL_CALL": _BAD_OUTPUT,
    "TOO_MANY_TOOL_CALLS": _BAD_OUTPUT,
    "MISSING_THOUGHT_SIGNATURE": Failure(Cause.CAPABILITY, "capability_mismatch", 200),
    "OTHER": Failure(Cause.HARD, "server_error", 200),
}
"""Finish reasons that mean the opposite."""

FINISHES: Final[Mapping[str, Finish]] = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "CONTINUATION": Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "LANGUAGE": Finish.CONTENT_FILTER,
    "BLOCKLIST": Finish.CONTENT_FILTER,
    "PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "SPII": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "ESCALATION": Finish.CONTENT_FILTER,
    "IMAGE_SAFETY": Finish.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": Finish.CONTENT_FILTER,
    "IMAGE_RECITATION": Finish.CONTENT_FILTER,
    "IMAGE_OTHER": Finish.CONTENT_FILTER,
}
"""Finish reasons by name; one that is not known counts as `STOP`."""


class FunctionCall(Struct, gc=False):
    """A call; `args` is an object, absent where there are none."""

    id: str | None = None
    name: str | None = None
    args: Raw = ABSENT


class Part(Struct, rename="camel", gc=False):
    """A piece of an answer: one kind of content, and what is said of it."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    inline_data: Raw = ABSENT
    file_data: Raw = ABSENT
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT


class Content(Struct, gc=False):
    """The parts of a candidate."""

    parts: list[Part] | None = None


class Candidate(Struct, rename="camel", gc=False):
    """One choice: all of it, or its new parts only."""

    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    citation_metadata: Raw = ABSENT
    grounding_metadata: Raw = ABSENT
    logprobs_result: Raw = ABSENT


class Feedback(Struct, rename="camel", gc=False):
    """Why a prompt was not answered."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Answer(Struct, rename="camel", gc=False):
    """A whole answer, or an event of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Counts | None = None
    response_id: str | None = None
    error: Raw = ABSENT


decode: Final = Decoder(Answer, strict=False).decode
"""Raises `msgspec.ValidationError` where `fault_in` may still find an error."""

_decode_any: Final = Decoder(object).decode


def fault_in(answer: Answer, payload: bytes) -> Failure | None:
    """Return what speaks against an answer before its candidates are looked at."""
    if answer.error is not ABSENT and present(answer.error):
        return read_in_band(KIND, payload)
    feedback = answer.prompt_feedback
    if feedback is not None and feedback.block_reason and not answer.candidates:
        reason = feedback.block_reason
        words = feedback.block_reason_message or f"The provider blocked the prompt: {reason}."
        return Failure(Cause.POLICY, "content_policy", 200, message=words, code="content_policy")
    return None


def odd_fault(payload: bytes, *, named: bool = False) -> Failure:
    """Classify what is no answer: an error of another shape, or nothing that can be read.

    Args:
        payload: A body, or the data of an event.
        named: The event calls itself an error.
    """
    value = value_of(payload)
    if named or isinstance(value, list) or (isinstance(value, dict) and "error" in value):
        return read_in_band(KIND, payload)
    return MALFORMED


def value_of(payload: bytes) -> object:
    """Return the JSON value; None: it is none."""
    try:
        return _decode_any(payload)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def size_of(part: Part) -> int:
    """Return the bytes of content, or about so; 0: there is none, as with a bare signature."""
    if part.text:
        return len(part.text.encode())
    call = part.function_call
    if call is not None:
        return 1 + len(call.name or "") + len(call.args)
    size = 0
    for raw in (
        part.inline_data,
        part.file_data,
        part.executable_code,
        part.code_execution_result,
        part.tool_call,
        part.tool_response,
    ):
        if len(raw) > _NULL_BYTES:
            size += len(raw)
    return size


def may_be_empty(finishes: Collection[Finish], usage: Usage | None) -> bool:
    """Say whether no content is the answer: filtered, or all tokens went into thoughts."""
    reasoned = usage is not None and usage.reasoning_tokens > 0
    return Finish.CONTENT_FILTER in finishes or (reasoned and Finish.LENGTH in finishes)


def made_id(position: int, name: str, arguments: str, salt: str = "") -> str:
    """Make the id of a call whose source has none: the same for every reading of the same call.

    Args:
        position: Of the call among the calls of its answer or conversation.
        name: Of the tool.
        arguments: JSON text.
        salt: Tells answers apart that call alike.
    """
    seed = f"{salt}\0{position}\0{name}\0{arguments}".encode("utf-8", "replace")
    return "call_" + blake2b(seed, digest_size=12).hexdigest()
