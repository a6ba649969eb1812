"""How long to pause before another try at the same target, if one may help."""

from typing import Final

from .backoff import Jitter, full_jitter
from .settings import Retry
from .terms import RULES, Cause, Failure

WAIT_FOR_RESET_S: Final = 1.0
"""A rate limit's reset is waited for only if it is this near, and a quarter of the time left."""


def pause_s(
    retry: Retry, failure: Failure, retried: int, left_s: float, jitter: Jitter
) -> float | None:
    """Return the pause; None: another try would not help, or would come too late.

    Args:
        retry: The chain's settings.
        failure: Of the last try.
        retried: How often a target was asked again so far.
        left_s: Seconds until the request's deadline.
        jitter: Gives a random number in [0, 1).
    """
    if (
        not RULES[failure.cause].retry_here
        or failure.cause.value not in retry.on
        or retried >= retry.max_attempts - 1
    ):
        return None
    if failure.cause is not Cause.THROTTLE:
        pause = full_jitter(retry.base_s, retried, retry.max_s, jitter)
    else:
        near = min(WAIT_FOR_RESET_S, left_s / 4)
        if failure.retry_after_s is not None:
            pause = failure.retry_after_s
            if pause > near:
                return None
        else:
            pause = min(near, full_jitter(retry.throttle_base_s, retried, retry.max_s, jitter))
    return pause if pause < left_s else None
