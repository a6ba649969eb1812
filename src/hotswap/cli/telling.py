"""What happened, told in one line for a person."""

import time

from ..core.terms import Cause
from ..ledger.record import AttemptRecord, Transition


def attempt_line(attempt: AttemptRecord) -> str:
    """Say what became of an attempt."""
    who = (
        "probe" if _is_probe(attempt) else f"{attempt.chain} {attempt.request_id}#{attempt.number}"
    )
    return (
        f"{clock_time(attempt.started_at + attempt.end_s)} {who} {attempt.target or 'no target'}:"
        f" {fault_of(attempt)}{outcome_of(attempt)} after {attempt.end_s:.3f} s"
    )


def transition_line(transition: Transition) -> str:
    """Say what changed about a target or a credential."""
    place = transition.target
    if transition.credential:
        place = f"{place} key {transition.credential}"
    until = ""
    if transition.until is not None:
        until = f", until {clock_time(transition.until)}" + (
            " as it said" if transition.hinted else ""
        )
    return (
        f"{clock_time(transition.at)} {place}: {transition.before} -> {transition.after}"
        f" ({transition.reason}{_measure(transition)}{until})"
    )


def is_smooth(attempt: AttemptRecord) -> bool:
    """Say whether an attempt is not worth a line.

    That is an answer at the first attempt, or a probe: what it finds is told as a transition.
    """
    return (attempt.answered and attempt.number == 1) or _is_probe(attempt)


def fault_of(attempt: AttemptRecord) -> str:
    """Say why an attempt failed, with a comma behind; empty: it did not."""
    if not attempt.cause:
        return ""
    detail = f"/{attempt.detail}" if attempt.detail else ""
    status = f" {attempt.status}" if attempt.status else ""
    return f"{attempt.cause}{detail}{status}{_measure(attempt)}, "


def outcome_of(attempt: AttemptRecord) -> str:
    """Say what followed from an attempt."""
    if attempt.answered:
        return "answered"
    if _is_probe(attempt):
        return "no answer" if attempt.cause else "answered"
    if not attempt.final:
        return "moved on"
    return "the caller left" if attempt.cause == Cause.CANCEL else "the caller got an error"


def measure(rule: str, measured: float | None, threshold: float | None) -> str:
    """Say what was measured, with a comma before; empty: there is nothing to say."""
    if measured is None or threshold is None:
        return f", {rule}" if rule else ""
    return f", {rule or 'measured'} {measured:g} of {threshold:g}"


def _is_probe(attempt: AttemptRecord) -> bool:
    return attempt.route == "probe"


def _measure(told: AttemptRecord | Transition) -> str:
    return measure(told.rule, told.measured, told.threshold)


def clock_time(unix: float) -> str:
    """Return the time of day here."""
    return time.strftime("%H:%M:%S", time.localtime(unix))
