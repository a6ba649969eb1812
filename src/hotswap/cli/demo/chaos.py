"""What goes wrong in the demo, by a key or by itself."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from ...testing.process import ProviderProcess
from ...testing.step import Cut, Step
from .chains import PROVIDERS

ANSWER: Final = "A hot swap puts a new part in the place of a broken one, and nothing stops for it."
"""What every provider says: so whatever a caller gets that is not it was lost or said twice."""
HEALTHY: Final = Step(text=ANSWER, first_content_s=0.06, gap_s=0.03)
BROKEN: Final = replace(HEALTHY, cut=Cut.RESET, cut_after=6)
"""The connection is reset after five words."""
KEEP: Final = 200


class Fault(Struct, frozen=True):
    """One thing that a provider can suffer from."""

    key: str
    """What to press."""
    name: str
    begin: Callable[[ProviderProcess], None]


def _behave(step: Step) -> Callable[[ProviderProcess], None]:
    return lambda provider: provider.behave(step)


RATE_LIMIT: Final = Fault(
    "r", "rate limit", _behave(Step(status=429, headers={"retry-after": "1"}))
)
ERRORS: Final = Fault("e", "errors", _behave(Step(status=500)))
FROZEN: Final = Fault("f", "frozen", _behave(Step(hang=True)))
SLOW: Final = Fault("s", "slow", _behave(replace(HEALTHY, first_byte_s=1.5)))
EARLY_CUT: Final = Fault("b", "cut before content", _behave(Step(cut=Cut.EOF, cut_after=1)))
CUT_STREAMS: Final = Fault("c", "cut streams", _behave(BROKEN))
EXPIRED: Final = Fault("x", "expired key", lambda provider: provider.set_keys(set()))
REFUSED: Final = Fault("n", "no connections", lambda provider: provider.refuse())
KILLED: Final = Fault("k", "killed", lambda provider: provider.kill())

FAULTS: Final[Mapping[str, Fault]] = {
    fault.key: fault
    for fault in (
        RATE_LIMIT,
        ERRORS,
        FROZEN,
        SLOW,
        EARLY_CUT,
        CUT_STREAMS,
        EXPIRED,
        REFUSED,
        KILLED,
    )
}
HEAL: Final = "h"
QUIT: Final = "q"

SEQUENCE: Final = (RATE_LIMIT, CUT_STREAMS, ERRORS, FROZEN, REFUSED, EARLY_CUT, EXPIRED, KILLED)
"""What each provider goes through by itself, healthy in between."""

ORDER: Final = ("openai", "mistral", "anthropic", "local", "google")
"""Neighbours are hardly ever links of the same chain, so that the former may recover meanwhile."""


class Providers:
    """The simulated providers and what ails them. Every call blocks for some milliseconds."""

    def __init__(self) -> None:
        self._processes = {name: _process(name) for name in PROVIDERS}
        self.faults: dict[str, Fault] = {}
        """By name; whoever is missing is healthy."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for process in self._processes.values():
                stack.callback(process.close)
                process.start()
            stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.close()

    @property
    def base_urls(self) -> dict[str, str]:
        """What the configuration needs."""
        return {name: process.base_url for name, process in self._processes.items()}

    def ail(self, name: str, fault: Fault) -> None:
        """Let a provider suffer from `fault` and no longer from another; it heals at no moment."""
        self._undo(name)
        fault.begin(self._processes[name])
        self.faults[name] = fault

    def heal(self, name: str) -> None:
        """Make a provider healthy again."""
        self._undo(name)
        self._processes[name].behave(HEALTHY)

    def _undo(self, name: str) -> None:
        """Undo what the next step of a provider would not replace."""
        former = self.faults.pop(name, None)
        if former is KILLED:
            self._processes[name] = _process(name, self._processes[name].port)
            self._processes[name].start()
        elif former is REFUSED:
            self._processes[name].revive()
        elif former is EXPIRED:
            self._processes[name].set_keys(None)


def _process(name: str, port: int = 0) -> ProviderProcess:
    # A session of its own: Ctrl-C is for the demo, which ends in order.
    return ProviderProcess(name, HEALTHY, port=port, keep=KEEP, prefix=("setsid",))
