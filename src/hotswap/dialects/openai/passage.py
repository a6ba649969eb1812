"""A stream of OpenAI's dialect on its way to a caller of the same: forwarded, and watched."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from msgspec import DecodeError, Raw, ValidationError
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace
from typing_extensions import override

from ...core.splice import BYTES_PER_TOKEN
from ...core.terms import Cause, Failure, Usage
from ..api import Begun, Envelope
from ..fault import read_in_band
from ..sse import Event
from ..surrogates import mended
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from ..watching import WatchedPassage, is_json
from .answer import FAILED_FINISHES, Answer, Choice, decode
from .chunk import DONE
from .content import ABSENT, present, size_of
from .loose import read_loosely
from .told import Told
from .usage import read_usage

MAX_CHOICES: Final = 128
"""As many as a request may ask for."""
MAX_FINISH: Final = 64
"""Characters of a finish reason that are remembered."""

_ENDING: Final = (b'"delta":{}', b'"delta": {}', b'"finish_reason":"', b'"finish_reason": "')
"""Of chunks, only those that say no word more hold one of these."""
_NULL_BYTES: Final = len(b"null")
_NULL_USAGES: Final = (b',"usage":null', b', "usage": null')


_decode_fields: Final = Decoder(dict[str, Raw]).decode
_encode: Final = Encoder().encode


class OpenAIPassage(WatchedPassage):
    """Implements `Passage`.

    A stream is whole when every choice that was seen has its finish reason and content came. Fails
    on an error in any place, on a finish reason that means one, on what is no JSON, on an end
    before the finish, and on an answer without content.

    Args:
        usage_asked: The caller wants the usage event; one that never came is estimated.
        hold_calls: From the first piece of a call on, nothing is forwarded before the stream is
            whole.
        prompt_tokens: Estimate, for a usage that never came; None: none is made up.
    """

    __slots__ = (
        "_called",
        "_cut_off",
        "_finishes",
        "_open",
        "_prompt_tokens",
        "_told",
        "_usage_asked",
    )

    def __init__(
        self, *, usage_asked: bool, hold_calls: bool = False, prompt_tokens: int | None = None
    ) -> None:
        super().__init__(hold_calls=hold_calls)
        self._cut_off = b""
        """The beginning of an event whose rest will never come."""
        self._usage_asked = usage_asked
        self._prompt_tokens = prompt_tokens
        self._told = Told()
        self._called = False
        """A piece of a call was seen."""
        self._open: set[int] = set()
        self._finishes: dict[int, str] = {}

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent (a missing terminator)."""
        if self.failure is not None or self._ended:
            return b""
        last, event = b"", self._last()
        if event is not None:
            last = self._take(event)
            if self.failure is not None or self._ended:
                return last
        return last + self._finish()

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last."""
        begun = self._told.begun(envelope)
        return replace(begun, closed=True) if self.closed else begun

    @property
    def closed(self) -> bool:
        """The chunk that ends the answer had begun to come."""
        tail = self._cut_off or self._splitter.unfinished
        return any(mark in tail for mark in _ENDING)

    @override
    def _take(self, event: Event) -> bytes:
        """Judge one event; return the bytes to forward."""
        try:
            return self._judge(decode(event.payload), event)
        except ValidationError:
            chunk = read_loosely(event.payload)
            return self._take_odd(event) if chunk is None else self._judge(chunk, event)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_odd(event)

    def _judge(self, chunk: Answer, event: Event) -> bytes:
        if chunk.error is not ABSENT or chunk.x_groq is not None or event.name == b"error":
            self._look_for_error(chunk, event)
        choices = chunk.choices
        if choices:
            for choice in choices:
                self._see(choice)
        if self.failure is not None:
            return b""
        if chunk.usage is not ABSENT:
            raw = self._with_usage(chunk, event.raw)
        else:
            # A chunk without `choices` makes the loops of callers crash, and tells them nothing.
            raw = b"" if choices is None else event.raw
        if not raw:
            return b""
        if self._called:
            return self._forward_call(choices or (), event.payload, raw)
        if choices:
            self._told.take(choices, event.payload)
        self.shown = self.started
        return raw

    def _forward_call(self, choices: Sequence[Choice], payload: bytes, raw: bytes) -> bytes:
        """Return what to forward of an answer with a call: all once it is whole, if held."""
        hold = self._hold
        if not self.complete:
            hold.begin()
        forward = hold.keep(raw)
        if self.complete:
            forward += hold.release()
        self._told.keep(choices, payload)
        if forward:
            self._told.release()
            self.shown = self.started
        self.holding = hold.on
        return forward

    @override
    def _take_done(self) -> bytes:
        return self._finish()

    def _see(self, choice: Choice) -> None:
        """Note the content and the finish of one choice's piece."""
        index = choice.index or 0
        finish = choice.finish_reason
        size = 0
        delta = choice.delta
        if delta is not None:
            text = delta.content
            size = len(text.encode()) if text and type(text) is str else size_of(delta)
            if delta.tool_calls or delta.function_call is not None:
                self._called = True
        if size:
            self.started = True
            self.content_bytes += size
        if size or finish:
            self.progress += 1
        if choice.error is not ABSENT and present(choice.error):
            self._fail(read_in_band("", bytes(choice.error)))
        elif finish:
            self._see_finish(index, finish)
        elif index not in self._open and index not in self._finishes:
            self._open.add(index)
            self.complete = False
            self._count_choices()

    def _see_finish(self, index: int, finish: str) -> None:
        if finish in FAILED_FINISHES:
            self._fail(Failure(Cause.HARD, FAILED_FINISHES[finish], 200))
            return
        self._open.discard(index)
        self._finishes[index] = finish[:MAX_FINISH]
        self._count_choices()
        self.complete = not self._open and self.failure is None

    def _count_choices(self) -> None:
        """Fail an answer with so many choices that only a broken server can mean it."""
        if len(self._open) + len(self._finishes) > MAX_CHOICES:
            self._fail(MALFORMED)

    def _look_for_error(self, chunk: Answer, event: Event) -> None:
        groq = chunk.x_groq
        if present(chunk.error):
            self._fail(read_in_band("", event.payload))
        elif groq is not None and present(groq.error):
            self._fail(read_in_band("groq", bytes(groq.error)))
        elif event.name == b"error":
            self._fail(read_in_band("", event.payload))
        elif groq is not None and self.usage is None:
            self.usage = read_usage(groq.usage)

    def _with_usage(self, chunk: Answer, raw: bytes) -> bytes:
        """Note the usage; leave out of the event what the caller did not ask for."""
        if len(chunk.usage) > _NULL_BYTES:
            self.usage = read_usage(chunk.usage) or self.usage
            return raw if self._usage_asked or chunk.choices else b""
        if chunk.choices is None:
            return b""
        return raw if self._usage_asked else _without_null_usage(raw)

    @override
    def _last(self) -> Event | None:
        """Take `[DONE]` as well, and remember the beginning of what was cut off."""
        event = self._splitter.rest()
        if event is None or event.payload.strip() == b"[DONE]" or is_json(mended(event.payload)):
            return event
        self._cut_off = event.payload
        return None

    def _finish(self) -> bytes:
        """Judge the whole at its end; return the terminator if it is sound."""
        if self.complete and (self.started or self._may_be_empty()):
            self._ended = True
            return self._missing_usage() + DONE
        if self.complete:
            self._fail(EMPTY)
        else:
            self._fail(TRUNCATED)
        return b""

    def _missing_usage(self) -> bytes:
        """Return an estimated usage event if the caller waits for one that never came."""
        if self.usage is not None or not self._usage_asked or self._prompt_tokens is None:
            return b""
        tokens = ceil(self.content_bytes / BYTES_PER_TOKEN)
        self.usage = Usage(self._prompt_tokens, tokens, estimated=True)
        return self._told.usage_event(self.usage)

    def _may_be_empty(self) -> bool:
        """Say whether no content is the answer: filtered, or all tokens went into reasoning."""
        finishes = set(self._finishes.values())
        reasoned = self.usage is not None and self.usage.reasoning_tokens > 0
        return "content_filter" in finishes or (reasoned and "length" in finishes)


def _without_null_usage(raw: bytes) -> bytes:
    """Remove `"usage":null`. Quotes in JSON strings are escaped, so the bytes are a field."""
    for field in _NULL_USAGES:
        at = raw.rfind(field)
        if at > 0:
            return raw[:at] + raw[at + len(field) :]
    payload = raw.removeprefix(b"data:")
    try:
        fields = _decode_fields(payload)
    except (DecodeError, UnicodeDecodeError):
        return raw
    fields.pop("usage", None)
    return b"data: " + _encode(fields) + b"\n\n"
