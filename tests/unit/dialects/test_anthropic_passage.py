"""Streams of Anthropic's dialect: what is forwarded, and when they count as whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.anthropic.messages import passage, peek
from hotswap.dialects.api import Passage
from hotswap.testing.anthropic_events import event

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
PEEK = peek(b'{"model":"m","max_tokens":9,"messages":[],"stream":true}')


def delta(kind: str, **fields: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": f"{kind}_delta", **fields})


def block(**fields: object) -> bytes:
    return event("content_block_start", index=0, content_block=fields)


def ended(reason: str | None, **usage: object) -> bytes:
    how = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=how, usage=usage)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "content": [],
        "usage": {
            "input_tokens": 9,
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 2,
            "output_tokens": 1,
        },
    },
)
TEXT = block(type="text", text="")
PING = event("ping")
HI = delta("text", text="Hi")
CLOSE = event("content_block_stop", index=0)
END = ended("end_turn", output_tokens=5)
STOP = event("message_stop")
WHOLE = START + TEXT + PING + HI + CLOSE + END + STOP


def watch(stream: bytes, cuts: list[int] | None = None) -> tuple[Passage, bytes]:
    """Return the passage after the whole stream, and what it forwarded."""
    watched = passage(PEEK, hold_calls=False)
    edges = [0, *sorted(cuts or []), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


def test_a_whole_stream_is_forwarded_byte_for_byte():
    watched, forwarded = watch(WHOLE)

    assert forwarded == WHOLE
    assert (watched.complete, watched.started, watched.failure) == (True, True, None)
    assert watched.usage == Usage(
        input_tokens=15, output_tokens=5, cache_read_tokens=4, cache_write_tokens=2
    )
    assert (watched.progress, watched.content_bytes) == (2, 2)


def test_pings_and_frames_are_no_progress():
    watched = passage(PEEK, hold_calls=False)

    watched.feed(START + TEXT + PING + delta("text", text="") + delta("signature", signature="s"))

    assert (watched.started, watched.progress, watched.complete) == (False, 0, False)


def test_the_last_value_of_each_count_is_taken():
    watched, _ = watch(
        START
        + TEXT
        + HI
        + ended(None, output_tokens=3, cache_read_input_tokens=8)
        + ended("end_turn", output_tokens=7, output_tokens_details={"thinking_tokens": 4})
    )

    assert watched.usage == Usage(
        input_tokens=19,
        output_tokens=7,
        cache_read_tokens=8,
        cache_write_tokens=2,
        reasoning_tokens=4,
    )


def test_usage_is_unknown_until_the_end():
    watched = passage(PEEK, hold_calls=False)

    watched.feed(START + TEXT + HI)

    assert watched.usage is None


@pytest.mark.parametrize(
    ("piece", "size"),
    [
        (HI, 2),
        (delta("thinking", thinking="Hmm"), 3),
        (delta("input_json", partial_json='{"a'), 3),
        (delta("text", text="ü"), 2),
        (block(type="tool_use", id="t", name="get", input={}), 4),
        (block(type="text", text="Hey"), 3),
        (block(type="redacted_thinking", data="abc"), 6),
        (block(type="server_tool_use", id="t", name="w", input={}), 2),
    ],
)
def test_content_is_seen_in_every_shape(piece: bytes, size: int):
    watched = passage(PEEK, hold_calls=False)

    assert watched.feed(piece) == piece
    assert (watched.started, watched.progress, watched.content_bytes) == (True, 1, size)


@pytest.mark.parametrize("tail", [b"", b"event: message_stop", b": bye\n\n", b"data: [DONE]\n\n"])
def test_a_missing_terminator_is_written(tail: bytes):
    watched, forwarded = watch(START + TEXT + HI + CLOSE + END + tail)

    assert forwarded == START + TEXT + HI + CLOSE + END + STOP
    assert watched.failure is None


def test_a_last_blank_line_may_be_missing():
    watched, forwarded = watch(WHOLE[:-2])

    assert forwarded == WHOLE
    assert watched.failure is None


def test_nothing_follows_the_terminator():
    watched, forwarded = watch(WHOLE + HI + b"garbage\n\n")

    assert forwarded == WHOLE
    assert watched.failure is None


@pytest.mark.parametrize(
    "stream", [b"", START, START + TEXT + HI, START + TEXT + HI + CLOSE + STOP]
)
def test_an_end_before_the_stop_reason_is_a_break(stream: bytes):
    watched, forwarded = watch(stream)

    assert watched.failure == TRUNCATED
    assert not watched.complete
    assert STOP not in forwarded


@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop_sequence", "max_tokens", "new"])
def test_an_answer_without_content_is_none(reason: str):
    watched, forwarded = watch(START + ended(reason, output_tokens=2) + STOP)

    assert watched.failure == EMPTY
    assert forwarded == START


@pytest.mark.parametrize(
    "end",
    [
        ended("refusal", output_tokens=1),
        ended("pause_turn", output_tokens=1),
        ended("max_tokens", output_tokens=0),
        ended("max_tokens", output_tokens=9, output_tokens_details={"thinking_tokens": 9}),
    ],
)
def test_no_content_may_be_the_answer(end: bytes):
    watched, forwarded = watch(START + end + STOP)

    assert forwarded == START + end + STOP
    assert (watched.complete, watched.failure) == (True, None)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (
            event("error", error={"type": "api_error", "message": "Internal server error"}),
            Failure(Cause.HARD, "server_error", 200),
        ),
        (
            event("error", error={"type": "rate_limit_error", "message": "Slow down"}),
            Failure(Cause.THROTTLE, "rate_limit", 200),
        ),
        (
            b'data: {"error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (b"<html>bad gateway</html>\n\n", Failure(Cause.HARD, "server_error", 200)),
    ],
)
def test_an_error_inside_the_stream_is_its_failure(error: bytes, failure: Failure):
    watched, forwarded = watch(START + TEXT + HI + error + CLOSE)

    assert (watched.failure, forwarded) == (failure, START + TEXT + HI)


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {broken\n\n",
        b"event: content_block_delta\ndata: 5\n\n",
        b'data: {"type":"content_block_delta","delta":{"text":5}}\n\n',
        b"data: \xff\n\n",
    ],
)
def test_garbage_is_a_failure(garbage: bytes):
    watched, forwarded = watch(START + garbage + HI)

    assert (watched.failure, forwarded) == (MALFORMED, START)


def test_an_event_beyond_all_measure_is_a_failure():
    watched = passage(PEEK, hold_calls=False)

    assert watched.feed(START + b"data: " + b"x" * (8 * 1024 * 1024)) == START
    assert watched.failure == MALFORMED


def test_events_to_come_pass():
    new = event("brand_new", delta=5, index="a")

    _, forwarded = watch(START + TEXT + new + HI + CLOSE + END + STOP)

    assert forwarded == START + TEXT + new + HI + CLOSE + END + STOP


def test_an_event_without_a_name_gets_one():
    bare = b"".join(line for line in WHOLE.splitlines(keepends=True) if line[:6] != b"event:")

    assert watch(bare)[1] == WHOLE


def test_an_event_without_a_type_goes_by_its_name():
    watched, _ = watch(b'event: content_block_delta\ndata: {"delta":{"text":"Hi"}}\n\n' + END)

    assert (watched.started, watched.complete) == (True, True)


def test_half_a_surrogate_pair_is_no_garbage():
    half = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    half += b'{"type":"text_delta","text":"\\ud83d"}}\n\n'

    watched, forwarded = watch(START + TEXT + half + CLOSE + END + STOP)

    assert watched.failure is None
    assert half in forwarded


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8))
def test_any_cut_gives_the_same(cuts: list[int]):
    watched, forwarded = watch(WHOLE, cuts)

    assert forwarded == WHOLE
    assert (watched.complete, watched.failure) == (True, None)
    assert (watched.progress, watched.content_bytes) == (2, 2)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_stream_that_breaks_anywhere_is_whole_only_after_its_stop_reason(at: int):
    watched, forwarded = watch(WHOLE[:at])

    assert watched.complete == (END in forwarded)
    assert (watched.failure is None) == watched.complete


@given(st.binary(max_size=200))
def test_whatever_comes_is_judged(data: bytes):
    watched, _ = watch(data)

    assert (watched.failure is None) == watched.complete
