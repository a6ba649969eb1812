"""The states of a standing, and the value that says how it changed."""

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """The opening is over, and no probe has shown yet that all is well."""
    RAMP = "ramp"
    """A growing share of the traffic."""


class Reason(StrEnum):
    """Why a breaker changed its state."""

    FAILURES = "failures"
    RATIO = "ratio"
    SILENCE = "silence"
    THROTTLED = "throttled"
    EXHAUSTED = "exhausted"
    AUTH = "auth"
    GONE = "gone"
    DUE = "due"
    PROBE_OK = "probe_ok"
    ANSWERED = "answered"
    """A request that was sent in panic came back well."""
    RAMP_DONE = "ramp_done"


class Change(Struct, frozen=True):
    """One change of standing."""

    at: float
    """Monotonic seconds."""
    target: str
    """`provider/model`, or `provider` for a credential's change."""
    credential: str
    """Empty: it concerns the target whatever the credential."""
    before: str
    after: str
    reason: str
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None
    until: float | None = None
    """Monotonic seconds of the next probe; None: not timed."""
    hinted: bool = False
    """`until` is the provider's own word."""
    level: int = 0
    """How often the opening has grown."""
