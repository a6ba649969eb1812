"""From a seed to a story: topology, policies, load and what goes wrong."""

from math import exp, log
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ...config.snapshot import Snapshot
from ...core.terms import Target
from .asking import DIALECTS
from .scenario import Command, Kind, Manner, Phase, Scenario, Shape, Wish
from .texts import text_of
from .topology import CHAIN, draw_snapshot

_DOWN: Final = (Kind.STATUS, Kind.REFUSED, Kind.RESET, Kind.DNS, Kind.TLS)
_SILENT: Final = (Kind.HANG, Kind.BLACKHOLE, Kind.MUTE, Kind.PINGS)
_BREAKING: Final = (Kind.CUT, Kind.CUT, Kind.CUT, Kind.STALL, Kind.ERROR, Kind.GARBAGE)
_MANNERS: Final = (
    *(Manner.EXACT,) * 6,
    *(Manner.TAIL, Manner.WORD, Manner.RESTART, Manner.PREAMBLE, Manner.REFUSES),
)


class Fields(Struct, frozen=True):
    """What several steps of the drawing share."""

    rng: Random
    snapshot: Snapshot
    span_s: float
    """Requests arrive over this."""


def draw(seed: int) -> Scenario:
    """Draw the story of a seed."""
    rng = Random(seed)  # noqa: S311 - the seed is the point
    snapshot = draw_snapshot(rng)
    stormy = rng.random() < 0.02
    count = rng.randint(200, 400) if stormy else round(_between(rng, 5, 60))
    span_s = rng.uniform(60, 150) if stormy else _between(rng, 1, 120)
    drawn = Fields(rng, snapshot, span_s)
    wishes = tuple(_wish(drawn, number, count, short=stormy) for number in range(count))
    phases = _phases(drawn)
    commands = _commands(drawn)
    targets = snapshot.chains[CHAIN].targets
    return Scenario(
        seed=seed,
        snapshot=snapshot,
        wishes=wishes,
        phases=phases,
        commands=commands,
        noise=rng.choice((0.0, 0.0, 0.03, 0.1, 0.3, 0.5)),
        manners={target.id: rng.choice(_MANNERS) for target in targets},
        calm_at=max(
            [span_s, *(phase.until for phase in phases), *(command.at for command in commands)]
        )
        + 1.0,
    )


def _between(rng: Random, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return exp(rng.uniform(log(low), log(high)))


def _wish(drawn: Fields, number: int, count: int, *, short: bool) -> Wish:
    rng = drawn.rng
    at = drawn.span_s * (number + rng.random()) / count
    dialect = rng.choice(DIALECTS)
    stream = rng.random() < 0.8
    tokens = _tokens(rng, short=short)
    shape = _shape(rng)
    targets = drawn.snapshot.chains[CHAIN].targets
    slow = stream and rng.random() < 0.05
    chain = CHAIN if rng.random() < 0.95 else rng.choice(targets).id
    wish = Wish(
        number=number,
        at=at,
        dialect=dialect,
        chain=chain,
        stream=stream,
        shape=shape,
        tokens=tokens,
        piece_tokens=1 if tokens < 12 else max(1, round(tokens / rng.choice((12, 20, 40)))),
        calls=rng.choice((1, 1, 2)) if shape in {Shape.CALLS, Shape.TEXT_AND_CALLS} else 0,
        deadline_ms=rng.choice((300, 3000, 20_000)) if rng.random() < 0.1 else None,
        splice=rng.random() < 0.97,
        fallback=rng.random() < 0.97,
        array=dialect == "gemini" and rng.random() < 0.1,
        leaves_s=_between(rng, 0.01, 20) if rng.random() < 0.05 else None,
        reads_bytes_per_s=_between(rng, 300, 50_000) if slow else None,
        order=_order(drawn) if chain == CHAIN and rng.random() < 0.06 else (),
    )
    return _limited(rng, wish) if shape in {Shape.TEXT, Shape.THINKING} else wish


def _order(drawn: Fields) -> tuple[str, ...]:
    """Draw which targets a caller wants, where it may say so."""
    if not all(key.order for key in drawn.snapshot.keys):
        return ()
    ids = _ids(drawn)
    return tuple(drawn.rng.sample(ids, drawn.rng.randint(1, len(ids))))


def _limited(rng: Random, wish: Wish) -> Wish:
    """Let some answers end by a limit or a stop sequence."""
    chance = rng.random()
    if chance < 0.05 and wish.tokens > 40:
        return replace(wish, max_tokens=rng.randint(20, wish.tokens - 1))
    if chance < 0.1 and wish.tokens > 40 and wish.dialect != "openai_responses":
        words = [word for word in text_of(wish)[60:].split() if word.isascii() and word.isalpha()]
        long = [word for word in words if len(word) > 6]
        if long:
            return replace(wish, stop=rng.choice(long))
    return wish


def _tokens(rng: Random, *, short: bool) -> int:
    if short:
        return rng.randint(1, 30)
    chance = rng.random()
    if chance < 0.004:
        return 4000
    return round(_between(rng, 1, 400))


def _shape(rng: Random) -> Shape:
    chance = rng.random()
    if chance < 0.06:
        return Shape.CALLS
    if chance < 0.12:
        return Shape.TEXT_AND_CALLS
    if chance < 0.2:
        return Shape.JSON
    return Shape.THINKING if chance < 0.26 else Shape.TEXT


def _phases(drawn: Fields) -> tuple[Phase, ...]:
    rng = drawn.rng
    phases: list[Phase] = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        phases += rng.choice(_PHASES)(drawn)
    return tuple(phases)


def _phase(drawn: Fields, name: str, kinds: tuple[Kind, ...], **more: object) -> Phase:
    rng, span = drawn.rng, drawn.span_s
    since = rng.uniform(0, 0.7 * span)
    target = rng.choice(drawn.snapshot.chains[CHAIN].targets).id
    until = since + rng.uniform(0.1, 0.8) * span
    return replace(Phase(name, target, since, until, 1.0, kinds), **more)


def _outage(drawn: Fields) -> list[Phase]:
    kind = drawn.rng.choice(_DOWN)
    return [_phase(drawn, "outage", (kind,), share=drawn.rng.choice((1.0, 1.0, 0.6)))]


def _silence(drawn: Fields) -> list[Phase]:
    return [_phase(drawn, "silence", (drawn.rng.choice(_SILENT),))]


def _storm(drawn: Fields) -> list[Phase]:
    target = "" if drawn.rng.random() < 0.3 else drawn.rng.choice(_ids(drawn))
    return [_phase(drawn, "storm", (Kind.THROTTLE,), target=target)]


def _flapping(drawn: Fields) -> list[Phase]:
    rng = drawn.rng
    return [_phase(drawn, "flapping", (rng.choice(_DOWN),), period_s=rng.uniform(2, 15))]


def _breaks(drawn: Fields) -> list[Phase]:
    target = "" if drawn.rng.random() < 0.3 else drawn.rng.choice(_ids(drawn))
    share = drawn.rng.choice((0.3, 0.7, 1.0))
    return [_phase(drawn, "breaks", _BREAKING, target=target, share=share)]


def _slow(drawn: Fields) -> list[Phase]:
    return [_phase(drawn, "slow", (Kind.SLOW,))]


def _bad_keys(drawn: Fields) -> list[Phase]:
    rng = drawn.rng
    kind = rng.choice((Kind.AUTH, Kind.MONEY, Kind.GONE))
    return [_phase(drawn, "keys", (kind,), credential="key0")]


def _all_down(drawn: Fields) -> list[Phase]:
    """Everything goes down at once; one comes back before the others."""
    rng = drawn.rng
    whole = _phase(drawn, "all down", (rng.choice(_DOWN),), target="")
    back = rng.choice(_ids(drawn))
    early = whole.since + (whole.until - whole.since) * rng.uniform(0.2, 0.9)
    return [
        replace(whole, target=id_, until=early if id_ == back else whole.until)
        for id_ in _ids(drawn)
    ]


def _place_down(drawn: Fields) -> list[Phase]:
    """A host, a region or a vendor goes down as a whole."""
    rng, snapshot = drawn.rng, drawn.snapshot
    targets = snapshot.chains[CHAIN].targets
    one = rng.choice(targets)
    part = rng.choice((_host_of, _region_of, _vendor_of))
    whole = _phase(drawn, "place down", (rng.choice((*_DOWN, *_SILENT)),))
    return [
        replace(whole, target=target.id)
        for target in targets
        if part(snapshot, target) == part(snapshot, one)
    ]


def _host_of(snapshot: Snapshot, target: Target) -> str:
    return snapshot.providers[target.provider].endpoint.host


def _region_of(_snapshot: Snapshot, target: Target) -> str:
    return f"{target.vendor} {target.region}"


def _vendor_of(_snapshot: Snapshot, target: Target) -> str:
    return target.vendor


def _commands(drawn: Fields) -> tuple[Command, ...]:
    """Let an operator take some targets out for a while."""
    rng = drawn.rng
    if rng.random() > 0.15:
        return ()
    commands: list[Command] = []
    for target in {rng.choice(_ids(drawn)): None for _ in range(rng.choice((1, 1, 2)))}:
        at = rng.uniform(0, drawn.span_s)
        commands.append(Command(at, target, "drained"))
        commands.append(Command(at + rng.uniform(0, drawn.span_s), target, "undrained"))
    return tuple(commands)


def _ids(drawn: Fields) -> list[str]:
    return [target.id for target in drawn.snapshot.chains[CHAIN].targets]


_PHASES: Final = (
    _outage,
    _silence,
    _storm,
    _flapping,
    _breaks,
    _breaks,
    _slow,
    _bad_keys,
    _all_down,
    _place_down,
    _place_down,
)
