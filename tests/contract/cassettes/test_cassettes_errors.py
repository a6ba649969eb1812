"""Recorded errors of every provider are classified right.

The recordings lie beside the checkout; where they do not, there is nothing to collect.
"""

from pathlib import Path

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.fault import after_translation, read_fault
from hotswap.testing.recording import Recording, read_recordings

FOLDER = Path(__file__).parents[4] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

KINDS = {"gemini": "google"}
"""Kinds of providers that are named differently in the recordings."""

EXPECTED = {
    "anthropic-error-400": Failure(
        Cause.CALLER,
        "invalid_request",
        400,
        message=(
            "This model does not support effort level 'xhigh'. "
            "Supported levels: high, low, max, medium."
        ),
        code="invalid_request_error",
    ),
    "anthropic-error-404": Failure(Cause.GONE, "not_found", 404),
    "azure-error-401": Failure(Cause.AUTH, "auth", 401),
    "gemini-error-404": Failure(Cause.GONE, "not_found", 404),
    "groq-error-400-tool": Failure(Cause.QUALITY, "server_error", 400),
    "ollama-404": Failure(Cause.GONE, "not_found", 404),
    "openai-error-400": Failure(
        Cause.CALLER,
        "invalid_request",
        400,
        message="Unsupported value: 'messages[0].role' does not support 'system' with this model.",
        code="unsupported_value",
        param="messages[0].role",
    ),
    "openai-error-401": Failure(Cause.AUTH, "auth", 401),
    "openai-error-404": Failure(Cause.GONE, "not_found", 404),
    "openai-responses-error": Failure(Cause.GONE, "not_found", 400),
    "openrouter-429": Failure(Cause.THROTTLE, "rate_limit", 429),
}
ERRORS = [each for each in read_recordings(FOLDER) if each.status >= 400]


def read(recording: Recording, body: bytes) -> Failure:
    kind = KINDS.get(recording.provider, recording.provider)
    headers = {name.encode(): value.encode() for name, value in recording.headers.items()}
    return read_fault(kind, recording.status, headers, body)


def named(recordings: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recording", recordings, ids=lambda each: each.name)


def test_every_error_that_was_recorded_is_expected_here():
    assert {each.name for each in ERRORS} == set(EXPECTED)


@named(ERRORS)
def test_a_recorded_error_is_classified(recording: Recording):
    assert read(recording, recording.body) == EXPECTED[recording.name]


@named(ERRORS)
def test_a_recorded_error_is_classified_the_same_where_a_router_wraps_it_in_a_list(
    recording: Recording,
):
    assert read(recording, b"[%s]" % recording.body) == EXPECTED[recording.name]


@named(ERRORS)
def test_a_recorded_error_that_is_cut_anywhere_is_still_an_error(recording: Recording):
    for end in range(len(recording.body)):
        assert read(recording, recording.body[:end]).status == recording.status


@named(ERRORS)
def test_no_recorded_error_is_the_callers_fault_after_translation(recording: Recording):
    failure = after_translation(read(recording, recording.body))

    assert failure.cause is not Cause.CALLER
    assert failure.message == EXPECTED[recording.name].message


@named(ERRORS)
def test_unknown_fields_change_nothing(recording: Recording):
    fields = msgspec.json.decode(recording.body, type=dict[str, msgspec.Raw])
    body = msgspec.json.encode({"trace": {"code": "x"}, **fields, "extra": [1]})

    assert read(recording, body) == EXPECTED[recording.name]
