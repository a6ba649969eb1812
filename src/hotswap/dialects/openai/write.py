"""Neutral requests, written as chats of OpenAI's dialect for the many servers that speak it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder, Encoder

from ...core.abilities import Abilities, Prefill
from ...core.terms import Target
from ..api import Outgoing, UnableError
from ..neutral import Audio, File, Format, Image, Mode, Part, Request, Result, Role, Text, Tool
from .effort import write_effort
from .kinds import Kind, kind_named
from .write_turns import Message, write_turns

PATH: Final = "/chat/completions"

_LIMITS: Final = frozenset({"max_tokens", "max_completion_tokens"})
_NAME_MAX: Final = 64
_SILENT: Final = frozenset({"prompt_cache_key"})
"""Fields whose loss costs at most money: nobody is told."""
_SPEAK_JSON: Final = "Answer with a JSON object."

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


def write_request(request: Request, target: Target, kind: str) -> Outgoing:
    """Say a request to `target` at a provider of `kind`; raises `UnableError`.

    What only colours the answer and is not known there is left out and named in the notices.
    """
    quirks, abilities = kind_named(kind), target.abilities
    _check(request, abilities)
    body = _Body(quirks, request.dropped)
    body.fields["model"] = target.model
    messages = write_turns(request.turns, quirks)
    if any(turn.name for turn in request.turns) and "name" in quirks.lacks:
        body.notices.append("name")
    body.fields["messages"] = messages
    _put_tools(request, abilities, body)
    if request.format is not None:
        _put_format(request.format, request, abilities, body)
    _put_limits(request, abilities, body)
    _continue(messages, abilities, body)
    _put_sampling(request, abilities, body)
    body.put("user", request.user or None)
    body.put("prompt_cache_key", request.cache_key or None)
    stop = _put_stop(request, abilities, body)
    if request.stream:
        body.fields["stream"] = True
        if quirks.stream_options:
            body.fields["stream_options"] = _options(quirks)
    notices = tuple(dict.fromkeys(body.notices))
    return Outgoing(PATH, _overridden(body.fields, target), notices=notices, stop=stop)


class _Body:
    """The fields so far, by the names of one kind of server, and what was left out."""

    __slots__ = ("fields", "kind", "notices")

    def __init__(self, kind: Kind, dropped: Sequence[str]) -> None:
        self.kind = kind
        self.fields: dict[str, object] = {}
        self.notices: list[str] = [*dropped]

    def put(self, name: str, value: object) -> None:
        """Add a field that only colours the answer, if it has a value and the server takes it."""
        if value is None:
            return
        kind = self.kind
        wire = kind.renames.get(name, name)
        if name in kind.lacks or (kind.takes and wire not in kind.takes):
            if name not in _SILENT:
                self.notices.append(name)
        else:
            self.fields[wire] = value


def _check(request: Request, abilities: Abilities) -> None:
    """Raise `UnableError` for what no chat in translation, or not this target, can do."""
    if request.native:
        raise UnableError(request.native[0])
    if request.n > 1:
        raise UnableError("several")
    if request.logprobs:
        raise UnableError("logprobs")
    if request.tools and not abilities.tools:
        raise UnableError("tools")
    if not (abilities.images and abilities.audio and abilities.files):
        for turn in request.turns:
            for part in turn.parts:
                _check_part(part, abilities)


def _check_part(part: Part, abilities: Abilities) -> None:
    match part:
        case Image() if not abilities.images:
            raise UnableError("images")
        case Audio() if not abilities.audio:
            raise UnableError("audio")
        case File() if not abilities.files:
            raise UnableError("files")
        case Result():
            for inner in part.parts:
                _check_part(inner, abilities)
        case _:
            pass


def _continue(messages: list[Message], abilities: Abilities, body: _Body) -> None:
    """Make the target continue an answer that was begun; most would begin another one.

    How, and whether at all, is the abilities' alone to say: they know what a refusal taught.
    """
    if not messages or messages[-1]["role"] != Role.ASSISTANT:
        return
    match abilities.prefill:
        case Prefill.NO:
            raise UnableError("prefill")
        case Prefill.PREFIX_FLAG:
            messages[-1]["prefix"] = True
        case Prefill.TEMPLATE_FLAG:
            body.fields["continue_final_message"] = True
            body.fields["add_generation_prompt"] = False
        case Prefill.NATIVE:
            if body.kind.thinks_or_continues:
                body.fields["chat_template_kwargs"] = {"enable_thinking": False}
                body.fields.pop("reasoning_effort", None)


def _put_tools(request: Request, abilities: Abilities, body: _Body) -> None:
    kind, choice = body.kind, request.tool_choice
    mode = Mode.AUTO if choice is None else choice.mode
    if mode is Mode.REQUIRED and not (abilities.forced_tool and kind.tool_choice):
        raise UnableError("forced_tool")
    tools = request.tools
    if mode is Mode.NONE and not kind.tool_choice:
        tools = ()
    names = [] if choice is None else [*choice.names]
    forced = mode is Mode.REQUIRED and len(names) == 1
    if names and not forced and not kind.allowed_tools:
        tools = [tool for tool in tools if tool.name in names]
    if not tools:
        return
    body.fields["tools"] = [_tool(tool, body) for tool in tools]
    if choice is not None and kind.tool_choice:
        word = kind.required if mode is Mode.REQUIRED else mode.value
        if forced:
            body.fields["tool_choice"] = _named(names[0])
        elif names and kind.allowed_tools:
            allowed = {"mode": word, "tools": [_named(name) for name in names]}
            body.fields["tool_choice"] = {"type": "allowed_tools", "allowed_tools": allowed}
        else:
            body.fields["tool_choice"] = word
    body.put("parallel_tool_calls", request.parallel)


def _tool(tool: Tool, body: _Body) -> Message:
    kind = body.kind
    if kind.plain_names and not _is_plain(tool.name):
        raise UnableError("tool_names")
    function: Message = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.schema
    if tool.strict is not None and kind.strict_tools:
        function["strict"] = tool.strict
    elif tool.strict:
        body.notices.append("strict")
    return {"type": "function", "function": function}


def _named(name: str) -> Message:
    return {"type": "function", "function": {"name": name}}


def _is_plain(name: str) -> bool:
    letters = name.replace("_", "a").replace("-", "a")
    return len(name) <= _NAME_MAX and letters.isascii() and letters.isalnum()


def _put_format(wanted: Format, request: Request, abilities: Abilities, body: _Body) -> None:
    if wanted.schema is None:
        if not abilities.json_object:
            raise UnableError("json_object")
        body.fields["response_format"] = {"type": "json_object"}
        if body.kind.json_word and not _speaks_of_json(request):
            messages = body.fields["messages"]
            said: Message = {"role": "system", "content": _SPEAK_JSON}
            body.fields["messages"] = [said, *messages] if isinstance(messages, list) else [said]
        return
    if not (abilities.json_schema and body.kind.schema):
        raise UnableError("json_schema")
    schema: Message = {"name": wanted.name, "schema": wanted.schema}
    if wanted.description:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    body.fields["response_format"] = {"type": "json_schema", "json_schema": schema}


def _speaks_of_json(request: Request) -> bool:
    return any(
        isinstance(part, Text) and "json" in part.text.lower()
        for turn in request.turns
        for part in turn.parts
    )


def _put_limits(request: Request, abilities: Abilities, body: _Body) -> None:
    """Write how long the answer may be, and how much of it may be thoughts."""
    limit = request.max_tokens
    if limit is not None and 0 < abilities.max_output < limit:
        limit = abilities.max_output
        body.notices.append("max_tokens")
    body.put("max_completion_tokens", limit)
    effort = write_effort(request, abilities, body.kind)
    body.fields.update(effort.fields)
    if not effort.as_asked:
        body.notices.append("reasoning_effort")


def _put_sampling(request: Request, abilities: Abilities, body: _Body) -> None:
    warmth, most = request.temperature, body.kind.temperature_max
    if warmth is not None and warmth > most:
        body.notices.append("temperature")
        warmth = most
    sampling = {
        "temperature": warmth,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
    }
    if abilities.sampling:
        for name, value in sampling.items():
            body.put(name, value)
    else:
        body.notices += [name for name, value in sampling.items() if value is not None]
    body.put("seed", request.seed)


def _put_stop(request: Request, abilities: Abilities, body: _Body) -> Sequence[str]:
    """Write as many stop sequences as the target takes; return the others."""
    most = body.kind.stops_max or len(request.stop)
    taken = request.stop[:most] if abilities.stop else ()
    if taken:
        body.fields["stop"] = taken
    return tuple(request.stop[len(taken) :])


def _options(kind: Kind) -> dict[str, bool]:
    if kind.obfuscation:
        return {"include_usage": True, "include_obfuscation": False}
    return {"include_usage": True}


def _overridden(fields: dict[str, object], target: Target) -> bytes:
    """Write the body with the operator's own fields, which replace all but model and stream."""
    if target.overrides:
        overrides = _decode_fields(target.overrides)
        if not _LIMITS.isdisjoint(overrides):
            # The two mean the same, and together they are refused.
            fields = {name: value for name, value in fields.items() if name not in _LIMITS}
        for name, value in overrides.items():
            if name not in {"model", "stream"}:
                fields[name] = value
    return _encode(fields)
