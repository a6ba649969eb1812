"""What Anthropic understands of a request."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from .scenes import Called, Heard


class _Source(Struct, frozen=True):
    media_type: str = ""
    data: str = ""


class _Block(Struct, frozen=True):
    type: str
    text: str = ""
    source: _Source | None = None
    id: str = ""
    name: str = ""
    input: Mapping[str, object] = {}
    tool_use_id: str = ""
    content: "str | list[_Block]" = ""


class _Message(Struct, frozen=True):
    role: str
    content: str | list[_Block]


class _Tool(Struct, frozen=True):
    name: str


class _Format(Struct, frozen=True):
    schema: object


class _Output(Struct, frozen=True):
    effort: str = ""
    format: _Format | None = None


class _Thinking(Struct, frozen=True):
    type: str
    budget_tokens: int | None = None


class _Body(Struct, frozen=True):
    messages: list[_Message]
    max_tokens: int
    system: str | list[_Block] = ""
    tools: list[_Tool] = []
    output_config: _Output = _Output()
    thinking: _Thinking | None = None
    stop_sequences: list[str] = []


_decode: Final = msgspec.json.Decoder(_Body).decode


def hear(raw: bytes) -> Heard:
    """Read a request."""
    body = _decode(raw)
    blocks = [block for message in body.messages for block in _blocks(message.content)]
    calls = {block.id: block for block in blocks if block.type == "tool_use"}
    sources = [block.source for block in blocks if block.source is not None]
    format_ = body.output_config.format
    budget = body.thinking.budget_tokens if body.thinking is not None else None
    return Heard(
        system=_text(body.system),
        said=tuple(text for m in body.messages if (text := _text(m.content))),
        images=tuple(f"data:{s.media_type};base64,{s.data}" for s in sources),
        tools=tuple(tool.name for tool in body.tools),
        calls=tuple(Called(call.name, call.input) for call in calls.values()),
        results=tuple(
            (str(calls[block.tool_use_id].input["city"]), _text(block.content))
            for block in blocks
            if block.type == "tool_result"
        ),
        schema=format_.schema if format_ is not None else None,
        stop=tuple(body.stop_sequences),
        effort=body.output_config.effort or str(budget or ""),
        max_tokens=body.max_tokens,
    )


def _blocks(content: str | list[_Block]) -> Sequence[_Block]:
    return content if isinstance(content, list) else (_Block("text", text=content),)


def _text(content: str | list[_Block]) -> str:
    return "".join(block.text for block in _blocks(content))
