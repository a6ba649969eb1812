"""A neutral request, said to a provider of Anthropic's dialect."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from ...core.abilities import Abilities, Prefill
from ...core.terms import Target
from ..api import Outgoing, UnableError
from ..neutral import Call, Format, Image, Mode, Part, Refusal, Request, Role, Text, Tool, Turn
from ..turns import split_system
from .request import PATH, SAMPLING, version_line
from .schema import ANY_OBJECT, closed, of_tool
from .thinking import thinks, write_limits
from .write_content import ContentWriter, is_name, spoken, wire_name

MAX_TEMPERATURE: Final = 1.0
MAX_USER: Final = 256
"""Characters of a user's id."""

_CHOICES: Final = {Mode.AUTO: "auto", Mode.REQUIRED: "any", Mode.NONE: "none"}
_COLOURS: Final = ("seed", "presence_penalty", "frequency_penalty")
"""Fields without a place here, by the names that they have in requests as well."""
_PLAIN_DETAILS: Final = frozenset({"", "auto"})

_encode: Final = Encoder().encode
_decode_fields: Final = Decoder(dict[str, Raw]).decode

Fields = dict[str, object]


def write_request(
    request: Request,
    target: Target,
    kind: str,  # noqa: ARG001 - alike for all
) -> Outgoing:
    """Say a request to `target`; raises `UnableError`, or `RefusedError` for broken arguments."""
    abilities = target.abilities
    _check(request, abilities)
    system, turns = _conversation(request, abilities)
    content = ContentWriter()
    body: Fields = {"model": target.model, "max_tokens": 0}
    if system:
        body["system"] = content.system(system)
    body["messages"] = content.messages(turns)
    output: Fields = {}
    notices = write_limits(body, output, request, turns, abilities)
    if request.format is not None and request.format.schema is not None:
        output["format"] = _format(request.format, request.format.schema)
    if output:
        body["output_config"] = output
    _write_tools(body, request, turns)
    notices += _write_sampling(body, request, abilities)
    held = _write_stop(body, request, abilities)
    notices += _write_rest(body, request)
    if target.overrides:
        overrides = _decode_fields(target.overrides)
        overrides.pop("stream", None)
        body.update(overrides)
        body["model"] = target.model
    if turns[-1].role is Role.ASSISTANT and (thinks(body) or "format" in output):
        # Quirk: Anthropic continues no answer with thinking on, or in a given form.
        raise UnableError("prefill")
    if request.stream:
        body["stream"] = True
    return Outgoing(PATH, _encode(body), version_line(body), tuple(notices), held)


def _check(request: Request, abilities: Abilities) -> None:
    """Raise `UnableError` for what cannot be said at all."""
    if request.native:
        raise UnableError(request.native[0])
    if request.n > 1:
        raise UnableError("several")
    if request.logprobs:
        raise UnableError("logprobs")
    if request.format is not None and request.format.schema is None:
        raise UnableError("json_object")
    choice = request.tool_choice
    if choice is not None and choice.mode is Mode.REQUIRED and not abilities.forced_tool:
        raise UnableError("forced_tool")
    if not all(is_name(tool.name) for tool in request.tools):
        raise UnableError("tool_name")


def _conversation(request: Request, abilities: Abilities) -> tuple[list[Text], list[Turn]]:
    """Return the system prompt, and the turns from the user's first to the last.

    An answer that was begun stands last where the target continues it. Quirk: Anthropic refuses
    it with space at its end.
    """
    rest = split_system(request.turns)[1]
    system = [
        part
        for turn in request.turns[: len(request.turns) - len(rest)]
        for part in turn.parts
        if isinstance(part, Text) and part.text.strip()
    ]
    turns = spoken(rest)
    if not turns or turns[0].role is not Role.USER:
        raise UnableError("first_turn")
    last = turns[-1]
    if last.role is Role.ASSISTANT:
        if abilities.prefill is not Prefill.NATIVE:
            raise UnableError("prefill")
        turns[-1] = Turn(last.role, (*last.parts[:-1], _trimmed(last.parts[-1])), last.name)
    return system, turns


def _trimmed(part: Part) -> Part:
    return replace(part, text=part.text.rstrip()) if isinstance(part, Text | Refusal) else part


def _write_tools(body: Fields, request: Request, turns: Sequence[Turn]) -> None:
    choice = request.tool_choice
    mode = Mode.AUTO if choice is None else choice.mode
    names = () if choice is None else choice.names
    tools = [_tool(tool) for tool in request.tools if not names or tool.name in names]
    if not tools:
        # Anthropic wants the tools of calls that were made, even where none may be called.
        mode, names, tools = Mode.NONE, (), _tools_of_history(turns)
    if not tools:
        return
    body["tools"] = tools
    written: Fields = {"type": _CHOICES[mode]}
    if mode is Mode.REQUIRED and len(names) == 1:
        written = {"type": "tool", "name": names[0]}
    if request.parallel is False and mode is not Mode.NONE:
        written["disable_parallel_tool_use"] = True
    if choice is not None or len(written) > 1 or mode is Mode.NONE:
        body["tool_choice"] = written


def _tool(tool: Tool) -> Fields:
    fields: Fields = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = of_tool(tool.schema)
    if tool.strict:
        fields["strict"] = True
    return fields


def _tools_of_history(turns: Sequence[Turn]) -> list[Fields]:
    called = [part.name for turn in turns for part in turn.parts if isinstance(part, Call)]
    return [
        {"name": name, "input_schema": ANY_OBJECT}
        for name in dict.fromkeys([wire_name(name) for name in called])
    ]


def _format(wanted: Format, schema: Raw) -> Fields:
    return {"type": "json_schema", "schema": closed(schema) if wanted.strict else schema}


def _write_sampling(body: Fields, request: Request, abilities: Abilities) -> list[str]:
    """Write how tokens are drawn, where the target takes it; return what it does not take."""
    asked = [name for name in SAMPLING if getattr(request, name) is not None]
    if not abilities.sampling or thinks(body):
        return asked
    notices: list[str] = []
    for name in asked:
        value = getattr(request, name)
        if name == "temperature" and value > MAX_TEMPERATURE:
            value = MAX_TEMPERATURE
            notices.append(name)
        if name == "top_p" and "temperature" in body:
            # Not both: models since 4.1 refuse that.
            notices.append(name)
            continue
        body[name] = value
    return notices


def _write_stop(body: Fields, request: Request, abilities: Abilities) -> tuple[str, ...]:
    """Write the stop sequences; return those that the gateway has to look for itself."""
    asked = [stop for stop in request.stop if stop]
    taken = [stop for stop in asked if stop.strip()] if abilities.stop else []
    if taken:
        body["stop_sequences"] = taken
    return tuple([stop for stop in asked if stop not in taken])


def _write_rest(body: Fields, request: Request) -> list[str]:
    notices = [name for name in _COLOURS if getattr(request, name) is not None]
    if request.user:
        if len(request.user) <= MAX_USER:
            body["metadata"] = {"user_id": request.user}
        else:
            notices.append("user")
    colours: set[str] = set()
    for turn in request.turns:
        if turn.name:
            colours.add("name")
        for part in turn.parts:
            if isinstance(part, Image) and part.detail not in _PLAIN_DETAILS:
                colours.add("detail")
    return [*notices, *sorted(colours), *request.dropped]
