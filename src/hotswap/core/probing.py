"""When an opening may be probed, and by whom: one call at a time, and only where one is wanted."""

from math import inf
from typing import Final

from .backoff import Jitter, equal_jitter
from .settings import BreakerSettings

_NEVER: Final = inf
_NOBODY: Final = -1


class Probing:
    """The right to make the one probe of an opening.

    A probe may go once the opening is over; earlier after minutes of a provider's hint, while it is
    in doubt whether there is an outage at all, when no target is left, or when a person wants it.
    A lease belongs to the generation of the breaker that it was taken in, and ends when the next
    one is taken: a larger thing is probed through whom traffic wants, so two may be under way.
    """

    __slots__ = (
        "_doubt_until",
        "_early_at",
        "_generation",
        "_jitter",
        "_leased_until",
        "_settings",
        "taken_at",
        "wanted",
    )

    def __init__(self, settings: BreakerSettings, jitter: Jitter) -> None:
        self._settings = settings
        self._jitter = jitter
        self.wanted = False
        """Traffic was turned away since the last probe; nobody probes what nobody wants."""
        self._early_at = _NEVER
        self._doubt_until = -inf
        self._leased_until = -inf
        self._generation = _NOBODY
        self.taken_at = -inf
        """When the lease was taken last."""

    def adopt(self, settings: BreakerSettings) -> None:
        """Go by other settings from now on."""
        self._settings = settings

    def doubt(self, now: float) -> None:
        """Probe often for as long as a first opening lasts: it may only fail now and then."""
        self._doubt_until = now + self._settings.open_s

    def rest(self, now: float, *, hinted: bool) -> None:
        """Begin the pause after an opening or an early probe; `hinted`: the provider named it."""
        settings = self._settings
        if not hinted and now < self._doubt_until:
            self._early_at = now + equal_jitter(settings.doubt_s, 0, settings.doubt_s, self._jitter)
        else:
            self.reschedule(now, hinted=hinted)

    def reschedule(self, since: float, *, hinted: bool) -> None:
        """Let a pause that began at `since` last to its end, or to the look at a long hint."""
        self._early_at = since + self._settings.hint_probe_s if hinted else _NEVER

    def press(self, since: float) -> None:
        """Want a probe soon, though not sooner than a first opening after `since` would end."""
        settings = self._settings
        rest = equal_jitter(settings.open_s, 0, settings.open_s, self._jitter)
        self._early_at = min(self._early_at, since + rest)
        self.wanted = True

    def hasten(self, now: float) -> None:
        """Want a probe at once, whatever the pause."""
        self._early_at = now
        self.wanted = True

    def is_free(self, now: float, *, over: bool) -> bool:
        """Say whether a probe may go and nobody makes one; `over`: the opening's time is."""
        return now >= self._leased_until and (over or now >= self._early_at)

    def take(self, now: float, ttl_s: float, generation: int) -> None:
        """Give the lease to whoever asks, until its result, for `ttl_s` at most."""
        self._leased_until = now + ttl_s
        self._generation = generation
        self.taken_at = now
        self.wanted = False

    def belongs_to(self, generation: int, begun: float) -> bool:
        """Say whether the lease is one of this generation, and of the probe that began at `begun`.

        Any probe that began since is its holder's; infinity: it is not known when.
        """
        return self._generation == generation and begun >= self.taken_at

    def end(self) -> None:
        """Take the lease back, whoever holds it."""
        self._leased_until = -inf
        self._generation = _NOBODY

    def end_without_result(self, rest_until: float = -inf) -> None:
        """Take a lease back that showed nothing; the next one may be had from `rest_until` on."""
        self.end()
        self._leased_until = rest_until
        self.wanted = True
