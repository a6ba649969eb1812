"""Answers that the gateway writes itself, and the headers that explain the others."""

from collections.abc import Sequence
from math import ceil, inf
from typing import Final

from msgspec import Struct

from ..core.plan import Skip
from ..core.terms import Cause, Failure, Target, rule_of
from ..dialects.api import AttemptNote, Dialect
from ..upstream.api import Headers
from .line import Line

JSON: Final = b"content-type: application/json\r\n"
_LIVE: Final = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
NO_RETRY: Final = b"x-should-retry: false\r\n"
"""The chain was tried already: an SDK that retries would triple the load in an outage."""
RETRY_AFTER_MAX_S: Final = 60.0

_PASSED_ON: Final = frozenset({Cause.CALLER, Cause.POLICY, Cause.CONTEXT, Cause.CAPABILITY})
_PASSED_HEADERS: Final = (b"content-type", b"x-request-id", b"request-id")
_CODES: Final = {
    429: "rate_limit_exceeded",
    503: "chain_exhausted",
    504: "timeout",
}


class Refusal(Struct, frozen=True, gc=False):
    """An error answer, not yet written."""

    status: int
    code: str
    message: str
    param: str | None = None
    retry_after_s: float | None = None

    def headers(self) -> bytes:
        """Write the headers that go with it."""
        lines = JSON + NO_RETRY
        if self.retry_after_s is not None:
            lines += b"retry-after: %d\r\n" % max(1, ceil(self.retry_after_s))
        return lines

    def body(self, dialect: Dialect, attempts: Sequence[AttemptNote] = ()) -> bytes:
        """Write the body in the caller's dialect."""
        return dialect.write_error(self.status, self.code, self.message, self.param, attempts)


def stream_head(line: Line) -> bytes:
    """Write the headers that make a stream one, in the caller's dialect."""
    return b"content-type: %b\r\n%b" % (line.route.dialect.stream_type(line.request), _LIVE)


def explain(line: Line, target: Target | None, now: float) -> bytes:
    """Write the headers that every answer carries."""
    own_s = now - line.exchange.incoming.received_at - line.upstream_s
    lines = (
        b"x-hotswap-request-id: %b\r\nx-hotswap-attempts: %d\r\nserver-timing: hotswap;dur=%.2f\r\n"
    ) % (line.request_id.encode(), line.tried, max(own_s * 1000, 0.0))
    if target is not None:
        lines += b"x-hotswap-target: %b\r\n" % target.id.encode()
    if line.notices and target is not None:
        lines += b"x-hotswap-notice: %b\r\n" % ",".join(line.notices).encode("ascii", "replace")
    if line.attempts or line.skips or line.behind:
        reason = why(line.attempts, _passed_over(line, target))
        if reason:
            lines += b"x-hotswap-reason: %b\r\n" % reason.encode("ascii", "replace")
    return lines


def _passed_over(line: Line, target: Target | None) -> list[str]:
    """Say which targets that stand as high as `target` were not asked, and why; None: all."""
    lowest = target.priority if target is not None else inf
    found = {t.id: t.priority for t in line.chain.targets if t is not target}
    asked = {attempt.target for attempt in line.attempts}
    return [
        f"{skip.target} {words_of(skip)}"
        for skip in (*line.skips, *line.behind)
        if found.get(skip.target, inf) <= lowest and skip.target not in asked
    ]


def words_of(skip: Skip) -> str:
    """Say why a target was left out, or is asked later, and what was measured."""
    scope = f", {skip.scope}" if skip.scope else ""
    return f"{skip.reason}{scope}{_measured(skip)}"


def _measured(told: AttemptNote | Skip) -> str:
    """Say what was measured, in brackets; empty: there is nothing to say."""
    if told.measured is None or told.threshold is None:
        return ""
    return f" ({told.rule} {told.measured:.4g} of {told.threshold:g})"


def pass_on(headers: Headers) -> bytes:
    """Write those of a provider's headers that go on to the caller: few, by allow list."""
    lines = b""
    for name in _PASSED_HEADERS:
        if value := headers.get(name):
            lines += b"%b: %b\r\n" % (name, value)
    return lines


def note(target: Target, failure: Failure, seconds: float) -> AttemptNote:
    """Describe a failed attempt for the caller."""
    return AttemptNote(
        target.id,
        failure.cause.value,
        failure.detail,
        failure.status,
        round(seconds * 1000, 1),
        rule_of(failure),
        failure.measured,
        failure.threshold,
    )


def why(attempts: Sequence[AttemptNote], skips: Sequence[str]) -> str:
    """Say in one line why the first candidates did not answer."""
    failed = [
        f"{a.target} {f'{a.status} ' if a.status else ''}{a.detail or a.cause}{_measured(a)}"
        for a in attempts
    ]
    return "; ".join([*failed, *skips])


def give_up(line: Line, failure: Failure | None, retry_after_s: float | None) -> Refusal:
    """Say how a request ends that no target answered.

    The caller's own faults go back as they are. Otherwise: 429 if everything was throttled, 504
    if everything timed out, else 503; a provider's 401 never reaches the caller.
    """
    if failure is not None and failure.cause in _PASSED_ON:
        status = failure.status if 400 <= failure.status < 500 else 400
        return Refusal(status, failure.code or failure.detail, failure.message, failure.param)
    if line.skips and not line.attempts and all(skip.unable for skip in line.skips):
        reasons = why((), _passed_over(line, None))
        words = f"No target of {line.chain.name!r} can do what the request asks: {reasons}."
        return Refusal(400, "capability_mismatch", words)
    causes = {a.cause for a in line.attempts} | {s.reason for s in line.skips}
    if causes and causes <= {Cause.THROTTLE.value, "throttled"}:
        status = 429
    elif causes and causes <= {Cause.HANG.value}:
        status = 504
    else:
        status = 503
    reasons = why(line.attempts, _passed_over(line, None))
    message = f"No target of {line.chain.name!r} could answer: {reasons}."
    soonest = min(retry_after_s, RETRY_AFTER_MAX_S) if retry_after_s is not None else None
    return Refusal(status, _CODES[status], message, None, soonest)
