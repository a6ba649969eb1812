"""Neutral requests, written in the Responses dialect."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from msgspec import Raw, Struct
from msgspec.json import Decoder, Encoder

from ...core.abilities import Abilities, Prefill, Thinks
from ...core.terms import Target
from ..api import Outgoing, UnableError
from ..neutral import Audio, File, Image, Mode, Part, Request, Result, Role, Text, Video
from ..openai.effort import write_effort
from ..openai.kinds import OPENAI, Kind, kind_named
from ..turns import split_system
from .request import PATH
from .whole import write_choice, write_format, write_tool
from .write_items import Item, write_items

LEAST_TOKENS: Final = 16
"""OpenAI refuses a lower limit."""

_NAME_MAX: Final = 64
_COLOURS: Final = ("top_k", "seed", "presence_penalty", "frequency_penalty")
"""Fields without a place here, by the names that they have in requests as well."""
_SPEAK_JSON: Final = "Answer with a JSON object."

Fields = dict[str, object]

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


class _Place(Struct, frozen=True, gc=False):
    """Where a field of the chat stands here."""

    field: str
    inner: str = ""
    """Inside `field`; empty: it is the field."""


_OF_CHAT: Final[Mapping[str, _Place]] = {
    "max_tokens": _Place("max_output_tokens"),
    "max_completion_tokens": _Place("max_output_tokens"),
    "reasoning_effort": _Place("reasoning", "effort"),
    "verbosity": _Place("text", "verbosity"),
}
"""An operator's fields for a target whose chat takes no tools beside reasoning."""


def write_request(request: Request, target: Target, kind: str) -> Outgoing:
    """Say a request to `target` at a provider of `kind`; raises `UnableError`.

    What only colours the answer and has no place here is left out and named in the notices; stop
    sequences are left to the gateway.
    """
    quirks, abilities = kind_named(kind), target.abilities
    _check(request, abilities)
    notices = [*request.dropped]
    body: Fields = {"model": target.model, **_conversation(request, quirks)}
    _continue(request, abilities)
    _put_tools(body, request, abilities, quirks, notices)
    _put_format(body, request, abilities, quirks)
    _put_limits(body, request, abilities, notices)
    _put_sampling(body, request, abilities, quirks, notices)
    if request.user:
        body["user"] = request.user
    if request.cache_key and "prompt_cache_key" not in quirks.lacks:
        body["prompt_cache_key"] = request.cache_key
    body["store"] = False
    if request.stream:
        body["stream"] = True
        if quirks.obfuscation:
            body["stream_options"] = {"include_obfuscation": False}
    stop = tuple([each for each in request.stop if each])
    notices = [*dict.fromkeys(notices)]
    return Outgoing(PATH, _overridden(body, target), notices=notices, stop=stop)


def _check(request: Request, abilities: Abilities) -> None:
    """Raise `UnableError` for what no translation, or not this target, can do."""
    if request.native:
        raise UnableError(request.native[0])
    if request.n > 1:
        raise UnableError("several")
    if request.logprobs:
        raise UnableError("logprobs")
    if request.tools and not abilities.tools:
        raise UnableError("tools")
    for turn in request.turns:
        for part in turn.parts:
            _check_part(part, abilities)


def _check_part(part: Part, abilities: Abilities) -> None:
    match part:
        case Image() if not abilities.images:
            raise UnableError("images")
        case Audio():
            raise UnableError("audio")
        case Video():
            raise UnableError("video")
        case File() if not abilities.files:
            raise UnableError("files")
        case Result():
            for inner in part.parts:
                _check_part(inner, abilities)
        case _:
            pass


def _conversation(request: Request, kind: Kind) -> Fields:
    """Write the instructions and the input, which may not be empty."""
    texts, turns = split_system(request.turns)
    items = write_items(turns, kind)
    if not items:
        return {"input": write_items(request.turns, kind)}
    fields: Fields = {"input": items}
    return {"instructions": "\n\n".join(texts), **fields} if texts else fields


def _continue(request: Request, abilities: Abilities) -> None:
    """Refuse an answer that was begun, where the target would begin another one."""
    spoken = [turn for turn in request.turns if turn.parts]
    begun = bool(spoken) and spoken[-1].role is Role.ASSISTANT
    if begun and abilities.prefill is not Prefill.NATIVE:
        raise UnableError("prefill")


def _put_tools(
    body: Fields, request: Request, abilities: Abilities, kind: Kind, notices: list[str]
) -> None:
    choice = request.tool_choice
    mode = Mode.AUTO if choice is None else choice.mode
    names: Sequence[str] = () if choice is None else choice.names
    if mode is Mode.REQUIRED and not (abilities.forced_tool and kind.tool_choice):
        raise UnableError("forced_tool")
    tools = request.tools
    if names and not kind.allowed_tools:
        tools = [tool for tool in tools if tool.name in names]
    if mode is Mode.NONE and not kind.tool_choice:
        tools = ()
    if not tools:
        return
    if kind.plain_names and not all(_is_plain(tool.name) for tool in tools):
        raise UnableError("tool_names")
    if not kind.strict_tools and any(tool.strict for tool in tools):
        notices.append("strict")
    body["tools"] = [write_tool(tool) for tool in tools]
    if choice is not None and kind.tool_choice:
        forced = mode is Mode.REQUIRED and len(names) == 1
        body["tool_choice"] = write_choice(choice) if forced or kind.allowed_tools else mode.value
    if request.parallel is None:
        return
    if "parallel_tool_calls" in kind.lacks:
        notices.append("parallel_tool_calls")
    else:
        body["parallel_tool_calls"] = request.parallel


def _is_plain(name: str) -> bool:
    letters = name.replace("_", "a").replace("-", "a")
    return len(name) <= _NAME_MAX and letters.isascii() and letters.isalnum()


def _put_format(body: Fields, request: Request, abilities: Abilities, kind: Kind) -> None:
    wanted = request.format
    if wanted is None:
        return
    if wanted.schema is None:
        if not abilities.json_object:
            raise UnableError("json_object")
        items = body["input"]
        # Quirk: OpenAI looks for the word in the input, and not in the instructions.
        if kind.json_word and isinstance(items, list) and not _speaks_of_json(request):
            said: Item = {"role": "system", "content": _SPEAK_JSON}
            body["input"] = [said, *items]
    elif not (abilities.json_schema and kind.schema):
        raise UnableError("json_schema")
    body["text"] = {"format": write_format(request)}


def _speaks_of_json(request: Request) -> bool:
    return any(
        isinstance(part, Text) and "json" in part.text.lower()
        for turn in split_system(request.turns)[1]
        for part in turn.parts
    )


def _put_limits(body: Fields, request: Request, abilities: Abilities, notices: list[str]) -> None:
    """Write how long the answer may be, and how much of it may be thoughts."""
    asked = request.max_tokens
    if asked is not None:
        limit = min(asked, abilities.max_output or asked)
        limit = max(limit, LEAST_TOKENS)
        if limit != asked:
            notices.append("max_tokens")
        body["max_output_tokens"] = limit
    effort = write_effort(request, abilities, OPENAI)
    if not effort.as_asked:
        notices.append("reasoning_effort")
    reasoning: Fields = {}
    if (level := effort.fields.get("reasoning_effort")) is not None:
        reasoning["effort"] = level
    shown = request.reasoning is not None and request.reasoning.shown
    if shown and abilities.thinks is not Thinks.NO and level != "none":
        reasoning["summary"] = "auto"
    if reasoning:
        body["reasoning"] = reasoning


def _put_sampling(
    body: Fields, request: Request, abilities: Abilities, kind: Kind, notices: list[str]
) -> None:
    notices += [name for name in _COLOURS if getattr(request, name) is not None]
    if any(turn.name for turn in request.turns):
        notices.append("name")
    warmth = request.temperature
    if warmth is not None and warmth > kind.temperature_max:
        notices.append("temperature")
        warmth = kind.temperature_max
    for name, value in (("temperature", warmth), ("top_p", request.top_p)):
        if value is None:
            continue
        if abilities.sampling:
            body[name] = value
        else:
            notices.append(name)


def _overridden(fields: Fields, target: Target) -> bytes:
    """Write the body with the operator's own fields, which replace all but model and stream."""
    if target.overrides:
        for name, value in _decode_fields(target.overrides).items():
            place = _OF_CHAT.get(name)
            if place is not None and place.inner:
                inner = fields.get(place.field)
                others = cast("Fields", inner) if isinstance(inner, dict) else {}
                fields[place.field] = {**others, place.inner: value}
            elif name not in {"model", "stream"}:
                fields[name if place is None else place.field] = value
    return _encode(fields)
