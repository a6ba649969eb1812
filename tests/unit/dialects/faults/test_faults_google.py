"""Errors of the Gemini API and of Vertex AI, row by row."""

from collections.abc import Callable

import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import read_fault


def error(status: str, message: str = "m", *details: object) -> dict[str, object]:
    return {"error": {"code": 0, "message": message, "status": status, "details": details}}


def info(reason: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}


def quota(quota_id: str) -> dict[str, object]:
    name = "type.googleapis.com/google.rpc.QuotaFailure"
    return {"@type": name, "violations": [{"quotaId": quota_id}]}


def retry(delay: str) -> dict[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def used_up(message: str, *details: object) -> dict[str, object]:
    return error("RESOURCE_EXHAUSTED", message, *details)


def invalid(message: str, *details: object) -> dict[str, object]:
    return error("INVALID_ARGUMENT", message, *details)


MINUTE = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")
DAY = quota("GenerateRequestsPerDayPerProjectPerModel")
ZERO = "Quota exceeded for metric: free_tier_requests, limit: 0, model: m"
SHARED = "Resource exhausted, please try again later."

GEMINI = [
    (400, invalid("m", info("API_KEY_INVALID")), "auth auth"),
    (400, invalid("API key not valid. Please pass a valid API key."), "auth auth"),
    (400, invalid("API key expired. Please renew the API key."), "auth auth"),
    (400, invalid("API Key not found. Please pass a valid API key."), "auth auth"),
    (
        400,
        invalid("The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        "context context_length_exceeded",
    ),
    (
        400,
        error("FAILED_PRECONDITION", "User location is not supported for the API use."),
        "hard region_unavailable",
    ),
    (
        400,
        error("FAILED_PRECONDITION", "Not available in your country. Please enable billing."),
        "exhausted quota_exhausted",
    ),
    (400, error("FAILED_PRECONDITION", "Billing is not active"), "exhausted quota_exhausted"),
    (400, error("FAILED_PRECONDITION", "Something else"), "caller invalid_request"),
    (
        400,
        invalid("Requests ending with a model turn are not supported."),
        "capability capability_mismatch",
    ),
    (
        400,
        invalid("Function call is missing a thought_signature in functionCall parts."),
        "capability capability_mismatch",
    ),
    (400, invalid("Corrupted thought signature."), "capability capability_mismatch"),
    (
        400,
        invalid("Function calling is not enabled for models/gemma"),
        "capability capability_mismatch",
    ),
    (400, invalid("JSON mode is not enabled for models/m"), "capability capability_mismatch"),
    (400, invalid("Penalty is not enabled for models/m"), "capability capability_mismatch"),
    (400, invalid("Please ensure that function calls come first"), "caller invalid_request"),
    (401, error("UNAUTHENTICATED", "Expected OAuth 2 access token"), "auth auth"),
    (402, error("RESOURCE_EXHAUSTED"), "exhausted quota_exhausted"),
    (403, error("PERMISSION_DENIED"), "gone permission"),
    (403, error("PERMISSION_DENIED", "m", info("CONSUMER_SUSPENDED")), "auth auth"),
    (403, error("PERMISSION_DENIED", "m", info("SERVICE_DISABLED")), "auth auth"),
    (403, error("PERMISSION_DENIED", "m", info("API_KEY_SERVICE_BLOCKED")), "auth auth"),
    (403, error("PERMISSION_DENIED", "Your API key was reported as leaked."), "auth auth"),
    (
        403,
        error("PERMISSION_DENIED", "m", info("BILLING_DISABLED")),
        "exhausted quota_exhausted",
    ),
    (404, error("NOT_FOUND", "models/m is not found for API version v1beta"), "gone not_found"),
    (429, used_up("Quota", DAY), "exhausted quota_exhausted"),
    (429, used_up("Quota", retry("3601s")), "exhausted quota_exhausted"),
    (429, used_up(ZERO, MINUTE, retry("26s")), "gone not_found"),
    (429, used_up(ZERO, DAY, retry("26s")), "gone not_found"),
    (429, used_up("limit: 250, model: m", MINUTE, retry("46s")), "throttle rate_limit"),
    (429, used_up("Quota", MINUTE, retry("3600s")), "throttle rate_limit"),
    (429, used_up("Resource has been exhausted (e.g. check quota)."), "throttle rate_limit"),
    (429, [used_up("Quota", MINUTE, retry("46s"))], "throttle rate_limit"),
    (499, error("CANCELLED"), "hard server_error"),
    (500, error("INTERNAL"), "hard server_error"),
    (500, error("UNKNOWN"), "hard server_error"),
    (503, error("UNAVAILABLE", "The model is overloaded."), "hard overloaded"),
    (503, error("UNAVAILABLE", "This model is in high demand."), "hard overloaded"),
    (504, error("DEADLINE_EXCEEDED"), "hard timeout"),
    (400, [invalid("m", info("API_KEY_INVALID"))], "auth auth"),
    (404, [error("NOT_FOUND")], "gone not_found"),
    (503, [error("UNAVAILABLE")], "hard overloaded"),
]

VERTEX = [
    (401, error("UNAUTHENTICATED", "m", info("ACCESS_TOKEN_EXPIRED")), "auth auth"),
    (403, error("PERMISSION_DENIED", "Permission denied on resource"), "gone permission"),
    (404, [error("NOT_FOUND", "Publisher Model was not found")], "gone not_found"),
    (429, used_up(SHARED), "hard overloaded"),
    (429, [used_up(SHARED)], "hard overloaded"),
]


@pytest.mark.parametrize(("status", "body", "expected"), GEMINI)
def test_an_error_of_gemini_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("google", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), VERTEX)
@pytest.mark.parametrize("kind", ["google", "vertex"])
def test_an_error_of_vertex_is_what_its_row_says(
    classify: Callable[[str, int, object], str], kind: str, status: int, body: object, expected: str
):
    assert classify(kind, status, body) == expected


def test_quirk_vertex_a_rate_limit_that_names_no_time_is_shared_capacity():
    body = b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m"}}'

    assert read_fault("vertex", 429, {}, body) == Failure(Cause.HARD, "overloaded", 429)
    assert read_fault("google", 429, {}, body) == Failure(Cause.THROTTLE, "rate_limit", 429)


def test_the_delay_of_a_spent_quota_is_kept():
    body = (
        b'{"error":{"code":429,"message":"Please retry in 10h17m5.7s.","details":['
        b'{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37025.7s"}]}}'
    )

    assert read_fault("google", 429, {}, body) == Failure(
        Cause.EXHAUSTED, "quota_exhausted", 429, retry_after_s=37025.7
    )
