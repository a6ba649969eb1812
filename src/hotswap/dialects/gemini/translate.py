"""Requests: Gemini's to neutral values, and neutral values to Gemini's."""

from collections.abc import Iterator
from typing import Final

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Encoder

from ...core.abilities import Prefill
from ...core.terms import Target
from ...errors import RefusedError
from ..api import Outgoing, Peek, UnableError
from ..neutral import Request, Role
from ..turns import settled, split_system
from .address import GENERATE, STREAM, path_to
from .config import read_config, read_format, read_reasoning, write_config
from .contents import Conversation, write_contents
from .request import overridden
from .spelling import camel_fields
from .tools import read_tool_choice, read_tools, write_tools

_NATIVE: Final = {"cachedContent": "cached_content", "continuationToken": "continuation"}
_UNDERSTOOD: Final = frozenset(
    {"contents", "generationConfig", "model", "systemInstruction", "toolConfig", "tools", *_NATIVE}
)

_NULL: Final = Raw(b"null")
_NONE: Final = Raw(b"[]")

_encode: Final = Encoder().encode


def read_request(request: Peek) -> Request:
    """Understand a caller; raises `RefusedError` (400)."""
    try:
        return _read(request, camel_fields(request.fields))
    except ValidationError as error:
        raise RefusedError(400, "invalid_type", f"The request cannot be read: {error}.") from None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError(400, "invalid_request", "The request is not valid JSON.") from None


def write_request(request: Request, target: Target, kind: str) -> Outgoing:  # noqa: ARG001 - alike at every kind
    """Say a request to `target`; raises `UnableError`."""
    _check(request)
    texts, rest = split_system(request.turns)
    turns = settled(rest)
    if not turns or turns[0].role is not Role.USER:
        raise UnableError("first_turn")
    if turns[-1].role is Role.ASSISTANT and target.abilities.prefill is not Prefill.NATIVE:
        raise UnableError("prefill")
    notices = [*request.dropped, *_left_out(request)]
    fields: dict[str, object] = {"contents": write_contents(turns)}
    if texts:
        fields["systemInstruction"] = {"parts": [{"text": "\n\n".join(texts)}]}
    fields.update(write_tools(request, notices))
    config, stop = write_config(request, target, notices)
    if config:
        fields["generationConfig"] = config
    return Outgoing(
        path_to(target.model, STREAM if request.stream else GENERATE),
        _encode(overridden(fields, target)),
        notices=tuple(dict.fromkeys(notices)),
        stop=stop,
    )


def _read(request: Peek, fields: dict[str, Raw]) -> Request:
    talk = Conversation()
    if (system := fields.get("systemInstruction", _NULL)) != _NULL:
        talk.read_system(system)
    talk.read(fields.get("contents", _NONE))
    native = talk.native
    native += [word for name, word in _NATIVE.items() if fields.get(name, _NULL) != _NULL]
    dropped = [name for name in fields if name not in _UNDERSTOOD]
    config = read_config(fields.get("generationConfig"), native, dropped)
    return Request(
        turns=tuple(talk.turns),
        stream=request.stream,
        usage_asked=True,
        tools=tuple(read_tools(fields.get("tools"), native)),
        tool_choice=read_tool_choice(fields.get("toolConfig")),
        format=read_format(config),
        max_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        stop=tuple(config.stop_sequences or ()),
        n=config.candidate_count or 1,
        logprobs=config.response_logprobs is True,
        top_logprobs=config.logprobs,
        reasoning=read_reasoning(config),
        dropped=tuple(dropped),
        native=tuple(dict.fromkeys(native)),
    )


def _check(request: Request) -> None:
    """Raise `UnableError` for what neither this dialect nor a neutral answer can hold."""
    if request.native:
        raise UnableError(request.native[0])
    if request.n > 1:
        raise UnableError("several")
    if request.logprobs:
        raise UnableError("logprobs")


def _left_out(request: Request) -> Iterator[str]:
    """Yield the fields that only colour an answer and have no place here."""
    if request.user:
        yield "user"
    if any(turn.name for turn in request.turns):
        yield "name"
