"""What a provider of OpenAI's chat dialect understands of a request."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from .scenes import Called, Heard


class _Url(Struct, frozen=True):
    url: str


class _Part(Struct, frozen=True):
    type: str
    text: str = ""
    image_url: _Url | str | None = None


class _Function(Struct, frozen=True):
    name: str
    arguments: str = ""


class _Call(Struct, frozen=True):
    id: str
    function: _Function


class _Message(Struct, frozen=True):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] = []
    tool_call_id: str = ""


class _Tool(Struct, frozen=True):
    function: _Function


class _Schema(Struct, frozen=True):
    schema: object


class _Format(Struct, frozen=True):
    json_schema: _Schema


class _Body(Struct, frozen=True):
    messages: list[_Message]
    tools: list[_Tool] = []
    response_format: _Format | None = None
    stop: list[str] = []
    reasoning_effort: str = ""
    chat_template_kwargs: Mapping[str, bool] = {}
    max_completion_tokens: int | None = None
    max_tokens: int | None = None


_decode: Final = msgspec.json.Decoder(_Body).decode


def hear(raw: bytes) -> Heard:
    """Read a request."""
    body = _decode(raw)
    system = [m for m in body.messages if m.role in {"system", "developer"}]
    rest = [m for m in body.messages if m.role in {"user", "assistant"}]
    calls = [call for m in body.messages for call in m.tool_calls]
    cities = {c.id: _arguments(c)["city"] for c in calls}
    thinks = body.chat_template_kwargs.get("enable_thinking")
    return Heard(
        system="\n\n".join(_text(m) for m in system),
        said=tuple(text for m in rest if (text := _text(m))),
        images=tuple(_image(part) for m in rest for part in _parts(m) if part.image_url),
        tools=tuple(tool.function.name for tool in body.tools),
        calls=tuple(Called(c.function.name, _arguments(c)) for c in calls),
        results=tuple(
            (str(cities[m.tool_call_id]), _text(m)) for m in body.messages if m.role == "tool"
        ),
        schema=body.response_format.json_schema.schema if body.response_format else None,
        stop=tuple(body.stop),
        effort=body.reasoning_effort or {True: "on", False: "off", None: ""}[thinks],
        max_tokens=body.max_completion_tokens or body.max_tokens or 0,
    )


def _parts(message: _Message) -> Sequence[_Part]:
    return message.content if isinstance(message.content, list) else ()


def _text(message: _Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in _parts(message))


def _image(part: _Part) -> str:
    address = part.image_url
    return address.url if isinstance(address, _Url) else address or ""


def _arguments(call: _Call) -> Mapping[str, object]:
    return msgspec.json.decode(call.function.arguments, type=dict[str, object])
