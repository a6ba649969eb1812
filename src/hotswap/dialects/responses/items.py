"""Items of a stream that is being written: what is open, and the events that say so."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, Encoder
from msgspec.json import format as one_line

from ..neutral import Call, RefusalPiece, TextPiece, ThinkingPiece
from .whole import (
    IN_PROGRESS,
    Json,
    call_item,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
    thought_part,
)

WordKind = type[TextPiece] | type[RefusalPiece] | type[ThinkingPiece]

_encode: Final = Encoder().encode
_decode_object: Final = Decoder(dict[str, Raw]).decode


class Form(Struct, frozen=True):
    """How one kind of words is written."""

    item: str
    """The type of the item that holds them."""
    frame: str
    """Names the events around a part."""
    event: str
    """Names the events of its words."""
    place: str
    """The field that numbers the parts of an item."""
    field: str
    """The field of the whole words."""
    part: Callable[[str], Json]
    more: Json
    """Further fields of the events of words."""


TEXT: Final = Form(
    item="message",
    frame="response.content_part",
    event="response.output_text",
    place="content_index",
    field="text",
    part=text_part,
    more={"logprobs": []},
)
REFUSAL: Final = Form(
    item="message",
    frame="response.content_part",
    event="response.refusal",
    place="content_index",
    field="refusal",
    part=refusal_part,
    more={},
)
SUMMARY: Final = Form(
    item="reasoning",
    frame="response.reasoning_summary_part",
    event="response.reasoning_summary_text",
    place="summary_index",
    field="text",
    part=summary_part,
    more={},
)
THOUGHT: Final = Form(
    item="reasoning",
    frame="response.reasoning_part",
    event="response.reasoning_text",
    place="content_index",
    field="text",
    part=thought_part,
    more={},
)

_FORMS: Final[Mapping[WordKind, Form]] = {
    TextPiece: TEXT,
    RefusalPiece: REFUSAL,
    ThinkingPiece: SUMMARY,
}


def item_type(kind: WordKind) -> str:
    """Return the type of the item that words of a kind belong to."""
    return _FORMS[kind].item


class Events:
    """Writes events and numbers them without a gap."""

    __slots__ = ("_number", "_out")

    def __init__(self, number: int = 0) -> None:
        self._number = number
        self._out: list[bytes] = []

    def add(self, kind: str, fields: Json) -> None:
        """Write an event."""
        wire = _encode({"type": kind, **fields, "sequence_number": self._number})
        if b"\n" in wire or b"\r" in wire:
            # A caller's own schema may be set out in lines; the data of an event is one line.
            wire = one_line(wire, indent=-1)
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), wire))
        self._number += 1

    def add_delta(self, before: bytes, text: str, after: bytes) -> None:
        """Write an event whose bytes are known but for its text and its number."""
        self._out.append(b"%b%b%b%d}\n\n" % (before, _encode(text), after, self._number))
        self._number += 1

    def taken(self) -> bytes:
        """Return what was written since it was last taken."""
        out = b"".join(self._out)
        self._out.clear()
        return out


class Words:
    """An open message, or open reasoning."""

    __slots__ = (
        "_after",
        "_at",
        "_before",
        "_item",
        "_parts",
        "_place",
        "_texts",
        "_wire_id",
        "index",
        "kind",
    )

    def __init__(self, wire_id: str, index: int, kind: WordKind, item: Json | None = None) -> None:
        form = _FORMS[kind]
        self._wire_id = wire_id
        self._place = "content" if form.item == "message" else "summary"
        write = message_item if form.item == "message" else reasoning_item
        self._item = item or write(wire_id, IN_PROGRESS, ())
        """As it began; a provider's own has more to say than one of ours."""
        self._parts: list[Json | Raw] = []
        self._texts: list[str] = []
        self._at: Json = {}
        self._before = self._after = b""
        self.index = index
        """Of the item in the output."""
        self.kind: WordKind | None = None
        """Of the open part; None: no part is open."""

    def item(self, status: str) -> Json:
        """Write the item with what there is of its parts."""
        parts = self._parts
        if self.kind is not None:
            parts = [*parts, _FORMS[self.kind].part("".join(self._texts))]
        return {**self._item, "status": status, self._place: tuple(parts)}

    def takes(self, kind: WordKind) -> bool:
        """Say whether words of a kind belong to this item."""
        return ("content" if _FORMS[kind].item == "message" else "summary") == self._place

    def take_up(self, parts: Sequence[Json | Raw], text: str | None) -> None:
        """Go on with a message that somebody else began.

        Args:
            parts: Those that are whole.
            text: The words of the one that is open; None: none is.
        """
        self._parts.extend(parts)
        if text is not None:
            self._open(TextPiece)
            self._texts.append(text)

    def begin(self, kind: WordKind, events: Events) -> None:
        """Begin the next part, for words of another kind."""
        self._end_part(events)
        self._open(kind)
        form = _FORMS[kind]
        events.add(f"{form.frame}.added", {**self._at, "part": form.part("")})

    def say(self, text: str, events: Events) -> None:
        """Write the next words of the open part."""
        self._texts.append(text)
        events.add_delta(self._before, text, self._after)

    def close(self, status: str, events: Events) -> Json:
        """End the open part; return the whole item."""
        self._end_part(events)
        return self.item(status)

    def _open(self, kind: WordKind) -> None:
        """Make ready for the words of the next part."""
        self.kind = kind
        form = _FORMS[kind]
        self._at = {
            "item_id": self._wire_id,
            "output_index": self.index,
            form.place: len(self._parts),
        }
        delta = f"{form.event}.delta"
        head = _encode({"type": delta, **self._at, "delta": ""}).removesuffix(b'""}')
        self._before = b"event: %b\ndata: %b" % (delta.encode(), head)
        more = _encode({**form.more, "sequence_number": 0}).removesuffix(b"0}")
        self._after = b"," + more.removeprefix(b"{")

    def _end_part(self, events: Events) -> None:
        if self.kind is None:
            return
        form = _FORMS[self.kind]
        text = "".join(self._texts)
        part = form.part(text)
        events.add(f"{form.event}.done", {**self._at, form.field: text, **form.more})
        events.add(f"{form.frame}.done", {**self._at, "part": part})
        self._parts.append(part)
        self._texts.clear()
        self.kind = None


class OpenCall:
    """A call whose arguments come."""

    __slots__ = ("_after", "_at", "_before", "_call", "_texts", "_wire_id", "index")

    def __init__(self, wire_id: str, index: int, call: Call) -> None:
        self._wire_id = wire_id
        self._call = call
        self._texts: list[str] = []
        self._at: Json = {"item_id": wire_id, "output_index": index}
        self._before = (
            b"event: response.function_call_arguments.delta\n"
            b'data: {"type":"response.function_call_arguments.delta",'
            b'"item_id":%b,"output_index":%d,"delta":' % (_encode(wire_id), index)
        )
        self._after = b',"sequence_number":'
        self.index = index
        """Of the item in the output."""

    def item(self, status: str) -> Json:
        """Write the item with its arguments so far."""
        call = self._call
        return call_item(self._wire_id, status, Call(call.id, call.name, "".join(self._texts)))

    def is_whole(self) -> bool:
        """Say whether nothing more of the arguments can come."""
        try:
            _decode_object("".join(self._texts))
        except (DecodeError, RecursionError):
            return False
        return True

    def say(self, text: str, events: Events) -> None:
        """Write the next characters of the arguments."""
        self._texts.append(text)
        events.add_delta(self._before, text, self._after)

    def close(self, status: str, events: Events) -> Json:
        """End the arguments, which are `{}` where none came; return the whole item."""
        if not self._texts:
            self.say("{}", events)
        arguments = "".join(self._texts)
        done = {**self._at, "name": self._call.name, "arguments": arguments}
        events.add("response.function_call_arguments.done", done)
        return self.item(status)
