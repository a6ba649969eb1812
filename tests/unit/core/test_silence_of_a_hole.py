"""A host that swallows everything, at ten streamed requests a second for an hour."""

from heapq import heappop, heappush
from itertools import count

from hotswap.core.change import Change
from hotswap.core.health import TargetHealth
from hotswap.core.settings import Health
from hotswap.core.terms import Cause, Failure

RATE = 10
HOUR_S = 3600.0
VANISHES_AT = 60.0


class Hole:
    """A target that answers within half a second, and from `VANISHES_AT` on not at all."""

    def __init__(self) -> None:
        changes: list[Change] = []
        self.health = TargetHealth(
            Health(), lambda: 0.5, target="one/a", serial=count(0, 2), changes=changes
        )
        self.delayed_s: list[float] = []
        """How long those had to wait who asked in vain."""
        self.probed_at: list[float] = []
        self._waiting: list[tuple[float, int, float]] = []
        self._probe_until = 0.0

    def request(self, now: float) -> None:
        health = self.health
        while self._waiting and self._waiting[0][0] <= now:
            at, token, begun = heappop(self._waiting)
            self.delayed_s.append(at - begun)
            health.on_failure(token, at, Failure(Cause.HANG, "first_content"))
        if health.obstacle_at(now) is not None or not health.admits_at(now):
            return
        token = health.begin(now, streamed=True)
        if now < VANISHES_AT:
            health.on_byte(token, now)
            health.on_content(token, now, 0.5)
            health.on_success(token, now)
            return
        limit_s = health.latency.first_content_limit_s(streamed=True)
        heappush(self._waiting, (now + limit_s, token, now))

    def probe(self, now: float) -> None:
        """Make probes as they come due; each goes into the hole as well."""
        breaker = self.health.breaker
        if self._probe_until and now >= self._probe_until:
            self._probe_until = 0.0
            breaker.on_probe(now, ok=False)
        if breaker.due_at(now) and breaker.lease(now, 15.0):
            self.probed_at.append(now)
            self._probe_until = now + 3.0


def test_a_hole_is_left_within_three_seconds_and_hardly_anybody_waits() -> None:
    hole = Hole()
    for n in range(int(HOUR_S * RATE)):
        hole.request(n / RATE)
        hole.probe(n / RATE)

    opened = hole.health.changes[0]
    assert (opened.after, opened.reason) == ("open", "silence")
    assert opened.at - VANISHES_AT <= 3.0
    assert sum(delay_s > 2.0 for delay_s in hole.delayed_s) <= 0.005 * HOUR_S * RATE
    assert len(hole.delayed_s) <= 25


def test_no_user_waits_for_a_probe_and_only_one_is_under_way() -> None:
    hole = Hole()
    for n in range(int(HOUR_S * RATE)):
        hole.request(n / RATE)
        hole.probe(n / RATE)

    assert hole.health.in_flight == 0
    assert 10 <= len(hole.probed_at) <= 30
    pauses = [b - a for a, b in zip(hole.probed_at, hole.probed_at[1:], strict=False)]
    assert min(pauses) > 3.0
    assert max(pauses) <= 300.0 + 3.0 + 0.2
