"""Errors of Mistral, Groq and DeepSeek, row by row."""

from collections.abc import Callable

import pytest

Row = tuple[int, object, str]


def error(message: str = "m", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, "param": None, **fields}}


def flat(message: object = "m", **fields: object) -> dict[str, object]:
    return {"object": "error", "message": message, "param": None, **fields}


def issue(kind: str) -> dict[str, object]:
    return {"type": kind, "loc": ["body", "n"], "msg": "Extra inputs are not permitted"}


MISTRAL: list[Row] = [
    (400, flat("Prompt too large for model with 32768"), "context context_length_exceeded"),
    (400, flat(code=3051), "context context_length_exceeded"),
    (400, flat(code="3051"), "context context_length_exceeded"),
    (400, flat("no"), "caller invalid_request"),
    (400, flat("Bad schema", type="invalid_request_error"), "caller invalid_request"),
    (
        400,
        flat("Expected last role User or Tool but got assistant", code="3230"),
        "capability capability_mismatch",
    ),
    (422, {"detail": [issue("extra_forbidden")]}, "capability capability_mismatch"),
    (422, flat({"detail": [issue("extra_forbidden")]}), "capability capability_mismatch"),
    (422, flat([issue("extra_forbidden")], code=3001), "capability capability_mismatch"),
    (422, {"detail": [issue("missing")]}, "caller invalid_request"),
    (401, {"message": "Unauthorized", "request_id": "r"}, "auth auth"),
    (401, {"detail": "Unauthorized"}, "auth auth"),
    (402, {}, "exhausted quota_exhausted"),
    (403, {"message": "Your tier has no access."}, "gone permission"),
    (404, flat(code="1500"), "gone not_found"),
    (400, flat(code="1500"), "gone not_found"),
    (400, flat("Invalid model: x", type="invalid_model"), "gone not_found"),
    (400, flat("Invalid model: x"), "gone not_found"),
    (429, flat(code=3505), "hard overloaded"),
    (429, flat(type="service_tier_capacity_exceeded"), "hard overloaded"),
    (429, flat(type="rate_limit_error"), "throttle rate_limit"),
    (429, flat(code="1300"), "throttle rate_limit"),
    (429, {"message": "Requests rate limit exceeded"}, "throttle rate_limit"),
    (500, {}, "hard server_error"),
    (502, {}, "hard server_error"),
    (503, {}, "hard overloaded"),
    (504, {}, "hard timeout"),
]

TPM = "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000"

GROQ: list[Row] = [
    (400, error(code="context_length_exceeded"), "context context_length_exceeded"),
    (400, error(code="tool_use_failed"), "quality server_error"),
    (400, error(code="json_validate_failed"), "quality server_error"),
    (400, error(code="model_decommissioned"), "gone not_found"),
    (404, error(code="model_not_found"), "gone not_found"),
    (400, error(), "caller invalid_request"),
    (401, error(code="invalid_api_key"), "auth auth"),
    (403, error(), "gone permission"),
    (413, error(TPM, code="rate_limit_exceeded"), "capability capability_mismatch"),
    (413, error("tokens per minute"), "capability capability_mismatch"),
    (413, error(code="request_too_large"), "caller invalid_request"),
    (422, error(), "quality server_error"),
    (424, error(), "hard server_error"),
    (429, error(code="rate_limit_exceeded"), "throttle rate_limit"),
    (
        429,
        error("tokens per day (TPD): Limit 100000, Used 99500, Requested 2000."),
        "throttle rate_limit",
    ),
    (498, error(code="capacity_exceeded"), "hard overloaded"),
    (498, error(), "hard overloaded"),
    (499, error(), "hard server_error"),
    (500, error(), "hard server_error"),
    (502, error(), "hard server_error"),
    (503, error(), "hard overloaded"),
]

DEEPSEEK: list[Row] = [
    (400, error(type="invalid_request_error"), "caller invalid_request"),
    (422, error(type="invalid_request_error"), "caller invalid_request"),
    (
        400,
        error("deepseek-reasoner does not support Function Calling"),
        "capability capability_mismatch",
    ),
    (
        400,
        error("This response_format type is unavailable now"),
        "capability capability_mismatch",
    ),
    (
        400,
        error("The reasoning_content in the thinking mode must be passed back to the API."),
        "capability capability_mismatch",
    ),
    (401, error(type="authentication_error"), "auth auth"),
    (402, error("Insufficient Balance"), "exhausted quota_exhausted"),
    (429, error(), "throttle rate_limit"),
    (500, error(), "hard server_error"),
    (503, error(), "hard overloaded"),
]


@pytest.mark.parametrize(("status", "body", "expected"), MISTRAL)
def test_an_error_of_mistral_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("mistral", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), GROQ)
def test_an_error_of_groq_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("groq", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), DEEPSEEK)
def test_an_error_of_deepseek_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("deepseek", status, body) == expected
