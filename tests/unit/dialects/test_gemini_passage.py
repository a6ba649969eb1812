"""Streams of Gemini's dialect on their way to its callers: what is forwarded, what is whole."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.gemini.generate import passage, peek
from hotswap.dialects.gemini.passage import GeminiPassage

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
NO_FIELDS: dict[str, object] = {}


def payload(*parts: object, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return msgspec.json.encode({"candidates": [candidate], **more})


def event(*parts: object, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    return b"data: %b\r\n\r\n" % payload(*parts, finish=finish, index=index, **more)


HI = event({"text": "Hi"})
COUNTS = {
    "promptTokenCount": 9,
    "toolUsePromptTokenCount": 1,
    "cachedContentTokenCount": 4,
    "candidatesTokenCount": 2,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 15,
}
STOP = event({"text": ""}, finish="STOP", usageMetadata=COUNTS)
USAGE = Usage(input_tokens=10, output_tokens=5, cache_read_tokens=4, reasoning_tokens=3)
ERROR = b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'
PRETTY = b"""{
  "error": {
    "code": 503,
    "message": "Flex capacity is withdrawn: the model is overloaded.",
    "status": "UNAVAILABLE"
  }
}
"""
OVERLOADED = Failure(Cause.HARD, "overloaded", 200)


def watch(stream: bytes, cuts: list[int] | None = None, *, array: bool = False):
    """Return the passage after the whole stream, and what it forwarded."""
    watched = GeminiPassage(array=array)
    edges = [0, *sorted(cuts or []), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


def test_a_whole_stream_is_forwarded_without_a_terminator():
    watched, forwarded = watch(HI + HI + STOP)

    assert forwarded == (HI + HI + STOP).replace(b"\r\n", b"\n")
    assert watched.complete
    assert watched.failure is None
    assert watched.usage == USAGE
    assert (watched.progress, watched.content_bytes) == (3, 4)


def test_quirk_googles_sdk_dies_on_anything_but_data_lines():
    noisy = b": comment\n\nevent: message\nid: 7\n" + HI + b"retry: 5\n\n: ping\ndata:" + STOP[6:]

    _, forwarded = watch(noisy)

    assert forwarded == (HI + STOP).replace(b"\r\n", b"\n")


def test_an_event_of_several_lines_leaves_as_one():
    stream = b'data: {"candidates":\ndata: [{"content":{"parts":[{"text":"Hi"}]}}]}\n\n' + STOP

    _, forwarded = watch(stream)

    assert forwarded.startswith(
        b'data: {"candidates": [{"content":{"parts":[{"text":"Hi"}]}}]}\n\n'
    )


def test_an_array_has_brackets_and_commas_and_nothing_else():
    watched, forwarded = watch(HI + HI + STOP, array=True)

    assert forwarded == (
        b"["
        + payload({"text": "Hi"})
        + b",\r\n"
        + payload({"text": "Hi"})
        + b",\r\n"
        + payload({"text": ""}, finish="STOP", usageMetadata=COUNTS)
        + b"]"
    )
    assert len(msgspec.json.decode(forwarded, type=list[msgspec.Raw])) == 3
    assert watched.complete


def test_an_array_that_broke_off_is_not_closed():
    watched, forwarded = watch(HI, array=True)

    assert forwarded == b"[" + payload({"text": "Hi"})
    assert watched.failure == TRUNCATED


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ({"text": "Hé"}, 3),
        ({"text": "Hmm", "thought": True}, 3),
        ({"functionCall": {"name": "f", "args": {"a": 1}}}, 9),
        ({"functionCall": {"name": "f"}}, 2),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, 38),
        ({"executableCode": {"code": "1"}}, 12),
    ],
)
def test_every_kind_of_part_is_content(part: object, size: int):
    watched = passage(
        peek(b'{"contents":[]}', "/v1/models/m:streamGenerateContent", "alt=sse"), hold_calls=False
    )

    watched.feed(event(part))

    assert watched.started
    assert (watched.progress, watched.content_bytes) == (1, size)


@pytest.mark.parametrize(
    "part",
    [{"text": ""}, {"text": "", "thoughtSignature": "c2ln"}, NO_FIELDS, {"inlineData": None}],
)
def test_frames_without_content_do_not_start_a_stream(part: object):
    watched = GeminiPassage(array=False)

    assert watched.feed(event(part)) == event(part).replace(b"\r\n", b"\n")
    assert not watched.started
    assert watched.progress == 0


def test_counts_without_candidates_are_forwarded_and_noted():
    counts = b'data: {"usageMetadata":{"promptTokenCount":9}}\n\n'

    watched, forwarded = watch(counts + HI + event(finish="STOP"))

    assert forwarded.startswith(counts)
    assert watched.usage == Usage(input_tokens=9)


@pytest.mark.parametrize("stream", [b"", HI, HI + HI, HI + STOP[:-9], HI + STOP[:40]])
def test_a_stream_without_its_finish_reason_is_truncated(stream: bytes):
    watched, _ = watch(stream)

    assert watched.failure == TRUNCATED
    assert not watched.complete


def test_a_last_event_without_its_blank_line_counts():
    watched, forwarded = watch(HI + STOP[:-4])

    assert forwarded == (HI + STOP).replace(b"\r\n", b"\n")
    assert watched.complete


def test_an_empty_answer_is_of_no_quality():
    watched, _ = watch(event({"text": ""}, finish="STOP"))

    assert watched.failure == EMPTY


@pytest.mark.parametrize(
    ("finish", "counts"),
    [("MAX_TOKENS", {"promptTokenCount": 1, "thoughtsTokenCount": 5}), ("SAFETY", NO_FIELDS)],
)
def test_no_content_is_an_answer_where_thoughts_took_all_or_a_filter_did(
    finish: str, counts: dict[str, int]
):
    watched, _ = watch(event(finish=finish, usageMetadata=counts))

    assert watched.failure is None
    assert watched.complete


@pytest.mark.parametrize(
    ("finish", "failure"),
    [
        ("MALFORMED_FUNCTION_CALL", Failure(Cause.QUALITY, "server_error", 200)),
        ("MALFORMED_RESPONSE", Failure(Cause.QUALITY, "server_error", 200)),
        ("UNEXPECTED_TOOL_CALL", Failure(Cause.QUALITY, "server_error", 200)),
        ("TOO_MANY_TOOL_CALLS", Failure(Cause.QUALITY, "server_error", 200)),
        ("MISSING_THOUGHT_SIGNATURE", Failure(Cause.CAPABILITY, "capability_mismatch", 200)),
        ("OTHER", Failure(Cause.HARD, "server_error", 200)),
    ],
)
def test_some_finish_reasons_mean_the_opposite(finish: str, failure: Failure):
    watched, forwarded = watch(HI + event(finish=finish))

    assert watched.failure == failure
    assert not watched.complete
    assert forwarded == HI.replace(b"\r\n", b"\n")


def test_a_finish_reason_that_nobody_knows_ends_an_answer():
    watched, _ = watch(HI + event(finish="NEXT_YEARS_REASON"))

    assert watched.complete


def test_a_blocked_prompt_is_content_policy():
    watched, forwarded = watch(b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\r\n\r\n')

    assert watched.failure == Failure(
        Cause.POLICY,
        "content_policy",
        200,
        message="The provider blocked the prompt: SAFETY.",
        code="content_policy",
    )
    assert forwarded == b""


@pytest.mark.parametrize(
    "tail",
    [
        b"data: " + ERROR + b"\r\n\r\n",
        b"data: " + ERROR,
        b"event: error\ndata: " + ERROR + b"\n\n",
        b"data: [" + ERROR + b"]\n\n",
        b'event: error\ndata: {"code":503,"message":"overloaded","status":"UNAVAILABLE"}\n\n',
        PRETTY,
        PRETTY.replace(b"\n", b"\r\n"),
        b"[" + PRETTY + b"]\n\n",
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 20, 150])
def test_an_error_inside_a_stream_is_found_in_every_shape(tail: bytes, cut: int):
    stream = HI + tail

    watched, forwarded = watch(stream, [min(len(HI) + cut, len(stream))])

    assert watched.failure == OVERLOADED
    assert forwarded == HI.replace(b"\r\n", b"\n")


def test_an_error_line_is_an_error():
    watched, forwarded = watch(HI + b"error: it broke\n\n")

    assert watched.failure == Failure(Cause.HARD, "server_error", 200)
    assert forwarded == HI.replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    "bad", [b"data: [DONE]\n\n", b"data: 7\n\n", b'data: {"candidates":7}\n\n', b"data: {oops\n\n"]
)
def test_what_is_no_answer_is_malformed(bad: bytes):
    watched, forwarded = watch(bad + HI)

    assert watched.failure == MALFORMED
    assert forwarded == b""


def test_half_a_surrogate_pair_is_mended():
    watched, forwarded = watch(
        b'data: {"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]}}]}\n\n' + STOP
    )

    assert watched.failure is None
    assert forwarded.startswith(
        b'data: {"candidates":[{"content":{"parts":[{"text":"a\\ufffd"}]}}]}\n\n'
    )


def test_every_candidate_needs_its_finish_reason():
    first, second = event({"text": "a"}), event({"text": "b"}, index=1)

    open_one, _ = watch(first + second + event(finish="STOP"))
    both, _ = watch(first + second + event(finish="STOP") + event(finish="STOP", index=1))

    assert open_one.failure == TRUNCATED
    assert both.complete


def test_a_flood_of_candidates_is_malformed():
    watched, _ = watch(b"".join(event({"text": "a"}, index=index) for index in range(200)))

    assert watched.failure == MALFORMED


def test_an_endless_event_is_malformed():
    watched = GeminiPassage(array=False)

    for _ in range(9):
        watched.feed(b"x" * 1024 * 1024)

    assert watched.failure == MALFORMED


def test_nothing_follows_the_end():
    watched, _ = watch(HI + STOP)

    assert watched.feed(HI) == b""
    assert watched.end() == b""


PIECES = st.sampled_from(
    [
        HI,
        STOP,
        PRETTY,
        b": comment\r\n\r\n",
        b"data: " + ERROR + b"\n\n",
        event({"functionCall": {"name": "f"}}),
        event({"text": "🙂"}, index=1),
        b'data:{"usageMetadata":\r\ndata:{"promptTokenCount":1}}\r\n\r\n',
        b"data: {oops\r\n\r\n",
    ]
)


@given(st.lists(PIECES, max_size=6), st.data())
def test_any_cut_gives_the_same(pieces: list[bytes], data: st.DataObject):
    stream = b"".join(pieces)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    array = data.draw(st.booleans())

    whole, expected = watch(stream, array=array)
    cut, forwarded = watch(stream, cuts, array=array)

    assert forwarded == expected
    assert (cut.failure, cut.usage, cut.complete) == (whole.failure, whole.usage, whole.complete)
    assert (cut.progress, cut.content_bytes) == (whole.progress, whole.content_bytes)
