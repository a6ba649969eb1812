"""How long an opening lasts: by the provider's own word, or by a pause that grows."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .backoff import Jitter, equal_jitter, full_jitter, no_jitter
from .change import Reason, State
from .settings import BreakerSettings

DISABLING: Final = frozenset({Reason.EXHAUSTED, Reason.AUTH, Reason.GONE})
"""What time alone does not heal."""


class Pause(Struct, frozen=True, gc=False):
    """Grows with the level of the opening."""

    base_s: float
    cap_s: float
    draw: Callable[[float, int, float, Jitter], float]

    def drawn_s(self, level: int, jitter: Jitter) -> float:
        """Return the length of one pause."""
        return self.draw(self.base_s, level, self.cap_s, jitter)

    def grows_at(self, level: int) -> bool:
        """Say whether another level would lengthen it; further ones would only slow the return."""
        return self.base_s * 2.0**level < self.cap_s


def pause_of(settings: BreakerSettings, reason: str) -> Pause:
    """Return the pause after an opening for `reason`."""
    match reason:
        case Reason.THROTTLED:
            return Pause(settings.throttle_s, settings.throttle_max_s, full_jitter)
        case Reason.EXHAUSTED:
            return Pause(settings.exhausted_s, settings.exhausted_s, no_jitter)
        case Reason.AUTH:
            return Pause(settings.auth_s, settings.auth_s, no_jitter)
        case Reason.GONE:
            return Pause(settings.gone_s, settings.gone_s, no_jitter)
        case _:
            return Pause(settings.open_s, settings.open_max_s, equal_jitter)


def after_opening(reason: str, hinted: bool) -> State:  # noqa: FBT001 - as it is stored
    """Return what comes when an opening's time is over: a probe decides, or users come back.

    A throttle without a time is a short pause that we only guessed, of what works. A probe would
    cost one of the calls that are scarce there, and keep users away for longer than the pause. A
    time that the provider named is worth one: crowds may have waited for it.
    """
    return State.RAMP if _is_guess(reason, hinted) else State.HALF_OPEN


def ramp_after(settings: BreakerSettings, reason: str, hinted: bool, shut_s: float) -> float:  # noqa: FBT001 - as it is stored
    """Return how long the return of traffic takes, in seconds.

    Args:
        settings: Its usual length.
        reason: Why it was open.
        hinted: The provider named its end. Then a limit is used up, and would be again at once.
        shut_s: For how long it was. A return from a guessed throttle takes no longer: after a
            second without a provider that has no trouble, nobody should be kept away for half a
            minute.
    """
    return min(settings.ramp_s, shut_s) if _is_guess(reason, hinted) else settings.ramp_s


def _is_guess(reason: str, hinted: bool) -> bool:  # noqa: FBT001 - as it is stored
    return reason == Reason.THROTTLED and not hinted


class Deadline(Struct, frozen=True, gc=False):
    """The end of an opening."""

    until: float
    """Monotonic seconds."""
    hinted: bool
    """It is the provider's own word."""


def deadline_of(
    settings: BreakerSettings,
    reason: str,
    level: int,
    now: float,
    jitter: Jitter,
    *,
    hint: float | None,
) -> Deadline:
    """Return when an opening ends that begins at `now`.

    Args:
        settings: The bounds of pauses and hints.
        reason: Why it opens.
        level: How often the opening has grown.
        now: Monotonic seconds.
        jitter: Gives a random number in [0, 1).
        hint: When the provider says that it is back; in the past or None: it says nothing.
    """
    own = now + pause_of(settings, reason).drawn_s(level, jitter)
    if hint is None or hint <= now:
        return Deadline(own, hinted=False)
    spread = 1.0 + settings.hint_jitter * jitter()
    until = now + min(settings.hint_max_s, (hint - now) * spread)
    if reason == Reason.THROTTLED or until >= own:
        return Deadline(until, hinted=True)
    return Deadline(own, hinted=False)
