"""The error bodies of section 5.4 of the provider reference."""

import msgspec
import pytest

from hotswap.dialects.fault import read_fault


def error(**fields: object) -> dict[str, object]:
    return {"error": {"message": "", "param": None, **fields}}


@pytest.mark.parametrize(
    ("kind", "status", "headers", "body", "expected", "wait"),
    [
        (
            "openai",
            429,
            {b"retry-after-ms": b"1200", b"x-ratelimit-reset-tokens": b"6m0s"},
            error(
                message="Limit 30000, Used 29000, Requested 2500. Please try again in 1.2s.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            "throttle rate_limit",
            1.2,
        ),
        (
            "openai",
            429,
            {},
            error(
                message="No credits left.",
                type="insufficient_quota",
                code="credit_balance_exhausted",
            ),
            "exhausted quota_exhausted",
            None,
        ),
        (
            "openai",
            401,
            {},
            error(
                message="Use the regional host.",
                type="invalid_request_error",
                code="incorrect_hostname",
            ),
            "hard region_unavailable",
            None,
        ),
        (
            "azure",
            400,
            {},
            {
                "error": {
                    "message": "Filtered.",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {"code": "ResponsibleAIPolicyViolation"},
                }
            },
            "policy content_policy",
            None,
        ),
        (
            "anthropic",
            529,
            {},
            {
                "type": "error",
                "error": {"type": "overloaded_error", "message": "Overloaded"},
                "request_id": "req_1",
            },
            "hard overloaded",
            None,
        ),
        (
            "anthropic",
            429,
            {b"retry-after": b"17"},
            {
                "type": "error",
                "error": {"type": "rate_limit_error", "message": "Slow down"},
                "request_id": "req_2",
            },
            "throttle rate_limit",
            17.0,
        ),
        (
            "anthropic",
            429,
            {},
            {
                "type": "error",
                "error": {
                    "type": "rate_limit_error",
                    "message": "Limit",
                    "details": {"error_code": "enforced_spend_limit_reached"},
                },
                "request_id": "req_3",
            },
            "exhausted quota_exhausted",
            None,
        ),
        (
            "anthropic",
            400,
            {},
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 205351 tokens > 200000 maximum",
                },
            },
            "context context_length_exceeded",
            None,
        ),
        (
            "google",
            400,
            {},
            {
                "error": {
                    "code": 400,
                    "message": "API key not valid.",
                    "status": "INVALID_ARGUMENT",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                            "reason": "API_KEY_INVALID",
                        }
                    ],
                }
            },
            "auth auth",
            None,
        ),
        (
            "google",
            429,
            {},
            [
                {
                    "error": {
                        "code": 429,
                        "message": "Quota",
                        "status": "RESOURCE_EXHAUSTED",
                        "details": [
                            {
                                "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                                "violations": [
                                    {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}
                                ],
                            },
                            {
                                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                                "retryDelay": "46s",
                            },
                        ],
                    }
                }
            ],
            "throttle rate_limit",
            46.0,
        ),
        (
            "google",
            429,
            {},
            {
                "error": {
                    "code": 429,
                    "message": "Quota",
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}],
                        },
                        {
                            "@type": "type.googleapis.com/google.rpc.RetryInfo",
                            "retryDelay": "35694.52s",
                        },
                    ],
                }
            },
            "exhausted quota_exhausted",
            35694.52,
        ),
        (
            "mistral",
            429,
            {},
            {
                "object": "error",
                "message": "Capacity",
                "type": "service_tier_capacity_exceeded",
                "param": None,
                "code": "3505",
            },
            "hard overloaded",
            None,
        ),
        (
            "openrouter",
            402,
            {b"retry-after": b"3"},
            error(
                code=402,
                message="Budget in flight",
                metadata={"limit_source": "openrouter_in_flight_budget"},
            ),
            "throttle rate_limit",
            3.0,
        ),
        (
            "llamacpp",
            503,
            {},
            error(code=503, message="Loading model", type="unavailable_error"),
            "hard overloaded",
            None,
        ),
        (
            "groq",
            400,
            {},
            error(
                message="Bad call",
                type="invalid_request_error",
                code="tool_use_failed",
                failed_generation="...",
            ),
            "quality server_error",
            None,
        ),
        ("ollama", 404, {}, {"error": "model 'x' not found"}, "gone not_found", None),
        ("openai", 502, {}, "<html>bad gateway</html>", "hard server_error", None),
    ],
)
def test_the_fixtures_of_the_provider_reference(
    *,
    kind: str,
    status: int,
    headers: dict[bytes, bytes],
    body: object,
    expected: str,
    wait: float | None,
):
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)

    failure = read_fault(kind, status, headers, raw)

    assert f"{failure.cause} {failure.detail}" == expected
    assert failure.retry_after_s == wait
