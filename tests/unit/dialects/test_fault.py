"""Reading errors: what is kept of them, what classifies, and what no shape can break.

What each known error means is proven in `faults/`, provider by provider.
"""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import after_translation, read_fault, read_in_band


def fault(
    kind: str, status: int, body: object, headers: dict[bytes, bytes] | None = None
) -> Failure:
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    return read_fault(kind, status, headers or {}, raw)


def error(**fields: object) -> dict[str, object]:
    return {"error": {"message": "", "param": None, **fields}}


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
def test_quirk_groq_the_models_own_bad_output_is_no_fault_of_the_caller(code: str):
    failure = fault("groq", 400, error(code=code, type="invalid_request_error"))

    assert failure == Failure(Cause.QUALITY, "server_error", 400)


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
    "message",
    [
        {"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "Field required"}]},
        [{"type": "missing", "loc": ["body", "x"], "msg": "Field required"}],
    ],
)
def test_quirk_mistral_wraps_what_a_validating_front_says(message: object):
    failure = fault("mistral", 422, {"object": "error", "message": message, "code": None})

    assert failure.message == "body.x: Field required"


def test_a_front_that_says_one_sentence_is_quoted():
    assert fault("vllm", 422, {"detail": "Not a request."}).message == "Not a request."


def test_after_translation_a_fault_of_the_request_is_a_limit_of_the_target():
    failure = fault("openai", 400, error(message="No.", code="invalid_value", param="n"))

    assert after_translation(failure) == Failure(
        Cause.CAPABILITY,
        "capability_mismatch",
        400,
        message="No.",
        code="invalid_value",
        param="n",
    )


@pytest.mark.parametrize(
    "failure",
    [
        Failure(Cause.CONTEXT, "context_length_exceeded", 400, message="Too long."),
        Failure(Cause.POLICY, "content_policy", 400, message="No."),
        Failure(Cause.CAPABILITY, "capability_mismatch", 400, message="No tools."),
        Failure(Cause.HARD, "overloaded", 529),
        Failure(Cause.THROTTLE, "rate_limit", 429, retry_after_s=3.0),
        Failure(Cause.QUALITY, "server_error", 400),
    ],
)
def test_after_translation_every_other_failure_means_what_it_meant(failure: Failure):
    assert after_translation(failure) is failure


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
                    "response",
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


@pytest.mark.parametrize(
    "message",
    [
        "limit 1 " * 20_000,
        "limit 1 " * 300 + "requested x " * 300,
        "'a\"b`" * 20_000,
        "try again in " + "1s " * 20_000,
        "key: " * 20_000,
        "*" * 100_000,
    ],
    ids=["limits", "requests", "quotes", "waits", "keys", "masks"],
)
def test_a_hostile_message_takes_no_time(message: str):
    assert fault("openai", 429, error(message=message)).detail == "rate_limit"
