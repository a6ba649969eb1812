"""Plays trials: the gateway's own line between one caller and two providers, all in memory."""

import asyncio
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from ...config.snapshot import Snapshot
from ...core.learned import Lessons
from ...core.settings import RateLimitRule
from ...core.standings import Standings
from ...core.terms import Chain, Credential, Endpoint, Provider, Target, Triggers
from ...gateway.handle import Gateway
from ...gateway.plane import Plane
from ...gateway.services import Services
from ...ledger.record import AttemptRecord, Record
from ...upstream.api import Headers
from ..clock import VirtualClock
from ..echo import Begun, read_begun
from ..form import Answer
from ..moves import Leave, Move, Pause
from ..simulation.asking import incoming
from ..simulation.caller import SimExchange
from ..simulation.providers import FORMS, STREAM
from ..simulation.scenario import Shape, Wish
from ..simulation.transport import Script, SimCall, SimClient
from ..step import Cut, Seen
from .errors import error_event
from .manners import ENDS, goes_on
from .trial import KINDS, Arrival, Ending, Said, Trial, Way

CHAIN: Final = "cuts"
SLICE: Final = 61
"""Bytes; no event has a multiple of it by chance."""
_HEADERS: Final[Headers] = dict((STREAM,))
_LEAVES: Final[Mapping[Ending, Cut]] = {
    Ending.RESET: Cut.RESET,
    Ending.CLOSED: Cut.EOF,
    Ending.CLEAN: Cut.END,
    Ending.ERROR: Cut.END,
}
_BASES: Final = {"openai_chat": "/v1", "openai_responses": "/v1"}


class Played(Struct):
    """What came of a trial."""

    exchange: SimExchange
    begun: list[Begun | None] = field(default_factory=list[Begun | None])
    """What each further target was told that the caller has; None: nothing."""
    told: list[str] = field(default_factory=list[str])
    """What it said."""
    bugs: list[str] = field(default_factory=list[str])
    records: list[AttemptRecord] = field(default_factory=list[AttemptRecord])


@lru_cache(64)
def events_of(dialect: str, said: Said, model: str) -> tuple[bytes, ...]:
    """Return a whole stream: all its events, the terminator included."""
    form = FORMS[dialect]
    answer = Answer(
        id="1",
        model=model,
        thinking=(),
        signature="",
        pieces=said.tokens,
        tools=said.calls,
        finish_reason="tool_calls" if said.calls else "stop",
        prompt_tokens=40,
        cached_tokens=0,
        completion_tokens=len(said.tokens) + 20 * len(said.calls),
    )
    asked = form.read_asked(_seen(dialect, model))
    return tuple(event for event in (*form.answer_events(answer, asked), form.DONE) if event)


def _seen(dialect: str, model: str) -> Seen:
    path = f"/v1beta/models/{model}:streamGenerateContent?alt=sse" if dialect == "gemini" else "/"
    body = b'{"model":"%b","stream":true,"stream_options":{"include_usage":true}}' % model.encode()
    return Seen(1, 1, "POST", path, {}, body, 0.0)


@lru_cache(512)
def _plane(first: str, way: Way) -> Plane:
    """Return the configuration of two targets."""
    one = Provider(
        "one",
        KINDS[first],
        Endpoint("one.sim", 443, tls=True),
        _BASES.get(first, ""),
        (Credential("k", "sk-one"),),
        dialect=first,
    )
    two = Provider(
        "two",
        way.kind,
        Endpoint("two.sim", 443, tls=True),
        _BASES.get(way.dialect, ""),
        (Credential("k", "sk-two"),),
        dialect=way.dialect,
    )
    targets = (
        Target("one/m1", "one", "m1", 1, 1.0),
        Target("two/m2", "two", "m2", 2, 1.0, abilities=way.abilities),
    )
    chain = Chain(CHAIN, targets, triggers=Triggers(rate_limit=RateLimitRule()))
    return Plane(Snapshot("0123456789abcdef", {CHAIN: chain}, {"one": one, "two": two}))


class _Providers:
    """Implements `Providers`: the first request breaks off, the next ones go on."""

    __slots__ = ("_played", "_trial")

    def __init__(self, trial: Trial, played: Played) -> None:
        self._trial = trial
        self._played = played

    def script(self, endpoint: Endpoint, request: bytes, call: SimCall) -> Script:
        """See `Providers`."""
        trial = self._trial
        if endpoint.host == "one.sim":
            moves = _broken(trial) if call.number == 1 else iter((Leave(Cut.RESET),))
            return Script(headers=_HEADERS, body=moves)
        _, _, body = request.partition(b"\r\n\r\n")
        begun = read_begun(body)
        self._played.begun.append(begun)
        said = self._rest(begun)
        self._played.told.append("".join(said.tokens))
        return Script(
            headers=_HEADERS, body=_paced(events_of(trial.way.dialect, said, "m2"), trial.gap_s)
        )

    def ended(self, call: SimCall, *, cancelled: bool) -> None:
        """Do nothing."""

    def stuck(self, call: SimCall) -> None:
        """Take it for a bug."""
        self._played.bugs.append(f"call {call.number} asks for the same moment without end")

    def _rest(self, begun: Begun | None) -> Said:
        trial = self._trial
        said = trial.said
        if begun is None or not begun.text:
            return said
        if len(begun.text) >= len(said.text):
            words = "" if begun.prefilled or said.calls else ENDS[trial.number % len(ENDS)]
        else:
            words = goes_on(
                said.text, begun.text, trial.manner, trial.number, native=begun.prefilled
            )
        return Said(said.name, _like(said.tokens, words), said.calls)


def _like(tokens: tuple[str, ...], words: str) -> tuple[str, ...]:
    """Cut words into tokens of the lengths that others have, from their last one on."""
    cut: list[str] = []
    end = len(words)
    for token in reversed(tokens):
        if end <= 0:
            break
        cut.append(words[max(end - len(token), 0) : end])
        end -= len(token)
    if end > 0:
        cut += [words[max(at - 4, 0) : at] for at in range(end, 0, -4)]
    return tuple(reversed(cut))


def _broken(trial: Trial) -> Iterator[Move]:
    events = events_of(trial.first, trial.said, "m1")
    left = trial.at
    if trial.arrival is Arrival.EVENTS:
        for event in events:
            if left <= 0:
                break
            yield event[:left]
            left -= len(event)
    else:
        body = b"".join(events)[:left]
        size = SLICE if trial.arrival is Arrival.SLICES else max(left, 1)
        for at in range(0, left, size):
            yield body[at : at + size]
    if trial.ending is Ending.ERROR:
        # Its own packet, a moment later: an error that comes with content lets it be begun anew.
        yield Pause(0.0)
        yield error_event(trial.first, trial.number)
    yield Leave(_LEAVES[trial.ending])


def _paced(events: tuple[bytes, ...], gap_s: float) -> Iterator[Move]:
    if not gap_s:
        yield from events
        return
    pause = Pause(gap_s)
    for event in events:
        yield event
        yield pause


class Stage:
    """Plays trials one after the other on a virtual loop; each has a gateway that knows nothing."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    async def play(self, trial: Trial) -> Played:
        """Play one trial to its end."""
        clock, loop = self._clock, self._loop
        exchange = SimExchange(incoming(_wish(trial), clock.now()), loop, None)
        played = Played(exchange)
        plane = _plane(trial.first, trial.way)
        snapshot = plane.snapshot
        standings = Standings(snapshot.health, _half)
        standings.adopt(snapshot.providers, snapshot.chains.values(), snapshot.health)

        def record(one: Record) -> None:
            if isinstance(one, AttemptRecord):
                played.records.append(one)

        client = SimClient(_Providers(trial, played), loop)
        services = Services(
            client=client,
            clock=clock,
            standings=standings,
            lessons=Lessons(snapshot.health.lessons),
            loop=loop,
            record=record,
            publish=lambda: None,
            jitter=_half,
            sleep=asyncio.sleep,
            running=set(),
        )
        gateway = Gateway(
            plane,
            services,
            new_id=lambda: "0" * 18,
            on_bug=lambda bug, _: played.bugs.append(repr(bug)),
        )
        await gateway(exchange)
        if client.open or services.running:
            played.bugs.append(
                f"{len(client.open)} calls and {len(services.running)} attempts left"
            )
        return played


def _half() -> float:
    return 0.5


def _wish(trial: Trial) -> Wish:
    said = trial.said
    shape = Shape.TEXT
    if said.calls:
        shape = Shape.TEXT_AND_CALLS if said.tokens else Shape.CALLS
    return Wish(
        number=1,
        at=0.0,
        dialect=trial.caller,
        chain=CHAIN,
        stream=True,
        shape=shape,
        tokens=len(said.tokens),
        calls=len(said.calls),
        array=trial.array,
    )
