"""What becomes of one call to a provider, seen from this side of the wire."""

from math import inf
from random import Random
from statistics import NormalDist
from typing import Final, Protocol

from msgspec import Struct

from ...core.headroom import Window
from ...core.run import Start
from ...core.terms import Cause, Failure


class Fate(Struct, frozen=True, gc=False):
    """How one call would go, if nobody ended it; seconds count from its begin."""

    content_s: float
    """To the first content; inf: none comes."""
    end_s: float
    """To the end, good or bad; inf: it never ends by itself."""
    failure: Failure | None = None
    """How it ends; None: well."""
    stalls: bool = False
    """Its last byte comes at `end_s`, and then nothing."""
    limits: tuple[Window, ...] = ()
    """What the answer's head tells of the account's limits."""


class Sky(Protocol):
    """Decides what becomes of calls; asked in order of time."""

    def ask(self, start: Start, now: float, *, streamed: bool) -> Fate:
        """Say what becomes of a call that begins now."""
        ...

    def probe(self, start: Start, now: float) -> Fate:
        """Say what becomes of a probe that begins now; it has the whole answer at once."""
        ...


_STEPS: Final = 2048
CONTENT_MEDIAN_S: Final = 0.5
_CONTENT_SIGMA: Final = 0.53
"""p95 of 1.2 s: the higher end of what was reported for short prompts in 2026."""
_ANSWER_MEDIAN_S: Final = 5.0
_ANSWER_SIGMA: Final = 0.6
"""Some hundred tokens; p99 of 20 s."""


def _lognormal(median_s: float, sigma: float) -> tuple[float, ...]:
    """Return equally likely values, so that a draw costs one look-up."""
    usual = NormalDist()
    return tuple(
        median_s * 2.718281828459045 ** (sigma * usual.inv_cdf((i + 0.5) / _STEPS))
        for i in range(_STEPS)
    )


_CONTENT_S: Final = _lognormal(CONTENT_MEDIAN_S, _CONTENT_SIGMA)
_ANSWER_S: Final = _lognormal(_ANSWER_MEDIAN_S, _ANSWER_SIGMA)

SILENT: Final = Fate(inf, inf)
"""Not one byte comes."""


class Healthy:
    """Draws the times of answers as they usually are."""

    __slots__ = ("_random",)

    def __init__(self, rng: Random) -> None:
        self._random = rng.random

    def answer(self, factor: float) -> Fate:
        """Return a good answer, `factor` times slower than usual."""
        random = self._random
        content_s = _CONTENT_S[int(random() * _STEPS)] * factor
        return Fate(content_s, content_s + _ANSWER_S[int(random() * _STEPS)] * factor)

    def word(self, factor: float) -> Fate:
        """Return the answer to a probe: one token."""
        content_s = _CONTENT_S[int(self._random() * _STEPS)] * factor
        return Fate(content_s, content_s)


def refusal(failure: Failure, after_s: float) -> Fate:
    """Return a call that fails before any content."""
    return Fate(inf, after_s, failure)


def throttled(retry_after_s: float | None, after_s: float) -> Fate:
    """Return a 429, with the time it names, if any."""
    failure = Failure(Cause.THROTTLE, "rate_limited", 429, retry_after_s=retry_after_s)
    return refusal(failure, after_s)
