"""A second attempt beside one that is slow to begin: who answers first is kept."""

from collections.abc import Callable
from functools import partial
from math import inf

from ..core.hedge import HedgeBudget, delay_s
from ..core.run import Run
from ..core.settings import Hedging
from ..core.terms import Cause, Endpoint, Failure, Provider
from ..dialects.api import UnableError
from ..errors import RefusedError
from .answer import note
from .attempt import Attempt
from .beside import HEDGE_LOST, Contender
from .report import settle
from .services import Services

Begin = Callable[[Contender, float], Attempt | None]
"""Begins the second attempt; None: there can be none."""


class First:
    """Implements `Hedge` for the attempt that came first.

    Args:
        due_at: When the second one begins.
        begin: Begins it.
    """

    __slots__ = ("_begin", "due_at", "second")

    def __init__(self, due_at: float, begin: Begin) -> None:
        self._begin = begin
        self.due_at = due_at
        self.second: Attempt | None = None

    @property
    def waited_s(self) -> float | None:
        """Return nothing: this is the first."""
        return None

    def check(self, attempt: Contender, now: float) -> None:
        """Begin the second attempt if it is due."""
        if now < self.due_at:
            return
        self.due_at = inf
        self.second = self._begin(attempt, now)
        if self.second is not None:
            self.second.hedge = _Second(attempt, now)

    def win(self, now: float) -> None:  # noqa: ARG002 - as the second one's
        """End the second attempt."""
        self.due_at = inf
        if self.second is not None:
            self.second.lose()


class _Second:
    """Implements `Hedge` for the attempt that was begun beside another one."""

    __slots__ = ("_first", "due_at", "waited_s")

    def __init__(self, first: Contender, now: float) -> None:
        self._first = first
        self.due_at = inf
        self.waited_s: float | None = now - first.started_at

    def check(self, attempt: Contender, now: float) -> None:
        """Do nothing: there is no third."""

    def win(self, now: float) -> None:
        """End the first attempt, and tell the caller of it."""
        first = self._first
        if first.lose():
            lost = Failure(Cause.CANCEL, HEDGE_LOST)
            first.line.attempts.append(note(first.start.target, lost, now - first.started_at))


def prepare(attempt: Attempt, rule: Hedging, run: Run, services: Services) -> None:
    """Have a second attempt started in time, as the chain's `rule` wants it."""
    line = attempt.line
    if line.splice is not None or not line.options.fallback:
        return
    budget = services.hedges.get(line.chain.name)
    if budget is None:
        budget = services.hedges[line.chain.name] = HedgeBudget()
    needs = line.request.needs
    if attempt.number == 1:
        budget.started(rule, needs.prompt_tokens + needs.output_tokens)
    after_s = delay_s(rule, attempt.health.latency.usual_s(streamed=line.request.stream))
    if after_s is not None:
        attempt.watch(First(attempt.started_at + after_s, partial(_begin, run, services, budget)))


def _begin(
    run: Run, services: Services, budget: HedgeBudget, first: Contender, now: float
) -> Attempt | None:
    """Begin the second attempt, at another vendor than the first one's."""
    line = first.line
    rule, providers = line.chain.hedge, line.plane.providers
    tokens = line.request.needs.prompt_tokens
    if rule is None or not budget.allows(rule, tokens):
        return None
    vendor = _run_by(providers[first.start.target.provider])
    start = run.beside(now, lambda target: _run_by(providers[target.provider]) != vendor)
    if start is None:
        return None
    try:
        second = Attempt(line, start, services)
    except (UnableError, RefusedError):
        return None
    budget.take(tokens)
    return second


def _run_by(provider: Provider) -> str | Endpoint:
    return provider.vendor or provider.endpoint


async def outcome(attempt: Attempt, run: Run, services: Services) -> tuple[Attempt, Failure | None]:
    """Wait for the attempt that counts: the one that answers, or the last one to fail.

    What becomes of the other one is settled on the way.
    """
    failure = await attempt.ended()
    hedge = attempt.hedge
    if not isinstance(hedge, First) or hedge.second is None:
        return attempt, failure
    second = hedge.second
    hedge.second = None  # they know each other: a ring that only the collector could undo
    lost = failure is not None and failure.detail == HEDGE_LOST
    left = failure is not None and failure.cause is Cause.CANCEL and not lost
    if left:
        second.cut_off()
    if failure is None or attempt.released or left:
        other = await second.ended()
        settle(second, other, services)
        if other is not None and other.detail == HEDGE_LOST:
            run.on_lost(second.start.target)
        return attempt, failure
    settle(attempt, failure, services)
    if lost:
        run.on_lost(attempt.start.target)
    return second, await second.ended()
