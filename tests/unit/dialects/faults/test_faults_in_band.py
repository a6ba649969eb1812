"""Errors inside an answer that began as a 200, in the form of every provider."""

import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import read_in_band

ROWS = [
    # OpenAI chat, Azure, vLLM, llama.cpp, DeepSeek, Mistral, Groq
    ('{"error":{"message":"m","type":"server_error","code":null}}', "hard server_error"),
    ('{"error":{"code":"rate_limit_exceeded","message":"Slow"}}', "throttle rate_limit"),
    ('{"error":{"message":"m","type":"insufficient_quota"}}', "exhausted quota_exhausted"),
    ('{"error":{"message":"m","type":"invalid_request_error"}}', "caller invalid_request"),
    (
        (
            '{"error":{"message":"m","code":"content_filter",'
            '"innererror":{"code":"ResponsibleAIPolicyViolation"}}}'
        ),
        "policy content_policy",
    ),
    (
        '{"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}',
        "caller invalid_request",
    ),
    (
        '{"error":{"message":"m","type":"InternalServerError","param":null,"code":500}}',
        "hard server_error",
    ),
    (
        '{"error":{"message":"This model\'s maximum context length is 9","code":400}}',
        "context context_length_exceeded",
    ),
    (
        '{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}',
        "hard overloaded",
    ),
    ('{"code":503,"message":"Loading model","type":"unavailable_error"}', "hard overloaded"),
    (
        '{"object":"error","message":"m","type":"service_tier_capacity_exceeded","code":"3505"}',
        "hard overloaded",
    ),
    (
        '{"message":"m","type":"invalid_request_error","code":"tool_use_failed"}',
        "quality server_error",
    ),
    ('{"error":{"message":"m","code":"json_validate_failed"}}', "quality server_error"),
    ('{"error":{"message":"m","status_code":503}}', "hard overloaded"),
    ('{"error":{"message":"m","status_code":400}}', "caller invalid_request"),
    ('"capacity exceeded"', "hard server_error"),
    # OpenRouter's chunk
    (
        (
            '{"id":"1","object":"chat.completion.chunk","error":{"code":502,"message":"m",'
            '"metadata":{"error_type":"provider_unavailable"}},'
            '"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}'
        ),
        "hard server_error",
    ),
    (
        (
            '{"error":{"code":429,"message":"m","metadata":{"error_type":"rate_limit_exceeded"}},'
            '"choices":[]}'
        ),
        "throttle rate_limit",
    ),
    (
        '{"error":{"code":403,"message":"m","metadata":{"flagged_input":"x"}}}',
        "policy content_policy",
    ),
    # Responses: flat, nested, and in the failed response
    (
        '{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}',
        "hard server_error",
    ),
    (
        '{"type":"error","code":"rate_limit_exceeded","message":"m","sequence_number":3}',
        "throttle rate_limit",
    ),
    (
        (
            '{"type":"error","error":{"type":"invalid_request_error","code":"context_length_exceeded",'
            '"message":"m"},"sequence_number":3}'
        ),
        "context context_length_exceeded",
    ),
    (
        (
            '{"type":"response.failed","response":{"status":"failed",'
            '"error":{"code":"data_residency_mismatch","message":"m"}}}'
        ),
        "hard region_unavailable",
    ),
    (
        '{"type":"response.failed","response":{"error":{"code":"vector_store_timeout"}}}',
        "hard timeout",
    ),
    (
        '{"type":"response.failed","response":{"error":{"code":"bio_policy"}}}',
        "policy content_policy",
    ),
    ('{"type":"response.failed","response":{"error":null}}', "hard server_error"),
    ('{"code":"server_is_overloaded","message":"m"}', "hard overloaded"),
    # Anthropic's `event: error`
    (
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        "hard overloaded",
    ),
    ('{"type":"error","error":{"type":"api_error","message":"m"}}', "hard server_error"),
    ('{"type":"error","error":{"type":"rate_limit_error","message":"m"}}', "throttle rate_limit"),
    ('{"type":"error","error":{"type":"timeout_error","message":"m"}}', "hard timeout"),
    ('{"type":"error","error":{"type":"authentication_error","message":"m"}}', "auth auth"),
    ('{"type":"error","error":{"type":"permission_error","message":"m"}}', "gone permission"),
    ('{"type":"error","error":{"type":"not_found_error","message":"m"}}', "gone not_found"),
    (
        (
            '{"type":"error","error":{"type":"invalid_request_error",'
            '"message":"prompt is too long: 2 tokens > 1 maximum"}}'
        ),
        "context context_length_exceeded",
    ),
    (
        (
            '{"type":"error","error":{"type":"invalid_request_error",'
            '"message":"Output blocked by content filtering policy"}}'
        ),
        "policy content_policy",
    ),
    # Gemini: an event, a raw JSON tail, an element of an array
    (
        '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}',
        "hard overloaded",
    ),
    (
        (
            '{\n  "error": {\n    "code": 503,\n    "message": "Flex capacity is withdrawn",\n'
            '    "status": "UNAVAILABLE"\n  }\n}\n'
        ),
        "hard overloaded",
    ),
    ('[{"error":{"code":500,"status":"INTERNAL"}}]', "hard server_error"),
    ('[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]', "throttle rate_limit"),
    ('{"error":{"status":"UNAVAILABLE"}}', "hard overloaded"),
    ('{"error":{"status":"DEADLINE_EXCEEDED"}}', "hard timeout"),
    ('{"error":{"status":"INVALID_ARGUMENT"}}', "caller invalid_request"),
    # Ollama's line, Cohere's and Bedrock's last words
    ('{"error":"model runner has unexpectedly stopped"}', "hard server_error"),
    ('{"error":"out of memory"}', "hard server_error"),
    (
        '{"type":"message-end","delta":{"finish_reason":"ERROR","error":"m"}}',
        "hard server_error",
    ),
    ('{"__type":"aws#modelStreamErrorException","message":"m"}', "hard server_error"),
    ('{"__type":"aws#throttlingException","message":"m"}', "throttle rate_limit"),
    ('{"__type":"aws#serviceUnavailableException","message":"m"}', "hard overloaded"),
    ('{"__type":"aws#internalServerException","message":"m"}', "hard server_error"),
    ('{"__type":"aws#validationException","message":"m"}', "caller invalid_request"),
    # No JSON
    ("upstream connect error", "hard server_error"),
    ("<html>bad gateway</html>", "hard server_error"),
    ("maximum context length", "context context_length_exceeded"),
    ("", "hard server_error"),
    ("null", "hard server_error"),
    ("{}", "hard server_error"),
    ("[]", "hard server_error"),
]


@pytest.mark.parametrize(("error", "expected"), ROWS)
def test_an_error_inside_an_answer_is_classified_like_any_other(error: str, expected: str):
    failure = read_in_band("", error.encode())

    assert f"{failure.cause} {failure.detail}" == expected
    assert failure.status == 200


def test_bytes_that_are_no_text_are_a_fault_of_the_server():
    assert read_in_band("", b"\xff") == Failure(Cause.HARD, "server_error", 200)


def test_the_kind_decides_what_its_own_codes_mean():
    capacity = b'{"object":"error","message":"m","code":"3505"}'

    assert read_in_band("mistral", capacity).detail == "overloaded"
    assert read_in_band("groq", b'"over capacity, please try again in 2s"') == Failure(
        Cause.HARD, "server_error", 200, retry_after_s=2.0
    )
