"""From a seed to a story: topology, policies, load and what goes wrong."""

from hashlib import sha256
from math import exp, log
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ...config.snapshot import AccessKey, Snapshot
from ...core.abilities import Abilities, Prefill
from ...core.settings import (
    ErrorRateRule,
    ErrorRule,
    Hedging,
    LatencyRule,
    RateLimitRule,
    Retry,
    ServerSettings,
    Streaming,
    Timeouts,
)
from ...core.terms import Chain, Credential, Endpoint, Provider, Target, Triggers
from .asking import CALLER_KEY, DIALECTS
from .scenario import Kind, Manner, Phase, Scenario, Shape, Wish
from .texts import text_of

CHAIN: Final = "story"
HUSH: Final = "hush"
"""Part of every secret: no output may hold it."""
KINDS: Final = {
    "openai_chat": ("openai", "openai", "vllm", "mistral", "groq", "deepseek", "llamacpp"),
    "openai_responses": ("openai",),
    "anthropic": ("anthropic",),
    "gemini": ("gemini",),
}
_BASES: Final = {"openai_chat": "/v1", "openai_responses": "/v1"}
_DOWN: Final = (Kind.STATUS, Kind.REFUSED, Kind.RESET, Kind.DNS, Kind.TLS)
_SILENT: Final = (Kind.HANG, Kind.BLACKHOLE, Kind.MUTE, Kind.PINGS)
_BREAKING: Final = (Kind.CUT, Kind.CUT, Kind.CUT, Kind.STALL, Kind.ERROR, Kind.GARBAGE)
_PREFILLS: Final = (Prefill.NO, Prefill.NO, Prefill.NATIVE)
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
    snapshot = _snapshot(rng)
    stormy = rng.random() < 0.02
    count = rng.randint(200, 400) if stormy else round(_between(rng, 5, 60))
    span_s = rng.uniform(60, 150) if stormy else _between(rng, 1, 120)
    drawn = Fields(rng, snapshot, span_s)
    wishes = tuple(_wish(drawn, number, count, short=stormy) for number in range(count))
    phases = _phases(drawn)
    targets = snapshot.chains[CHAIN].targets
    return Scenario(
        seed=seed,
        snapshot=snapshot,
        wishes=wishes,
        phases=phases,
        noise=rng.choice((0.0, 0.0, 0.03, 0.1, 0.3, 0.5)),
        manners={target.id: rng.choice(_MANNERS) for target in targets},
        calm_at=max([span_s, *(phase.until for phase in phases)]) + 1.0,
    )


def _between(rng: Random, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniform."""
    return exp(rng.uniform(log(low), log(high)))


def _snapshot(rng: Random) -> Snapshot:
    providers: dict[str, Provider] = {}
    targets: list[Target] = []
    for number in range(rng.choice((1, 2, 2, 2, 3, 3, 3, 4, 5))):
        if providers and rng.random() < 0.15:
            name = rng.choice(list(providers))
        else:
            name = f"p{number}"
            providers[name] = _provider(rng, name, rng.choice(DIALECTS))
        targets.append(_target(rng, number, name))
    targets.sort(key=lambda target: target.priority)
    chain = Chain(
        CHAIN,
        tuple(targets),
        triggers=_triggers(rng),
        timeouts=_timeouts(rng),
        retry=Retry(max_attempts=rng.choice((1, 2, 3, 3, 4)), base_s=rng.choice((0.05, 0.2))),
        stream=Streaming(
            splice=rng.random() < 0.85,
            tool_calls="hold" if rng.random() < 0.8 else "live",
            structured="hold" if rng.random() < 0.8 else "live",
            max_splices=rng.choice((0, 1, 2, 2, 2, 5)),
        ),
        hedge=_hedging(rng) if rng.random() < 0.15 else None,
    )
    alone = {t.id: replace(chain, name=t.id, targets=(t,)) for t in targets}
    return Snapshot(
        digest="0123456789abcdef",
        chains={CHAIN: chain, **alone},
        providers=providers,
        server=ServerSettings(keep_alive_s=rng.choice((15.0, 15.0, 2.0))),
        listed=(CHAIN,),
        keys=_keys(rng),
    )


def _provider(rng: Random, name: str, dialect: str) -> Provider:
    keys = tuple(
        Credential(f"key{number}", f"sk-{name}{number}-{HUSH}-{name}{number}")
        for number in range(rng.choice((1, 1, 2, 3)))
    )
    return Provider(
        name,
        rng.choice(KINDS[dialect]),
        Endpoint(f"{name}.sim", 443, tls=True),
        _BASES.get(dialect, ""),
        keys,
        dialect=dialect,
    )


def _target(rng: Random, number: int, provider: str) -> Target:
    priority = number + 1 if rng.random() < 0.7 else 1
    abilities = Abilities(prefill=rng.choice(_PREFILLS), stop=rng.random() < 0.85)
    weight = rng.choice((1.0, 1.0, 3.0))
    model = f"m{number}"
    return Target(f"{provider}/{model}", provider, model, priority, weight, abilities=abilities)


def _triggers(rng: Random) -> Triggers:
    latency = LatencyRule(threshold_ms=rng.choice((500.0, 1500.0, 4000.0)))
    return Triggers(
        rate_limit=RateLimitRule() if rng.random() < 0.9 else None,
        latency=latency if rng.random() < 0.2 else None,
        error=ErrorRule() if rng.random() < 0.95 else None,
        error_rate=ErrorRateRule() if rng.random() < 0.15 else None,
    )


def _timeouts(rng: Random) -> Timeouts:
    return Timeouts(
        connect_s=rng.choice((0.5, 2.0)),
        first_content_s=rng.choice((None, None, 2.0, 6.0)),
        silence_s=rng.choice((None, 2.0, 5.0)),
        total_s=rng.choice((10.0, 40.0, 120.0, 600.0)),
        first_tokens_per_s=20.0 if rng.random() < 0.05 else None,
        tokens_per_s=5.0 if rng.random() < 0.05 else None,
    )


def _hedging(rng: Random) -> Hedging:
    return Hedging(
        after=rng.choice(("p95", 0.1, 0.5)), after_min_s=0.1, max_share=0.5, max_spend_share=0.5
    )


def _keys(rng: Random) -> tuple[AccessKey, ...]:
    """Let some gateways know their callers, and forbid them something."""
    if rng.random() < 0.8:
        return ()
    digest = sha256(CALLER_KEY.encode()).hexdigest()
    allowed = rng.random() < 0.9
    return (AccessKey("teller", digest, fallback=allowed, splice=rng.random() < 0.8),)


def _wish(drawn: Fields, number: int, count: int, *, short: bool) -> Wish:
    rng = drawn.rng
    at = drawn.span_s * (number + rng.random()) / count
    dialect = rng.choice(DIALECTS)
    stream = rng.random() < 0.8
    tokens = _tokens(rng, short=short)
    shape = _shape(rng)
    targets = drawn.snapshot.chains[CHAIN].targets
    slow = stream and rng.random() < 0.05
    wish = Wish(
        number=number,
        at=at,
        dialect=dialect,
        chain=CHAIN if rng.random() < 0.95 else rng.choice(targets).id,
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
    )
    return _limited(rng, wish) if shape in {Shape.TEXT, Shape.THINKING} else wish


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
)
