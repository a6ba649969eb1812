"""Takes up an answer that broke off: from what the caller has to a writer that goes on with it."""

from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ..api import Begun, Envelope
from ..neutral import TextPiece
from ..openai.content import ABSENT
from .answer import COMPLETED, DONE
from .heard import MESSAGE, REASONING, Heard, HeardItem, HeardPart
from .items import SUMMARY, TEXT, Events, Words
from .shown import Shown
from .whole import INCOMPLETE, Json, item_id, response_fields
from .writer import Before, ResponsesWriter


class _Event(Struct, gc=False):
    response: Raw = ABSENT


_decode: Final = Decoder(_Event).decode
_decode_fields: Final = Decoder(dict[str, Raw]).decode


def take_up(shown: Shown, envelope: Envelope) -> Begun:
    """Say what an answer amounts to for its caller, and make ready to go on with it.

    An open message stays open. Reasoning that is open is closed, because nobody else has those
    thoughts, and it says by an empty proof that it has none. So is a part whose words are whole.
    """
    frames, words, number = shown.given()
    fields = _response(shown.begun)
    if not fields and not frames:
        return Begun("", ResponsesWriter(envelope))
    heard = Heard(words)
    for frame in frames:
        heard.read(frame)
    heard.end()
    before = Before(fields or response_fields(envelope), Events(number + 1))
    items = heard.items
    for item in items:
        item.wire_id = item.wire_id or _made_id(item, envelope)
        _leave(item, before, last=item is items[-1])
    text = "".join([item.text for item in items])
    writer = ResponsesWriter(envelope, before)
    return Begun(text, writer, heard.bar, closed=bool(text) and _is_closed(items[-1]))


def _is_closed(item: HeardItem) -> bool:
    """Say whether all words of the last item have come."""
    if item.type != MESSAGE:
        return False
    return item.done is not None or (bool(item.parts) and bool(item.parts[-1].said))


def _response(begun: bytes) -> Json:
    """Return the response that an event brings. No provider stores what will become of it."""
    try:
        fields = _decode_fields(_decode(begun or b"{}").response or Raw(b"{}"))
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return {**fields, "store": False} if fields else {}


def _made_id(item: HeardItem, envelope: Envelope) -> str:
    kind = item.type if item.type in {MESSAGE, REASONING} else MESSAGE
    return item_id(kind, item.index, envelope)


def _leave(item: HeardItem, before: Before, *, last: bool) -> None:
    """Leave an item to the writer: whole, open, or closed now.

    Quirk: OpenAI takes reasoning back only together with what it led to, and that is lost where
    the reasoning comes last. So the final response has it without its proof.
    """
    if item.done is not None:
        lost = last and item.type == REASONING
        proof: Json = {"encrypted_content": ""} if lost else {}
        before.output[item.index] = {**item.done, **proof}
    elif item.type == MESSAGE and last:
        words = before.words = Words(item.wire_id, item.index, TextPiece, item.fields)
        parts = list(item.parts)
        tail = parts.pop() if parts and parts[-1].form is TEXT and not parts[-1].said else None
        whole = [_whole(item, part, place, before.events) for place, part in enumerate(parts)]
        words.take_up(whole, None if tail is None else "".join(tail.texts))
        before.output[item.index] = item.fields
    elif item.type in {MESSAGE, REASONING}:
        fields = before.output[item.index] = _closed(item, before.events)
        at: Json = {"output_index": item.index, "item": fields}
        before.events.add(DONE, at)
    else:
        before.output[item.index] = item.fields


def _closed(item: HeardItem, events: Events) -> Json:
    """End the parts of an item; return all of it."""
    summary: list[Json | Raw] = []
    content: list[Json | Raw] = []
    for part in item.parts:
        parts = summary if part.form is SUMMARY else content
        parts.append(_whole(item, part, len(parts), events))
    if item.type == MESSAGE:
        return {**item.fields, "status": COMPLETED, "content": content}
    fields = {**item.fields, "status": INCOMPLETE, "summary": summary, "encrypted_content": ""}
    return {**fields, "content": content} if content else fields


def _whole(item: HeardItem, part: HeardPart, place: int, events: Events) -> Json | Raw:
    """Return a part whole; the caller is told what it was not told yet."""
    if part.whole is not None:
        return part.whole
    form, text = part.form, "".join(part.texts)
    whole = form.part(text)
    at: Json = {"item_id": item.wire_id, "output_index": item.index, form.place: place}
    if not part.said:
        events.add(f"{form.event}.done", {**at, form.field: text, **form.more})
    if part.frame:
        events.add(f"{part.frame}.done", {**at, "part": whole})
    return whole
