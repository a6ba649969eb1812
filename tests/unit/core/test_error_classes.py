"""What of trigger `error` moves a request on can be narrowed to classes."""

import pytest

from hotswap.core.error_class import acts_on, error_class
from hotswap.core.settings import ErrorRule
from hotswap.core.terms import Cause, Failure


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (Failure(Cause.HARD, "refused"), "connect"),
        (Failure(Cause.HARD, "dns"), "connect"),
        (Failure(Cause.HARD, "tls"), "tls"),
        (Failure(Cause.HARD, "reset"), "reset"),
        (Failure(Cause.HARD, "closed"), "reset"),
        (Failure(Cause.HARD, "overloaded", 529), "5xx"),
        (Failure(Cause.HARD, "server_error", 522), "5xx"),
        (Failure(Cause.HANG, "first_content"), "timeout"),
        (Failure(Cause.HANG, "silence", 200), "timeout"),
        (Failure(Cause.HARD, "overloaded", 200), "in_band"),
        (Failure(Cause.HARD, "truncated", 200), "broken_stream"),
        (Failure(Cause.HARD, "reset", 200), "broken_stream"),
        (Failure(Cause.GONE, "model_not_found", 404), "gone"),
    ],
)
def test_each_failure_has_one_class(failure: Failure, name: str):
    assert error_class(failure) == name


def test_without_classes_every_failure_acts():
    assert acts_on(ErrorRule(), Failure(Cause.HARD, "server_error", 500))


def test_with_classes_only_these_act():
    rule = ErrorRule(("connect", "timeout"))

    assert acts_on(rule, Failure(Cause.HANG, "silence"))
    assert not acts_on(rule, Failure(Cause.HARD, "server_error", 500))
