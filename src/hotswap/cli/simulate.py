"""`hotswap simulate`: what becomes of the chains of a configuration when something fails."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final

from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec import Struct
from msgspec.json import encode
from rich.console import RenderableType
from rich.text import Text

from ..config.load import load
from ..config.outcome import ConfigMistakes
from ..config.snapshot import Snapshot
from ..core.terms import Chain, Provider, Target
from ..processes.exits import Exit
from ..testing.outages.drill import Drilled, Orders, drill
from .failing import CommandError
from .naming import chains_of
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import address, show, table

SLOWER: Final = 10.0
"""How many times, where nothing is said."""
REQUESTS_MAX: Final = 10_000_000
"""Of a chain: more take half an hour."""

Names = tuple[str, ...]
Kill = Annotated[
    Names,
    Parameter(show_default=False, negative=(), help="Fails every call with a 503. Repeatable."),
]
Slow = Annotated[
    Names,
    Parameter(
        show_default=False,
        negative=(),
        help="Answers later: 10 times, or as often as `=FACTOR` behind the name says. Repeatable.",
    ),
]
Throttle = Annotated[
    Names,
    Parameter(show_default=False, negative=(), help="Answers every call with a 429. Repeatable."),
]
ChainNames = Annotated[
    Names,
    Parameter(name="--chain", show_default=False, negative=(), help="Only this one. Repeatable."),
]
Rate = Annotated[
    float, Parameter(validator=Number(gt=0, lte=10_000), help="Requests per second and chain.")
]
Minutes = Annotated[
    float, Parameter(validator=Number(gt=0, lte=44_640), help="How long, in simulated time.")
]
MaxLost = Annotated[
    float,
    Parameter(
        validator=Number(gte=0, lte=1),
        help="Share of a chain's requests that may be lost, such as 0.01. Default: none.",
    ),
]


class Simulation(Struct, frozen=True):
    """What `hotswap simulate --json` writes."""

    ok: bool
    """No chain lost more than it may."""
    rate: float
    minutes: float
    kill: Sequence[str]
    """Targets."""
    slow: Mapping[str, float]
    """How many times later they answer."""
    throttle: Sequence[str]
    chains: Sequence[Drilled]
    warnings: Sequence[str]
    """Of the configuration, as `hotswap check` tells them."""


def simulate(
    *,
    kill: Kill = (),
    slow: Slow = (),
    throttle: Throttle = (),
    chain: ChainNames = (),
    rate: Rate = 1.0,
    minutes: Minutes = 10.0,
    max_lost: MaxLost = 0.0,
    config: ConfigFile = CONFIG_FILE,
    as_json: AsJson = False,
) -> Exit:
    """Play the chains while something fails, in simulated time; nothing is sent anywhere.

    A name is a target, a provider, a vendor, a region, a zone or an endpoint of the configuration.
    All other targets are well, and what `limits` says of them is all they take. The requests are
    streamed, of 800 tokens and 400 for the answer. Exits with 1 when a chain loses more than
    `--max-lost`.
    """
    try:
        snapshot = load(config, os.environ)
    except ConfigMistakes as refused:
        raise CommandError(Exit.UNREADABLE, str(refused)) from refused
    _check(rate, minutes)
    chains = _chosen(snapshot, chain)
    orders = _orders(snapshot, chains, kill, slow, throttle)
    drilled = [
        drill(one, snapshot.providers, snapshot.health, orders, rate=rate, minutes=minutes)
        for one in chains
    ]
    ok = all(one.lost_share <= max_lost for one in drilled)
    if as_json:
        simulation = Simulation(
            ok=ok,
            rate=rate,
            minutes=minutes,
            kill=sorted(orders.kill),
            slow=orders.slow,
            throttle=sorted(orders.throttle),
            chains=drilled,
            warnings=snapshot.warnings,
        )
        sys.stdout.write(f"{encode(simulation).decode()}\n")
    else:
        for warning in snapshot.warnings:
            sys.stderr.write(f"{config}: warning: {warning}\n")
        show(parts(drilled, max_lost))
    return Exit.FINE if ok else Exit.FAILED


def parts(drilled: Iterable[Drilled], max_lost: float) -> list[RenderableType]:
    """Lay out what became of the chains."""
    rows: list[tuple[RenderableType, ...]] = []
    reasons: list[Text] = []
    for one in drilled:
        bad = one.lost_share > max_lost
        rows.append(
            (
                one.chain,
                Text(_percent(one.answered, one.requests), style="red" if bad else ""),
                f"{one.lost:,}",
                _percent(one.moved, one.requests),
                f"{one.links_left} of {one.links}, {_vendors(one.vendors_left)}",
                _added(one.added_p50_s),
                _added(one.added_p95_s),
                ", ".join(f"{name} {share:.0%}" for name, share in one.shares.items() if share),
            )
        )
        reasons += [
            Text(f"{one.chain}: {count:,} lost by {why}") for why, count in one.lost_by.items()
        ]
    columns = (
        "chain",
        "answered#",
        "lost#",
        "moved#",
        "left",
        "p50 later#",
        "p95 later#",
        "answered by",
    )
    return [table(columns, rows), *reasons]


def _check(rate: float, minutes: float) -> None:
    """Refuse what takes for ever, and what is no request at all."""
    requests = rate * minutes * 60.0
    if not 1.0 <= requests <= REQUESTS_MAX:
        problem = f"--rate {rate:g} for --minutes {minutes:g} are {requests:,.0f} requests"
        raise CommandError(Exit.USAGE, f"hotswap: {problem}; it takes 1 to {REQUESTS_MAX:,}")


def _percent(part: int, whole: int) -> str:
    """Round so that only all of them are 100 %."""
    share = part / whole if whole else 1.0
    return f"{share:.2%}" if share == 1.0 else f"{min(share, 0.9999):.2%}"


def _vendors(count: int) -> str:
    return "1 vendor" if count == 1 else f"{count} vendors"


def _added(seconds: float | None) -> str:
    """Tell what first content takes longer, to the hundredth of a second."""
    return "-" if seconds is None else f"{seconds:+.2f} s"


def _chosen(snapshot: Snapshot, names: Names) -> list[Chain]:
    listed = chains_of(snapshot)
    if not names:
        return listed
    for name in names:
        if name not in snapshot.listed:
            known = ", ".join(chain.name for chain in listed)
            raise CommandError(Exit.USAGE, f"hotswap: no chain is named {name}; there are: {known}")
    wanted = {snapshot.chains[name].name for name in names}
    return [chain for chain in listed if chain.name in wanted]


def _orders(
    snapshot: Snapshot, chains: Iterable[Chain], kill: Names, slow: Names, throttle: Names
) -> Orders:
    """Find the targets that are meant."""
    places = _places(snapshot)
    played = {target.id for chain in chains for target in chain.targets}

    def meant(name: str) -> list[str]:
        found = _meant(name, places)
        if played.isdisjoint(found):
            problem = f"hotswap: {name} is no part of the chains that are played"
            raise CommandError(Exit.USAGE, problem)
        return found

    slowed: dict[str, float] = {}
    for said in slow:
        name, factor = _factor(said, places)
        for id_ in meant(name):
            slowed[id_] = max(factor, slowed.get(id_, 0.0))
    return Orders(
        kill=frozenset(id_ for name in kill for id_ in meant(name)),
        slow=slowed,
        throttle=frozenset(id_ for name in throttle for id_ in meant(name)),
    )


def _factor(said: str, places: Mapping[str, Mapping[str, Sequence[str]]]) -> tuple[str, float]:
    """Take `name=3` apart; names may hold such a sign themselves."""
    name, equals, text = said.rpartition("=")
    if not equals or any(said in found for found in places.values()):
        return said, SLOWER
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1.0 < factor <= 1_000_000.0:
        problem = f"hotswap: --slow {said}: should be a name, or name=FACTOR above 1"
        raise CommandError(Exit.USAGE, problem)
    return name, factor


_Naming = Callable[[Target, Provider], str]
_NAMINGS: Final[Sequence[tuple[str, _Naming]]] = (
    ("targets", lambda target, _: target.id),
    ("providers", lambda target, _: target.provider),
    ("vendors", lambda target, _: target.vendor),
    ("regions", lambda target, _: target.region),
    ("zones", lambda target, _: target.zone),
    ("endpoints", lambda _, provider: address(provider.endpoint.host, provider.endpoint.port)),
)
"""What a name may name, as a person calls it, and how a target is called by it."""


def _places(snapshot: Snapshot) -> dict[str, dict[str, list[str]]]:
    """Return the targets' ids by what they may be named by."""
    places: dict[str, dict[str, list[str]]] = {}
    targets = {t.id: t for chain in snapshot.chains.values() for t in chain.targets}
    for what, naming in _NAMINGS:
        found = places.setdefault(what, {})
        for target in targets.values():
            name = naming(target, snapshot.providers[target.provider])
            if name:
                found.setdefault(name, []).append(target.id)
    return places


def _meant(name: str, places: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the targets that a name means, whatever it names."""
    meant = [id_ for found in places.values() for id_ in found.get(name, ())]
    if not meant:
        known = "\n".join(
            f"  {what}: {', '.join(found)}" for what, found in places.items() if found
        )
        raise CommandError(Exit.USAGE, f"hotswap: nothing is named {name}; there are\n{known}")
    return meant
