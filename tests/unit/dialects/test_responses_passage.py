"""Streams of the Responses dialect: what is forwarded, and when they count as whole."""

from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.responses import responses
from hotswap.dialects.responses.passage import ResponsesPassage

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
SERVER = Failure(Cause.HARD, "server_error", 200)
COUNTS = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 14,
}


def event(kind: str, **fields: object) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def delta(kind: str, text: str, index: int = 0) -> bytes:
    return event(f"response.{kind}.delta", delta=text, output_index=index, item_id="i")


def ended(status: str = "completed", **fields: object) -> bytes:
    response = {"id": "r", "object": "response", "status": status, "output": (), **fields}
    return event(f"response.{status}", response=response)


def message(*parts: object) -> dict[str, object]:
    return {"type": "message", "role": "assistant", "content": parts}


CREATED = event("response.created", response={"id": "r", "status": "in_progress", "output": []})
ADDED = event("response.output_item.added", output_index=0, item=message())
PART = event("response.content_part.added", part={"type": "output_text", "text": ""})
HI = delta("output_text", "Hi")
DONE = event("response.output_text.done", text="Hi") + event(
    "response.output_item.done",
    output_index=0,
    item=message({"type": "output_text", "text": "Hi"}),
)
END = ended(usage=COUNTS)
KEEP_ALIVE = event("keepalive", sequence_number=4)


def watch(stream: bytes, cuts: Iterable[int] = ()) -> tuple[ResponsesPassage, bytes]:
    """Return the passage after the whole stream, and what it forwarded."""
    watched = ResponsesPassage(hold_calls=True)
    edges = [0, *sorted(cuts), len(stream)]
    forwarded = b"".join([watched.feed(stream[a:b]) for a, b in pairwise(edges)])
    return watched, forwarded + watched.end()


def test_a_whole_stream_is_forwarded_byte_for_byte():
    stream = CREATED + ADDED + PART + KEEP_ALIVE + HI + DONE + END

    watched, forwarded = watch(stream)

    assert forwarded == stream
    assert watched.complete
    assert watched.failure is None
    assert watched.usage == Usage(9, 5, 4, 2, 3)
    assert (watched.progress, watched.content_bytes) == (2, 2)


def test_events_before_the_first_content_are_no_progress():
    watched, forwarded = ResponsesPassage(hold_calls=True), CREATED + ADDED + PART + KEEP_ALIVE

    assert watched.feed(forwarded) == forwarded
    assert (watched.started, watched.progress) == (False, 0)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("output_text", 3),
        ("refusal", 3),
        ("reasoning_text", 3),
        ("reasoning_summary_text", 3),
        ("function_call_arguments", 3),
        ("custom_tool_call_input", 3),
        ("some_later_kind", 3),
    ],
)
def test_deltas_of_every_kind_are_content(kind: str, size: int):
    watched = ResponsesPassage(hold_calls=True)

    watched.feed(delta(kind, "aé"))

    assert watched.started
    assert (watched.progress, watched.content_bytes) == (1, size)


def test_an_empty_delta_is_no_content():
    watched = ResponsesPassage(hold_calls=True)

    watched.feed(delta("output_text", ""))

    assert (watched.started, watched.progress) == (False, 0)


def test_a_call_is_content_from_its_name_on():
    watched = ResponsesPassage(hold_calls=True)

    watched.feed(
        event(
            "response.output_item.added",
            output_index=0,
            item={"type": "function_call", "name": "f", "call_id": "c", "arguments": ""},
        )
    )

    assert watched.started
    assert (watched.progress, watched.content_bytes) == (1, 2)


def test_items_without_deltas_are_content_when_they_are_done():
    item = message({"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"})
    search = {"type": "web_search_call", "id": "ws", "status": "completed"}

    watched, _ = watch(
        event("response.output_item.done", output_index=1, item=item)
        + event("response.output_item.done", output_index=2, item=search)
        + END
    )

    assert watched.complete
    assert (watched.progress, watched.content_bytes) == (3, 5)


def test_an_answer_that_comes_with_its_end_only_is_whole():
    output = [message({"type": "output_text", "text": "Hi"})]

    watched, forwarded = watch(CREATED + ended(output=output))

    assert forwarded == CREATED + ended(output=output)
    assert watched.complete
    assert watched.started


@pytest.mark.parametrize(
    "output",
    [
        [],
        [message()],
        [message({"type": "output_text", "text": ""})],
        [{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}],
        ["odd"],
    ],
)
def test_an_answer_with_nothing_in_it_is_empty(output: list[object]):
    watched, forwarded = watch(CREATED + ADDED + ended(output=output))

    assert watched.failure == EMPTY
    assert not watched.complete
    assert forwarded == CREATED + ADDED


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter", "steered"])
def test_an_answer_that_was_cut_short_is_whole(reason: str):
    end = ended("incomplete", incomplete_details={"reason": reason})

    watched, forwarded = watch(HI + end)

    assert watched.complete
    assert forwarded == HI + end


def test_only_thoughts_or_a_filter_leave_an_answer_empty():
    filtered, _ = watch(ended("incomplete", incomplete_details={"reason": "content_filter"}))
    cut = {"reason": "max_output_tokens"}
    thought, _ = watch(ended("incomplete", incomplete_details=cut, usage=COUNTS))
    silent, _ = watch(ended("incomplete", incomplete_details=cut))

    assert filtered.complete
    assert thought.complete
    assert silent.failure == EMPTY


def test_nothing_is_forwarded_after_the_end():
    watched, forwarded = watch(HI + END + b"data: [DONE]\n\n" + HI)

    assert forwarded == HI + END
    assert watched.complete
    assert watched.feed(HI) == b""


@pytest.mark.parametrize("tail", [b"", b"data: [DONE]\n\n", b'data: {"type":"respo'])
def test_a_stream_without_its_last_event_is_truncated(tail: bytes):
    watched, forwarded = watch(CREATED + HI + DONE + tail)

    assert forwarded == CREATED + HI + DONE
    assert watched.failure == TRUNCATED
    assert not watched.complete


def test_a_last_event_without_its_blank_line_counts():
    watched, forwarded = watch(HI + END[:-2])

    assert watched.complete
    assert forwarded == HI + END


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (event("error", code="server_error", message="m", param=None), SERVER),
        (
            event("error", code="rate_limit_exceeded", message="m"),
            Failure(Cause.THROTTLE, "rate_limit", 200),
        ),
        (
            event("error", error={"type": "insufficient_quota", "code": None, "message": "m"}),
            Failure(Cause.EXHAUSTED, "quota_exhausted", 200),
        ),
        (b'data: {"type":"error","code":"server_error","message":"m"}\n\n', SERVER),
        (b'data: {"error":{"code":"server_error","message":"m"}}\n\n', SERVER),
        (b"event: error\ndata: overloaded\n\n", SERVER),
        (ended("failed", error={"code": "server_error", "message": "m"}), SERVER),
        (
            ended("failed", error={"code": "data_residency_mismatch", "message": "m"}),
            Failure(Cause.HARD, "region_unavailable", 200),
        ),
        (
            ended("failed", error={"code": "invalid_prompt", "message": "m"}),
            Failure(Cause.POLICY, "content_policy", 200, message="m", code="invalid_prompt"),
        ),
        (ended("failed"), SERVER),
        (ended("completed", error={"code": "server_error", "message": "m"}), SERVER),
        (b"data: {no json}\n\n", MALFORMED),
        (b"data: 5\n\n", MALFORMED),
        (event("response.completed", response=5), MALFORMED),
        (event("response.output_text.delta", delta={"a": 1}), MALFORMED),
        (b"<html>502</html>\n\n", SERVER),
    ],
)
def test_an_error_in_any_place_fails_the_stream(error: bytes, expected: Failure):
    watched, forwarded = watch(CREATED + HI + error + END)

    assert watched.failure == expected
    assert forwarded == CREATED + HI
    assert not watched.complete


def test_odd_events_that_nobody_knows_pass():
    odd = event("response.later.delta", delta={"a": 1}, output_index="x")

    watched, forwarded = watch(odd + HI + END)

    assert forwarded == odd + HI + END
    assert watched.complete


def test_half_a_surrogate_pair_passes():
    half = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\\ud83d"}\n\n'

    watched, forwarded = watch(half + END)

    assert forwarded == half + END
    assert watched.complete
    assert watched.content_bytes == 4


def test_an_event_that_is_too_large_fails_the_stream():
    watched = ResponsesPassage(hold_calls=True)

    watched.feed(b"data: " + b" " * (9 * 1024 * 1024))

    assert watched.failure == MALFORMED


CALL = event(
    "response.output_item.added",
    output_index=1,
    item={"type": "function_call", "name": "f", "call_id": "c", "arguments": ""},
) + delta("function_call_arguments", '{"x":1}', 1)
STREAM = CREATED + ADDED + PART + HI + KEEP_ALIVE + DONE + CALL + END


@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cut_is_judged_alike(cuts: list[int], line_end: bytes):
    watched, forwarded = watch(STREAM.replace(b"\n", line_end), cuts)

    assert forwarded == STREAM
    assert watched.complete
    assert (watched.progress, watched.content_bytes) == (4, 11)


def test_a_stream_that_is_cut_off_anywhere_is_truncated():
    for end in range(len(STREAM) - len(END)):
        watched, forwarded = watch(STREAM[:end])
        assert watched.failure == TRUNCATED
        assert STREAM.startswith(forwarded)


def test_a_note_is_a_comment():
    note = responses.write_note("gone on at größe/modell")

    assert note == ": gone on at größe/modell\n\n".encode()
    assert watch(HI + note + END)[1] == HI + END
