"""What the admin listener shows of chains and targets, as values."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from ..core.latency import Figures as Measured
from ..core.meter import Use
from ..core.settings import Exhausted, Hedging, Retry, Sticky, Streaming, Timeouts
from ..core.terms import Balance
from .standing import Standing


class Turn(StrEnum):
    """What a target would do for a request now."""

    ELIGIBLE = "eligible"
    LAST = "last"
    """Asked after the eligible ones."""
    LEFT_OUT = "left_out"
    """Not asked, unless nothing better is left."""


class CredentialView(Struct, frozen=True):
    """One key of a target's provider, without its secret."""

    id: str
    scope: str
    """What the standing is about: `credential`, the key with every model; `access`, with this
    target's model."""
    standing: Standing


class PlaceView(Struct, frozen=True):
    """Something larger than a target, which opens and comes back as a whole."""

    name: str
    """With its scope, such as `region openai.com eu-west`."""
    scope: str
    """endpoint, region, model, provider; `network`: our own, for which nobody is to blame."""
    standing: Standing
    targets: tuple[str, ...]
    """That belong to it."""


class TargetView(Struct, frozen=True):
    """One target with its standing."""

    id: str
    provider: str
    model: str
    region: str
    zone: str
    chains: tuple[str, ...]
    """That it is a link of."""
    standing: Standing
    credentials: tuple[CredentialView, ...]
    """In order of preference."""
    attempts: int
    """Since the keeper started."""
    failures: int
    """Attempts that failed through no fault of the caller's, since the keeper started."""
    places: tuple[PlaceView, ...] = ()
    """The larger places in trouble that it belongs to."""
    measured: Measured | None = None
    """Of all workers; null: none has asked it."""
    limits: tuple[Use, ...] = ()
    """How much of the known rate limits of its keys is used, by all workers."""


class ChainTarget(Struct, frozen=True):
    """A target's place in a chain, and what it would do for a request now."""

    id: str
    priority: int
    weight: float
    turn: Turn
    """`eligible`; `last`: asked after the eligible ones; `left_out`: not asked."""
    reason: str
    """Why it is asked last (ramp, demoted, suspect) or left out (drained, open, half_open,
    throttled, exhausted, auth, gone); empty: it is eligible."""
    until: float | None
    """Unix seconds when it may come back, or the ramp is done; None: not timed."""
    place: str = ""
    """The larger place that stands so, such as `region openai.com eu-west`; empty: it does."""


class ChainView(Struct, frozen=True):
    """One chain in the order of its targets."""

    name: str
    aliases: tuple[str, ...]
    targets: tuple[ChainTarget, ...]
    eligible: int
    """Targets that are not left out; at 0 the least bad ones are tried."""
    triggers: Mapping[str, Mapping[str, object]]
    """The active ones with their parameters."""
    timeouts: Timeouts
    retry: Retry
    stream: Streaming
    hedge: Hedging | None
    """None: no request is sent twice."""
    balance: Balance = Balance.PRIORITY
    sticky: Sticky | None = None
    """None: every request is balanced anew."""
    on_exhausted: Exhausted = Exhausted()
