"""Every way in which a stream of Gemini's dialect can end wrongly: forwarded or read, it fails."""

from collections.abc import Callable

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Stream
from hotswap.dialects.gemini.passage import GeminiPassage
from hotswap.dialects.gemini.reader import GeminiReader

Watch = Callable[..., Stream]

TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
OVERLOADED = Failure(Cause.HARD, "overloaded", 200)
BAD_OUTPUT = Failure(Cause.QUALITY, "server_error", 200)
ERROR = b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}'
PRETTY = (
    b'{\n  "error": {\n    "code": 503,\n    "message": "The model is overloaded.",\n'
    b'    "status": "UNAVAILABLE"\n  }\n}\n'
)


def event(*parts: object, finish: str = "", **more: object) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}}
    if finish:
        candidate["finishReason"] = finish
    return b"data: %b\r\n\r\n" % msgspec.json.encode({"candidates": [candidate], **more})


HI = event({"text": "Größe 🙂"})
CALL = event({"functionCall": {"name": "f", "args": {"a": 1}}})
STOP = event({"text": ""}, finish="STOP", usageMetadata={"promptTokenCount": 9})


def forwarded(*reads: bytes) -> Stream:
    watched = GeminiPassage(array=False)
    for data in reads:
        watched.feed(data)
    watched.end()
    return watched


def pieced(*reads: bytes) -> Stream:
    reading = GeminiReader()
    for data in reads:
        reading.feed(data)
    reading.end()
    return reading


either = pytest.mark.parametrize("watch", [forwarded, pieced])


@either
def test_a_finish_reason_makes_a_stream_whole(watch: Watch):
    seen = watch(HI, CALL, STOP)

    assert (seen.failure, seen.complete, seen.progress) == (None, True, 3)


@either
@pytest.mark.parametrize("reads", [(), (HI,), (HI, HI), (CALL,), (b"\r\n\r\n",), (b": ping\n\n",)])
def test_a_clean_end_without_a_finish_reason_is_truncated(watch: Watch, reads: tuple[bytes, ...]):
    assert watch(*reads).failure == TRUNCATED


@either
def test_a_stream_cut_at_any_byte_is_truncated_until_its_finish_reason_is_whole(watch: Watch):
    stream = HI + CALL + STOP
    needed = len(stream.rstrip())

    for cut in range(len(stream)):
        seen = watch(stream[:cut])
        assert seen.failure == (TRUNCATED if cut < needed else None)
        assert seen.complete is (cut >= needed)


@either
def test_cuts_between_reads_are_no_faults(watch: Watch):
    stream = HI + CALL + STOP

    for cut in range(len(stream)):
        assert watch(stream[:cut], stream[cut:]).failure is None


@either
@pytest.mark.parametrize("field", [b"", b": ", b"event: x\n", b"id: 1\r\n"])
@pytest.mark.parametrize("tail", [b"da", b"data:", b"data: ", b'data: {"candi', b"event: err"])
def test_a_cut_inside_a_field_is_truncated(watch: Watch, field: bytes, tail: bytes):
    assert watch(HI + field + tail).failure == TRUNCATED


@either
def test_a_cut_inside_a_code_point_is_truncated_and_the_point_is_not_passed_on(watch: Watch):
    at = HI.index("🙂".encode())

    seen = watch(HI + HI[: at + 2])

    assert (seen.failure, seen.content_bytes) == (TRUNCATED, 12)


@either
@pytest.mark.parametrize("more", [b"", HI, STOP])
def test_a_blocked_prompt_is_content_policy_also_after_words(watch: Watch, more: bytes):
    blocked = b'data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}\r\n\r\n'

    assert watch(more + blocked).failure == Failure(
        Cause.POLICY,
        "content_policy",
        200,
        message="The provider blocked the prompt: PROHIBITED_CONTENT.",
        code="content_policy",
    )


@either
def test_feedback_that_blocks_nothing_is_no_fault(watch: Watch):
    rated = b'data: {"promptFeedback":{"safetyRatings":[]}}\r\n\r\n'

    assert watch(rated, HI, STOP).failure is None


@either
@pytest.mark.parametrize("before", [b"", HI, HI + CALL, HI + STOP])
@pytest.mark.parametrize(
    "error",
    [
        b"data: " + ERROR + b"\r\n\r\n",
        b"data: " + ERROR,
        b"event: error\ndata: " + ERROR + b"\n\n",
        b"data: [" + ERROR + b"]\n\n",
        ERROR,
        PRETTY,
        PRETTY + b"\n",
        PRETTY.replace(b"\n", b"\r\n"),
        b"[" + PRETTY + b"]\n",
        b"".join(b"data: " + line + b"\n" for line in PRETTY.split(b"\n")) + b"\n",
    ],
)
def test_an_error_inside_a_200_is_found_wherever_it_comes(
    watch: Watch, before: bytes, error: bytes
):
    seen = watch(before, error[:30], error[30:])

    assert (seen.failure, seen.complete) == (OVERLOADED, False)


@either
@pytest.mark.parametrize(
    ("finish", "failure"),
    [
        ("MALFORMED_FUNCTION_CALL", BAD_OUTPUT),
        ("MALFORMED_RESPONSE", BAD_OUTPUT),
        ("UNEXPECTED_TOOL_CALL", BAD_OUTPUT),
        ("TOO_MANY_TOOL_CALLS", BAD_OUTPUT),
        ("MISSING_THOUGHT_SIGNATURE", Failure(Cause.CAPABILITY, "capability_mismatch", 200)),
        ("OTHER", Failure(Cause.HARD, "server_error", 200)),
    ],
)
@pytest.mark.parametrize("before", [b"", HI, CALL])
def test_failure_finish_reasons_are_failures(
    watch: Watch, before: bytes, finish: str, failure: Failure
):
    seen = watch(before + event(finish=finish), STOP)

    assert (seen.failure, seen.complete) == (failure, False)


@either
@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {oops}\n\n",
        b"data: \xff\xfe\n\n",
        b"data: [DONE]\n\n",
        b'data: "Hi"\n\n',
        b'data: {"candidates":{}}\n\n',
        b'data: {"candidates":[{"content":{"parts":"Hi"}}]}\n\n',
        b"data: " + b"[" * 5000 + b"\n\n",
        b'data: {"candidates":[{"content":{"parts":[{"text":"\xf0\x9f"}]}}]}\n\n',
    ],
)
def test_garbage_is_malformed(watch: Watch, garbage: bytes):
    assert watch(HI, garbage, STOP).failure == MALFORMED


@either
@pytest.mark.parametrize("page", [b"<html>Bad gateway</html>\n\n", b"error: it broke\n\n"])
def test_a_page_in_place_of_events_is_the_servers_fault(watch: Watch, page: bytes):
    assert watch(HI, page, STOP).failure == Failure(Cause.HARD, "server_error", 200)


@either
@pytest.mark.parametrize(
    "idle",
    [
        event(),
        event({"text": ""}),
        event({"text": "", "thoughtSignature": "c2ln"}),
        event(usageMetadata={"promptTokenCount": 9}),
        b'data: {"candidates":[{}],"usageMetadata":{"promptTokenCount":9}}\r\n\r\n',
        b'data: {"usageMetadata":{"promptTokenCount":9}}\r\n\r\n',
        b"\r\n\r\n",
    ],
)
def test_empty_parts_and_running_counts_are_no_progress(watch: Watch, idle: bytes):
    before, between, after = watch(idle), watch(HI, idle, idle), watch(HI, STOP, idle)

    assert (before.started, before.progress) == (False, 0)
    assert (between.started, between.progress) == (True, 1)
    assert (after.failure, after.progress) == (None, 2)


@either
def test_running_counts_end_with_the_last(watch: Watch):
    first = event({"text": "a"}, usageMetadata={"promptTokenCount": 9})
    counts = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}

    seen = watch(first, event(usageMetadata=counts), event(finish="STOP"))

    assert seen.usage == Usage(9, 5, reasoning_tokens=3)


def test_a_signature_on_an_empty_text_at_the_very_end_is_kept():
    signature = event({"text": "", "thoughtSignature": "c2ln"})
    watched = GeminiPassage(array=False)

    kept = watched.feed(HI) + watched.feed(STOP) + watched.feed(signature) + watched.end()

    assert kept == (HI + STOP + signature).replace(b"\r\n", b"\n")
    assert (watched.failure, watched.complete) == (None, True)
