"""How one target is spoken to: in the caller's own bytes, or translated."""

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from msgspec import Raw

from ..clock import Clock
from ..core.terms import Failure, Provider, Target
from ..dialects.api import Envelope, Outgoing, Passage, Peek, Translator, UnableError
from ..dialects.fault import after_translation
from ..dialects.openai.kinds import STRANGERS
from ..dialects.registry import TRANSLATORS
from ..dialects.stopping import StopCutter, cut_reply, first_call_of
from ..upstream.api import Headers
from .line import Line
from .routes import Route
from .said import Said
from .taking_up import take_up
from .translation import Translation

_NO_THINKING: Final = Raw(b'"none"')


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
    if line.splice is not None:
        return take_up(line, line.splice, target, provider.kind, TRANSLATORS[spoken])
    if spoken in route.passes and not _conflicts(route, request, target, provider):
        return route.dialect.pass_request(request, target, provider.kind), _Same(line)
    if route.translator is None:
        raise UnableError(route.name)
    translator = TRANSLATORS[spoken]
    neutral = line.neutral(route.translator)
    outgoing = translator.write_request(neutral, target, provider.kind)
    envelope = Envelope(
        line.request_id, int(clock.unix()), target.model, neutral, array=request.array
    )
    return outgoing, _Translated(line, translator, route.translator, envelope, outgoing.stop)


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

    __slots__ = ("_dialect", "_finish", "_hold_calls", "_request")

    def __init__(self, line: Line) -> None:
        route = line.route
        self._dialect = route.dialect
        self._finish = route.finish
        self._request = line.request
        self._hold_calls = holds_calls(line)

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
        return self._dialect.passage(self._request, hold_calls=self._hold_calls)

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        return self._dialect.read_fault(kind, status, headers, body)


class _Translated:
    """The sides speak differently, or the target does not take all that was said."""

    __slots__ = ("_caller", "_envelope", "_passage", "_spoken", "_stop")

    def __init__(
        self,
        line: Line,
        spoken: Translator,
        caller: Translator,
        envelope: Envelope,
        stop: Sequence[str],
    ) -> None:
        self._spoken = spoken
        self._caller = caller
        self._envelope = envelope
        self._stop = stop
        self._passage = partial(
            Translation,
            prompt_tokens=line.request.needs.prompt_tokens,
            one_call=envelope.request.parallel is False,
            hold_calls=holds_calls(line),
        )

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
        return self._passage(
            self._spoken.reader(),
            self._caller.writer(self._envelope),
            cutter=StopCutter(self._stop) if self._stop else None,
        )

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        return after_translation(self._spoken.read_fault(kind, status, headers, body))


def holds_calls(line: Line) -> bool:
    """Say whether calls reach the caller of a stream whole, or as they are made."""
    return line.chain.stream.tool_calls == "hold"
