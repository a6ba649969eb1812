"""Errors of OpenAI and Azure OpenAI, row by row."""

from collections.abc import Callable

import pytest


def error(message: str = "m", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, "param": None, **fields}}


def inner(code: str, inner_code: str) -> dict[str, object]:
    return error(code=code, status=400, innererror={"code": inner_code})


OPENAI = [
    (401, error(code="invalid_api_key"), "auth auth"),
    (401, error("Incorrect API key provided: sk-."), "auth auth"),
    (401, error(code="ip_not_authorized"), "auth auth"),
    (401, error("You must be a member of an organization to use the API"), "auth auth"),
    (401, error(code="account_deactivated"), "auth auth"),
    (401, error(code="incorrect_hostname"), "hard region_unavailable"),
    (403, error(code="unsupported_country_region_territory"), "hard region_unavailable"),
    (403, error("Country, region, or territory not supported"), "hard region_unavailable"),
    (403, error("You may not use this."), "gone permission"),
    (403, error("This API key was revoked."), "auth auth"),
    (403, error(code="insufficient_quota"), "exhausted quota_exhausted"),
    (404, error(code="model_not_found"), "gone not_found"),
    (404, error("`m` does not exist or you do not have access to it."), "gone not_found"),
    (404, error("This model is only supported in v1/responses."), "gone not_found"),
    (400, error(code="model_not_found"), "gone not_found"),
    (400, error("The model does not exist or you do not have access"), "gone not_found"),
    (400, error(code="context_length_exceeded"), "context context_length_exceeded"),
    (
        400,
        error("This model's maximum context length is 8192 tokens."),
        "context context_length_exceeded",
    ),
    (
        400,
        error("Your input exceeds the context window of this model."),
        "context context_length_exceeded",
    ),
    (400, error(code="content_policy_violation"), "policy content_policy"),
    (400, error(code="invalid_prompt"), "policy content_policy"),
    (400, error(code="bio_policy"), "policy content_policy"),
    (400, error(code="misalignment_policy_violation"), "policy content_policy"),
    (400, error(code="image_content_policy_violation"), "policy content_policy"),
    (400, error("Rejected by our safety system."), "policy content_policy"),
    (400, error("Flagged under our usage policies."), "policy content_policy"),
    (400, error(code="unsupported_parameter"), "caller invalid_request"),
    (400, error(code="unsupported_value"), "caller invalid_request"),
    (
        400,
        error("Function tools with reasoning_effort are not supported for m."),
        "caller invalid_request",
    ),
    (400, error(code="invalid_value"), "caller invalid_request"),
    (400, error(code="missing_required_parameter"), "caller invalid_request"),
    (400, error(code="string_above_max_length"), "caller invalid_request"),
    (400, error(code="invalid_image_format"), "caller invalid_request"),
    (400, error(code="invalid_json_schema", param="response_format"), "caller invalid_request"),
    (400, {"error": "Bad request"}, "caller invalid_request"),
    (400, error(code="insufficient_quota"), "exhausted quota_exhausted"),
    (400, error(code="billing_hard_limit_reached"), "exhausted quota_exhausted"),
    (400, error(code="invalid_api_key"), "auth auth"),
    (409, error(), "hard server_error"),
    (422, error(), "caller invalid_request"),
    (413, error(), "caller invalid_request"),
    (429, error(type="insufficient_quota"), "exhausted quota_exhausted"),
    (429, error(code="insufficient_quota"), "exhausted quota_exhausted"),
    (429, error("You exceeded your current quota, check"), "exhausted quota_exhausted"),
    (429, error(code="credit_balance_exhausted"), "exhausted quota_exhausted"),
    (429, error(code="organization_spend_limit_exceeded"), "exhausted quota_exhausted"),
    (429, error(code="project_spend_limit_exceeded"), "exhausted quota_exhausted"),
    (429, error(code="organization_usage_limit_exceeded"), "exhausted quota_exhausted"),
    (429, error(code="billing_not_active"), "exhausted quota_exhausted"),
    (
        429,
        error("Limit 30,000, Requested 30,001. Visit", code="rate_limit_exceeded"),
        "capability capability_mismatch",
    ),
    (
        429,
        error("Limit 30000, Used 29999, Requested 2.", code="rate_limit_exceeded"),
        "throttle rate_limit",
    ),
    (429, error(type="tokens", code="rate_limit_exceeded"), "throttle rate_limit"),
    (429, error(type="requests", code="rate_limit_exceeded"), "throttle rate_limit"),
    (429, "", "throttle rate_limit"),
    (429, error("The engine is currently overloaded", type="server_error"), "hard overloaded"),
    (429, error(code="slow_down"), "throttle rate_limit"),
    (503, error(code="slow_down"), "throttle rate_limit"),
    (500, error(type="server_error"), "hard server_error"),
    (503, error(code="server_is_overloaded"), "hard overloaded"),
    (503, error(type="service_unavailable_error"), "hard overloaded"),
    (504, error(), "hard timeout"),
    (408, error(), "hard timeout"),
]

AZURE = [
    (
        401,
        {"statusCode": 401, "message": "Access denied due to invalid subscription key."},
        "auth auth",
    ),
    (401, error(code="PermissionDenied"), "auth auth"),
    (401, error("The principal lacks the data action", code="401"), "auth auth"),
    (403, error("Access denied due to Virtual Network rules.", code="403"), "gone permission"),
    (403, error("Public access is disabled.", code="AccessDenied"), "gone permission"),
    (403, {"statusCode": 403, "message": "Invalid subscription key."}, "auth auth"),
    (404, error(code="DeploymentNotFound"), "gone not_found"),
    (404, {"statusCode": 404, "message": "Resource not found"}, "gone not_found"),
    (410, error(code="ServiceModelDeprecated"), "gone not_found"),
    (408, error(code="Timeout"), "hard timeout"),
    (424, error(), "hard server_error"),
    (400, inner("content_filter", "ResponsibleAIPolicyViolation"), "policy content_policy"),
    (400, inner("BadRequest", "ResponsibleAIPolicyViolation"), "policy content_policy"),
    (400, error("Trips Azure's content management policy."), "policy content_policy"),
    (
        400,
        error("The chatCompletion operation does not work", code="OperationNotSupported"),
        "capability capability_mismatch",
    ),
    (
        429,
        error("Requests have exceeded token rate limit of your tier.", code="429"),
        "throttle rate_limit",
    ),
    (429, error("The system is experiencing high demand."), "throttle rate_limit"),
    (429, error(code="NoCapacity"), "throttle rate_limit"),
    (429, error(code="RateLimitReached"), "throttle rate_limit"),
    (500, error(code="InternalServerError"), "hard server_error"),
    (503, {"statusCode": 503, "message": "Service unavailable"}, "hard overloaded"),
]


@pytest.mark.parametrize(("status", "body", "expected"), OPENAI)
def test_an_error_of_openai_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("openai", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), AZURE)
def test_an_error_of_azure_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("azure", status, body) == expected


def test_a_kind_of_tomorrow_is_read_like_openai(classify: Callable[[str, int, object], str]):
    body = error(code="context_length_exceeded")

    assert classify("a kind of tomorrow", 400, body) == "context context_length_exceeded"
