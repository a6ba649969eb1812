"""How one target is spoken to: in the caller's own bytes, or translated."""

from collections.abc import Sequence
from math import ceil
from typing import Final, Protocol

from msgspec import Raw, Struct

from ..clock import Clock
from ..core.terms import Failure, Needs, Provider, Target, Usage
from ..dialects.api import (
    Envelope,
    Outgoing,
    Passage,
    Peek,
    Reader,
    Translator,
    UnableError,
    Writer,
)
from ..dialects.fault import after_translation
from ..dialects.neutral import Piece
from ..dialects.openai.kinds import STRANGERS
from ..dialects.registry import TRANSLATORS
from ..dialects.stopping import StopCutter, cut_reply, first_call_of, first_call_only
from ..upstream.api import Headers
from .limits import BYTES_PER_TOKEN
from .line import Line
from .routes import Route

_NO_THINKING: Final = Raw(b'"none"')


class Said(Struct, frozen=True, gc=False):
    """A whole answer, ready for the caller."""

    body: bytes
    usage: Usage | None


class Speech(Protocol):
    """One request to one target, and the understanding of what comes back."""

    def forwarded(self, headers: Headers) -> bytes:
        """Write those of the caller's header lines that travel on."""
        ...

    def answer(self, body: bytes) -> Said | Failure:
        """Judge a whole answer, and put it into the caller's words."""
        ...

    def passage(self) -> Passage:
        """Begin the caller's stream."""
        ...

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        """Classify an answer whose status is not 2xx."""
        ...


def say(line: Line, target: Target, provider: Provider, clock: Clock) -> tuple[Outgoing, Speech]:
    """Put the request of `line` into words that `target` understands.

    The request is not part of the speech: its body need not live as long as the answer takes.

    Args:
        line: The request.
        target: Where it goes.
        provider: Whose it is.
        clock: Dates answers of our own writing.

    Raises:
        UnableError: It cannot be said to this target.
        RefusedError: The request has a fault that only translation finds.
    """
    route, request = line.route, line.request
    spoken = _spoken(request, target, provider)
    if spoken in route.passes and not _conflicts(route, request, target, provider):
        return route.dialect.pass_request(request, target, provider.kind), _Same(route, request)
    if route.translator is None:
        raise UnableError(route.name)
    translator = TRANSLATORS[spoken]
    neutral = line.neutral(route.translator)
    outgoing = translator.write_request(neutral, target, provider.kind)
    envelope = Envelope(
        line.request_id, int(clock.unix()), target.model, neutral, array=request.array
    )
    speech = _Translated(translator, route.translator, envelope, outgoing.stop, request.needs)
    return outgoing, speech


def _spoken(request: Peek, target: Target, provider: Provider) -> str:
    """Return the dialect to speak: OpenAI's newest models think with tools by Responses only."""
    if (
        provider.dialect == "openai_chat"
        and target.abilities.responses_tools
        and request.needs.tools
        and request.fields.get("reasoning_effort") != _NO_THINKING
    ):
        return "openai_responses"
    return provider.dialect


def _conflicts(route: Route, request: Peek, target: Target, provider: Provider) -> bool:
    """Say whether the caller's bytes hold what has to be done here instead of at the target."""
    if route.translator is None:
        return False
    abilities = target.abilities
    return (
        (request.sampled and not abilities.sampling)
        or (request.stops and not abilities.stop)
        or provider.kind in STRANGERS
    )


class _Same:
    """Both sides speak alike: bytes pass, and are watched."""

    __slots__ = ("_dialect", "_finish", "_request")

    def __init__(self, route: Route, request: Peek) -> None:
        self._dialect = route.dialect
        self._finish = route.finish
        self._request = request

    def forwarded(self, headers: Headers) -> bytes:
        return self._dialect.pass_headers(headers)

    def answer(self, body: bytes) -> Said | Failure:
        verdict = self._dialect.judge_reply(body)
        if isinstance(verdict, Failure):
            return verdict
        if self._finish is not None:
            body = self._finish(body, self._request)
        return Said(body, verdict.usage)

    def passage(self) -> Passage:
        return self._dialect.passage(self._request, hold_calls=True)

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        return self._dialect.read_fault(kind, status, headers, body)


class _Translated:
    """The sides speak differently, or the target does not take all that was said."""

    __slots__ = ("_caller", "_envelope", "_needs", "_spoken", "_stop")

    def __init__(
        self,
        spoken: Translator,
        caller: Translator,
        envelope: Envelope,
        stop: Sequence[str],
        needs: Needs,
    ) -> None:
        self._spoken = spoken
        self._stop = stop
        self._caller = caller
        self._envelope = envelope
        self._needs = needs

    def forwarded(self, headers: Headers) -> bytes:  # noqa: ARG002 - opt-ins are the dialect's own
        return b""

    def answer(self, body: bytes) -> Said | Failure:
        reply = self._spoken.read_reply(body)
        if isinstance(reply, Failure):
            return after_translation(reply)
        if self._envelope.request.parallel is False:
            reply = first_call_of(reply)
        if self._stop:
            reply = cut_reply(reply, self._stop)
        return Said(self._caller.write_reply(reply, self._envelope), reply.usage)

    def passage(self) -> Passage:
        return Translation(
            self._spoken.reader(),
            self._caller.writer(self._envelope),
            self._stop,
            prompt_tokens=self._needs.prompt_tokens,
            one_call=self._envelope.request.parallel is False,
        )

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        return after_translation(self._spoken.read_fault(kind, status, headers, body))


class Translation:
    """Implements `Passage`: a provider's stream, read in one dialect and written in another."""

    __slots__ = (
        "_cutter",
        "_one_call",
        "_prompt_tokens",
        "_reader",
        "_writer",
        "complete",
        "content_bytes",
        "cut",
        "failure",
        "over",
        "progress",
        "started",
        "usage",
    )

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        stop: Sequence[str],
        *,
        prompt_tokens: int,
        one_call: bool,
    ) -> None:
        """Begin.

        Args:
            reader: Of the provider's dialect.
            writer: Of the caller's.
            stop: What the text is to be cut at, because the provider does not.
            prompt_tokens: Estimate, for the usage of a stream that is cut.
            one_call: The caller wants at most one tool call; not every provider can be told.
        """
        self._reader = reader
        self._writer = writer
        self._cutter = StopCutter(stop) if stop else None
        self._prompt_tokens = prompt_tokens
        self._one_call = one_call
        self.over = False
        """The caller's stream has its end."""
        self.cut = False
        """It ended at a stop sequence, and what the provider still sends is of no use."""
        self.started = self.complete = False
        self.failure: Failure | None = None
        self.usage: Usage | None = None
        self.progress = self.content_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return what the caller gets."""
        if self.over or self.failure is not None:
            return b""
        reader = self._reader
        out = self._take(reader.feed(data))
        if reader.done and self.failure is None and not self.over:
            out += self.end()
        return out

    def end(self) -> bytes:
        """The provider ended the body, or said that it will; return the end of the stream."""
        if self.over or self.failure is not None:
            return b""
        out = self._take(self._reader.end())
        if self.failure is None and not self.over:
            self.over = True
            out += self._writer.end(self.usage)
        return out

    def _take(self, pieces: Sequence[Piece]) -> bytes:
        reader = self._reader
        self.started, self.complete = reader.started, reader.complete
        self.progress, self.content_bytes = reader.progress, reader.content_bytes
        self.usage = reader.usage
        if reader.failure is not None:
            self.failure = after_translation(reader.failure)
        if self.failure is not None or not pieces:
            return b""
        if self._one_call:
            pieces = first_call_only(pieces)
        if self._cutter is None:
            return self._writer.write(pieces)
        out = self._writer.write(self._cutter.feed(pieces))
        return out + self._end_at_stop() if self._cutter.stopped else out

    def _end_at_stop(self) -> bytes:
        self.over = self.cut = self.complete = True
        if self.usage is None:
            self.usage = Usage(
                self._prompt_tokens, ceil(self.content_bytes / BYTES_PER_TOKEN), estimated=True
            )
        return self._writer.end(self.usage)
