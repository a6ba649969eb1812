"""What a caller has of a stream that broke off, and what of it no other target can go on with."""

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from ..api import Envelope
from ..openai.content import ABSENT, present
from .answer import Candidate, Part

CALLS: Final = "tool_calls"
FINISHED: Final = "finished"
"""The answer has its finish reason: an error came behind it."""
SEVERAL: Final = "several"

_CITATIONS: Final = "citations"
_GROUNDING: Final = "grounding"
_IMAGES: Final = "images"
_LOGPROBS: Final = "logprobs"
_SERVER_TOOLS: Final = "server_tools"

_NULL_BYTES: Final = len(b"null")
_OFFSET: Final = b'"endIndex"'
"""Every citation, and every segment that is grounded, has one."""


class _Names(Struct, rename="camel", gc=False):
    response_id: str | None = None
    model_version: object = None


_decode_names: Final = Decoder(_Names, strict=False).decode


def bar_in_part(part: Part) -> str:
    """Return what a part that is no text bars; empty: it bars nothing."""
    if part.function_call is not None:
        return CALLS
    if len(part.inline_data) > _NULL_BYTES or len(part.file_data) > _NULL_BYTES:
        return _IMAGES
    executed = (
        part.executable_code,
        part.code_execution_result,
        part.tool_call,
        part.tool_response,
    )
    return _SERVER_TOOLS if any(len(raw) > _NULL_BYTES for raw in executed) else ""


def bar_beside(candidate: Candidate) -> str:
    """Return what is said beside the parts and would be wrong of other words; empty: nothing.

    Citations and grounding count once they point into the text: Google sends them empty before.
    """
    if candidate.logprobs_result is not ABSENT and present(candidate.logprobs_result):
        return _LOGPROBS
    if _OFFSET in bytes(candidate.citation_metadata):
        return _CITATIONS
    return _GROUNDING if _OFFSET in bytes(candidate.grounding_metadata) else ""


def same_names(envelope: Envelope, payload: bytes, *, array: bool) -> Envelope:
    """Return the envelope of a stream; it stands in for what the stream has not said.

    Args:
        envelope: For an answer of our own.
        payload: What the stream said of itself: an event that could be read, or `{}`.
        array: The form of the stream.
    """
    names = _decode_names(payload)
    ident, model = names.response_id, names.model_version
    return replace(
        envelope,
        request_id=ident or envelope.request_id,
        model=model if isinstance(model, str) and model else envelope.model,
        array=array,
    )
