"""Which class of trigger `error` a failure belongs to."""

from typing import Final

from .settings import ErrorClass, ErrorRule
from .terms import Cause, Failure

_UNREACHED: Final = frozenset({"dns", "address", "connect", "refused", "proxy", "timeout"})
"""Details of what failed before a connection was there."""
_BROKEN: Final = frozenset(
    {"reset", "closed", "protocol", "too_large", "truncated", "malformed", "not_a_stream"}
)
"""Details of answers that began well and did not end so."""


def error_class(failure: Failure) -> ErrorClass:
    """Return the class, by the names of `triggers: [{type: error, classes: [...]}]`."""
    if failure.cause is Cause.GONE:
        return "gone"
    if failure.cause is Cause.HANG:
        return "timeout"
    if failure.status >= 300:
        return "5xx"
    if failure.status:
        return "broken_stream" if failure.detail in _BROKEN else "in_band"
    if failure.detail in _UNREACHED:
        return "connect"
    return "tls" if failure.detail == "tls" else "reset"


def acts_on(rule: ErrorRule, failure: Failure) -> bool:
    """Say whether a failure under trigger `error` moves the request on."""
    return not rule.classes or error_class(failure) in rule.classes
