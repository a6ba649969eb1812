"""Streams of Gemini's dialect, read into pieces and written from them."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.gemini.generate import reader, writer
from hotswap.dialects.gemini.reader import GeminiReader
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Reasoning,
    RefusalPiece,
    Request,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)

NO_FIELDS: dict[str, object] = {}
EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
OVERLOADED = Failure(Cause.HARD, "overloaded", 200)
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}
USAGE = Usage(input_tokens=9, output_tokens=5, reasoning_tokens=3)
ERROR = (
    b'{\n "error": {\n  "code": 503,\n  "status": "UNAVAILABLE",\n  "message": "overloaded"\n }\n}'
)


def event(*parts: object, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    body = {"candidates": [candidate], "responseId": "r1", **more}
    return b"data: %b\r\n\r\n" % msgspec.json.encode(body)


HI = event({"text": "Hi"})
STOP = event({"text": ""}, finish="STOP", usageMetadata=COUNTS)
CALL = event({"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}})


def read(stream: bytes, cuts: Sequence[int] = ()) -> tuple[GeminiReader, list[Piece]]:
    reading = GeminiReader()
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [piece for a, b in pairwise(edges) for piece in reading.feed(stream[a:b])]
    return reading, [*pieces, *reading.end()]


def test_words_and_the_end():
    reading, pieces = read(HI + HI + STOP)

    assert pieces == [TextPiece("Hi"), TextPiece("Hi"), FinishPiece(Finish.STOP)]
    assert reading.failure is None
    assert reading.complete
    assert reading.done
    assert reading.usage == USAGE
    assert (reading.progress, reading.content_bytes) == (3, 4)


def test_nothing_that_matters_follows_the_finish_with_its_counts():
    reading = reader()

    reading.feed(HI)
    assert not reading.done
    reading.feed(STOP)

    assert reading.done
    assert reading.complete


def test_counts_may_follow_the_finish():
    reading = reader()

    reading.feed(HI + event(finish="STOP"))
    assert not reading.done
    reading.feed(b'data: {"usageMetadata":{"promptTokenCount":9}}\n\n')

    assert reading.done
    assert reading.usage == Usage(input_tokens=9)


def test_thoughts_signatures_and_calls():
    _, pieces = read(
        event({"text": "Hmm", "thought": True, "thoughtSignature": "c2ln"})
        + event(
            {
                "functionCall": {"id": "c1", "name": "f", "args": {"a": 1}},
                "thoughtSignature": "cw==",
            },
            {"functionCall": {"name": "g"}},
        )
        + event({"text": "", "thoughtSignature": "bGFzdA=="}, finish="STOP")
    )

    assert pieces == [
        ThinkingPiece("Hmm"),
        SignaturePiece("c2ln"),
        CallPiece(0, "c1", "f", "cw=="),
        ArgumentsPiece(0, '{"a":1}'),
        CallPiece(1, "call_65ece29cb61809c19c84c54d", "g"),
        FinishPiece(Finish.TOOL_CALLS),
    ]


def test_only_the_first_candidate_is_read():
    _, pieces = read(HI + event({"text": "other"}, index=1, finish="STOP") + STOP)

    assert pieces == [TextPiece("Hi"), FinishPiece(Finish.STOP)]


@pytest.mark.parametrize(
    ("finish", "expected"),
    [("MAX_TOKENS", Finish.LENGTH), ("SAFETY", Finish.CONTENT_FILTER), ("NEW", Finish.STOP)],
)
def test_finish_reasons(finish: str, expected: Finish):
    _, pieces = read(HI + event(finish=finish))

    assert pieces[-1] == FinishPiece(expected)


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (b"", TRUNCATED),
        (HI, TRUNCATED),
        (HI + STOP[:30], TRUNCATED),
        (event(finish="STOP"), EMPTY),
        (event({"inlineData": {"mimeType": "image/png", "data": "AA"}}, finish="STOP"), EMPTY),
        (HI + event(finish="OTHER"), Failure(Cause.HARD, "server_error", 200)),
        (event(finish="MALFORMED_FUNCTION_CALL"), Failure(Cause.QUALITY, "server_error", 200)),
        (HI + b"data: " + ERROR.replace(b"\n", b" ") + b"\n\n", OVERLOADED),
        (HI + ERROR, OVERLOADED),
        (HI + ERROR + b"\r\n\r\n", OVERLOADED),
        (HI + b"event: error\ndata: " + ERROR.replace(b"\n", b" ") + b"\n\n", OVERLOADED),
        (HI + b'event: error\ndata: {"code":503,"status":"UNAVAILABLE"}\n\n', OVERLOADED),
        (HI + b"error: it broke\n\n", Failure(Cause.HARD, "server_error", 200)),
        (HI + b"data: [DONE]\n\n", MALFORMED),
        (
            b'data: {"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"No."}}\n\n',
            Failure(Cause.POLICY, "content_policy", 200, message="No.", code="content_policy"),
        ),
    ],
)
def test_what_is_no_usable_stream_is_a_failure(stream: bytes, failure: Failure):
    reading, pieces = read(stream)

    assert reading.failure == failure
    assert not reading.complete
    assert not any(isinstance(piece, FinishPiece) for piece in pieces)


def test_nothing_is_read_after_a_failure():
    reading, _ = read(HI + b"data: {oops\n\n" + HI)

    assert reading.feed(HI) == []
    assert reading.end() == []


def test_a_last_event_without_its_blank_line_counts():
    reading, pieces = read(HI + STOP[:-4])

    assert pieces == [TextPiece("Hi"), FinishPiece(Finish.STOP)]
    assert reading.failure is None


def test_an_endless_event_is_malformed():
    reading = GeminiReader()

    for _ in range(9):
        reading.feed(b"x" * 1024 * 1024)

    assert reading.failure == MALFORMED


def test_half_a_surrogate_pair_becomes_a_replacement():
    stream = b'data: {"candidates":[{"content":{"parts":[{"text":"a\\ud83d"}]}}]}\n\n'

    assert GeminiReader().feed(stream) == [TextPiece("a\ufffd")]


EVENTS = st.sampled_from(
    [HI, STOP, CALL, ERROR, event({"text": "🙂"}), b": c\r\n\r\n", b"data: {oops\r\n\r\n", b"\r\n"]
)


@given(st.lists(EVENTS, max_size=6), st.data())
def test_any_cut_gives_the_same_pieces(events: list[bytes], data: st.DataObject):
    stream = b"".join(events)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))

    whole, expected = read(stream)
    cut, pieces = read(stream, cuts)

    assert pieces == expected
    assert (cut.failure, cut.usage, cut.complete) == (whole.failure, whole.usage, whole.complete)
    assert (cut.progress, cut.content_bytes) == (whole.progress, whole.content_bytes)


# Writing


def envelope(*, shown: bool = False, array: bool = False) -> Envelope:
    request = Request(turns=(), reasoning=Reasoning(shown=True) if shown else None)
    return Envelope("req-1", 1_800_000_000, "gemini-3", request, array=array)


NAMES = {"modelVersion": "gemini-3", "responseId": "req-1"}


def said(*parts: object) -> dict[str, object]:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0}],
        **NAMES,
    }


def ended(*parts: object, finish: str = "STOP", **more: object) -> dict[str, object]:
    content = {"role": "model", "parts": list(parts)}
    candidate = {"content": content, "finishReason": finish, "index": 0}
    return {"candidates": [candidate], **more, **NAMES}


def payloads(stream: bytes) -> list[object]:
    """Decode a stream that holds `data: ` lines and blank lines only."""
    *events, last = stream.split(b"\n\n")
    assert last == b""
    assert all(event.startswith(b"data: ") and b"\n" not in event for event in events)
    return [msgspec.json.decode(event[6:]) for event in events]


def written(*groups: Sequence[Piece], usage: Usage | None = None, shown: bool = False) -> bytes:
    writing = writer(envelope(shown=shown))
    return b"".join(writing.write(group) for group in groups) + writing.end(usage)


def test_every_event_is_an_answer_with_the_new_words():
    writing = writer(envelope())

    assert payloads(writing.write([TextPiece("Hi")])) == [said({"text": "Hi"})]
    assert payloads(writing.write([TextPiece("a"), RefusalPiece("b")])) == [
        said({"text": "a"}, {"text": "b"})
    ]
    assert writing.write([FinishPiece(Finish.LENGTH)]) == b""
    assert payloads(writing.end(USAGE)) == [
        ended(finish="MAX_TOKENS", usageMetadata={**COUNTS, "totalTokenCount": 14})
    ]


def test_no_terminator_is_written():
    assert written([TextPiece("Hi")]).endswith(b"}\n\n")
    assert b"DONE" not in written([TextPiece("Hi")])


def test_thoughts_are_shown_to_those_who_asked():
    pieces = [ThinkingPiece("Hmm"), SignaturePiece("sig"), TextPiece("Hi")]

    assert payloads(written(pieces, shown=True))[0] == said(
        {"text": "Hmm", "thought": True}, {"text": "Hi"}
    )
    assert payloads(written(pieces))[0] == said({"text": "Hi"})


def test_a_call_leaves_whole_at_the_end():
    stream = written(
        [CallPiece(0, "c1", "f", "c2ln")],
        [ArgumentsPiece(0, '{"a"')],
        [ArgumentsPiece(0, ":\n1}")],
        [FinishPiece(Finish.TOOL_CALLS)],
    )

    call = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
    assert payloads(stream) == [ended(call)]


def test_a_whole_call_leaves_once_something_else_follows():
    writing = writer(envelope())
    f = {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}}
    g = {"functionCall": {"id": "c2", "name": "g", "args": {"b": 2}}}

    assert writing.write([CallPiece(0, "c1", "f"), ArgumentsPiece(0, '{"a":1}')]) == b""
    assert payloads(writing.write([CallPiece(1, "c2", "g")])) == [said(f)]
    assert writing.write([ArgumentsPiece(1, '{"b":2}')]) == b""
    assert payloads(writing.write([TextPiece("Wait")])) == [said(g, {"text": "Wait"})]
    assert payloads(writing.end(None)) == [ended()]


def test_calls_whose_arguments_are_mixed_stay_apart():
    stream = written(
        [CallPiece(0, "c1", "f"), CallPiece(1, "c2", "g"), CallPiece(2, "c3", "h")],
        [ArgumentsPiece(1, '{"b":'), ArgumentsPiece(0, '{"a":'), ArgumentsPiece(1, "2}")],
        [ArgumentsPiece(0, "1}"), FinishPiece(Finish.TOOL_CALLS)],
    )

    assert payloads(stream) == [
        ended(
            {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}},
            {"functionCall": {"id": "c2", "name": "g", "args": {"b": 2}}},
            {"functionCall": {"id": "c3", "name": "h", "args": NO_FIELDS}},
        )
    ]


@pytest.mark.parametrize(
    ("finish", "word"),
    [(Finish.TOOL_CALLS, "MALFORMED_FUNCTION_CALL"), (Finish.LENGTH, "MAX_TOKENS")],
)
def test_half_a_call_is_not_handed_out(finish: Finish, word: str):
    stream = written(
        [CallPiece(0, "c1", "f"), ArgumentsPiece(0, '{"a":'), FinishPiece(finish)],
    )

    assert payloads(stream) == [ended(finish=word)]


def test_an_array_is_one_json_value():
    writing = writer(envelope(array=True))

    stream = writing.write([TextPiece("Hi")]) + writing.write([TextPiece("Ho")])
    stream += writing.end(None)

    assert msgspec.json.decode(stream) == [said({"text": "Hi"}), said({"text": "Ho"}), ended()]


def test_an_array_of_one_event_is_closed():
    assert msgspec.json.decode(writer(envelope(array=True)).end(None)) == [ended()]


@st.composite
def piece_lists(draw: st.DrawFn) -> list[Piece]:
    """Pieces as Gemini's own reader gives them: calls whole and one after the other."""
    pieces: list[Piece] = []
    calls = 0
    for _ in range(draw(st.integers(1, 6))):
        match draw(st.sampled_from("twc")):
            case "t":
                pieces.append(TextPiece(draw(st.text(min_size=1))))
            case "w":
                pieces.append(ThinkingPiece(draw(st.text(min_size=1))))
            case _:
                pieces.append(
                    CallPiece(calls, f"c{calls}", "f", draw(st.sampled_from(["", "cw=="])))
                )
                arguments = draw(st.sampled_from(['{"a":1}', '{"ü":"}{"}']))
                pieces.append(ArgumentsPiece(calls, arguments))
                calls += 1
    return [*pieces, FinishPiece(Finish.TOOL_CALLS if calls else Finish.STOP)]


@given(piece_lists(), st.data())
def test_what_is_written_is_read_again(pieces: list[Piece], data: st.DataObject):
    cut = data.draw(st.integers(0, len(pieces)))

    reading, again = read(written(pieces[:cut], pieces[cut:], usage=USAGE, shown=True))

    assert again == pieces
    assert reading.usage == USAGE
    assert reading.failure is None
