"""A stream of Gemini's dialect that broke off says what the caller has, and is gone on with."""

from collections.abc import Mapping
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Begun, Envelope
from hotswap.dialects.gemini.generate import writer
from hotswap.dialects.gemini.passage import GeminiPassage
from hotswap.dialects.gemini.writer import GeminiWriter
from hotswap.dialects.neutral import (
    CallPiece,
    Finish,
    FinishPiece,
    Reasoning,
    Request,
    TextPiece,
    ThinkingPiece,
)

NO_FIELDS: dict[str, object] = {}
NAMES = {"modelVersion": "gemini-3.5-flash", "responseId": "resp-7"}
COUNTS = {"promptTokenCount": 9}
USAGE = Usage(input_tokens=9, output_tokens=30)
ENVELOPE = Envelope("req-1", 1_800_000_000, "main", Request(turns=()))
ERROR = b'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\r\n\r\n'


def event(
    *parts: object, finish: str = "", index: int = 0, beside: Mapping[str, object] = NO_FIELDS
) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    candidate |= beside
    body = {"candidates": [candidate], "usageMetadata": COUNTS, **NAMES}
    return b"data: %b\r\n\r\n" % msgspec.json.encode(body)


WORDS = ("Die drei größten\n\n```py\n", 'a = "\\u00e9 🙂"\n', "Vic", "toria.")
TEXT = "".join(WORDS)
HMM = event({"text": "Hmm, lakes.", "thought": True, "thoughtSignature": "c2ln"})
HI = event({"text": "Hi"})
STOP = event({"text": "", "thoughtSignature": "bGFzdA=="}, finish="STOP")
CALL = event({"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c"})
STREAM = HMM + event({"text": ""}) + b"".join(event({"text": words}) for words in WORDS) + STOP


def broken(stream: bytes, *, array: bool = False, hold_calls: bool = True):
    """Return the passage after the stream, what it forwarded, and what that amounts to."""
    watched = GeminiPassage(array=array, hold_calls=hold_calls)
    forwarded = watched.feed(stream)
    return watched, forwarded, watched.begun(ENVELOPE)


def answers(stream: bytes, *, array: bool) -> list[dict[str, object]]:
    """Decode a stream that ended well: one JSON array, or `data: ` and blank lines only."""
    if array:
        return msgspec.json.decode(stream, type=list[dict[str, object]])
    *events, last = stream.split(b"\n\n")
    assert last == b""
    return [msgspec.json.decode(one.removeprefix(b"data: "), type=dict) for one in events]


def text_in(answer: dict[str, object]) -> str:
    """Return the words of the first candidate, without thoughts."""
    (candidate,) = msgspec.convert(answer["candidates"], list[dict[str, object]])
    content = msgspec.convert(candidate["content"], dict[str, object])
    parts = msgspec.convert(content["parts"], list[dict[str, object]])
    return "".join(str(part.get("text", "")) for part in parts if not part.get("thought"))


def gone_on(forwarded: bytes, begun: Begun, *pieces: str) -> bytes:
    """Return the whole stream, continued with these words."""
    more = b"".join(begun.writer.write([TextPiece(piece)]) for piece in pieces)
    more += begun.writer.write([FinishPiece(Finish.STOP)])
    return forwarded + more + begun.writer.end(USAGE)


# Going on


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_a_text_cut_at_any_byte_goes_on_as_one_answer(*, ended: bool, array: bool):
    continued = 0
    for cut in range(len(STREAM)):
        watched = GeminiPassage(array=array)
        forwarded = watched.feed(STREAM[:cut])
        if ended:
            forwarded += watched.end()
        if watched.complete:
            continue
        begun = watched.begun(ENVELOPE)
        assert TEXT.startswith(begun.text)
        rest = TEXT[len(begun.text) :]
        whole = gone_on(forwarded, begun, rest[:1], rest[1:])

        said = answers(whole, array=array)
        assert "".join(map(text_in, said)) == TEXT
        assert {answer["responseId"] for answer in said} == {"resp-7" if forwarded else "req-1"}
        assert said[-1]["usageMetadata"] == {
            "promptTokenCount": 9,
            "candidatesTokenCount": 30,
            "totalTokenCount": 39,
        }
        assert begun.bar == ""
        if not array:
            again = GeminiPassage(array=False)
            assert again.feed(whole) + again.end() == whole
            assert (again.complete, again.failure, again.usage) == (True, None, USAGE)
        continued += 1

    assert continued > len(STREAM) - len(STOP)


def test_the_words_are_those_that_were_returned():
    _, forwarded, begun = broken(HMM + HI + HI + event({"text": "lost"})[:-4])

    assert forwarded == (HMM + HI + HI).replace(b"\r\n", b"\n")
    assert begun.text == "HiHi"


def test_words_of_an_event_that_fails_are_not_the_callers():
    watched, forwarded, begun = broken(HI + event({"text": " there"}, finish="OTHER"))

    assert watched.failure == Failure(Cause.HARD, "server_error", 200)
    assert forwarded == HI.replace(b"\r\n", b"\n")
    assert begun.text == "Hi"


@pytest.mark.parametrize("bad", [ERROR, b"data: {oops\n\n", event(finish="OTHER")])
def test_what_precedes_a_failure_in_the_same_read_is_forwarded_and_nothing_after(bad: bytes):
    watched, forwarded, begun = broken(HI + HI + bad + HI)

    assert watched.failure is not None
    assert forwarded == (HI + HI).replace(b"\r\n", b"\n")
    assert begun.text == "HiHi"
    assert watched.feed(HI) == b""


def test_the_last_event_without_its_blank_line_is_the_callers_too():
    watched = GeminiPassage(array=False)
    forwarded = watched.feed(HI + HI[:-4]) + watched.end()

    assert forwarded == (HI + HI).replace(b"\r\n", b"\n")
    assert watched.failure == Failure(Cause.HARD, "truncated", 200)
    assert watched.begun(ENVELOPE).text == "HiHi"


def test_half_a_surrogate_pair_counts_as_it_was_forwarded():
    _, forwarded, begun = broken(
        b'data: {"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]}}]}\n\n'
    )

    assert b"a\\ufffd" in forwarded
    assert begun.text == "a\ufffd"


def test_thoughts_are_content_that_is_shown_but_no_words_of_the_answer():
    watched, _, begun = broken(event({"text": ""}) + HMM)

    assert watched.shown
    assert (begun.text, begun.bar) == ("", "")


def test_nothing_is_shown_before_content():
    watched = GeminiPassage(array=False)

    watched.feed(event({"text": ""}))
    assert not watched.shown
    watched.feed(HI)

    assert watched.shown


@pytest.mark.parametrize(
    ("said", "ident", "model"),
    [
        (b'"responseId":"r","modelVersion":"m"', "r", "m"),
        (b'"responseId":"r"', "r", "main"),
        (b'"modelVersion":"m"', "req-1", "m"),
        (b'"responseId":"","modelVersion":7', "req-1", "main"),
        (b'"modelVersion":null', "req-1", "main"),
    ],
)
def test_the_envelope_stands_in_for_what_the_stream_has_not_said(
    said: bytes, ident: str, model: str
):
    first = b'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],%b}\n\n' % said

    _, _, begun = broken(first)

    (answer,) = answers(begun.writer.write([TextPiece("Ho")]), array=False)
    assert (answer["responseId"], answer["modelVersion"]) == (ident, model)


def test_a_name_that_came_late_is_kept():
    early = b'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}\n\n'

    _, _, begun = broken(early + HI + early)

    (answer,) = answers(begun.writer.write([TextPiece("Ho")]), array=False)
    assert (answer["responseId"], answer["modelVersion"]) == ("resp-7", "gemini-3.5-flash")


@pytest.mark.parametrize(("shown", "said"), [(True, "Hmm"), (False, "")])
def test_thoughts_of_the_next_target_are_shown_as_the_request_wants(*, shown: bool, said: str):
    watched = GeminiPassage(array=False)
    watched.feed(HI)
    request = Request(turns=(), reasoning=Reasoning(shown=shown))

    begun = watched.begun(msgspec.structs.replace(ENVELOPE, request=request))

    assert (b'"thought":true' in begun.writer.write([ThinkingPiece("Hmm")])) is bool(said)


# Bars


@pytest.mark.parametrize(
    ("last", "bar"),
    [
        (HMM, ""),
        (event({"text": "", "thoughtSignature": "c2ln"}), ""),
        (CALL, "tool_calls"),
        (event({"functionCall": {}}), "tool_calls"),
        (event({"text": "Other"}, index=1), "several"),
        (event(index=1, finish="STOP"), "several"),
        (event({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}), "images"),
        (event({"fileData": {"fileUri": "gs://a/b"}}), "images"),
        (event({"executableCode": {"code": "1"}}), "server_tools"),
        (event({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}), "server_tools"),
        (event({"toolCall": {"id": "t"}}), "server_tools"),
        (event({"toolResponse": {"id": "t"}}), "server_tools"),
        (event(beside={"logprobsResult": {"chosenCandidates": []}}), "logprobs"),
        (event(beside={"logprobsResult": None}), ""),
        (event(beside={"avgLogprobs": -0.1}), ""),
        (event(beside={"citationMetadata": {"citations": [{"endIndex": 9}]}}), "citations"),
        (event(beside={"citationMetadata": {}}), ""),
        (
            event(beside={"groundingMetadata": {"groundingSupports": [{"s": {"endIndex": 2}}]}}),
            "grounding",
        ),
        (event(beside={"groundingMetadata": {}}), ""),
        (event(beside={"groundingMetadata": {"webSearchQueries": ["lakes"]}}), ""),
        (event(beside={"groundingMetadata": None, "citationMetadata": None}), ""),
    ],
)
def test_a_bar_tells_what_no_other_target_can_go_on_with(last: bytes, bar: str):
    _, _, begun = broken(HI + last, hold_calls=False)

    assert begun.bar == bar
    assert begun.text == "Hi"


def test_what_was_not_returned_bars_nothing():
    cited = {"citationMetadata": {"citations": [{"endIndex": 9}]}}

    _, _, begun = broken(HI + event({"text": "x"}, beside=cited, finish="OTHER"))

    assert (begun.text, begun.bar) == ("Hi", "")


def test_nothing_can_follow_the_finish_reason_also_where_an_error_does():
    watched, _, begun = broken(HI + STOP + ERROR)

    assert watched.failure == Failure(Cause.HARD, "overloaded", 200)
    assert (begun.text, begun.bar) == ("Hi", "finished")


def test_only_the_first_candidates_words_are_the_text():
    _, _, begun = broken(event({"text": "b"}, index=1) + HI + event({"text": "b"}, index=1))

    assert (begun.text, begun.bar) == ("Hi", "several")


PIECES = st.sampled_from(
    [HI, HMM, CALL, STOP, ERROR, event({"text": "b"}, index=1), b"data: {oops\r\n\r\n"]
)


@given(st.lists(PIECES, max_size=6), st.data())
def test_any_cut_gives_the_same(pieces: list[bytes], data: st.DataObject):
    stream = b"".join(pieces)
    edges = [0, *sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8))), len(stream)]
    array = data.draw(st.booleans())
    _, forwarded, expected = broken(stream, array=array)

    watched = GeminiPassage(array=array)
    again = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    begun = watched.begun(ENVELOPE)

    assert again == forwarded
    assert (begun.text, begun.bar) == (expected.text, expected.bar)
    assert begun.writer.write([TextPiece("x")]) == expected.writer.write([TextPiece("x")])


# Giving up


def error_of(stream: bytes) -> object:
    error = msgspec.json.decode(stream, type=dict[str, dict[str, object]])["error"]
    return error["code"], error["status"], error["message"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("upstream_interrupted", (503, "UNAVAILABLE", "It broke.")),
        ("rate_limit_exceeded", (429, "RESOURCE_EXHAUSTED", "It broke.")),
        ("timeout", (504, "DEADLINE_EXCEEDED", "It broke.")),
    ],
)
def test_an_error_is_the_next_event(code: str, expected: object):
    _, _, begun = broken(HI)
    assert isinstance(begun.writer, GeminiWriter)

    last = begun.writer.fail(code, "It broke.")

    assert last.startswith(b"data: {")
    assert last.endswith(b"}\n\n")
    assert error_of(last[6:]) == expected


@pytest.mark.parametrize("stream", [b"", HI, HI + HI, CALL, HI + CALL])
@pytest.mark.parametrize("spoken", [False, True])
def test_an_error_is_the_last_element_of_an_array_wherever_that_stands(
    stream: bytes, *, spoken: bool
):
    _, forwarded, begun = broken(stream, array=True)
    assert isinstance(begun.writer, GeminiWriter)
    if spoken:
        forwarded += begun.writer.write([TextPiece("Ho")])

    forwarded += begun.writer.fail("upstream_interrupted", "It broke.")

    said = msgspec.json.decode(forwarded, type=list[msgspec.Raw])
    assert len(said) == stream.count(b'"Hi"') + spoken + 1
    assert error_of(bytes(said[-1])) == (503, "UNAVAILABLE", "It broke.")


def test_an_error_of_an_answer_of_our_own_writing_drops_a_call_that_waits():
    writing = writer(msgspec.structs.replace(ENVELOPE, array=True))
    assert isinstance(writing, GeminiWriter)

    stream = writing.write([TextPiece("Hi"), CallPiece(0, "c1", "f")])
    stream += writing.fail("upstream_interrupted", "It broke.")

    assert b"functionCall" not in stream
    assert len(msgspec.json.decode(stream, type=list[msgspec.Raw])) == 2
