"""The values that decisions are made of, and the table of what each cause of failure implies."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field
from typing_extensions import override

from .abilities import UNKNOWN, Abilities
from .settings import (
    AuthRule,
    ErrorRateRule,
    ErrorRule,
    Exhausted,
    Hedging,
    LatencyRule,
    RateLimitRule,
    RateLimits,
    RegionRule,
    Retry,
    Sticky,
    Streaming,
    Timeouts,
)


class Cause(StrEnum):
    """Why an attempt did not end well."""

    HARD = "hard"
    """Connect, TLS, DNS, reset, 5xx, in-band error, broken stream."""
    HANG = "hang"
    """No content in time, or silence after content."""
    THROTTLE = "throttle"
    """The provider says: later. A clock, not a failure."""
    EXHAUSTED = "exhausted"
    """The account has no money or quota left."""
    AUTH = "auth"
    """The credential is refused."""
    GONE = "gone"
    """The model does not exist (any more) for this credential."""
    CALLER = "caller"
    """The request itself is at fault."""
    POLICY = "policy"
    """The provider's content policy refuses the request."""
    QUALITY = "quality"
    """A 200 whose content is unusable, such as an empty answer."""
    CANCEL = "cancel"
    """The caller left."""
    CAPABILITY = "capability"
    """The target cannot do what is asked."""
    CONTEXT = "context"
    """The prompt is too long for the target's window."""


class Trigger(StrEnum):
    """The configurable conditions of `design.md` section 6."""

    RATE_LIMIT = "rate_limit"
    LATENCY = "latency"
    ERROR = "error"
    ERROR_RATE = "error_rate"
    COST = "cost"
    QUALITY = "quality"
    AUTH = "auth"
    REGION = "region"


class Scope(StrEnum):
    """The smallest part whose health a failure speaks of."""

    NONE = "none"
    CREDENTIAL = "credential"
    """The credential for every model of its provider."""
    ACCESS = "access"
    """The credential for this one model, such as a rate limit."""
    TARGET = "target"
    """The model at this provider, whatever the credential."""
    MODEL = "model"
    """The model at all places of its vendor."""
    ENDPOINT = "endpoint"
    """Everything at one host and port."""
    REGION = "region"
    """Everything of one vendor in one region."""
    PROVIDER = "provider"
    """Everything of one vendor."""
    NETWORK = "network"
    """Our own side of all connections."""


class Balance(StrEnum):
    """How the first target is chosen among those of equal priority."""

    PRIORITY = "priority"
    """By weight."""
    WEIGHTED = "weighted"
    """By weight among all of the chain, whatever their priority."""
    LEAST_LATENCY = "least_latency"
    """Peak EWMA of the time to first content, times the requests in flight (Finagle)."""
    LEAST_BUSY = "least_busy"
    """Fewest requests in flight for their weight."""
    CHEAPEST = "cheapest"
    """By what the request is expected to cost; unknown prices come last."""


class Rule(Struct, frozen=True, gc=False, kw_only=True):
    """What one cause of failure implies for the attempt's target and for the request."""

    retry_here: bool = False
    """The same target may well answer a second try."""
    move_on: bool = False
    """Another target may well answer."""
    next_key: bool = False
    """Another credential of the same provider may well answer, at no cost in attempts."""
    scope: Scope = Scope.NONE
    """Whose health the failure speaks of."""
    trigger: Trigger | None = None
    """The trigger that must be active for the request to move on; None: none is needed."""


RULES: Final[Mapping[Cause, Rule]] = MappingProxyType(
    {
        Cause.HARD: Rule(retry_here=True, move_on=True, scope=Scope.TARGET, trigger=Trigger.ERROR),
        Cause.HANG: Rule(retry_here=True, move_on=True, scope=Scope.TARGET, trigger=Trigger.ERROR),
        Cause.THROTTLE: Rule(
            retry_here=True,
            move_on=True,
            next_key=True,
            scope=Scope.ACCESS,
            trigger=Trigger.RATE_LIMIT,
        ),
        Cause.EXHAUSTED: Rule(
            move_on=True, next_key=True, scope=Scope.CREDENTIAL, trigger=Trigger.AUTH
        ),
        Cause.AUTH: Rule(move_on=True, next_key=True, scope=Scope.CREDENTIAL, trigger=Trigger.AUTH),
        Cause.GONE: Rule(move_on=True, next_key=True, scope=Scope.ACCESS, trigger=Trigger.ERROR),
        Cause.CALLER: Rule(),
        Cause.POLICY: Rule(),
        Cause.QUALITY: Rule(retry_here=True, move_on=True),
        Cause.CANCEL: Rule(),
        Cause.CAPABILITY: Rule(move_on=True),
        Cause.CONTEXT: Rule(move_on=True),
    }
)


class Failure(Struct, frozen=True, gc=False):
    """One attempt that did not end well. A value, not an exception: failing is normal here."""

    cause: Cause
    detail: str = ""
    """The finer class of the provider reference, such as `overloaded` or `first_content`."""
    status: int = 0
    """The provider's HTTP status; 0 when there was no answer."""
    message: str = ""
    """The provider's words, for the caller's own faults only; holds no secret and no host name."""
    code: str = ""
    param: str | None = None
    retry_after_s: float | None = None
    """The provider's own hint, already parsed and clamped to 24 hours; None: it gave none."""
    rule: str = ""
    """The condition that fired, such as `latency.threshold_ms`; empty: the cause says it all."""
    measured: float | None = None
    """What was measured, in the unit of `threshold`."""
    threshold: float | None = None


def rule_of(failure: Failure) -> str:
    """Return the condition that fired: the failure's own, or the trigger of its cause."""
    trigger = RULES[failure.cause].trigger
    return failure.rule or (trigger.value if trigger is not None else "")


class Reading(Struct, frozen=True, gc=False):
    """What a rule found when it was asked."""

    reason: str
    """In one word: `headroom`, `suspect`, `demoted`, `ramp`, `region`, ..."""
    rule: str = ""
    """The setting that was violated, such as `rate_limit.headroom`."""
    measured: float | None = None
    """In the unit of `threshold`."""
    threshold: float | None = None
    scope: str = ""
    """The larger thing that is down, as `region openai.com eu-west`; empty: the target itself."""


class Price(Struct, frozen=True, gc=False):
    """What a target costs, in USD per million tokens."""

    input: float
    output: float


class Usage(Struct, frozen=True, gc=False, omit_defaults=True):
    """Tokens of one attempt, normalised: totals, and the parts they include."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


class Endpoint(Struct, frozen=True, gc=False):
    """Where connections go. Equal endpoints share connections."""

    host: str
    port: int
    tls: bool
    allow_private: bool = False
    """Private and loopback addresses are allowed behind the name; link-local ones never are."""
    proxy: str | None = None
    """URL of an HTTP CONNECT proxy; None: none."""
    ca_file: str | None = None
    """PEM file of the authorities to trust instead of the system's; None: the system's."""


class Credential(Struct, frozen=True, gc=False):
    """One key of a provider. Its secret never shows in `repr`."""

    id: str
    secret: str

    @override
    def __repr__(self) -> str:
        return f"Credential(id={self.id!r})"


class Provider(Struct, frozen=True):
    """A named account at a company, or a self-hosted server, that speaks one dialect."""

    name: str
    kind: str
    endpoint: Endpoint
    base_path: str
    """Path before the dialect's own paths, without a slash at the end, such as `/v1`."""
    credentials: tuple[Credential, ...]
    """In order of preference; a provider without keys has one with an empty secret."""
    region: str = ""
    zone: str = ""
    vendor: str = ""
    """Who runs it: accounts of one vendor go down together."""
    limits: RateLimits | None = None
    """Set by hand, for each key and model; None: learned from what the provider says."""
    query: str = ""
    """Of every request's path, without the question mark; Azure wants `api-version=...`."""
    dialect: str = "openai_chat"
    """Name of the dialect that it speaks: openai_chat, openai_responses, anthropic, gemini."""


class Target(Struct, frozen=True):
    """One model at one provider; the credential is chosen per attempt."""

    id: str
    """`provider/model`: the name in records, headers and commands."""
    provider: str
    model: str
    priority: int = 1
    """Lower is asked first."""
    weight: float = 1.0
    """Share among targets of equal priority, above 0."""
    overrides: bytes = b""
    """A JSON object whose fields replace those of the request; empty: none."""
    abilities: Abilities = UNKNOWN
    """From the table of known models and the configuration."""
    vendor: str = ""
    region: str = ""
    zone: str = ""
    """As of its provider."""
    price: Price | None = None
    """None: unknown."""


class Triggers(Struct, frozen=True):
    """The active triggers of a chain with their parameters; None: not active."""

    rate_limit: RateLimitRule | None = None
    latency: LatencyRule | None = None
    error: ErrorRule | None = field(default_factory=ErrorRule)
    error_rate: ErrorRateRule | None = None
    auth: AuthRule | None = field(default_factory=AuthRule)
    region: RegionRule | None = field(default_factory=RegionRule)

    def active(self, trigger: Trigger) -> bool:
        """Say whether a failure under `trigger` moves the request on."""
        return getattr(self, trigger.value, None) is not None


class Chain(Struct, frozen=True):
    """Named, ordered set of targets with triggers, limits and retry settings."""

    name: str
    targets: tuple[Target, ...]
    """Sorted by priority; targets of equal priority share by weight."""
    triggers: Triggers = field(default_factory=Triggers)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retry: Retry = field(default_factory=Retry)
    stream: Streaming = field(default_factory=Streaming)
    hedge: Hedging | None = None
    """None: no request is sent twice."""
    balance: Balance = Balance.PRIORITY
    sticky: Sticky | None = None
    """None: every request is balanced anew."""
    on_exhausted: Exhausted = field(default_factory=Exhausted)
    aliases: tuple[str, ...] = ()


class Needs(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a request asks of a target beyond text."""

    images: bool = False
    audio: bool = False
    """Sound in the prompt, or as the answer."""
    video: bool = False
    files: bool = False
    tools: bool = False
    forced_tool: bool = False
    json_object: bool = False
    json_schema: bool = False
    several: bool = False
    """More than one choice (`n`)."""
    logprobs: bool = False
    reasoning: bool = False
    prompt_tokens: int = 0
    """Estimate."""
    output_tokens: int = 0
    """What the caller allows the answer; 0: it does not say."""

    @property
    def plain(self) -> bool:
        """Nothing is asked beyond text."""
        return not (
            self.tools
            or self.images
            or self.json_schema
            or self.json_object
            or self.files
            or self.audio
            or self.video
            or self.several
            or self.logprobs
            or self.forced_tool
        )
