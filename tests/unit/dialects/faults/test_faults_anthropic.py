"""Errors of Anthropic, row by row."""

from collections.abc import Callable

import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import read_fault


def error(kind: str, message: str = "m", error_code: str = "") -> dict[str, object]:
    told: dict[str, object] = {"type": kind, "message": message}
    if error_code:
        told["details"] = {"error_code": error_code}
    return {"type": "error", "error": told, "request_id": "req_1"}


def invalid(message: str, error_code: str = "") -> dict[str, object]:
    return error("invalid_request_error", message, error_code)


ROWS = [
    (400, invalid("prompt is too long: 2 tokens > 1 maximum"), "context context_length_exceeded"),
    (
        400,
        invalid("input length and `max_tokens` exceed context limit: 1 + 2 > 2"),
        "context context_length_exceeded",
    ),
    (
        400,
        invalid("You have reached your specified API usage limits."),
        "exhausted quota_exhausted",
    ),
    (
        400,
        invalid("Your credit balance is too low to access the API."),
        "exhausted quota_exhausted",
    ),
    (400, invalid("m", "organization_on_hold"), "auth auth"),
    (400, invalid("m", "cmek_key_disabled"), "auth auth"),
    (400, invalid("m", "cmek_key_network_blocked"), "auth auth"),
    (400, invalid("This organization has been disabled."), "auth auth"),
    (
        400,
        invalid("This model does not support assistant message prefill."),
        "capability capability_mismatch",
    ),
    (
        400,
        invalid("temperature: Extra inputs are not permitted"),
        "capability capability_mismatch",
    ),
    (400, invalid("top_p: Extra inputs are not permitted"), "capability capability_mismatch"),
    (400, invalid("top_k: Extra inputs are not permitted"), "capability capability_mismatch"),
    (400, invalid("`temperature` is deprecated for this model."), "capability capability_mismatch"),
    (400, invalid("response_format: Extra inputs are not permitted"), "caller invalid_request"),
    (400, invalid("This model does not support effort level 'xhigh'."), "caller invalid_request"),
    (400, invalid("messages: at least one message is required"), "caller invalid_request"),
    (400, invalid("Output blocked by content filtering policy"), "policy content_policy"),
    (401, error("authentication_error", "invalid x-api-key"), "auth auth"),
    (402, error("billing_error"), "exhausted quota_exhausted"),
    (402, error("m", "m", "linked_organization_suspended"), "exhausted quota_exhausted"),
    (403, error("permission_error"), "gone permission"),
    (403, error("forbidden", "Request not allowed"), "gone permission"),
    (
        403,
        error("permission_error", "Claude is not available in your country."),
        "hard region_unavailable",
    ),
    (404, error("not_found_error", "model: claude-x"), "gone not_found"),
    (409, error("conflict_error"), "hard server_error"),
    (413, error("request_too_large"), "caller invalid_request"),
    (
        429,
        error("rate_limit_error", "m", "enforced_spend_limit_reached"),
        "exhausted quota_exhausted",
    ),
    (
        429,
        error("rate_limit_error", "m", "contract_spend_limit_reached"),
        "exhausted quota_exhausted",
    ),
    (429, error("rate_limit_error", "m", "ramp_limit_exceeded"), "throttle rate_limit"),
    (429, error("rate_limit_error"), "throttle rate_limit"),
    (500, error("api_error"), "hard server_error"),
    (503, error("api_error", "m", "cmek_key_unreachable"), "hard server_error"),
    (503, error("api_error", "m", "cmek_key_disabled"), "hard server_error"),
    (504, error("timeout_error"), "hard timeout"),
    (529, error("overloaded_error", "Overloaded"), "hard overloaded"),
    (529, "", "hard overloaded"),
]


@pytest.mark.parametrize(("status", "body", "expected"), ROWS)
def test_an_error_of_anthropic_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("anthropic", status, body) == expected


def test_quirk_anthropic_a_rate_limit_that_names_no_time_is_a_spent_quota():
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"m"}}'

    assert read_fault("anthropic", 429, {}, body) == Failure(
        Cause.EXHAUSTED, "quota_exhausted", 429
    )
    assert read_fault("anthropic", 429, {b"retry-after": b"17"}, body) == Failure(
        Cause.THROTTLE, "rate_limit", 429, retry_after_s=17.0
    )
