"""How often, how long and how badly vendors fail, as status pages and studies tell.

Outages are what a status page calls a partial or a major outage; incidents below that slow a
vendor down, or cost a few requests. Durations are lognormal, fitted to the published median and
mean, so that the time lost is as published; the fitted p90 is then told beside the published one.
"""

from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

from msgspec import Struct

DAY_S: Final = 86_400.0
_P90: Final = NormalDist().inv_cdf(0.9)


class Lasting(Struct, frozen=True, gc=False):
    """A lognormal duration."""

    median_s: float
    mean_s: float

    @property
    def sigma(self) -> float:
        """Return the deviation of its logarithm."""
        return sqrt(2.0 * log(self.mean_s / self.median_s))

    @property
    def p90_s(self) -> float:
        """Return what nine of ten are shorter than."""
        return self.median_s * exp(_P90 * self.sigma)


class Vendor(Struct, frozen=True):
    """How one vendor fails."""

    name: str
    outages_per_day: float
    outage: Lasting
    major: float
    """Share of the outages in which every request fails."""
    minor_per_day: float
    """Incidents below an outage."""
    minor: Lasting
    p90_s: float | None
    """Of outages, as published; None: it is not."""
    pace: float
    """Its answers take so many times longer than usual ones; chosen, so that they differ."""
    source: str


def _minutes(median: float, mean: float) -> Lasting:
    return Lasting(median * 60.0, mean * 60.0)


_STUDY: Final = "status pages behind the ICPE 2025 study, to 2024-08-31, recomputed"
VENDORS: Final = (
    Vendor(
        "openai",
        95 / 1298,
        _minutes(54, 83),
        0.175,
        (222 - 95) / 1298,
        _minutes(1.24 * 60, 2.57 * 60),
        197 * 60.0,
        1.0,
        f"OpenAI API, {_STUDY}: 95 outage days of 1,298, 222 incidents, 99.578 % raw",
    ),
    Vendor(
        "anthropic",
        25 / 418,
        _minutes(27, 67),
        0.0,
        (72 - 25) / 418,
        _minutes(0.77 * 60, 2.81 * 60),
        85 * 60.0,
        1.25,
        f"Anthropic API, {_STUDY}: 25 outage days of 418, 72 incidents, 99.722 % raw",
    ),
    Vendor(
        "mistral",
        0.0048 * 1440 / 19,
        _minutes(12.4, 19),
        0.175,
        (222 - 95) / 1298,
        _minutes(1.24 * 60, 2.57 * 60),
        None,
        0.8,
        "Mistral, third-party trackers 2026: 99.52 % of 90 days, 19 min on average; median and"
        " severity in proportion to the first",
    ),
)
"""Three vendors; the major share is that of the outage minutes."""

PARTIAL_LEAST: Final = 0.1
PARTIAL_MOST: Final = 0.5
"""Share of the requests that a partial outage strikes; 0.3 on average, the study's weight."""
SHOCKS_PER_DAY: Final = 3 / 365.25
"""Common causes: a cloud's or a network's failure that several vendors share ..."""
SHOCK_S: Final = 3 * 3600.0
"""... for so long ..."""
SHOCK_HITS: Final = 0.3
"""... each of them with this probability, and then wholly ..."""
SHOCK_SPREAD_S: Final = 600.0
"""... within so long of each other."""
BASE_ERRORS: Final = 0.02
"""Share of all calls that fail whatever the weather ..."""
RATE_LIMITED: Final = 0.6
"""... and of these, the share that are rate limits."""
BREAKS: Final = 1 / 2000
"""Share of streams that break after content."""
SEAM_FAILS: Final = 28 / 15_324
"""Of broken streams that had a target to go on at, those that could not: docs/simulation.md."""
