"""The content of a caller's messages of Anthropic's dialect, understood."""

from collections.abc import Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..neutral import Call, File, Image, Part, Result, Role, Text, Thinking
from .request import wrong

_NO_RAW: Final = Raw()
_EMPTY: Final = frozenset({b"", b"null", b"[]", b"{}"})
MAX_DEPTH: Final = 8
"""So deep may blocks lie in blocks; Anthropic knows two."""

_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


class _Source(Struct, gc=False):
    type: str = ""
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: Raw = _NO_RAW


class _Citations(Struct, gc=False):
    enabled: bool | None = None


class Block(Struct, gc=False):
    """Any block of a message."""

    type: str = ""
    text: str | None = None
    source: Raw = _NO_RAW
    title: str | None = None
    context: str | None = None
    citations: Raw = _NO_RAW
    id: str | None = None
    name: str | None = None
    input: Raw = _NO_RAW
    tool_use_id: str | None = None
    content: Raw = _NO_RAW
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    cache_control: Raw = _NO_RAW


class Message(Struct, gc=False):
    """One message."""

    role: str
    content: str | list[Block]


_decode_content: Final = Decoder(str | list[Block] | None).decode
_decode_block: Final = Decoder(Block).decode
_decode_source: Final = Decoder(_Source).decode
_decode_citations: Final = Decoder(_Citations).decode
_decode_text: Final = Decoder(str).decode


def is_set(raw: Raw) -> bool:
    """Say whether a raw field is there and neither null nor empty."""
    return bytes(raw) not in _EMPTY


class ContentReader:
    """Reads content, and remembers what of it other dialects cannot follow."""

    __slots__ = ("dropped", "native")

    def __init__(self) -> None:
        self.native: list[str] = []
        """What only Anthropic can do."""
        self.dropped: list[str] = []
        """What colours the answer at most."""

    def role(self, name: str, at: int) -> Role:
        """Read the role of the message at a place; raises `RefusedError`."""
        role = _ROLES.get(name)
        if role is None:
            raise wrong(f"messages.{at}.role", "'user' or 'assistant'")
        return role

    def system(self, system: str | list[Raw] | None) -> list[Part]:
        """Read the system prompt."""
        if not system:
            return []
        if isinstance(system, str):
            return [Text(system)]
        try:
            blocks = [_decode_block(block) for block in system]
        except (DecodeError, UnicodeDecodeError) as error:
            raise wrong("system", f"valid: {error}") from None
        return [Text(block.text, is_set(block.cache_control)) for block in blocks if block.text]

    def parts(self, content: str | Sequence[Block], depth: int = 0) -> list[Part]:
        """Read text or blocks; raises `RefusedError`."""
        if isinstance(content, str):
            return [Text(content)]
        parts: list[Part] = []
        for block in content:
            self._read(block, parts, depth)
        return parts

    def _nested(self, content: Raw, depth: int) -> list[Part]:
        """Read what lies in a block."""
        if depth >= MAX_DEPTH:
            raise wrong("messages", "nested less deeply")
        try:
            inner = _decode_content(content) if content else None
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise wrong("messages", f"valid: {error}") from None
        return self.parts(inner or (), depth + 1)

    def _read(self, block: Block, parts: list[Part], depth: int) -> None:
        match block.type:
            case "text":
                parts.append(Text(block.text or "", is_set(block.cache_control)))
            case "image":
                self._read_image(block, parts)
            case "document":
                self._read_document(block, parts, depth)
            case "search_result":
                parts.append(self._search_result(block, depth))
            case "tool_use":
                parts.append(Call(block.id or "", block.name or "", _arguments(block.input)))
            case "tool_result":
                parts.append(self._result(block, depth))
            case "thinking":
                parts.append(Thinking(block.thinking or "", block.signature or ""))
            case "redacted_thinking" | "fallback":
                pass  # Means nothing to others.
            case _:
                self.native.append("server_tools")

    def _read_image(self, block: Block, parts: list[Part]) -> None:
        source = self._source(block)
        if source.type == "url":
            parts.append(Image(url=source.url or ""))
        elif source.type == "base64":
            parts.append(Image(source.media_type or "", source.data or ""))
        else:
            self.native.append("file_id")

    def _read_document(self, block: Block, parts: list[Part], depth: int) -> None:
        """Read a document; one of plain text becomes text, which everybody takes."""
        if _cites(block):
            self.dropped.append("citations")
        source = self._source(block)
        if block.context and source.type != "text":
            parts.append(Text(block.context))
        name = block.title or ""
        if source.type == "base64":
            media_type = source.media_type or "application/pdf"
            parts.append(File(media_type, source.data or "", name=name))
        elif source.type == "url":
            parts.append(File(url=source.url or "", name=name))
        elif source.type == "text":
            words = (name, block.context or "", source.data or "")
            parts.append(Text("\n\n".join(filter(None, words)), is_set(block.cache_control)))
        elif source.type == "content":
            if name:
                parts.append(Text(name))
            parts += self._nested(source.content, depth)
        else:
            self.native.append("file_id")

    def _search_result(self, block: Block, depth: int) -> Text:
        """Read a passage that the caller found itself, with where it is from."""
        try:
            origin = _decode_text(block.source) if block.source else ""
        except DecodeError:
            raise wrong("messages.content.source", "a valid string") from None
        passage = self._nested(block.content, depth)
        words = [part.text for part in passage if isinstance(part, Text)]
        words = [word for word in (block.title, origin, *words) if word]
        return Text("\n\n".join(words), is_set(block.cache_control))

    def _result(self, block: Block, depth: int) -> Result:
        parts = [
            part
            for part in self._nested(block.content, depth)
            if isinstance(part, Text | Image | File)
        ]
        return Result(block.tool_use_id or "", parts, failed=block.is_error is True)

    def _source(self, block: Block) -> _Source:
        try:
            return _decode_source(block.source)
        except (DecodeError, UnicodeDecodeError):
            raise wrong(f"messages.content.{block.type}.source", "a valid dictionary") from None


def _cites(block: Block) -> bool:
    """Say whether the caller wants to be told where in a document the answer is from."""
    try:
        return is_set(block.citations) and _decode_citations(block.citations).enabled is True
    except (DecodeError, UnicodeDecodeError):
        return False


def _arguments(raw: Raw) -> str:
    """Return the JSON text of a call's input; raises `RefusedError` where it is no object."""
    if not is_set(raw):
        return "{}"
    text = bytes(raw).decode()
    if not text.startswith("{"):
        raise wrong("messages.content.tool_use.input", "a valid dictionary")
    return text
