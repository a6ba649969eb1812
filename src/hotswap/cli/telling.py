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
        f"{_time(attempt.started_at + attempt.end_s)} {who} {attempt.target or 'no target'}:"
        f" {_fault(attempt)}{_outcome(attempt)} after {attempt.end_s:.3f} s"
    )


def transition_line(transition: Transition) -> str:
    """Say what changed about a target or a credential."""
    place = transition.target
    if transition.credential:
        place = f"{place} key {transition.credential}"
    until = ""
    if transition.until is not None:
        until = f", until {_time(transition.until)}" + (" as it said" if transition.hinted else "")
    return (
        f"{_time(transition.at)} {place}: {transition.before} -> {transition.after}"
        f" ({transition.reason}{_measure(transition)}{until})"
    )


def is_smooth(attempt: AttemptRecord) -> bool:
    """Say whether an attempt is not worth a line.

    That is an answer at the first attempt, or a probe: what it finds is told as a transition.
    """
    return (attempt.answered and attempt.number == 1) or _is_probe(attempt)


def _is_probe(attempt: AttemptRecord) -> bool:
    return attempt.route == "probe"


def _fault(attempt: AttemptRecord) -> str:
    if not attempt.cause:
        return ""
    detail = f"/{attempt.detail}" if attempt.detail else ""
    status = f" {attempt.status}" if attempt.status else ""
    return f"{attempt.cause}{detail}{status}{_measure(attempt)}, "


def _outcome(attempt: AttemptRecord) -> str:
    if attempt.answered:
        return "answered"
    if _is_probe(attempt):
        return "no answer" if attempt.cause else "answered"
    if not attempt.final:
        return "moved on"
    return "the caller left" if attempt.cause == Cause.CANCEL else "the caller got an error"


def _measure(told: AttemptRecord | Transition) -> str:
    if told.measured is None or told.threshold is None:
        return f", {told.rule}" if told.rule else ""
    return f", {told.rule or 'measured'} {told.measured:g} of {told.threshold:g}"


def _time(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix))
