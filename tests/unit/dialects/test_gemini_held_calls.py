"""Calls in streams of Gemini's dialect arrive whole, or not at all."""

import msgspec
import pytest

from hotswap.dialects.api import Envelope
from hotswap.dialects.gemini.generate import passage, peek
from hotswap.dialects.gemini.passage import GeminiPassage
from hotswap.dialects.neutral import Request, TextPiece

ENVELOPE = Envelope("req-1", 1_800_000_000, "main", Request(turns=()))
ERROR = b'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\r\n\r\n'


def event(*parts: object, finish: str = "", index: int = 0) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return b"data: %b\r\n\r\n" % msgspec.json.encode(
        {"candidates": [candidate], "responseId": "resp-7"}
    )


HI = event({"text": "Hi"})
STOP = event({"text": "", "thoughtSignature": "bGFzdA=="}, finish="STOP")
CALL = event({"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c"})
CALLING = HI + event({"text": "I look."}, {"functionCall": {"name": "g"}}) + CALL + HI + STOP


def broken(stream: bytes, *, hold_calls: bool = True):
    """Return the passage after the stream, what it forwarded, and what that amounts to."""
    watched = GeminiPassage(array=False, hold_calls=hold_calls)
    forwarded = watched.feed(stream)
    return watched, forwarded, watched.begun(ENVELOPE)


def test_from_the_first_call_on_everything_waits_for_the_finish():
    watched = GeminiPassage(array=False)

    assert watched.feed(HI) == HI.replace(b"\r\n", b"\n")
    assert not watched.holding
    assert watched.feed(CALL) == b""
    assert watched.holding
    assert watched.feed(HI + b'data: {"usageMetadata":{"promptTokenCount":9}}\n\n') == b""
    assert watched.started
    released = watched.feed(STOP)

    assert released == (
        CALL + HI + b'data: {"usageMetadata":{"promptTokenCount":9}}\n\n' + STOP
    ).replace(b"\r\n", b"\n")
    assert not watched.holding
    assert watched.end() == b""
    assert watched.failure is None


def test_a_call_that_comes_with_the_finish_waits_for_nothing():
    last = event({"functionCall": {"name": "f"}}, finish="STOP")

    watched, forwarded, _ = broken(HI + last)

    assert forwarded == (HI + last).replace(b"\r\n", b"\n")
    assert (watched.holding, watched.shown) == (False, True)


def test_a_signature_after_the_release_is_forwarded():
    signature = event({"text": "", "thoughtSignature": "c2ln"})

    watched, forwarded, _ = broken(CALL + STOP + signature)

    assert forwarded == (CALL + STOP + signature).replace(b"\r\n", b"\n")
    assert watched.complete


def test_a_held_call_is_not_shown():
    watched, forwarded, begun = broken(CALL)

    assert forwarded == b""
    assert (watched.started, watched.shown) == (True, False)
    assert (begun.text, begun.bar) == ("", "")


def test_arguments_that_vertex_streams_in_pieces_are_held():
    pieces = (
        event({"functionCall": {"name": "f", "willContinue": True}})
        + event(
            {
                "functionCall": {
                    "partialArgs": [{"jsonPath": "$.a", "stringValue": "Be", "willContinue": True}],
                    "willContinue": True,
                }
            }
        )
        + event({"functionCall": {"partialArgs": [{"jsonPath": "$.a", "stringValue": "rn"}]}})
        + event({"functionCall": {}})
    )

    watched, forwarded, begun = broken(HI + pieces)

    assert forwarded == HI.replace(b"\r\n", b"\n")
    assert watched.holding
    assert (begun.text, begun.bar) == ("Hi", "")
    whole, forwarded, _ = broken(HI + pieces + STOP)
    assert forwarded == (HI + pieces + STOP).replace(b"\r\n", b"\n")
    assert whole.complete


def test_every_candidate_has_to_finish_before_calls_leave():
    watched = GeminiPassage(array=False)

    watched.feed(event({"text": "a"}, index=1) + CALL)

    assert watched.feed(STOP) == b""
    assert watched.feed(event(finish="STOP", index=1)).startswith(CALL.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_at_any_cut_nothing_of_a_call_is_forwarded_unless_the_answer_is_whole(
    *, array: bool, ended: bool
):
    for cut in range(len(CALLING) + 1):
        watched = GeminiPassage(array=array)
        forwarded = watched.feed(CALLING[:cut])
        if ended:
            forwarded += watched.end()
        if watched.complete:
            assert forwarded.count(b'"functionCall"') == 2
            continue
        assert b"functionCall" not in forwarded
        assert b"I look" not in forwarded
        begun = watched.begun(ENVELOPE)
        assert (begun.text, begun.bar) == ("Hi" if forwarded else "", "")
        whole = forwarded + begun.writer.write([TextPiece("Ho")]) + begun.writer.end(None)
        if array:
            assert len(msgspec.json.decode(whole, type=list[msgspec.Raw])) == 3 - (not forwarded)
        else:
            again = GeminiPassage(array=False)
            assert again.feed(whole) + again.end() == whole
            assert again.complete


@pytest.mark.parametrize("bad", [ERROR, event(finish="MALFORMED_FUNCTION_CALL"), b"data: x\n\n"])
def test_a_failure_after_a_call_leaves_nothing_of_it(bad: bytes):
    watched, forwarded, begun = broken(HI + CALL + HI + bad + STOP)

    assert forwarded == HI.replace(b"\r\n", b"\n")
    assert watched.end() == b""
    assert watched.holding
    assert (begun.text, begun.bar) == ("Hi", "")


def test_live_calls_are_forwarded_as_they_come_and_bar_the_rest():
    request = peek(b'{"contents":[]}', "/v1beta/models/m:streamGenerateContent", "alt=sse")
    watched = passage(request, hold_calls=False)

    assert watched.feed(HI + CALL) == (HI + CALL).replace(b"\r\n", b"\n")
    assert (watched.holding, watched.shown) == (False, True)
    assert watched.begun(ENVELOPE).bar == "tool_calls"


def test_too_much_to_hold_goes_out_and_passes_live_from_there_on():
    watched = GeminiPassage(array=False)
    large = event({"functionCall": {"name": "f", "args": {"a": "x" * 3 * 1024 * 1024}}})

    assert watched.feed(HI + large) == HI.replace(b"\r\n", b"\n")
    assert watched.feed(large) == b""
    assert watched.feed(large) == (large * 3).replace(b"\r\n", b"\n")

    assert (watched.holding, watched.shown) == (False, True)
    assert watched.feed(CALL) == CALL.replace(b"\r\n", b"\n")
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("Hi", "tool_calls")
