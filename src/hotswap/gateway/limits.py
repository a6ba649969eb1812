"""The limits of one attempt: first content, pace, silence, the request's deadline, keep-alive."""

from math import inf
from typing import Final

from ..core.health import TargetHealth
from ..core.terms import Cause, Failure
from .line import Line

BYTES_PER_TOKEN: Final = 3.6
"""Of answers, across languages; an estimate that errs on the high side."""


class Limits:
    """Says when an attempt must be looked at again, and what has gone wrong by then.

    First content is counted from the moment the request's bytes were written. The smaller of
    `timeouts.first_content_s` and `latency.threshold_ms` applies, to the head of an answer that
    is not streamed as well; without either, what was learned of the target.
    """

    __slots__ = (
        "_began_at",
        "_first_s",
        "_line",
        "_pace_at",
        "_pace_bytes",
        "_rule",
        "_silence_s",
        "longest_gap_s",
        "seen_at",
    )

    def __init__(self, line: Line, health: TargetHealth) -> None:
        self._line = line
        learned = line.plane.snapshot.health.learned
        self._began_at = 0.0
        timeouts, latency = line.chain.timeouts, line.chain.triggers.latency
        first_s, self._rule = timeouts.first_content_s, "timeouts.first_content_s"
        if latency is not None and latency.threshold_ms is not None:
            threshold_s = latency.threshold_ms / 1000
            if first_s is None or threshold_s < first_s:
                first_s, self._rule = threshold_s, "latency.threshold_ms"
        if first_s is None:
            first_s = health.first_content_limit_s(learned, streamed=line.request.stream)
            self._rule = "learned.first_content"
        self._first_s = first_s
        silence_s = timeouts.silence_s
        self._silence_s = silence_s if silence_s is not None else health.silence_limit_s(learned)
        self._pace_at = inf
        self._pace_bytes = 0.0
        if timeouts.first_tokens_per_s is not None:
            wanted = timeouts.first_tokens_per_s * timeouts.first_tokens_s
            self._pace_bytes = wanted * BYTES_PER_TOKEN
        self.seen_at = 0.0
        """When the last event with content came."""
        self.longest_gap_s = 0.0

    def first_at(self, now: float) -> float:
        """Return when to look for the first time, for an attempt that begins at `now`."""
        self._began_at = now
        return self.next_at(now)

    def next_at(self, now: float) -> float:
        """Return when the nearest limit may pass, seen from `now`, before any content."""
        line = self._line
        at = min(self._began_at + self._first_s, line.deadline)
        if line.request.stream and line.keep_alive_at < at:
            at = line.keep_alive_at
        return max(at, now + 0.001)

    def silence_at(self, now: float) -> float:
        """Return when silence that begins at `now` has lasted too long, or a pace is due."""
        return min(now + self._silence_s, self._line.deadline, self._pace_at)

    def keeps_pace(self, content_bytes: int, now: float) -> bool:
        """Say whether a stream has shown by `content_bytes` that it begins fast enough.

        Asked with each event until it has; counted from the first content.
        """
        if content_bytes >= self._pace_bytes:
            self._pace_at = inf
            return True
        if self._pace_at == inf:
            self._pace_at = now + self._line.chain.timeouts.first_tokens_s
        return False

    def on_progress(self, now: float) -> None:
        """Take note of an event with content."""
        gap_s = now - self.seen_at
        if self.seen_at and gap_s > self.longest_gap_s:
            self.longest_gap_s = gap_s
        self.seen_at = now

    def keep_alive_due(self, now: float, *, started: bool) -> bool:
        """Say whether a stream without content so far must show a sign of life."""
        return self._line.request.stream and not started and now >= self._line.keep_alive_at

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
        if now >= self._pace_at:
            return self._too_slow(content_bytes)
        if started or last_at is not None:
            since = self.seen_at if started else last_at or 0.0
            if now >= since + self._silence_s:
                return _hang("silence", "timeouts.silence_s", now - since, self._silence_s)
            return None
        self._began_at = max(self._began_at, sent_at)
        if now >= self._began_at + self._first_s:
            return _hang("first_content", self._rule, now - self._began_at, self._first_s)
        return None

    def _too_slow(self, content_bytes: int) -> Failure:
        timeouts = self._line.chain.timeouts
        shown = content_bytes / BYTES_PER_TOKEN / timeouts.first_tokens_s
        wanted = timeouts.first_tokens_per_s or 0.0
        return _hang("too_slow", "timeouts.first_tokens_per_s", shown, wanted)


def _hang(detail: str, rule: str, measured: float, threshold: float) -> Failure:
    return Failure(Cause.HANG, detail, rule=rule, measured=measured, threshold=threshold)
