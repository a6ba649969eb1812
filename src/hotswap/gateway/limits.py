"""The limits of one attempt: first content, pace, silence, the request's deadline, keep-alive."""

from math import inf

from ..core.health import TargetHealth
from ..core.settings import LatencyRule
from ..core.splice import BYTES_PER_TOKEN
from ..core.terms import Cause, Failure
from .line import Line


class Limits:
    """Says when an attempt must be looked at again, and what has gone wrong by then.

    First content is counted from the moment the request's bytes were written. The smaller of
    `timeouts.first_content_s` and `latency.threshold_ms` applies, to the head of an answer that
    is not streamed as well; without either, what was learned of the target. A threshold for the
    total holds for all of an answer that is not streamed, and for no stream.
    """

    __slots__ = (
        "_began_at",
        "_first_s",
        "_floor_at",
        "_floor_bytes",
        "_line",
        "_pace_at",
        "_pace_bytes",
        "_rule",
        "_settle_at",
        "_silence_s",
        "_whole_at",
        "_whole_s",
        "longest_gap_s",
        "seen_at",
    )

    def __init__(self, line: Line, health: TargetHealth) -> None:
        self._line = line
        self._began_at = 0.0
        timeouts, latency = line.chain.timeouts, line.chain.triggers.latency
        first_s, self._rule = timeouts.first_content_s, "timeouts.first_content_s"
        self._whole_s = self._whole_at = inf
        threshold_s = _threshold_s(latency, streamed=line.request.stream)
        if threshold_s is not None and latency is not None:
            if first_s is None or threshold_s < first_s:
                first_s, self._rule = threshold_s, "latency.threshold_ms"
            if latency.metric == "total":
                self._whole_s = threshold_s
        if first_s is None:
            first_s = health.latency.first_content_limit_s(streamed=line.request.stream)
            self._rule = "learned.first_content"
        self._first_s = first_s
        silence_s = timeouts.silence_s
        self._silence_s = silence_s if silence_s is not None else health.latency.silence_limit_s()
        self._pace_at = inf
        self._pace_bytes = 0.0
        if timeouts.first_tokens_per_s is not None:
            wanted = timeouts.first_tokens_per_s * timeouts.first_tokens_s
            self._pace_bytes = wanted * BYTES_PER_TOKEN
        self._floor_at = self._settle_at = inf
        self._floor_bytes = 0.0
        self.seen_at = 0.0
        """When the last event with content came."""
        self.longest_gap_s = 0.0

    def first_at(self, now: float) -> float:
        """Return when to look for the first time, for an attempt that begins at `now`."""
        self._began_at = now
        self._whole_at = now + self._whole_s
        return self.next_at(now)

    def next_at(self, now: float) -> float:
        """Return when the nearest limit may pass, seen from `now`, before any content."""
        line = self._line
        at = min(self._began_at + self._first_s, line.deadline)
        if line.request.stream and line.keep_alive_at < at:
            at = line.keep_alive_at
        return max(at, now + 0.001)

    def silence_at(self, now: float, *, waiting: bool = False) -> float:
        """Return when silence that begins at `now` has lasted too long, or a pace is due.

        Args:
            now: Monotonic seconds.
            waiting: The caller hears nothing, and needs a sign of life from time to time.
        """
        at = min(
            now + self._silence_s,
            self._line.deadline,
            self._pace_at,
            self._floor_at,
            self._whole_at,
        )
        return min(at, self._line.keep_alive_at, self._settle_at) if waiting else at

    def paused_until(self, now: float) -> float:
        """Return when to look again while the caller reads too slowly for any pace to be judged."""
        return min(now + self._silence_s, self._line.deadline)

    def on_resume(self, content_bytes: int, now: float) -> None:
        """Measure pace and silence anew: they were the caller's until now."""
        if self.seen_at:
            self.seen_at = now
        if self._floor_at < inf:
            self.set_floor(content_bytes, now)

    def settle_by(self, at: float) -> None:
        """Compare words at a joint until `at` at most; the first moment that is named counts."""
        self._settle_at = min(self._settle_at, at)

    def settles(self, now: float) -> bool:
        """Say, once, that the time for comparing words is over."""
        if now < self._settle_at:
            return False
        self._settle_at = inf
        return True

    def keeps_pace(self, content_bytes: int, now: float) -> bool:
        """Say whether a stream has shown by `content_bytes` that it begins fast enough.

        Asked with each event until it has; counted from the first content.
        """
        if content_bytes >= self._pace_bytes:
            self._pace_at = inf
            self.set_floor(content_bytes, now)
            return True
        if self._pace_at == inf:
            self._pace_at = now + self._line.chain.timeouts.first_tokens_s
        return False

    def set_floor(self, content_bytes: int, now: float) -> None:
        """Begin another stretch over which a stream has to keep its pace."""
        timeouts = self._line.chain.timeouts
        if timeouts.tokens_per_s is not None:
            wanted = timeouts.tokens_per_s * timeouts.tokens_s
            self._floor_at = now + timeouts.tokens_s
            self._floor_bytes = content_bytes + wanted * BYTES_PER_TOKEN

    def on_progress(self, now: float) -> None:
        """Take note of an event with content."""
        gap_s = now - self.seen_at
        if self.seen_at and gap_s > self.longest_gap_s:
            self.longest_gap_s = gap_s
        self.seen_at = now

    def keep_alive_due(self, now: float, *, waiting: bool) -> bool:
        """Say whether a stream whose caller hears nothing must show a sign of life."""
        return self._line.request.stream and waiting and now >= self._line.keep_alive_at

    def passed(
        self,
        now: float,
        sent_at: float,
        *,
        started: bool,
        last_at: float | None,
        content_bytes: int = 0,
    ) -> Failure | None:
        """Return the failure if a limit has passed at `now`.

        Args:
            now: Monotonic seconds.
            sent_at: When the request was written; 0.0 while connecting.
            started: Content of a stream has come.
            last_at: When the last byte of a body that is not streamed came; None: none has.
            content_bytes: Of a stream, as it has come so far.
        """
        line = self._line
        if now >= line.deadline:
            total_s = line.deadline - line.exchange.incoming.received_at
            return _hang("total", "timeouts.total_s", now - line.deadline + total_s, total_s)
        self._began_at = max(self._began_at, sent_at)
        self._whole_at = self._began_at + self._whole_s
        since = self.seen_at if started else last_at
        return self._lags(content_bytes, now) or self._waits(now, since)

    def _waits(self, now: float, since: float | None) -> Failure | None:
        """Return the failure of an answer that is not there in time.

        Args:
            now: Monotonic seconds.
            since: When what there is of it came last; None: nothing has come.
        """
        waited_s = now - self._began_at
        if now >= self._whole_at:
            return _hang("first_content", "latency.threshold_ms", waited_s, self._whole_s)
        if since is not None:
            if now >= since + self._silence_s:
                return _hang("silence", "timeouts.silence_s", now - since, self._silence_s)
        elif now >= self._began_at + self._first_s:
            return _hang("first_content", self._rule, waited_s, self._first_s)
        return None

    def _lags(self, content_bytes: int, now: float) -> Failure | None:
        """Return the failure of a stream that is slower than it may be."""
        timeouts = self._line.chain.timeouts
        if now >= self._pace_at:
            shown = content_bytes / BYTES_PER_TOKEN / timeouts.first_tokens_s
            return _too_slow("first_tokens_per_s", shown, timeouts.first_tokens_per_s)
        if now >= self._floor_at:
            missing = (self._floor_bytes - content_bytes) / BYTES_PER_TOKEN / timeouts.tokens_s
            wanted = timeouts.tokens_per_s or 0.0
            if missing > 0:
                return _too_slow("tokens_per_s", wanted - missing, wanted)
            self.set_floor(content_bytes, now)
        return None


def _threshold_s(rule: LatencyRule | None, *, streamed: bool) -> float | None:
    """Return the `latency` trigger's limit of one request; None: it sets none.

    Who reads a stream has some of it by the time a total or a pause is known: then only the
    target's standing suffers.
    """
    if rule is None or rule.threshold_ms is None or rule.action != "switch":
        return None
    if rule.metric == "gap" or (rule.metric == "total" and streamed):
        return None
    return rule.threshold_ms / 1000


def _too_slow(name: str, shown: float, wanted: float | None) -> Failure:
    return _hang("too_slow", f"timeouts.{name}", shown, wanted or 0.0)


def _hang(detail: str, rule: str, measured: float, threshold: float) -> Failure:
    return Failure(Cause.HANG, detail, rule=rule, measured=measured, threshold=threshold)
