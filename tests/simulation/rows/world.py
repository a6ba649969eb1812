"""A gateway between callers and providers in virtual time, for the rows of the fault table.

The gateway is whole: line, standings, probes, dialects. The providers do as each row says, the
callers only ask; what happened is kept for the row to judge.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Final, TypeVar

from msgspec import Struct, field
from msgspec.json import encode
from typing_extensions import override

from hotswap.config.snapshot import Snapshot
from hotswap.core.settings import Health, RateLimitRule, ServerSettings
from hotswap.core.terms import Chain, Credential, Endpoint, Provider, Target, Triggers
from hotswap.ledger.record import AttemptRecord, Record, Transition
from hotswap.server.api import Incoming
from hotswap.testing.clock import VirtualClock
from hotswap.testing.loop import run_virtual
from hotswap.testing.simulation.caller import Ending, SimExchange
from hotswap.testing.simulation.heard import hear_stream, hear_whole
from hotswap.testing.simulation.transport import Script, SimCall
from hotswap.testing.simulation.worker import SimWorker

T = TypeVar("T")
CHAIN: Final = "assist"
PROMPT: Final = "Tell me a story."
USUAL: Final = Chain(CHAIN, (), triggers=Triggers(rate_limit=RateLimitRule()))
"""The defaults."""
LOOK_S: Final = 0.1
"""How often a worker looks for due probes."""


class Place(Struct, frozen=True, kw_only=True):
    """One target with an account of its own."""

    name: str
    """Of the account."""
    model: str = "m"
    host: str = ""
    """Empty: one of its own."""
    region: str = ""
    vendor: str = ""
    """Empty: one of its own."""
    priority: int = 0
    """0: by its place in the chain."""
    keys: int = 1

    @property
    def id(self) -> str:
        """The name of the target."""
        return f"{self.name}/{self.model}"


class Visit(Struct, frozen=True):
    """One request at a provider."""

    number: int
    """1 for the first of all."""
    at: float
    target: str
    key: str
    probe: bool
    stream: bool


Behaves = Callable[[Visit], Script]
"""What a target makes of a visit."""


class Got(Struct):
    """What became of one caller's request."""

    at: float
    answered: bool = False
    """With the whole text, and cleanly."""
    status: int = 0
    headers: bytes = b""
    first_s: float | None = None
    """From the request to the head of a stream, or to a whole answer; None: there was none."""
    took_s: float = 0.0
    request_id: str = ""


class Offer(Struct, frozen=True, kw_only=True):
    """What a row sets besides the places."""

    chain: Chain
    """Its targets are those of the places."""
    health: Health = field(default_factory=Health)
    server: ServerSettings = field(default_factory=ServerSettings)


class _Timed(SimExchange):
    """Knows when anything came first."""

    first_at: float | None = None

    @override
    def start(self, status: int, headers: bytes) -> None:
        self.first_at = self._loop.time()
        super().start(status, headers)

    @override
    def write(self, data: bytes) -> None:
        if self.first_at is None and data:
            self.first_at = self._loop.time()
        super().write(data)


class World:
    """Everything that one play needs; built on the running loop."""

    def __init__(
        self, places: Sequence[Place], offer: Offer, clock: VirtualClock, seed: int
    ) -> None:
        self.clock = clock
        self.rng = Random(seed)  # noqa: S311 - seeded on purpose
        self.visits: list[Visit] = []
        self.attempts: list[AttemptRecord] = []
        self.probes: list[AttemptRecord] = []
        self.transitions: list[Transition] = []
        self.bugs: list[Exception] = []
        self.pending = 0
        """Requests that have begun and not ended."""
        self._loop = asyncio.get_running_loop()
        self._behaves: dict[str, Behaves] = {}
        self._targets = {(p.host or f"{p.name}.sim", f"sk-{p.name}"): p for p in places}
        self._ids = 0
        self.snapshot = _snapshot(places, offer)
        self.worker = SimWorker(
            self.snapshot,
            self,
            clock,
            jitter=self.rng.random,
            record=self._on_record,
            new_id=self._new_id,
            on_bug=lambda bug, _id: self.bugs.append(bug),
        )
        self._tick()

    # What is done

    def behave(self, target: str, behaves: Behaves) -> None:
        """Say what a target does from now on."""
        self._behaves[target] = behaves

    async def ask(self, *, stream: bool = True) -> Got:
        """Ask for a story, and read the answer to its end."""
        now = self._loop.time()
        got = Got(now)
        exchange = _Timed(_incoming(now, stream=stream), self._loop, None)
        self.pending += 1
        name = f"{self._ids + 1:08d}"
        await self.worker.gateway(exchange)
        self.pending -= 1
        got.status, got.headers, got.request_id = exchange.status, exchange.headers, name
        got.took_s = exchange.ended_at - now
        if exchange.first_at is not None:
            got.first_s = exchange.first_at - now
        elif exchange.status == 200:
            got.first_s = got.took_s
        got.answered = _is_whole(exchange, stream=stream)
        return got

    async def offer(self, rps: float, seconds: float, *, stream: bool = True) -> list[Got]:
        """Ask so often for so long, evenly, and wait for the last answer."""
        start = self._loop.time()
        tasks: list[asyncio.Task[Got]] = []
        for number in range(round(rps * seconds)):
            await self.until(start + number / rps)
            tasks.append(self._loop.create_task(self.ask(stream=stream)))
        await self.until(start + seconds)
        return [await task for task in tasks]

    async def until(self, at: float) -> None:
        """Wait for a moment, or not at all if it is over."""
        if at > self._loop.time():
            await asyncio.sleep(at - self._loop.time())

    # What was seen

    def sent(self, target: str, *, since: float = 0.0, until: float = 1e12) -> list[Visit]:
        """Return the requests of callers that came to a target in a time."""
        return [
            v for v in self.visits if v.target == target and not v.probe and since <= v.at < until
        ]

    def changes(self, name: str, *after: str) -> list[Transition]:
        """Return the changes of a target, an account or a larger thing, their times monotonic."""
        return [t for t in self.transitions if t.target == name and (not after or t.after in after)]

    def first_tries(self, gots: Sequence[Got]) -> Mapping[str, int]:
        """Count the requests by the target that they asked first."""
        ids = {got.request_id for got in gots}
        found: dict[str, int] = {}
        for attempt in self.attempts:
            if attempt.number == 1 and attempt.request_id in ids:
                found[attempt.target] = found.get(attempt.target, 0) + 1
        return found

    # The providers: see `transport.Providers`

    def script(self, endpoint: Endpoint, request: bytes, call: SimCall) -> Script:
        """See `Providers`."""
        head, _, body = request.partition(b"\r\n\r\n")
        key = head.split(b"Bearer ", 1)[1].split(b"\r\n", 1)[0].decode()
        account, _, number = key.rpartition("-")
        model = body.split(b'"model":"', 1)[1].split(b'"', 1)[0].decode()
        target = f"{account.removeprefix('sk-')}/{model}"
        visit = Visit(
            call.number,
            self._loop.time(),
            target,
            number,
            PROMPT.encode() not in body,
            b'"stream":true' in body,
        )
        self.visits.append(visit)
        return self._behaves[target](visit)

    def ended(self, call: SimCall, *, cancelled: bool) -> None:
        """See `Providers`."""

    def stuck(self, call: SimCall) -> None:
        """See `Providers`."""
        raise AssertionError(f"call {call.number} sets the same limit without end")

    def _on_record(self, record: Record) -> None:
        if isinstance(record, Transition):
            self.transitions.append(record)
        elif record.route == "probe":
            self.probes.append(record)
        else:
            self.attempts.append(record)

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:08d}"

    def _tick(self) -> None:
        self.worker.tick()
        self._loop.call_later(LOOK_S, self._tick)


def play(
    places: Sequence[Place],
    story: Callable[[World], Awaitable[T]],
    *,
    chain: Chain | None = None,
    health: Health | None = None,
    seed: int = 1,
) -> T:
    """Play a story in virtual time and return what it returns.

    Args:
        places: The chain's targets, in order.
        story: What happens.
        chain: Its settings; None: `USUAL`.
        health: None: the defaults.
        seed: Of all randomness.
    """
    clock = VirtualClock(now=1.0)
    offer = Offer(chain=chain or USUAL, health=health or Health())

    async def run() -> T:
        world = World(places, offer, clock, seed)
        result = await story(world)
        assert world.bugs == []
        return result

    return run_virtual(run(), clock)


def _snapshot(places: Sequence[Place], offer: Offer) -> Snapshot:
    providers: dict[str, Provider] = {}
    targets: list[Target] = []
    for number, place in enumerate(places):
        host = place.host or f"{place.name}.sim"
        vendor = place.vendor or host
        providers[place.name] = Provider(
            place.name,
            "openai",
            Endpoint(host, 443, tls=True),
            "/v1",
            tuple(Credential(f"key{n}", f"sk-{place.name}-{n}") for n in range(place.keys)),
            region=place.region,
            vendor=vendor,
        )
        targets.append(
            Target(
                place.id,
                place.name,
                place.model,
                place.priority or number + 1,
                vendor=vendor,
                region=place.region,
            )
        )
    chain = Chain(
        CHAIN,
        tuple(targets),
        triggers=offer.chain.triggers,
        timeouts=offer.chain.timeouts,
        retry=offer.chain.retry,
        balance=offer.chain.balance,
        on_exhausted=offer.chain.on_exhausted,
    )
    return Snapshot(
        digest="0123456789abcdef",
        chains={CHAIN: chain},
        providers=providers,
        server=offer.server,
        health=offer.health,
        listed=(CHAIN,),
    )


_REQUESTS: Final = {
    stream: encode(
        {"model": CHAIN, "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    )
    for stream in (False, True)
}


def _incoming(now: float, *, stream: bool) -> Incoming:
    headers = {b"host": b"gateway.sim", b"content-type": b"application/json"}
    body = _REQUESTS[stream]
    return Incoming("POST", "/v1/chat/completions", "", headers, body, "10.0.0.1", now)


def _is_whole(exchange: SimExchange, *, stream: bool) -> bool:
    """Say whether the caller's SDK would return the whole text without a word."""
    body = b"".join(exchange.body)
    if exchange.status != 200 or exchange.flaws:
        return False
    if not stream:
        heard = hear_whole("openai_chat", body)
        return exchange.ending is Ending.ANSWERED and heard.text == TEXT
    heard = hear_stream("openai_chat", body)
    return (
        exchange.ending is Ending.FINISHED
        and heard.text == TEXT
        and heard.ended
        and not heard.error
        and not heard.flaw
    )


PIECES: Final = ("Once", " upon", " a", " time.")
TEXT: Final = "".join(PIECES)
"""What every healthy target says."""
