"""What a provider of OpenAI's Responses dialect understands of a request."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from .scenes import Called, Heard


class _Part(Struct, frozen=True):
    type: str
    text: str = ""
    image_url: str = ""


class _Item(Struct, frozen=True):
    type: str = "message"
    role: str = ""
    content: str | list[_Part] = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | list[_Part] = ""


class _Tool(Struct, frozen=True):
    name: str


class _Format(Struct, frozen=True):
    type: str
    schema: object = None


class _Text(Struct, frozen=True):
    format: _Format | None = None


class _Reasoning(Struct, frozen=True):
    effort: str = ""


class _Body(Struct, frozen=True):
    input: str | list[_Item]
    instructions: str = ""
    tools: list[_Tool] = []
    text: _Text | None = None
    reasoning: _Reasoning | None = None
    max_output_tokens: int = 0


_decode: Final = msgspec.json.Decoder(_Body).decode


def hear(raw: bytes) -> Heard:
    """Read a request."""
    body = _decode(raw)
    items = [_Item(role="user", content=body.input)] if isinstance(body.input, str) else body.input
    calls = [item for item in items if item.type == "function_call"]
    read = {item.call_id: _arguments(item) for item in calls}
    format_ = body.text.format if body.text is not None else None
    return Heard(
        system=body.instructions,
        said=tuple(text for item in items if (text := _text(item.content))),
        images=tuple(
            part.image_url for item in items for part in _parts(item.content) if part.image_url
        ),
        tools=tuple(tool.name for tool in body.tools),
        calls=tuple(Called(item.name, read[item.call_id]) for item in calls),
        results=tuple(
            (str(read[item.call_id]["city"]), _text(item.output))
            for item in items
            if item.type == "function_call_output"
        ),
        schema=format_.schema if format_ is not None else None,
        effort=body.reasoning.effort if body.reasoning is not None else "",
        max_tokens=body.max_output_tokens,
    )


def _parts(content: str | list[_Part]) -> Sequence[_Part]:
    return content if isinstance(content, list) else ()


def _text(content: str | list[_Part]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content)


def _arguments(item: _Item) -> dict[str, object]:
    return msgspec.json.decode(item.arguments, type=dict[str, object])
