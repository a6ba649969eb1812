"""Changes of standing on their way to the ledger and to the other workers, and back."""

from ..clock import Clock
from ..core.standings import Change
from ..ledger.record import Transition


def to_transition(change: Change, clock: Clock) -> Transition:
    """Express a change in Unix time, for whoever is outside this process."""
    offset_s = clock.unix() - clock.now()
    return Transition(
        at=change.at + offset_s,
        target=change.target,
        credential=change.credential,
        before=change.before,
        after=change.after,
        reason=change.reason,
        rule=change.rule,
        measured=change.measured,
        threshold=change.threshold,
        until=change.until + offset_s if change.until is not None else None,
        hinted=change.hinted,
        level=change.level,
    )


def to_change(transition: Transition, clock: Clock) -> Change:
    """Express what another worker learned in this process's monotonic time."""
    offset_s = clock.now() - clock.unix()
    return Change(
        at=transition.at + offset_s,
        target=transition.target,
        credential=transition.credential,
        before=transition.before,
        after=transition.after,
        reason=transition.reason,
        rule=transition.rule,
        measured=transition.measured,
        threshold=transition.threshold,
        until=transition.until + offset_s if transition.until is not None else None,
        hinted=transition.hinted,
        level=transition.level,
    )
