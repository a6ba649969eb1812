"""What is known of one place's standing, and what follows from a change and from time."""

from typing import Final

from msgspec import Struct, structs

from ..core.change import State
from ..core.pauses import after_opening, ramp_after
from ..core.settings import BreakerSettings
from ..ledger.record import Transition

OVERLAYS: Final = frozenset({"suspect", "demoted", "clear"})
"""States that lie over the breaker's own."""
DRAINED: Final = "drained"
UNDRAINED: Final = "undrained"
TRIAL: Final = "trial"


class Overlay(Struct, frozen=True, gc=False):
    """A verdict that leaves the state alone, but puts a target behind the others."""

    name: str
    """suspect, demoted."""
    since: float
    """Unix seconds."""
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None


class Standing(Struct, frozen=True):
    """What is known of one place."""

    state: str = "closed"
    """closed, open, half_open, ramp; drained, which covers whatever else it is; down, which is
    our own network."""
    reason: str = ""
    """Why it opened last: failures, ratio, silence, throttled, exhausted, auth, gone, operator;
    empty while it is closed."""
    rule: str = ""
    """The setting that was violated then; empty: the reason says it all."""
    measured: float | None = None
    """What was measured then, in the unit of `threshold`."""
    threshold: float | None = None
    since: float | None = None
    """Unix seconds when the state began; None: it was never another one."""
    until: float | None = None
    """Unix seconds when what is open is tried again, or of a ramp's end; None: not timed."""
    hinted: bool = False
    """`until` is the provider's own word."""
    level: int = 0
    """How often the opening has grown."""
    overlays: tuple[Overlay, ...] = ()


CLOSED: Final = Standing()


def standing_at(standing: Standing, now: float, settings: BreakerSettings) -> Standing:
    """Return what has become of a standing by now (Unix seconds).

    Workers tell of what becomes due when a request makes them look; without traffic nobody does.
    """
    if standing.since is None:
        return standing
    match standing.state:
        case "open" if standing.until is not None and now >= standing.until:
            due = _due(standing, standing.since, standing.until, settings)
            return standing_at(due, now, settings)
        case "ramp" if standing.until is not None:
            level = _level_at(standing, standing.since, now, settings)
            past = now >= standing.until
            now_is = _closed(standing, standing.until) if past else standing
            return structs.replace(now_is, level=level)
        case "closed":
            healed = standing.since - settings.ramp_s
            return structs.replace(standing, level=_level_at(standing, healed, now, settings))
        case _:
            return standing


def _due(standing: Standing, since: float, at: float, settings: BreakerSettings) -> Standing:
    """Return what follows an opening that lasted from `since` until `at`."""
    state = after_opening(standing.reason, standing.hinted)
    ramp_s = ramp_after(settings, standing.reason, standing.hinted, at - since)
    until = at + ramp_s if state is State.RAMP else None
    return structs.replace(standing, state=state.value, since=at, until=until, hinted=False)


def _level_at(standing: Standing, healed: float, now: float, settings: BreakerSettings) -> int:
    """Count back by one step for each time in health since `healed`."""
    return max(0, standing.level - int(max(0.0, now - healed) / settings.settle_s))


def standing_after(standing: Standing, transition: Transition) -> Standing:
    """Return what a change makes of a standing."""
    match transition.after:
        case "suspect" | "demoted" | "clear":
            return _overlaid(standing, transition)
        case "open":
            return _opened(standing, transition)
        case "closed" | "up":
            return structs.replace(_closed(standing, transition.at), level=transition.level)
        case "trial":
            return standing  # its probe will show
        case "undrained":
            return _undrained(standing, transition.at)
        case after:
            return structs.replace(
                standing,
                state=after,
                since=transition.at,
                until=transition.until,
                hinted=False,
                level=transition.level,
            )


def _overlaid(standing: Standing, transition: Transition) -> Standing:
    gone = transition.before if transition.after == "clear" else transition.after
    overlays = tuple(overlay for overlay in standing.overlays if overlay.name != gone)
    if transition.after != "clear":
        overlays += (
            Overlay(
                transition.after,
                transition.at,
                transition.rule,
                transition.measured,
                transition.threshold,
            ),
        )
    return structs.replace(standing, overlays=overlays)


def _opened(standing: Standing, transition: Transition) -> Standing:
    # A longer opening, and one after a bad probe, goes on for the reason of the first one.
    again = transition.reason == standing.reason and not transition.rule
    why = standing if again else transition
    prolonged = standing.state == "open"
    return Standing(
        state="open",
        reason=transition.reason,
        rule=why.rule,
        measured=why.measured,
        threshold=why.threshold,
        since=standing.since if prolonged else transition.at,
        until=transition.until,
        hinted=transition.hinted,
        level=transition.level,
        overlays=standing.overlays,
    )


def _undrained(standing: Standing, at: float) -> Standing:
    """Let a probe decide about what was open before; all else begins anew."""
    if standing.state in ("open", "half_open"):
        return structs.replace(standing, state="half_open", since=at, until=None, hinted=False)
    return _closed(standing, at)


def _closed(standing: Standing, since: float) -> Standing:
    return Standing(since=since, level=standing.level, overlays=standing.overlays)
