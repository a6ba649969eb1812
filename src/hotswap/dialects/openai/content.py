"""What counts as content in OpenAI's dialect, in whole messages and in deltas alike."""

from typing import Final

from msgspec import Raw, Struct

ABSENT: Final = Raw()
"""Default of raw fields: `is ABSENT` tells a field that is not there from a null."""
_EMPTY_MAX: Final = len(b"false")
_EMPTY: Final = frozenset({b"", b"null", b'""', b"{}", b"[]", b"false"})


class Function(Struct, gc=False):
    """The function of a call; `arguments` is a string, at some servers an object."""

    name: str | None = None
    arguments: Raw = ABSENT


class Call(Struct, gc=False):
    """A tool call, or the next piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Raw = ABSENT
    extra_content: Raw = ABSENT
    """Google's: the thought signature of the call."""


class Part(Struct, gc=False):
    """A piece of content where content is a list, as Mistral's thinking and text."""

    type: str = ""
    text: str | None = None
    thinking: Raw = ABSENT


class Present(Struct, gc=False):
    """An object of which matters only that it is there."""


class Content(Struct, gc=False):
    """A message or a delta, as far as it tells content from none."""

    role: str | None = None
    content: str | list[Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    audio: Raw = ABSENT
    images: Raw = ABSENT
    annotations: list[Present] | None = None
    """Where words come from, by their place in the text."""


def present(raw: Raw) -> bool:
    """Say whether a raw field holds something: not null, not false, not empty."""
    return len(raw) > _EMPTY_MAX or bytes(raw) not in _EMPTY


def size_of(content: Content) -> int:
    """Return the bytes of content, or about so; 0: there is none."""
    text = content.content
    size = 0
    if isinstance(text, str):
        size = len(text.encode())
    elif text:
        size = sum(_part_size(part) for part in text)
    for more in (content.reasoning_content or content.reasoning, content.refusal):
        if more:
            size += len(more.encode())
    if content.tool_calls:
        size += sum(1 + _call_size(call) for call in content.tool_calls)
    if content.function_call is not None:
        size += 1 + _function_size(content.function_call)
    for raw in (content.audio, content.images):
        if raw and present(raw):
            size += len(raw)
    return size


def _part_size(part: Part) -> int:
    if part.text is not None:
        return len(part.text.encode())
    if part.type == "thinking":
        return len(part.thinking) if present(part.thinking) else 0
    return 1


def _call_size(call: Call) -> int:
    return len(call.custom) if call.function is None else _function_size(call.function)


def _function_size(function: Function) -> int:
    return len(function.name or "") + max(len(function.arguments) - 2, 0)
