"""Errors of OpenRouter, Cohere and Bedrock, row by row."""

from collections.abc import Callable

import pytest

from hotswap.dialects.fault import read_fault


def error(code: int, message: str = "m", **metadata: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "metadata": metadata}, "user_id": "u"}


def typed(code: int, word: str) -> dict[str, object]:
    return error(code, error_type=word)


OPENROUTER = [
    (400, typed(400, "context_length_exceeded"), "context context_length_exceeded"),
    (400, typed(400, "max_tokens_exceeded"), "context context_length_exceeded"),
    (400, typed(400, "token_limit_exceeded"), "context context_length_exceeded"),
    (400, typed(400, "string_too_long"), "caller invalid_request"),
    (400, typed(400, "authentication"), "auth auth"),
    (400, typed(400, "permission_denied"), "gone permission"),
    (400, typed(400, "payment_required"), "exhausted quota_exhausted"),
    (400, typed(400, "rate_limit_exceeded"), "throttle rate_limit"),
    (400, typed(400, "provider_overloaded"), "hard overloaded"),
    (400, typed(400, "provider_unavailable"), "hard server_error"),
    (400, typed(400, "invalid_request"), "caller invalid_request"),
    (400, typed(400, "invalid_prompt"), "caller invalid_request"),
    (400, typed(400, "not_found"), "gone not_found"),
    (412, typed(412, "precondition_failed"), "caller invalid_request"),
    (413, typed(413, "payload_too_large"), "caller invalid_request"),
    (422, typed(422, "unprocessable"), "caller invalid_request"),
    (400, typed(400, "content_policy_violation"), "policy content_policy"),
    (400, typed(400, "refusal"), "policy content_policy"),
    (400, typed(400, "server"), "hard server_error"),
    (400, typed(400, "timeout"), "hard timeout"),
    (400, typed(400, "invalid_image"), "caller invalid_request"),
    (502, typed(502, "unmapped"), "hard server_error"),
    (401, error(401), "auth auth"),
    (402, error(402), "exhausted quota_exhausted"),
    (402, error(402, "This request requires more credits"), "exhausted quota_exhausted"),
    (402, error(402, limit_source="openrouter_in_flight_budget"), "throttle rate_limit"),
    (403, error(403, reasons=["x"], flagged_input="y"), "policy content_policy"),
    (403, error(403), "gone permission"),
    (403, error(403, "Key limit exceeded (total limit)."), "exhausted quota_exhausted"),
    (404, error(404), "gone not_found"),
    (
        404,
        error(404, "No endpoints found that support tool use."),
        "capability capability_mismatch",
    ),
    (404, error(404, "No endpoints found matching your data policy."), "gone not_found"),
    (408, error(408), "hard timeout"),
    (413, error(413), "caller invalid_request"),
    (422, error(422), "caller invalid_request"),
    (429, error(429), "throttle rate_limit"),
    (429, error(429, raw="m is temporarily rate-limited upstream."), "throttle rate_limit"),
    (502, error(502), "hard server_error"),
    (503, error(503), "gone not_found"),
    (524, error(524), "hard timeout"),
    (529, error(529), "hard overloaded"),
    (
        400,
        error(
            400,
            "Provider returned error",
            raw='{"error":{"code":"context_length_exceeded","message":"too long"}}',
        ),
        "context context_length_exceeded",
    ),
    (
        400,
        error(400, "Provider returned error", raw='{"error":{"message":"prompt is too long: 2"}}'),
        "context context_length_exceeded",
    ),
]

COHERE = [
    (400, "too many tokens: size limit exceeded by 9 tokens.", "context context_length_exceeded"),
    (400, "invalid request: message must be at least 1 token long", "caller invalid_request"),
    (401, "invalid api token", "auth auth"),
    (402, "m", "exhausted quota_exhausted"),
    (403, "m", "gone permission"),
    (404, "model not found", "gone not_found"),
    (422, "m", "caller invalid_request"),
    (429, "m", "throttle rate_limit"),
    (429, "a Trial key, which is limited to 40 API calls / minute", "throttle rate_limit"),
    (429, "a Trial key, which is limited to 1000 API calls / month", "exhausted quota_exhausted"),
    (498, "invalid token", "auth auth"),
    (499, "m", "hard server_error"),
    (500, "m", "hard server_error"),
    (501, "m", "capability capability_mismatch"),
    (503, "m", "hard overloaded"),
    (504, "m", "hard timeout"),
]

BEDROCK = [
    (400, "ValidationException", "Input is too long.", "context context_length_exceeded"),
    (400, "ValidationException", "on-demand throughput isn't supported", "gone not_found"),
    (400, "ValidationException", "on-demand throughput isn\u2019t supported", "gone not_found"),
    (400, "ValidationException", "The model identifier is invalid.", "gone not_found"),
    (400, "ValidationException", "Malformed input request", "caller invalid_request"),
    (403, "AccessDeniedException", "m", "gone permission"),
    (403, "UnrecognizedClientException", "m", "auth auth"),
    (403, "ExpiredTokenException", "m", "auth auth"),
    (403, "InvalidSignatureException", "m", "auth auth"),
    (404, "ResourceNotFoundException", "m", "gone not_found"),
    (429, "ThrottlingException", "Too many tokens, please wait.", "throttle rate_limit"),
    (
        429,
        "ThrottlingException",
        "Too many tokens per day, please wait before trying again.",
        "exhausted quota_exhausted",
    ),
    (400, "ServiceQuotaExceededException", "m", "exhausted quota_exhausted"),
    (429, "ModelNotReadyException", "m", "hard overloaded"),
    (408, "ModelTimeoutException", "m", "hard timeout"),
    (424, "ModelErrorException", "m", "hard server_error"),
    (424, "ModelStreamErrorException", "m", "hard server_error"),
    (500, "InternalServerException", "m", "hard server_error"),
    (503, "ServiceUnavailableException", "m", "hard overloaded"),
]


@pytest.mark.parametrize(("status", "body", "expected"), OPENROUTER)
def test_an_error_of_openrouter_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("openrouter", status, body) == expected


@pytest.mark.parametrize(("status", "message", "expected"), COHERE)
def test_an_error_of_cohere_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, message: str, expected: str
):
    assert classify("cohere", status, {"id": "1", "message": message}) == expected


@pytest.mark.parametrize(("status", "word", "message", "expected"), BEDROCK)
def test_an_error_of_bedrock_is_what_its_row_says(
    classify: Callable[[str, int, object], str],
    status: int,
    word: str,
    message: str,
    expected: str,
):
    header = {b"x-amzn-errortype": word.encode() + b":http://internal.amazon.com/coral/"}
    body = b'{"message":"%s"}' % message.encode()

    failure = read_fault("bedrock", status, header, body)

    assert f"{failure.cause} {failure.detail}" == expected
    told = {"__type": f"com.amazon.coral.service#{word}", "message": message}
    assert classify("bedrock", status, told) == expected


def test_quirk_openrouter_names_its_reset_in_headers_that_the_body_quotes():
    body = (
        b'{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day",'
        b'"metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795356042000"}}}}'
    )

    failure = read_fault("openrouter", 429, {b"date": b"Sun, 22 Nov 2026 14:00:00 GMT"}, body)

    assert failure.retry_after_s == 42.0
