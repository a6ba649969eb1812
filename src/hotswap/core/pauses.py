"""How long an opening lasts when the provider says nothing."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .backoff import Jitter, equal_jitter, full_jitter, no_jitter
from .change import Reason
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
