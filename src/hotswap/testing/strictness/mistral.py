"""What Mistral's chat refuses: every field that it does not know, with a 422."""

import re
from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ..step import Seen, Step
from .rules import first_wrong, unknown_field

KNOWN: Final = frozenset(
    {
        *("frequency_penalty", "guardrails", "logprobs", "max_tokens", "messages", "metadata"),
        *("min_tokens", "model", "n", "parallel_tool_calls", "prediction", "presence_penalty"),
        *("prompt_cache_key", "prompt_logprobs", "prompt_mode", "random_seed"),
        *("reasoning_effort", "repetition_penalty", "response_format", "safe_prompt"),
        *("service_tier", "stop", "stream", "temperature", "tool_choice", "tools", "top_k"),
        *("top_logprobs", "top_p", "top_prompt_logprobs"),
    }
)
"""Fields of a request."""
MESSAGES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "system": frozenset({"role", "content"}),
        "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
        "tool": frozenset({"role", "content", "tool_call_id", "name"}),
    }
)
"""Role -> fields of its messages."""
FORBIDDEN: Final = "extra_forbidden"
_fits_id: Final = re.compile(r"[a-zA-Z0-9]{9}").fullmatch


class _Call(Struct):
    id: str


class _Message(Struct):
    role: str
    prefix: bool = False
    tool_calls: list[_Call] | None = None
    tool_call_id: str = ""


class _Messages(Struct):
    messages: list[Raw]


class _Body(Struct):
    messages: list[_Message]
    temperature: float | None = None


_decode: Final = Decoder(_Body).decode
_decode_messages: Final = Decoder(_Messages).decode


def find(seen: Seen, _prefill: bool) -> str | Step:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request; it continues what says `prefix`."""
    if not seen.path.partition("?")[0].endswith("/chat/completions"):
        return ""
    if name := unknown_field(seen.body, KNOWN):
        return _forbidden(name)
    body = _decode(seen.body)
    for at, raw in enumerate(_decode_messages(seen.body).messages):
        role = body.messages[at].role
        if role not in MESSAGES:
            return f"messages.{at}: Input tag '{role}' does not match any of the expected tags"
        if name := unknown_field(bytes(raw), MESSAGES[role]):
            return _forbidden("messages", str(at), name)
    return first_wrong(body, _RULES)


def _forbidden(*place: str) -> Step:
    detail = {
        "type": FORBIDDEN,
        "loc": ("body", *place),
        "msg": "Extra inputs are not permitted",
    }
    return Step(status=422, body={"detail": [detail]})


def _sampling(body: _Body) -> str:
    wrong = body.temperature is not None and not 0 <= body.temperature <= 1
    return "temperature: Input should be less than or equal to 1" if wrong else ""


def _roles(body: _Body) -> str:
    talk = [message.role for message in body.messages if message.role != "system"]
    if not talk:
        return "Conversation must have at least one message"
    for one, other in pairwise(talk):
        if one == other and one != "tool":
            return f"Unexpected role '{other}' after role '{one}'"
    last = body.messages[-1]
    if last.role in {"user", "tool"} or last.prefix:
        return ""
    return (
        "Expected last role User or Tool (or Assistant with prefix True) for serving "
        f"but got {last.role}"
    )


def _ids(body: _Body) -> str:
    for message in body.messages:
        ids = [call.id for call in message.tool_calls or ()]
        if message.role == "tool":
            ids.append(message.tool_call_id)
        for each in ids:
            if not _fits_id(each):
                return f"Tool call id was {each} but must be a-z, A-Z, 0-9, with a length of 9."
    return ""


def _results(body: _Body) -> str:
    waiting: set[str] = set()
    for message in (*body.messages, _Message("user")):
        if message.role == "tool" and message.tool_call_id in waiting:
            waiting.remove(message.tool_call_id)
        elif message.role == "tool" or waiting:
            return "Not the same number of function calls and responses"
        else:
            waiting = {call.id for call in message.tool_calls or ()}
    return ""


_RULES: Final = (_sampling, _roles, _ids, _results)
