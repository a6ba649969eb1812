"""The fault table: what each known error of a provider means."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import read_fault, read_in_band

CAUSES = {
    "rate_limit": Cause.THROTTLE,
    "quota_exhausted": Cause.EXHAUSTED,
    "auth": Cause.AUTH,
    "permission": Cause.GONE,
    "not_found": Cause.GONE,
    "context_length_exceeded": Cause.CONTEXT,
    "content_policy": Cause.POLICY,
    "invalid_request": Cause.CALLER,
    "capability_mismatch": Cause.CAPABILITY,
    "overloaded": Cause.HARD,
    "server_error": Cause.HARD,
    "timeout": Cause.HARD,
    "region_unavailable": Cause.HARD,
}


def fault(
    kind: str, status: int, body: object, headers: dict[bytes, bytes] | None = None
) -> Failure:
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return read_fault(kind, status, headers or {}, raw)


def error(**fields: object) -> dict[str, object]:
    return {"error": {"message": "", "param": None, **fields}}


@pytest.mark.parametrize(
    ("kind", "status", "body", "detail"),
    [
        # OpenAI, and Azure where the same code appears
        ("openai", 401, error(code="invalid_api_key"), "auth"),
        ("openai", 401, error(message="Incorrect API key provided: sk-."), "auth"),
        ("openai", 401, error(code="ip_not_authorized"), "auth"),
        ("openai", 401, error(message="You must be a member of an organization"), "auth"),
        ("openai", 401, error(code="incorrect_hostname"), "region_unavailable"),
        ("openai", 403, error(code="unsupported_country_region_territory"), "region_unavailable"),
        ("openai", 403, error(message="You may not use this."), "permission"),
        ("openai", 403, error(message="This API key was revoked."), "auth"),
        ("openai", 404, error(code="model_not_found"), "not_found"),
        ("openai", 404, error(message="`m` does not exist"), "not_found"),
        ("openai", 400, error(code="model_not_found"), "not_found"),
        ("openai", 400, error(code="context_length_exceeded"), "context_length_exceeded"),
        (
            "openai",
            400,
            error(message="This model's maximum context length is 8192 tokens."),
            "context_length_exceeded",
        ),
        (
            "openai",
            400,
            error(message="Your input exceeds the context window of this model."),
            "context_length_exceeded",
        ),
        ("openai", 400, error(code="content_policy_violation"), "content_policy"),
        ("openai", 400, error(code="invalid_prompt"), "content_policy"),
        ("openai", 400, error(code="bio_policy"), "content_policy"),
        ("openai", 400, error(code="misalignment_policy_violation"), "content_policy"),
        ("openai", 400, error(code="image_content_policy_violation"), "content_policy"),
        ("openai", 400, error(code="unsupported_parameter"), "invalid_request"),
        ("openai", 400, error(code="unsupported_value"), "invalid_request"),
        ("openai", 400, error(code="invalid_value"), "invalid_request"),
        ("openai", 400, error(code="missing_required_parameter"), "invalid_request"),
        ("openai", 400, error(code="string_above_max_length"), "invalid_request"),
        ("openai", 400, error(code="insufficient_quota"), "quota_exhausted"),
        ("openai", 400, error(code="invalid_api_key"), "auth"),
        ("openai", 409, error(), "server_error"),
        ("openai", 422, error(), "invalid_request"),
        ("openai", 413, error(), "invalid_request"),
        ("openai", 429, error(type="insufficient_quota"), "quota_exhausted"),
        ("openai", 429, error(code="credit_balance_exhausted"), "quota_exhausted"),
        ("openai", 429, error(code="organization_spend_limit_exceeded"), "quota_exhausted"),
        ("openai", 429, error(code="project_spend_limit_exceeded"), "quota_exhausted"),
        ("openai", 429, error(code="organization_usage_limit_exceeded"), "quota_exhausted"),
        ("openai", 429, error(code="billing_not_active"), "quota_exhausted"),
        (
            "openai",
            429,
            error(code="rate_limit_exceeded", message="Limit 30,000, Requested 30,001. Visit"),
            "capability_mismatch",
        ),
        (
            "openai",
            429,
            error(code="rate_limit_exceeded", message="Limit 30000, Used 29999, Requested 2."),
            "rate_limit",
        ),
        ("openai", 429, error(type="tokens", code="rate_limit_exceeded"), "rate_limit"),
        ("openai", 429, "", "rate_limit"),
        ("openai", 429, error(code="slow_down"), "rate_limit"),
        ("openai", 503, error(code="slow_down"), "rate_limit"),
        ("openai", 500, error(type="server_error"), "server_error"),
        ("openai", 503, error(code="server_is_overloaded"), "overloaded"),
        ("openai", 503, error(type="service_unavailable_error"), "overloaded"),
        ("openai", 504, error(), "timeout"),
        ("openai", 408, error(), "timeout"),
        (
            "azure",
            401,
            {"statusCode": 401, "message": "Access denied due to invalid subscription key."},
            "auth",
        ),
        (
            "azure",
            403,
            error(code="403", message="Access denied due to Virtual Network rules."),
            "permission",
        ),
        ("azure", 404, error(code="DeploymentNotFound"), "not_found"),
        ("azure", 424, error(), "server_error"),
        ("azure", 429, error(message="The system is experiencing high demand."), "rate_limit"),
        # Mistral
        (
            "mistral",
            400,
            {"object": "error", "message": "Prompt too large for model with 32768"},
            "context_length_exceeded",
        ),
        ("mistral", 400, {"object": "error", "code": 3051}, "context_length_exceeded"),
        ("mistral", 400, {"object": "error", "message": "no"}, "invalid_request"),
        (
            "mistral",
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra"}]},
            "invalid_request",
        ),
        ("mistral", 401, {"message": "Unauthorized", "request_id": "r"}, "auth"),
        ("mistral", 402, {}, "quota_exhausted"),
        ("mistral", 403, {"message": "Your tier has no access."}, "permission"),
        ("mistral", 404, {"object": "error", "code": "1500"}, "not_found"),
        ("mistral", 400, {"object": "error", "code": "1500"}, "not_found"),
        ("mistral", 400, {"object": "error", "message": "Invalid model: x"}, "not_found"),
        ("mistral", 429, {"object": "error", "code": 3505}, "overloaded"),
        ("mistral", 429, {"object": "error", "type": "rate_limit_error"}, "rate_limit"),
        ("mistral", 429, {"object": "error", "code": "1300"}, "rate_limit"),
        ("mistral", 500, {}, "server_error"),
        ("mistral", 502, {}, "server_error"),
        ("mistral", 503, {}, "overloaded"),
        ("mistral", 504, {}, "timeout"),
        # OpenRouter
        *(
            ("openrouter", 400, error(code=400, metadata={"error_type": word}), detail)
            for word, detail in {
                "context_length_exceeded": "context_length_exceeded",
                "max_tokens_exceeded": "context_length_exceeded",
                "token_limit_exceeded": "context_length_exceeded",
                "string_too_long": "invalid_request",
                "authentication": "auth",
                "payment_required": "quota_exhausted",
                "rate_limit_exceeded": "rate_limit",
                "provider_overloaded": "overloaded",
                "provider_unavailable": "server_error",
                "invalid_request": "invalid_request",
                "invalid_prompt": "invalid_request",
                "not_found": "not_found",
                "content_policy_violation": "content_policy",
                "refusal": "content_policy",
                "timeout": "timeout",
            }.items()
        ),
        ("openrouter", 401, error(code=401), "auth"),
        ("openrouter", 402, error(code=402), "quota_exhausted"),
        (
            "openrouter",
            403,
            error(code=403, metadata={"reasons": ["x"], "flagged_input": "y"}),
            "content_policy",
        ),
        ("openrouter", 403, error(code=403), "permission"),
        ("openrouter", 404, error(code=404), "not_found"),
        ("openrouter", 408, error(code=408), "timeout"),
        ("openrouter", 413, error(code=413), "invalid_request"),
        ("openrouter", 422, error(code=422), "invalid_request"),
        ("openrouter", 429, error(code=429), "rate_limit"),
        ("openrouter", 502, error(code=502), "server_error"),
        ("openrouter", 503, error(code=503), "not_found"),
        ("openrouter", 524, error(code=524), "timeout"),
        ("openrouter", 529, error(code=529), "overloaded"),
        (
            "openrouter",
            400,
            error(
                code=400,
                message="Provider returned error",
                metadata={"raw": '{"error":{"code":"context_length_exceeded"}}'},
            ),
            "context_length_exceeded",
        ),
        # Groq
        ("groq", 400, error(code="context_length_exceeded"), "context_length_exceeded"),
        ("groq", 400, error(code="model_decommissioned"), "not_found"),
        ("groq", 404, error(code="model_not_found"), "not_found"),
        ("groq", 400, error(), "invalid_request"),
        ("groq", 401, error(code="invalid_api_key"), "auth"),
        ("groq", 403, error(), "permission"),
        (
            "groq",
            413,
            error(message="Request too large: tokens per minute (TPM): Limit 6000, Requested 9"),
            "capability_mismatch",
        ),
        ("groq", 413, error(), "invalid_request"),
        ("groq", 424, error(), "server_error"),
        ("groq", 429, error(code="rate_limit_exceeded"), "rate_limit"),
        ("groq", 498, error(code="capacity_exceeded"), "overloaded"),
        ("groq", 499, error(), "server_error"),
        ("groq", 500, error(), "server_error"),
        ("groq", 503, error(), "overloaded"),
        # DeepSeek
        ("deepseek", 400, error(type="invalid_request_error"), "invalid_request"),
        ("deepseek", 422, error(type="invalid_request_error"), "invalid_request"),
        ("deepseek", 401, error(type="authentication_error"), "auth"),
        ("deepseek", 402, error(message="Insufficient Balance"), "quota_exhausted"),
        ("deepseek", 429, error(), "rate_limit"),
        ("deepseek", 500, error(), "server_error"),
        ("deepseek", 503, error(), "overloaded"),
        # vLLM
        (
            "vllm",
            400,
            {"object": "error", "type": "BadRequestError", "message": "maximum context length is"},
            "context_length_exceeded",
        ),
        ("vllm", 400, error(param="input_tokens", code=400), "context_length_exceeded"),
        ("vllm", 400, error(type="BadRequestError", code=400), "invalid_request"),
        ("vllm", 404, error(type="NotFoundError", code=404), "not_found"),
        ("vllm", 401, {"error": "Unauthorized"}, "auth"),
        ("vllm", 499, error(), "server_error"),
        ("vllm", 500, error(type="InternalServerError", code=500), "server_error"),
        ("vllm", 501, error(type="NotImplementedError", code=501), "capability_mismatch"),
        ("vllm", 503, "", "overloaded"),
        # Ollama
        ("ollama", 400, {"error": '"x" does not support tools'}, "capability_mismatch"),
        ("ollama", 400, {"error": "x does not support thinking"}, "capability_mismatch"),
        ("ollama", 400, {"error": "x does not support generate"}, "capability_mismatch"),
        ("ollama", 400, {"error": "bad"}, "invalid_request"),
        ("ollama", 404, error(message='model "x" not found, try pulling it'), "not_found"),
        ("ollama", 500, {"error": "model requires more system memory"}, "server_error"),
        ("ollama", 502, {"error": "no"}, "server_error"),
        ("ollama", 503, {"error": "maximum pending requests exceeded"}, "overloaded"),
        # llama.cpp
        (
            "llamacpp",
            400,
            error(type="exceed_context_size_error", code=400, n_prompt_tokens=9, n_ctx=4),
            "context_length_exceeded",
        ),
        ("llamacpp", 400, error(type="invalid_request_error", code=400), "invalid_request"),
        (
            "llamacpp",
            400,
            error(message="Assistant response prefill is incompatible with enable_thinking."),
            "capability_mismatch",
        ),
        ("llamacpp", 401, error(type="authentication_error", code=401), "auth"),
        ("llamacpp", 403, error(type="permission_error", code=403), "permission"),
        ("llamacpp", 404, error(type="not_found_error", code=404), "not_found"),
        ("llamacpp", 501, error(type="not_supported_error", code=501), "capability_mismatch"),
        ("llamacpp", 503, error(type="unavailable_error", code=503), "overloaded"),
        ("llamacpp", 500, error(type="server_error", code=500), "server_error"),
        ("llamacpp", 500, error(message="Context size has been exceeded."), "overloaded"),
        (
            "llamacpp",
            500,
            error(message="input (3004 tokens) is too large to process. increase the physical"),
            "context_length_exceeded",
        ),
        (
            "llamacpp",
            500,
            error(
                message="image input is not supported - hint: you may need to provide the mmproj"
            ),
            "capability_mismatch",
        ),
        (
            "llamacpp",
            500,
            error(
                message="audio input is not supported - hint: you may need to provide the mmproj"
            ),
            "capability_mismatch",
        ),
        ("llamacpp", 500, error(message="Failed to load image or audio file"), "invalid_request"),
        # Any provider
        ("openai", 403, "<html>Just a moment</html>", "server_error"),
        ("openai", 503, "\n<!DOCTYPE html>", "server_error"),
        ("openai", 403, "", "permission"),
        ("openai", 407, "", "server_error"),
        ("openai", 511, "", "server_error"),
        ("openai", 301, "", "server_error"),
        ("openai", 520, "<html>", "server_error"),
        ("openai", 522, "<html>", "server_error"),
        ("openai", 524, "<html>", "timeout"),
        ("openai", 599, "", "server_error"),
        (
            "a kind of tomorrow",
            400,
            error(code="context_length_exceeded"),
            "context_length_exceeded",
        ),
    ],
)
def test_an_error_is_classified_as_the_table_says(
    kind: str, status: int, body: object, detail: str
):
    failure = fault(kind, status, body)

    assert (failure.detail, failure.cause) == (detail, CAUSES[detail])
    assert failure.status == status


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
def test_quirk_groq_the_models_own_bad_output_is_no_fault_of_the_caller(code: str):
    failure = fault("groq", 400, error(code=code, type="invalid_request_error"))

    assert failure == Failure(Cause.QUALITY, "server_error", 400)


@pytest.mark.parametrize(
    ("kind", "status", "headers", "body", "detail", "wait"),
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
            "rate_limit",
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
            "quota_exhausted",
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
            "region_unavailable",
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
            "content_policy",
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
            "overloaded",
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
            "rate_limit",
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
            "quota_exhausted",
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
            "context_length_exceeded",
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
            "auth",
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
            "rate_limit",
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
            "quota_exhausted",
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
            "overloaded",
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
            "rate_limit",
            3.0,
        ),
        (
            "llamacpp",
            503,
            {},
            error(code=503, message="Loading model", type="unavailable_error"),
            "overloaded",
            None,
        ),
        ("ollama", 404, {}, {"error": "model 'x' not found"}, "not_found", None),
        ("openai", 502, {}, "<html>bad gateway</html>", "server_error", None),
    ],
)
def test_the_fixtures_of_the_provider_reference(
    *,
    kind: str,
    status: int,
    headers: dict[bytes, bytes],
    body: object,
    detail: str,
    wait: float | None,
):
    failure = fault(kind, status, body, headers)

    assert (failure.detail, failure.cause) == (detail, CAUSES[detail])
    assert failure.retry_after_s == wait


def test_the_callers_own_fault_keeps_the_providers_words():
    failure = fault(
        "openai",
        400,
        error(message="'n' must be positive.", type="t", code="invalid_value", param="n"),
    )

    assert failure == Failure(
        Cause.CALLER,
        "invalid_request",
        400,
        message="'n' must be positive.",
        code="invalid_value",
        param="n",
    )


def test_a_fault_that_is_not_the_callers_keeps_no_words():
    failure = fault("openai", 401, error(message="Incorrect API key: sk-1", code="invalid_api_key"))

    assert failure == Failure(Cause.AUTH, "auth", 401)


def test_a_validating_front_is_quoted_field_by_field():
    body = {"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "Field required"}]}

    assert fault("mistral", 422, body).message == "body.x: Field required"


def test_a_request_larger_than_its_limit_names_no_pause():
    failure = fault(
        "openai",
        429,
        error(message="Limit 10, Requested 11. Try again in 9s."),
        {b"retry-after": b"9"},
    )

    assert failure.cause is Cause.CAPABILITY
    assert failure.retry_after_s is None


def test_what_a_message_quotes_does_not_classify_it():
    failure = fault("vllm", 400, error(message="input_value='incorrect api key', bad"))

    assert failure.detail == "invalid_request"


def test_a_rate_limit_without_a_hint_waits_for_the_reset_of_the_used_up_limit():
    headers = {b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"7.66s"}

    assert fault("groq", 429, error(code="rate_limit_exceeded"), headers).retry_after_s == 7.66


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error":{"code":502,"message":"Provider disconnected"}}', "server_error"),
        (b'{"error":{"code":429,"message":"Slow"}}', "rate_limit"),
        (b'{"error":{"code":"rate_limit_exceeded","message":"Slow"}}', "rate_limit"),
        (b'{"error":{"message":"m","type":"BadRequestError","code":400}}', "invalid_request"),
        (b'{"error":{"message":"m","type":"invalid_request_error"}}', "invalid_request"),
        (b'{"message":"m","type":"overloaded_error"}', "overloaded"),
        (b'{"error":{"message":"maximum context length"}}', "context_length_exceeded"),
        (b'{"error":"out of memory"}', "server_error"),
        (b'[{"error":{"code":503,"status":"UNAVAILABLE"}}]', "overloaded"),
        (b"upstream connect error", "server_error"),
        (b"\xff", "server_error"),
        (b"", "server_error"),
    ],
)
def test_an_error_inside_an_answer_is_classified_like_any_other(body: bytes, detail: str):
    failure = read_in_band("openai", body)

    assert (failure.detail, failure.cause) == (detail, CAUSES[detail])
    assert failure.status == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "code",
                    "type",
                    "message",
                    "metadata",
                    "details",
                    "detail",
                    "status",
                    "raw",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(JSON, st.integers(300, 599))
def test_no_shape_breaks_the_reader(body: object, status: int):
    raw = msgspec.json.encode(body)

    assert read_fault("openai", status, {}, raw).status == status
    assert read_in_band("openai", raw).status == 200


def test_the_reader_is_ready_for_other_shapes():
    amazon = fault(
        "bedrock", 403, {"message": "m"}, {b"x-amzn-errortype": b"ExpiredTokenException:http://x"}
    )
    long_wait = {"error": {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "7200s"}]}}

    assert amazon.detail == "auth"
    assert fault("google", 429, long_wait) == Failure(
        Cause.EXHAUSTED, "quota_exhausted", 429, retry_after_s=7200.0
    )
    assert fault("anthropic", 429, {"error": {"type": "rate_limit_error"}}).detail == (
        "quota_exhausted"
    )
    assert fault("vllm", 422, {"detail": "Not a request."}).message == "Not a request."
