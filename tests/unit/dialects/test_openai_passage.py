"""Streams of OpenAI's dialect: what is forwarded, and when they count as whole."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.openai.passage import OpenAIPassage

DONE = b"data: [DONE]\n\n"
EMPTY = Failure(Cause.QUALITY, "empty", 200)
NO_DELTA: dict[str, object] = {}
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)


def event(**fields: object) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def piece(delta: object, finish: str | None = None, index: int = 0) -> bytes:
    return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}])


ROLE = piece({"role": "assistant", "content": "", "refusal": None})
HI = piece({"content": "Hi"})
STOP = piece({}, "stop")
COUNTS = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
USAGE = event(choices=[], usage=COUNTS)


def watch(stream: bytes, cuts: list[int] | None = None, *, usage_asked: bool = True):
    """Return the passage after the whole stream, and what it forwarded."""
    watched = OpenAIPassage(usage_asked=usage_asked)
    edges = [0, *sorted(cuts or []), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


def test_a_whole_stream_is_forwarded_byte_for_byte():
    stream = ROLE + HI + STOP + USAGE + DONE

    watched, forwarded = watch(stream)

    assert forwarded == stream
    assert watched.complete
    assert watched.failure is None
    assert watched.usage == Usage(input_tokens=9, output_tokens=1)
    assert (watched.progress, watched.content_bytes) == (2, 2)


def test_the_usage_that_the_caller_did_not_ask_for_is_left_out():
    watched, forwarded = watch(ROLE + HI + STOP + USAGE + DONE, usage_asked=False)

    assert forwarded == ROLE + HI + STOP + DONE
    assert watched.usage == Usage(input_tokens=9, output_tokens=1)


@pytest.mark.parametrize(
    "chunk",
    [
        b'{"id":"c","choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}',
        b'{"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}',
    ],
)
def test_null_usage_is_removed_for_a_caller_that_did_not_ask(chunk: bytes):
    watched = OpenAIPassage(usage_asked=False)

    forwarded = watched.feed(b"data: " + chunk + b"\n\n")

    assert forwarded == (b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')


def test_null_usage_is_removed_wherever_it_stands():
    spaced = b'data: {"choices": [{"delta": {"content": "a"}}], "usage": null}\n\n'
    first = b'data: {"usage":null,"choices":[{"delta":{"content":"a"}}]}\n\n'
    watched = OpenAIPassage(usage_asked=False)

    assert watched.feed(spaced) == b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
    assert watched.feed(first) == b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'


def test_text_that_looks_like_null_usage_is_left_alone():
    chunk = piece({"content": ',"usage":null'})[:-3] + b',"usage":null}\n\n'
    watched = OpenAIPassage(usage_asked=False)

    assert watched.feed(chunk) == piece({"content": ',"usage":null'})


def test_null_usage_stays_for_a_caller_that_asked():
    chunk = event(choices=[{"index": 0, "delta": {"content": "a"}}], usage=None)

    assert OpenAIPassage(usage_asked=True).feed(chunk) == chunk


def test_usage_in_a_chunk_with_content_is_noted_and_stays():
    last = event(choices=[{"index": 0, "delta": NO_DELTA, "finish_reason": "stop"}], usage=COUNTS)

    watched, forwarded = watch(HI + last + DONE, usage_asked=False)

    assert forwarded == HI + last + DONE
    assert watched.usage == Usage(input_tokens=9, output_tokens=1)


def test_quirk_groq_usage_comes_in_x_groq():
    last = event(
        choices=[{"index": 0, "delta": NO_DELTA, "finish_reason": "stop"}], x_groq={"usage": COUNTS}
    )

    watched, _ = watch(HI + last + DONE)

    assert watched.usage == Usage(input_tokens=9, output_tokens=1)


@pytest.mark.parametrize(
    "delta",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"content": None, "reasoning": None, "tool_calls": None},
        {"content": "", "tool_calls": [], "audio": {}},
        {"content": [{"type": "text", "text": ""}]},
    ],
)
def test_frames_without_content_do_not_start_a_stream(delta: object):
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(piece(delta)) == piece(delta)
    assert not watched.started
    assert watched.progress == 0


@pytest.mark.parametrize(
    ("delta", "size"),
    [
        ({"content": "Hé"}, 3),
        ({"content": "", "reasoning": "ab"}, 2),
        ({"reasoning_content": "ab"}, 2),
        ({"reasoning_content": "ab", "reasoning": "ab"}, 2),
        ({"refusal": "no"}, 2),
        ({"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": ""}}]}, 2),
        ({"tool_calls": [{"index": 0, "function": {"arguments": "abc"}}]}, 4),
        ({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}, 7),
        ({"tool_calls": [{"index": 0, "custom": {"input": "x"}}]}, 14),
        ({"function_call": {"name": "f"}}, 2),
        ({"audio": {"data": "ab"}}, 13),
        ({"content": [{"type": "text", "text": "ab"}]}, 2),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "ab"}]}]}, 29),
        ({"content": [{"type": "reference", "reference_ids": [1]}]}, 1),
    ],
)
def test_content_of_every_kind_starts_a_stream(delta: object, size: int):
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(piece(delta)) == piece(delta)
    assert watched.started
    assert (watched.progress, watched.content_bytes) == (1, size)


def test_azures_first_chunk_without_choices_is_metadata():
    first = event(choices=[], prompt_filter_results=[{"prompt_index": 0}])

    watched, forwarded = watch(first + HI + STOP + DONE)

    assert forwarded == first + HI + STOP + DONE
    assert watched.complete


def test_a_chunk_without_choices_is_not_forwarded():
    watched, forwarded = watch(b"data: {}\n\n" + event(usage=None) + HI + STOP + DONE)

    assert forwarded == HI + STOP + DONE
    assert watched.complete


def test_comments_are_neither_forwarded_nor_progress():
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(b": OPENROUTER PROCESSING\n\n: ping\n\n") == b""
    assert (watched.started, watched.progress) == (False, 0)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_are_understood(end: bytes):
    watched, forwarded = watch((ROLE + HI + STOP + DONE).replace(b"\n", end))

    assert forwarded == ROLE + HI + STOP + DONE
    assert watched.complete


def test_every_choice_must_finish():
    two = piece({"content": "a"}, index=0) + piece({"content": "b"}, index=1)

    watched, forwarded = watch(two + piece({}, "stop", index=1) + DONE)
    assert forwarded == two + piece({}, "stop", index=1)
    assert watched.failure == TRUNCATED

    whole = two + piece({}, "stop", index=1) + piece({}, "length", index=0) + DONE
    watched, forwarded = watch(whole)
    assert forwarded == whole
    assert watched.complete


def test_a_choice_that_begins_late_reopens_the_stream():
    watched = OpenAIPassage(usage_asked=True)

    watched.feed(HI + STOP)
    assert watched.complete
    watched.feed(piece({"content": "b"}, index=1))
    assert not watched.complete


def test_a_missing_terminator_is_forgiven_and_added():
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(HI + STOP) == HI + STOP
    assert watched.end() == DONE
    assert watched.complete
    assert watched.failure is None


def test_the_last_events_blank_line_may_be_missing():
    watched, forwarded = watch((HI + STOP).removesuffix(b"\n\n"))

    assert forwarded == HI + STOP + DONE
    assert watched.complete


def test_an_end_before_the_finish_is_a_failure():
    watched, forwarded = watch(ROLE + HI)

    assert forwarded == ROLE + HI
    assert watched.failure == TRUNCATED
    assert not watched.complete


@pytest.mark.parametrize("stream", [b"", DONE, ROLE, ROLE + DONE])
def test_an_end_before_content_and_finish_is_a_failure_of_the_target(stream: bytes):
    watched, _ = watch(stream)

    assert watched.failure == TRUNCATED
    assert not watched.complete


def test_the_terminator_alone_proves_nothing():
    watched, forwarded = watch(ROLE + HI + DONE)

    assert forwarded == ROLE + HI
    assert watched.failure == TRUNCATED


@pytest.mark.parametrize(
    "stream",
    [ROLE + STOP + DONE, STOP, piece({}, "tool_calls") + DONE],
)
def test_an_answer_without_content_is_empty(stream: bytes):
    watched, _ = watch(stream)

    assert watched.failure == EMPTY
    assert not watched.complete


@pytest.mark.parametrize(
    "stream",
    [
        ROLE + piece({}, "content_filter") + DONE,
        ROLE
        + piece({}, "length")
        + event(
            choices=[],
            usage={**COUNTS, "completion_tokens_details": {"reasoning_tokens": 16}},
        )
        + DONE,
        piece({"refusal": "No."}) + STOP + DONE,
    ],
)
def test_an_answer_may_be_without_text(stream: bytes):
    watched, forwarded = watch(stream)

    assert forwarded == stream
    assert watched.complete
    assert watched.failure is None


@pytest.mark.parametrize(
    ("bad", "cause", "detail"),
    [
        (event(error={"code": 502, "message": "gone"}, choices=[]), Cause.HARD, "server_error"),
        (b'data: {"error":{"message":"m","code":"rate_limit_exceeded"}}\n\n', Cause.THROTTLE, None),
        (
            b'data: {"error":{"message":"m","type":"BadRequestError","code":400}}\n\n',
            Cause.CALLER,
            None,
        ),
        (b'data: {"error":"out of memory"}\n\n', Cause.HARD, "server_error"),
        (b'error: {"code":500,"message":"m","type":"server_error"}\n\n', Cause.HARD, None),
        (
            b'event: error\ndata: {"message":"m","type":"overloaded_error"}\n\n',
            Cause.HARD,
            "overloaded",
        ),
        (b"event: error\ndata: upstream died\n\n", Cause.HARD, "server_error"),
        (
            b'event: error\ndata: {"error":{"code":"tool_use_failed","status_code":400}}\n\n',
            Cause.QUALITY,
            "server_error",
        ),
        (
            event(choices=[{"index": 0, "delta": NO_DELTA}], x_groq={"error": "over capacity"}),
            Cause.HARD,
            "server_error",
        ),
        (
            event(
                choices=[{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
                error={"code": 429, "message": "m", "metadata": {"error_type": "timeout"}},
            ),
            Cause.HARD,
            "timeout",
        ),
        (
            event(choices=[{"index": 0, "finish_reason": "error", "error": {"code": 529}}]),
            Cause.HARD,
            "overloaded",
        ),
        (piece({}, "error"), Cause.HARD, "server_error"),
        (piece({}, "insufficient_system_resource"), Cause.HARD, "overloaded"),
        (piece({}, "abort"), Cause.HARD, "server_error"),
        (b"data: {garbage\n\n", Cause.HARD, "malformed"),
        (b"data: 42\n\n", Cause.HARD, "malformed"),
        (b'data: {"choices":"none"}\n\n', Cause.HARD, "malformed"),
        (b"data: \xff\xfe\n\n", Cause.HARD, "malformed"),
        (b'{"error":{"code":503,"message":"m"}}\n\n', Cause.HARD, "overloaded"),
        (b"<html>bad gateway</html>\n\n", Cause.HARD, "server_error"),
    ],
)
def test_a_failure_ends_the_stream_and_nothing_follows_it(
    bad: bytes, cause: Cause, detail: str | None
):
    watched, forwarded = watch(ROLE + HI + bad + HI + STOP + DONE)

    assert forwarded == ROLE + HI
    assert watched.failure is not None
    assert watched.failure.cause is cause
    assert detail is None or watched.failure.detail == detail
    assert watched.failure.status == 200
    assert not watched.complete


def test_an_error_after_the_finish_still_counts():
    watched, forwarded = watch(HI + STOP + b'data: {"error":{"code":500}}\n\n' + DONE)

    assert forwarded == HI + STOP
    assert watched.failure == Failure(Cause.HARD, "server_error", 200)
    assert not watched.complete


def test_bare_json_instead_of_a_stream_is_judged_at_its_end():
    body = b'{\n  "error": {"message": "m", "type": "t", "code": "insufficient_quota"}\n}'

    watched, forwarded = watch(body)

    assert forwarded == b""
    assert watched.failure == Failure(Cause.EXHAUSTED, "quota_exhausted", 200)


def test_a_null_error_is_none():
    chunk = event(choices=[{"index": 0, "delta": {"content": "a"}}], error=None)
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(chunk) == chunk
    assert watched.failure is None


@pytest.mark.parametrize(
    "delta",
    [
        {"content": 7},
        {"content": "", "reasoning": {"text": "Hm"}},
        {"reasoning_content": ["Hm"]},
        {"tool_calls": {"name": "f"}},
        {"content": "Hi", "refusal": False},
    ],
)
def test_a_field_of_an_unknown_type_is_content_and_no_fault(delta: object):
    watched, forwarded = watch(piece(delta) + STOP + DONE)

    assert forwarded == piece(delta) + STOP + DONE
    assert watched.complete
    assert watched.progress == 2


def test_a_field_of_an_unknown_type_hides_neither_error_nor_finish():
    odd = {"index": "0", "delta": {"content": 7}, "finish_reason": None}
    bad = event(choices=[odd], error={"code": 529})
    last = event(choices=[{**odd, "finish_reason": 1}], usage=COUNTS)

    broken, _ = watch(HI + bad)
    whole, forwarded = watch(last + DONE)

    assert broken.failure == Failure(Cause.HARD, "overloaded", 200)
    assert forwarded == last + DONE
    assert whole.complete
    assert whole.usage == Usage(input_tokens=9, output_tokens=1)


def test_half_a_surrogate_pair_is_forwarded_as_it_came():
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n'
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(chunk) == chunk
    assert watched.started


def test_an_event_without_end_is_a_failure():
    watched = OpenAIPassage(usage_asked=True)

    assert watched.feed(HI) == HI
    for _ in range(9):
        watched.feed(b"data: " + b"x" * 1024 * 1024)

    assert watched.failure == MALFORMED


def test_what_follows_the_terminator_is_dropped():
    watched, forwarded = watch(HI + STOP + DONE + HI + b"data: {garbage\n\n")

    assert forwarded == HI + STOP + DONE
    assert watched.complete
    assert watched.failure is None


FRAMES = st.sampled_from(
    [
        ROLE,
        HI,
        HI.replace(b"\n", b"\r\n"),
        piece({"reasoning": "é\u2028"}),
        piece({"content": "b"}, index=1),
        STOP,
        piece({}, "stop", index=1),
        USAGE,
        event(choices=[{"index": 0, "delta": {"content": "a"}}], usage=None),
        b": ping\n\n",
        b"data: {garbage\n\n",
        piece({}, "error"),
        b'data: {"error":{"code":500}}\n\n',
        DONE,
        b"\n",
    ]
)


@settings(max_examples=50)
@given(frames=st.lists(FRAMES, max_size=8), usage_asked=st.booleans(), data=st.data())
def test_any_cut_gives_the_same_bytes_and_verdict(
    *, frames: list[bytes], usage_asked: bool, data: st.DataObject
):
    stream = b"".join(frames)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))

    one, forwarded_one = watch(stream, usage_asked=usage_asked)
    many, forwarded_many = watch(stream, cuts, usage_asked=usage_asked)

    assert forwarded_many == forwarded_one
    assert (many.failure, many.complete, many.started) == (one.failure, one.complete, one.started)
    assert (many.usage, many.progress) == (one.usage, one.progress)


def test_a_stream_cut_off_anywhere_is_whole_only_after_the_finish():
    stream = ROLE + HI + HI + STOP + USAGE + DONE
    seen_at = stream.index(STOP) + len(STOP) - 2

    for at in range(len(stream)):
        watched, forwarded = watch(stream[:at])
        assert watched.complete == (at >= seen_at), at
        assert (watched.failure is None) == (at >= seen_at), at
        assert forwarded.endswith(b"\n\n") or not forwarded
        assert (stream + DONE).startswith(forwarded) or forwarded.endswith(DONE)
