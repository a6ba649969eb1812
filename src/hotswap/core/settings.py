"""Every number that a user can feel, with its default and the reason for it.

The configuration's schema is generated from these Structs: a field's annotation bounds it, the
string below documents it.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

Seconds = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]


class Timeouts(Struct, frozen=True, gc=False):
    """Limits of one attempt and of the whole request, in seconds."""

    connect_s: Seconds = 2.0
    """DNS, TCP and TLS of a new connection. Healthy ones need well under 0.5 s."""
    first_content_s: Seconds | None = None
    """From the request's last byte to the first content. Default: learned per target, 3 x p95."""
    silence_s: Seconds | None = None
    """Longest pause between events of a stream. Default: learned, 10 x p99 of the gaps."""
    total_s: Seconds = 600.0
    """All attempts of one request together. The official SDKs give up at 600 s as well."""
    first_tokens_per_s: Annotated[float, Meta(gt=0)] | None = None
    """A stream that begins slower is left for the next target. Default: any pace is accepted,
    because a stream is held back until it has shown its pace."""
    first_tokens_s: Seconds = 2.0
    """How long a stream may take to show that pace; a faster one shows it sooner."""
    tokens_per_s: Annotated[float, Meta(gt=0)] | None = None
    """A stream that falls below this pace later is broken off, and goes on at the next target.
    Default: any pace is accepted; only silence breaks a stream off."""
    tokens_s: Seconds = 10.0
    """Over how long that pace is measured."""


class Learned(Struct, frozen=True, gc=False):
    """How limits are derived from what was measured."""

    first_content_factor: Annotated[float, Meta(ge=1)] = 3.0
    """Limit = factor x p95 of the time to first content."""
    first_content_min_s: Seconds = 3.0
    """No learned limit of a streamed request is shorter ..."""
    first_content_max_s: Seconds = 30.0
    """... or longer."""
    first_content_start_s: Seconds = 10.0
    """Streamed requests, before `samples` were seen."""
    whole_min_s: Seconds = 30.0
    """Non-streamed requests: the head comes only when the answer is complete."""
    whole_max_s: Seconds = 300.0
    """No learned limit of a non-streamed request is longer."""
    whole_start_s: Seconds = 300.0
    """Non-streamed requests, before `samples` were seen."""
    silence_factor: Annotated[float, Meta(ge=1)] = 10.0
    """Limit = factor x p99 of the gaps between events."""
    silence_min_s: Seconds = 8.0
    """Tool arguments come in bursts with pauses of seconds between them."""
    silence_max_s: Seconds = 30.0
    """The longest learned limit, and the one before `samples` were seen."""
    samples: Count = 20
    """Measurements needed before anything is learned."""
    peak_tau_s: Seconds = 10.0
    """What `least_latency` goes by jumps to each slower answer at once, and sinks to a third of it
    in this time (Finagle's peak EWMA)."""
    penalty_s: Seconds = 5.0
    """A failure counts there as an answer that took so long, or as long as the provider says to
    wait: fast failures must not attract traffic (linkerd, 2026) ..."""
    penalty_max_s: Seconds = 300.0
    """... but no longer."""
    gap_min_s: Seconds = 0.3
    """By what a `latency` trigger learns of pauses no target is suspect below this: readers do not
    notice shorter ones."""
    accept_s: Seconds = 21_600.0
    """Where a `latency` trigger names no threshold, a target that has been slower than usual for so
    long is taken for having become so; 95 % of outages are over by then."""


class Retry(Struct, frozen=True):
    """Another attempt at the same target; only the last one left is retried."""

    max_attempts: Count = 3
    """Tries at one target, the first included."""
    backoff: Literal["exponential"] = "exponential"
    """Full jitter: a random pause up to base x 2^n."""
    base_s: Seconds = 0.05
    """Upper bound of the first pause; doubles with each try."""
    max_s: Seconds = 1.0
    """Longest pause."""
    throttle_base_s: Seconds = 1.0
    """Base after a rate limit that named no time."""
    on: tuple[Literal["hard", "hang", "throttle", "quality"], ...] = ("hard", "throttle", "quality")
    """Causes after which the last target is tried again. A hang has used up its time already."""


class Streaming(Struct, frozen=True, gc=False):
    """What becomes of an answer whose stream breaks after its reader has seen some of it."""

    splice: bool = True
    """Another target goes on with it, and the reader sees no seam. Off: it ends with an error that
    the reader's SDK raises."""
    tool_calls: Literal["hold", "live"] = "hold"
    """`hold`: calls reach the reader whole, once the answer is, so that one that breaks off is made
    anew elsewhere. `live`: their arguments come as they are made, and a break is an error."""
    structured: Literal["hold", "live"] = "hold"
    """The same for answers in JSON: a decoder that is bound to a grammar cannot go on with them."""
    max_splices: Annotated[int, Meta(ge=0, le=10)] = 2
    """In one answer. Each costs its prompt once more."""
    max_tokens: Count = 32_000
    """A longer beginning is not sent to another target."""
    settle_s: Seconds = 0.3
    """The words of the next target are compared with those before the seam at most so long ..."""
    settle_tokens: Count = 64
    """... or up to so many tokens. Most seams are settled after twelve characters."""


class Hedging(Struct, frozen=True, gc=False):
    """A second attempt, at another vendor's target, before the first one has failed."""

    after: Literal["p95"] | Seconds = "p95"
    """Seconds without content after which it starts, or the target's own p95 of the time to first
    content (Dean and Barroso, The Tail at Scale, 2013)."""
    after_min_s: Seconds = 1.0
    """The learned delay is no shorter ..."""
    after_max_s: Seconds = 10.0
    """... and no longer."""
    max_share: Share = 0.05
    """Of a chain's requests: 5 % are enough for the tail beyond p95."""
    max_spend_share: Share = 0.02
    """Of a chain's tokens, prompt and answer: the loser's are paid for nothing."""
    max_prompt_tokens: Count = 32_000
    """Longer prompts are never sent twice."""


class RetryBudget(Struct, frozen=True, gc=False):
    """Bound on same-target retries per target, so that an outage is not multiplied (SRE book)."""

    share: Share = 0.1
    """Retries allowed per request that was started."""
    reserve: Annotated[float, Meta(ge=0)] = 3.0
    """Retries allowed on top, so that little traffic may retry at all."""
    window_s: Seconds = 10.0
    """Requests and retries are counted over this."""


class BreakerSettings(Struct, frozen=True, gc=False):
    """When a target opens, for how long, and how it comes back."""

    failures: Count = 5
    """Consecutive HARD or HANG failures. At 5 % independent errors: once in 3.4 million."""
    success_ratio: Share = 0.5
    """Opens below this share of successes in the window. At 5 % errors: 6 windows of 100,000."""
    min_requests: Count = 10
    """Results needed in the window before the ratio says anything."""
    window_s: Seconds = 30.0
    """An exact ring of ten slices; a weighted average would hide a burst (linkerd, 2026)."""
    open_s: Seconds = 5.0
    """First opening; doubles with each failed probe, half of it jittered."""
    open_max_s: Seconds = 300.0
    """Openings grow no longer than this."""
    hint_max_s: Seconds = 86400.0
    """A provider's own hint is honoured up to this."""
    hint_probe_s: Seconds = 300.0
    """Beyond this part of a longer hint a probe may end it early."""
    hint_jitter: Share = 0.1
    """A hint is lengthened by up to this share, so that clients do not return together."""
    throttle_s: Seconds = 1.0
    """Base of the growing pause after a rate limit that named no time."""
    throttle_max_s: Seconds = 60.0
    """That pause grows no longer than this."""
    probe_extra_s: Seconds = 5.0
    """A probe's lease lasts its first-content limit and this."""
    doubt_s: Seconds = 1.0
    """What answered until it opened may only fail now and then: for `open_s` it is probed so often,
    half of it jittered. At 30 % errors, no opening lasts for more than 10 s then."""
    ramp_s: Seconds = 30.0
    """After a good probe, traffic grows linearly over this time."""
    ramp_min: Share = 0.1
    """Share of traffic at the beginning of the ramp."""
    ramp_failures: Count = 3
    """Consecutive failures that end a ramp; a single one must not."""
    settle_s: Seconds = 30.0
    """The growth of the openings goes back by one step for each such time in health."""
    exhausted_s: Seconds = 300.0
    """A credential without money is probed this often."""
    auth_s: Seconds = 60.0
    """A refused credential is probed this often."""
    gone_s: Seconds = 300.0
    """A model that is gone is probed this often."""


class SilenceRule(Struct, frozen=True, gc=False):
    """Opens a target whose streamed requests all wait while not one byte comes."""

    waiting: Count = 3
    """Requests in flight without a first byte."""
    floor_s: Seconds = 2.0
    """Each of them older than the larger of this and `factor` x p95."""
    factor: Annotated[float, Meta(ge=1)] = 3.0
    """Of the target's own p95 of the time to first content."""
    quiet_s: Seconds = 2.0
    """And no byte from the target for so long."""


class PanicRule(Struct, frozen=True, gc=False):
    """Admission when no target is eligible (SRE book, client throttling)."""

    k: Annotated[float, Meta(ge=1)] = 2.0
    """Reject with probability max(0, (requests - k x accepts) / (requests + 1))."""
    window_s: Seconds = 120.0
    """Must exceed the longest usual call."""


class LessonRule(Struct, frozen=True, gc=False):
    """What a refusal teaches: that a target does without something, or has a smaller window."""

    refusal_s: Seconds = 3600.0
    """For so long, requests that need what was refused go to other targets. Servers are upgraded
    and words misread, and one try an hour that fails costs little."""


class PlacesRule(Struct, frozen=True, gc=False):
    """When targets that fail together are taken for one larger thing that is down."""

    together_s: Seconds = 60.0
    """Openings so near to each other may have one reason. An outage takes seconds to show at each
    target, and at those with little traffic a minute."""
    endpoint_targets: Annotated[int, Meta(ge=2)] = 3
    """Models at one host that open before the host counts as down; where it has fewer, all."""
    model_targets: Annotated[int, Meta(ge=2)] = 2
    """Places of one vendor where the same model opens before the model counts as down."""
    provider_regions: Annotated[int, Meta(ge=2)] = 2
    """Regions or hosts of one vendor that are down before the vendor counts as down."""


class HeadroomRule(Struct, frozen=True, gc=False):
    """How limits are learned where a provider names none (AIMD), and how long they are believed."""

    cut: Annotated[float, Meta(gt=0, lt=1)] = 0.85
    """After two 429 within two seconds that name no limit: this part of the last minute's traffic
    is taken for it. Measured in `docs/headroom.md`."""
    grow: Annotated[float, Meta(gt=0)] = 0.05
    """In each minute in which it was reached, it grows by this part, or by half of what it was cut
    by if that is more; never beyond the traffic that was refused."""
    forget_s: Seconds = 900.0
    """A learned limit that nothing has confirmed for so long is forgotten."""


class Health(Struct, frozen=True):
    """How the standing of targets is judged."""

    breaker: BreakerSettings = field(default_factory=BreakerSettings)
    silence: SilenceRule = field(default_factory=SilenceRule)
    learned: Learned = field(default_factory=Learned)
    retry_budget: RetryBudget = field(default_factory=RetryBudget)
    panic: PanicRule = field(default_factory=PanicRule)
    lessons: LessonRule = field(default_factory=LessonRule)
    places: PlacesRule = field(default_factory=PlacesRule)
    headroom: HeadroomRule = field(default_factory=HeadroomRule)


class RateLimitRule(Struct, frozen=True, gc=False):
    """Trigger `rate_limit`: a 429 moves the request on, to the next key or target, at once."""

    headroom: Annotated[float, Meta(gt=0, le=1)] = 0.9
    """Above this share of a limit, set by hand or learned, new work prefers the next key or target:
    30 to 60 % of all errors are rate limits, and most of them can be foreseen."""


class LatencyRule(Struct, frozen=True, gc=False):
    """Trigger `latency`: a slow answer moves on, a target that is slow for long comes last."""

    threshold_ms: Annotated[float, Meta(gt=0)] | None = None
    """A request that has no first content within it moves on; a target whose answers take longer is
    suspect. Default: learned, 3 x the usual p95 of the target."""
    metric: Literal["first_content", "total", "gap"] = "first_content"
    """What is measured: the time to the first content, to the end of the answer, or the longest
    pause in a stream. The last two move no stream on, since its reader has some of it already."""
    percentile: Literal["p50", "p95", "p99"] = "p95"
    """Of the last minute; above the threshold the target is suspect."""
    action: Literal["switch", "hedge"] = "switch"
    """What happens to a request without content in time: the next target is asked instead of this
    one, or beside it; who answers first is kept."""
    clear_ratio: Share = 0.8
    """Cleared below this share of the threshold ..."""
    clear_s: Seconds = 60.0
    """... for so long."""


class ErrorRateRule(Struct, frozen=True, gc=False):
    """Trigger `error_rate`: demotes a target behind the others."""

    threshold: Share = 0.05
    """Demoted above this share of failures."""
    window_s: Seconds = 60.0
    """Results are counted over this."""
    min_requests: Count = 20
    """Results needed before the share says anything."""
    trial_share: Share = 0.05
    """Share of requests that still go to a demoted target first, so that it can recover."""


ErrorClass = Literal[
    "connect", "tls", "reset", "5xx", "timeout", "in_band", "broken_stream", "gone"
]


class ErrorRule(Struct, frozen=True, gc=False):
    """Trigger `error`, also `availability`: what fails moves the request on, and opens a target."""

    classes: tuple[ErrorClass, ...] = ()
    """Only these act; empty: all of them. The others go back to the caller."""


class RegionRule(Struct, frozen=True, gc=False):
    """Trigger `region`: a region that is down is left as a whole, for the same model elsewhere."""

    min_targets: Annotated[int, Meta(ge=2)] = 2
    """Targets of one vendor's region that open together before the region counts as down."""


class AuthRule(Struct, frozen=True, gc=False):
    """Trigger `auth`: a refused or exhausted key moves the request to the next key or target."""

    failures: Count = 2
    """Refusals in a row, of different requests, after which a credential is disabled."""


class Sticky(Struct, frozen=True, gc=False):
    """Requests of one conversation go to the same target, whose prompt cache is warm."""

    ttl_s: Seconds = 300.0
    """After so long without a request nothing is left in the caches of most providers."""
    conversations: Count = 10_000
    """Remembered per worker; the one that was quiet for longest is forgotten."""


class Exhausted(Struct, frozen=True, gc=False):
    """What becomes of a request when no target is left."""

    least_bad: bool = False
    """The least bad target is asked in any case; without it a share of requests is let through,
    so that a target in trouble is not overrun."""
    wait_s: Annotated[float, Meta(ge=0)] = 0.0
    """The request waits so long for a target to come back before it fails."""


class RateLimits(Struct, frozen=True, gc=False):
    """What an account may do in a minute, with each model."""

    rpm: Count | None = None
    """Requests per minute."""
    tpm: Count | None = None
    """Tokens per minute, prompt and answer."""


MIB: Final = 1024 * 1024


class ServerSettings(Struct, frozen=True):
    """The public listener and the processes behind it."""

    host: str = "127.0.0.1"
    port: int = 8100
    admin_host: str = "127.0.0.1"
    admin_port: int = 8101
    workers: int = 1
    state_dir: str = ".hotswap"
    """Absolute, or relative to the configuration file's folder; resolved when loaded."""
    max_body_bytes: int = 32 * MIB
    max_header_bytes: int = 64 * 1024
    max_connections: int = 10_000
    """Per worker; further ones are closed at once."""
    header_s: float = 10.0
    """A request's head must be complete within this."""
    body_s: float = 60.0
    """A request's body must make progress at least this often."""
    idle_s: float = 75.0
    """A connection without a request is closed after this; above the pools of common clients."""
    drain_s: float = 120.0
    """How long requests in flight may go on after SIGTERM."""
    linger_s: float = 0.0
    """After SIGTERM: how long new requests are still accepted while `/readyz` says no."""
    keep_alive_s: float = 15.0
    """A stream without content so far gets its head and a ping after this."""
    regions: tuple[str, ...] = ()
    """Regions of providers, nearest to this gateway first: where a model is offered in several,
    they are asked in this order. Empty: as the chain lists them."""
    warm: int = 1
    """Idle connections kept open to the endpoint of every target, per worker."""
    tls_cert: str = ""
    tls_key: str = ""


class StoreSettings(Struct, frozen=True, gc=False):
    """Where records go."""

    url: str = "sqlite:.hotswap/hotswap.db"
    commit_s: float = 0.02
    """Group commit; a larger one stalls a shared core for longer."""
    retention_days: float = 30.0
    buffer: int = 20_000
    """Records that a worker holds while the keeper is away."""
