"""Draws what befalls the vendors of one world, and when."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct

from .published import (
    DAY_S,
    PARTIAL_LEAST,
    PARTIAL_MOST,
    SHOCK_HITS,
    SHOCK_S,
    SHOCK_SPREAD_S,
    SHOCKS_PER_DAY,
    VENDORS,
    Lasting,
    Vendor,
)


class Kind(StrEnum):
    """How calls fail in a trouble."""

    ERRORS = "errors"
    """500, 503 or 529, soon."""
    CONNECT = "connect"
    """Connections are refused, reset, or lead nowhere."""
    HANG = "hang"
    """Connections are accepted, and nothing comes."""
    SLOW = "slow"
    """Answers come, much later."""
    REFUSED = "refused"
    """The key is refused."""


class Trouble(Struct, frozen=True, gc=False):
    """Something that befalls a vendor."""

    begin: float
    end: float
    vendor: str
    region: str
    """Only there; empty: everywhere."""
    kind: Kind
    share: float
    """Of the calls that it strikes."""
    factor: float
    """How many times longer a slow answer takes."""
    outage: bool
    """A status page would call it one."""


_KINDS: Final = (Kind.ERRORS, Kind.CONNECT, Kind.HANG, Kind.SLOW)
_KIND_WEIGHTS: Final = (50, 15, 20, 15)
"""Of outages. Not published: what the fault classes of vendors' own reports look like."""
_SLOW_OUTAGE: Final = 8.0
_SLOW_MINOR: Final = 3.0
_MINOR_SHARE: Final = 0.05
_REGIONAL: Final = 0.5
"""Share of a vendor's outages that stay in one region, where it has several."""
_REFUSED_PER_DAY: Final = 1 / 60
_REFUSED_S: Final = 1800.0
"""A key that expired, and was noticed half an hour later. Not published."""


def draw_troubles(
    rng: Random, days: float, regions: Sequence[str], *, dense: float = 1.0
) -> list[Trouble]:
    """Return the troubles of a world in order of their begin.

    Args:
        rng: Seeded.
        days: How long the world lasts.
        regions: Of the first vendor, if it has several.
        dense: So many times more troubles than published, each as long as published.
    """
    found: list[Trouble] = []
    for at, vendor in enumerate(VENDORS):
        found += _outages(rng, vendor, days, regions if at == 0 else (), dense)
        found += _minors(rng, vendor, days, dense)
        for begin in _moments(rng, _REFUSED_PER_DAY * dense, days):
            end = begin + _REFUSED_S
            found.append(Trouble(begin, end, vendor.name, "", Kind.REFUSED, 1.0, 1.0, outage=False))
    for begin in _moments(rng, SHOCKS_PER_DAY * dense, days):
        found += _shock(rng, begin)
    return sorted(found, key=lambda trouble: trouble.begin)


def _moments(rng: Random, per_day: float, days: float) -> Iterator[float]:
    at = rng.expovariate(per_day)
    while at < days:
        yield at * DAY_S
        at += rng.expovariate(per_day)


def _lasts(rng: Random, lasting: Lasting) -> float:
    return lasting.median_s * rng.lognormvariate(0.0, lasting.sigma)


def _outages(
    rng: Random, vendor: Vendor, days: float, regions: Sequence[str], dense: float
) -> Iterator[Trouble]:
    for begin in _moments(rng, vendor.outages_per_day * dense, days):
        major = rng.random() < vendor.major
        share = 1.0 if major else rng.uniform(PARTIAL_LEAST, PARTIAL_MOST)
        kind = rng.choices(_KINDS, _KIND_WEIGHTS)[0]
        region = rng.choice(regions) if regions and rng.random() < _REGIONAL else ""
        end = begin + _lasts(rng, vendor.outage)
        yield Trouble(begin, end, vendor.name, region, kind, share, _SLOW_OUTAGE, outage=True)


def _minors(rng: Random, vendor: Vendor, days: float, dense: float) -> Iterator[Trouble]:
    for begin in _moments(rng, vendor.minor_per_day * dense, days):
        slow = rng.random() < 0.5
        kind, share = (Kind.SLOW, 1.0) if slow else (Kind.ERRORS, _MINOR_SHARE)
        end = begin + _lasts(rng, vendor.minor)
        yield Trouble(begin, end, vendor.name, "", kind, share, _SLOW_MINOR, outage=False)


def _shock(rng: Random, begin: float) -> Iterator[Trouble]:
    kind = Kind.ERRORS if rng.random() < 0.5 else Kind.CONNECT
    for vendor in VENDORS:
        if rng.random() < SHOCK_HITS:
            at = begin + rng.random() * SHOCK_SPREAD_S
            yield Trouble(at, at + SHOCK_S, vendor.name, "", kind, 1.0, 1.0, outage=True)
