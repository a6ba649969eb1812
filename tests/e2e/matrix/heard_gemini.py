"""What Gemini understands of a request."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Struct

from .scenes import Called, Heard


class _Blob(Struct, frozen=True, rename="camel"):
    mime_type: str
    data: str


class _Call(Struct, frozen=True):
    name: str
    args: Mapping[str, object] = {}
    id: str = ""


class _Response(Struct, frozen=True):
    name: str
    response: Mapping[str, object]
    id: str = ""


class _Part(Struct, frozen=True, rename="camel"):
    text: str = ""
    inline_data: _Blob | None = None
    function_call: _Call | None = None
    function_response: _Response | None = None


class _Content(Struct, frozen=True):
    parts: list[_Part]
    role: str = ""


class _Declaration(Struct, frozen=True):
    name: str


class _Tool(Struct, frozen=True, rename="camel"):
    function_declarations: list[_Declaration]


class _Thinking(Struct, frozen=True, rename="camel"):
    thinking_level: str = ""
    thinking_budget: int | None = None


class _Generation(Struct, frozen=True, rename="camel"):
    max_output_tokens: int = 0
    response_json_schema: object = None
    stop_sequences: list[str] = []
    thinking_config: _Thinking | None = None


class _Body(Struct, frozen=True, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | None = None
    tools: list[_Tool] = []
    generation_config: _Generation = _Generation()


_underscore: Final = re.compile("_([a-z])")


def hear(raw: bytes) -> Heard:
    """Read a request; results belong to calls by their order and, where they have ids, by id.

    Google takes names in both cases, and its SDK mixes them.
    """
    body = msgspec.convert(_camel(msgspec.json.decode(raw)), _Body)
    parts = [part for content in body.contents for part in content.parts]
    calls = [part.function_call for part in parts if part.function_call is not None]
    results = [part.function_response for part in parts if part.function_response is not None]
    blobs = [part.inline_data for part in parts if part.inline_data is not None]
    generation = body.generation_config
    thinking = generation.thinking_config or _Thinking()
    return Heard(
        system=_text(body.system_instruction) if body.system_instruction is not None else "",
        said=tuple(text for content in body.contents if (text := _text(content))),
        images=tuple(f"data:{blob.mime_type};base64,{blob.data}" for blob in blobs),
        tools=tuple(d.name for tool in body.tools for d in tool.function_declarations),
        calls=tuple(Called(call.name, call.args) for call in calls),
        results=tuple(_answered(calls, results)),
        schema=generation.response_json_schema,
        stop=tuple(generation.stop_sequences),
        effort=thinking.thinking_level.lower() or str(thinking.thinking_budget or ""),
        max_tokens=generation.max_output_tokens,
    )


def _camel(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("Mapping[str, object]", value)
        return {
            _underscore.sub(lambda found: found[1].upper(), name): _camel(inner)
            for name, inner in fields.items()
        }
    if isinstance(value, list):
        return [_camel(inner) for inner in cast("Sequence[object]", value)]
    return value


def _text(content: _Content) -> str:
    return "".join(part.text for part in content.parts)


def _answered(calls: Sequence[_Call], results: Sequence[_Response]) -> Iterator[tuple[str, str]]:
    if not results:
        return
    for call, result in zip(calls, results, strict=True):
        assert (call.name, call.id) == (result.name, result.id)
        yield str(call.args["city"]), str(result.response["output"])
