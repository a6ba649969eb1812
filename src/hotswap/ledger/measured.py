"""What one worker measures of one target."""

from msgspec import Struct


class Quantiles(Struct, frozen=True, gc=False):
    """What half, 95 % and 99 % of the answers stay below."""

    p50_s: float
    p95_s: float
    p99_s: float


class Figures(Struct, frozen=True):
    """What one worker measures of one target; quantiles are those of the last minutes."""

    streamed: Quantiles | None
    """Seconds from the request's last byte to the first content; None: nothing was measured."""
    whole: Quantiles | None
    """The same of answers that are not streamed, which is the time to all of it."""
    gap_p95_s: float | None
    """Of the longest pause within each stream."""
    total_p95_s: float | None
    """From an attempt's begin to the end of its stream."""
    peak_s: float | None
    """Peak EWMA of the time to first content, failures included; None: never asked."""
    in_flight: int
    attempts: int
    """Begun in the last minute."""
    failed_share: float | None
    """Of those that ended in the last minute, by the target's own fault; None: none ended."""
    first_content_limit_s: float
    """How long a stream may take to its first content, where the chain sets no limit."""
    whole_limit_s: float
    """The same of an answer that is not streamed."""
    silence_limit_s: float
    """How long a stream may pause."""
