"""An answer, as its caller came to know it: read from what was kept of a stream that broke off."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..openai.content import ABSENT, present
from .answer import ADDED, CALL_DELTAS, CALLS, DONE, read_item
from .items import REFUSAL, SUMMARY, TEXT, THOUGHT, Form
from .shown import Frame
from .whole import IN_PROGRESS, Json, message_item, reasoning_item

MESSAGE: Final = "message"
REASONING: Final = "reasoning"

_TOOL_CALLS: Final = "tool_calls"
_SERVER_TOOLS: Final = "server_tools"
_REFUSAL: Final = "refusal"
_ANNOTATIONS: Final = "annotations"

_BARS: Final[Mapping[str, str]] = MappingProxyType(
    {MESSAGE: "", REASONING: "", **dict.fromkeys(CALLS, _TOOL_CALLS)}
)
"""What nobody else can go on with, by the type of an item; others are tools of the provider."""

_FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "output_text": TEXT,
        "refusal": REFUSAL,
        "summary_text": SUMMARY,
        "reasoning_text": THOUGHT,
    }
)
"""By the type of a part."""
_FORMS_OF_DELTAS: Final[Mapping[str, Form]] = MappingProxyType(
    {f"{form.event}.delta": form for form in _FORMS.values()}
)


class _Wire(Struct, gc=False):
    """An event that stands around words, as far as anything is read of it."""

    output_index: int | None = None
    item_id: str | None = None
    text: str | None = None
    item: Raw = ABSENT
    part: Raw = ABSENT


class _WirePart(Struct, gc=False):
    type: str = ""
    text: str | None = None
    annotations: Raw = ABSENT


class _WireItem(Struct, gc=False):
    content: list[Raw] | None = None


_decode: Final = Decoder(_Wire).decode
_decode_part: Final = Decoder(_WirePart).decode
_decode_item: Final = Decoder(_WireItem).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


class HeardPart:
    """A part of a message, or of reasoning."""

    __slots__ = ("form", "frame", "said", "texts", "whole")

    def __init__(self, form: Form, frame: str) -> None:
        self.form = form
        self.frame = frame
        """Names the events around it; empty: it began without one."""
        self.texts: list[str] = []
        self.said = False
        """Its words are whole, and the caller was told."""
        self.whole: Raw | None = None
        """All of it, once the caller has that."""

    def end(self, whole: Raw) -> None:
        """The caller has all of it."""
        self.said = True
        self.whole = whole
        if text := _decode_part(whole).text:
            self.texts = [text]


class HeardItem:
    """An item of the output."""

    __slots__ = ("done", "fields", "index", "parts", "type", "wire_id")

    def __init__(self, index: int, kind: str, wire_id: str, fields: Json) -> None:
        self.index = index
        self.type = kind
        self.wire_id = wire_id
        """Empty: the provider gave none."""
        self.fields = fields
        """As it began."""
        self.parts: list[HeardPart] = []
        self.done: Json | None = None
        """All of it, once the caller has that."""

    @property
    def text(self) -> str:
        """The words of the answer in it."""
        return "".join(["".join(part.texts) for part in self.parts if part.form is TEXT])


class Heard:
    """Reads events in their order, and gives each run of deltas to its part."""

    __slots__ = ("_items", "_part", "_placed", "_words", "bar")

    def __init__(self, words: str) -> None:
        self._words = words
        """All deltas, whatever their kind."""
        self._placed = 0
        """How many characters of them have found their part."""
        self._part: HeardPart | None = None
        """What the next deltas belong to."""
        self._items: dict[int, HeardItem] = {}
        self.bar = ""
        """As `Begun.bar`."""

    @property
    def items(self) -> list[HeardItem]:
        """The output so far."""
        return [self._items[index] for index in sorted(self._items)]

    def read(self, frame: Frame) -> None:
        """Read the next event; what is no field of it says nothing."""
        self._place(frame.at)
        hear = self._READS.get(frame.kind, Heard._on_delta)
        try:
            hear(self, frame.kind, _decode(frame.payload))
        except (DecodeError, UnicodeDecodeError, RecursionError):
            self._part = None

    def end(self) -> None:
        """No event follows."""
        self._place(len(self._words))

    def _place(self, until: int) -> None:
        if self._part is not None:
            self._part.texts.append(self._words[self._placed : until])
        self._placed = until

    def _on_item(self, _kind: str, wire: _Wire) -> None:
        self._part = None
        if present(wire.item):
            index = self._index(wire)
            known = read_item(wire.item)
            fields: Json = {**_decode_fields(wire.item)}
            self._items[index] = HeardItem(index, known.type, known.id or "", fields)
            self._see_whole(self._items[index], wire.item)

    def _on_item_done(self, kind: str, wire: _Wire) -> None:
        index = self._index(wire)
        if index not in self._items:
            self._on_item(kind, wire)
        if present(wire.item) and index in self._items:
            self._items[index].done = {**_decode_fields(wire.item)}
            self._see_whole(self._items[index], wire.item)
        self._part = None

    def _see_whole(self, item: HeardItem, raw: Raw) -> None:
        """See what an item brings itself, without or after its deltas."""
        self._bar(_BARS.get(item.type, _SERVER_TOOLS))
        if item.type != MESSAGE:
            return
        parts: list[HeardPart] = []
        for content in _decode_item(raw).content or ():
            part = self._part_of(content, "")
            if part is not None:
                part.end(content)
                parts.append(part)
        if any(part.texts for part in parts):
            item.parts = parts

    def _on_part(self, kind: str, wire: _Wire) -> None:
        self._part = self._part_of(wire.part or Raw(b"{}"), kind.removesuffix(".added"))
        if self._part is not None:
            self._item(wire, self._part.form).parts.append(self._part)

    def _on_part_done(self, _kind: str, wire: _Wire) -> None:
        if self._part is not None and present(wire.part):
            self._part_of(wire.part, "")
            self._part.end(wire.part)
        self._part = None

    def _on_words_done(self, _kind: str, wire: _Wire) -> None:
        if self._part is not None:
            self._part.said = True
            if wire.text:
                self._part.texts = [wire.text]

    def _on_annotation(self, _kind: str, _wire: _Wire) -> None:
        self._bar(_ANNOTATIONS)

    def _on_delta(self, kind: str, wire: _Wire) -> None:
        """A run of deltas begins, of the part that is open or of one that nobody announced."""
        form = _FORMS_OF_DELTAS.get(kind)
        self._part = None
        if form is None:
            self._bar(_TOOL_CALLS if kind in CALL_DELTAS else _SERVER_TOOLS)
            return
        parts = self._item(wire, form).parts
        if not parts or parts[-1].said or parts[-1].form is not form:
            parts.append(HeardPart(form, ""))
        self._part = parts[-1]
        self._bar_form(form)

    def _part_of(self, raw: Raw, frame: str) -> HeardPart | None:
        """Return a part that begins; None: it is of no kind that anybody could go on with."""
        known = _decode_part(raw)
        form = _FORMS.get(known.type)
        if present(known.annotations):
            self._bar(_ANNOTATIONS)
        if form is None:
            self._bar(_SERVER_TOOLS)
            return None
        self._bar_form(form)
        return HeardPart(form, frame)

    def _item(self, wire: _Wire, form: Form) -> HeardItem:
        """Return the item of an event; one that nobody announced is made."""
        index = self._index(wire)
        item = self._items.get(index)
        if item is None:
            write = message_item if form.item == MESSAGE else reasoning_item
            wire_id = wire.item_id or ""
            fields = write(wire_id, IN_PROGRESS, ())
            item = self._items[index] = HeardItem(index, form.item, wire_id, fields)
        return item

    def _index(self, wire: _Wire) -> int:
        """Return the place of an event's item; where it does not say, that of the last one."""
        return max(self._items, default=0) if wire.output_index is None else wire.output_index

    def _bar_form(self, form: Form) -> None:
        if form is REFUSAL:
            self._bar(_REFUSAL)

    def _bar(self, bar: str) -> None:
        self.bar = self.bar or bar

    _READS: ClassVar[Mapping[str, Callable[["Heard", str, _Wire], None]]] = MappingProxyType(
        {
            ADDED: _on_item,
            DONE: _on_item_done,
            "response.content_part.added": _on_part,
            "response.content_part.done": _on_part_done,
            "response.output_text.annotation.added": _on_annotation,
            "response.output_text.done": _on_words_done,
            "response.reasoning_part.added": _on_part,
            "response.reasoning_part.done": _on_part_done,
            "response.reasoning_summary_part.added": _on_part,
            "response.reasoning_summary_part.done": _on_part_done,
            "response.reasoning_summary_text.done": _on_words_done,
            "response.reasoning_text.done": _on_words_done,
        }
    )
    """By the type of an event; others are the first of a run of deltas."""

    FRAMES: ClassVar[frozenset[str]] = frozenset(_READS)
    """Events that stand around the words."""
