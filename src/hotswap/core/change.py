"""The states of a standing, and the value that says how it changed."""

from enum import StrEnum

from msgspec import Struct

from .terms import Reading


class State(StrEnum):
    """What a breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """The opening is over, and no probe has shown yet that all is well."""
    RAMP = "ramp"
    """A growing share of the traffic."""
    DRAINED = "drained"
    """An operator wants nothing to go there, not even a probe."""


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
    MEMBERS = "members"
    """So many targets of a larger thing failed together that it is to blame."""
    PLACE_OK = "place_ok"
    """The larger thing that it went down with works again."""
    NETWORK = "network"
    """Our own network was down; nobody else is to blame."""
    OPERATOR = "operator"
    """A person said so. `after` is what is to be done: drained, undrained, open, closed, trial."""


class Change(Struct, frozen=True):
    """One change of standing."""

    at: float
    """Monotonic seconds."""
    target: str
    """`provider/model`, or `provider` for a credential's change; see `scope`."""
    credential: str
    """Empty: it concerns the target whatever the credential."""
    before: str
    after: str
    reason: str
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None
    until: float | None = None
    """Monotonic seconds of an opening's end, or of a ramp's; None: not timed."""
    hinted: bool = False
    """`until` is the provider's own word."""
    level: int = 0
    """How often the opening has grown."""
    scope: str = ""
    """model, endpoint, region, provider or network, of which `target` then holds the whole name,
    such as `endpoint api.openai.com:443`; empty: a target or a credential."""


def overlaid(
    target: str, at: float, reason: str, found: Reading, *, before: str, after: str
) -> Change:
    """Tell that a verdict over a target's breaker began or ended, and what was found."""
    return Change(
        at=at,
        target=target,
        credential="",
        before=before,
        after=after,
        reason=reason,
        rule=found.rule,
        measured=found.measured,
        threshold=found.threshold,
    )
