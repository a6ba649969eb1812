"""Streams of the Responses dialect, read into pieces."""

from collections.abc import Iterable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    TextPiece,
    ThinkingPiece,
)
from hotswap.dialects.responses.reader import ResponsesReader

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
REFUSED = Failure(Cause.POLICY, "content_policy", 200)
ENDED = FinishPiece(Finish.STOP)
CALLED = FinishPiece(Finish.TOOL_CALLS)
COUNTS = {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 3}}


def event(kind: str, **fields: object) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def delta(kind: str, text: str, index: int | None = 0) -> bytes:
    return event(f"response.{kind}.delta", delta=text, output_index=index, item_id="i")


def item(state: str, index: int | None, **fields: object) -> bytes:
    return event(f"response.output_item.{state}", output_index=index, item=fields)


def call(state: str, index: int | None, arguments: object, **fields: object) -> bytes:
    whole = {"call_id": f"c{index}", "name": "f", "arguments": arguments, **fields}
    return item(state, index, type="function_call", **whole)


def ended(status: str = "completed", **fields: object) -> bytes:
    response = {"id": "r", "object": "response", "status": status, "output": (), **fields}
    return event(f"response.{status}", response=response)


HI = delta("output_text", "Hi")
END = ended(usage=COUNTS)


def read(stream: bytes, cuts: Iterable[int] = ()) -> tuple[ResponsesReader, list[Piece]]:
    """Return the reader after the whole stream, and its pieces."""
    reader = ResponsesReader()
    pieces: list[Piece] = []
    for a, b in pairwise([0, *sorted(cuts), len(stream)]):
        pieces += reader.feed(stream[a:b])
    return reader, [*pieces, *reader.end()]


def pieces_of(stream: bytes) -> list[Piece]:
    reader, pieces = read(stream)
    assert reader.failure is None
    assert reader.complete
    return pieces


def test_words_of_every_kind_become_pieces():
    stream = (
        event("response.created", response={"id": "r", "output": []})
        + delta("reasoning_summary_text", "Hm")
        + delta("reasoning_text", "so")
        + event("keepalive", sequence_number=4)
        + delta("output_text", "Hi", 1)
        + delta("refusal", "No", 1)
        + END
    )

    reader, pieces = read(stream)

    assert pieces == [
        ThinkingPiece("Hm"),
        ThinkingPiece("so"),
        TextPiece("Hi"),
        RefusalPiece("No"),
        ENDED,
    ]
    assert reader.usage == Usage(9, 5, reasoning_tokens=3)
    assert (reader.progress, reader.content_bytes) == (5, 8)
    assert (reader.started, reader.complete, reader.done) == (True, True, True)


def test_the_finish_comes_at_once_with_the_last_event():
    reader = ResponsesReader()

    assert reader.feed(HI + END) == [TextPiece("Hi"), ENDED]
    assert reader.done
    assert reader.feed(HI) == []
    assert reader.end() == []
    assert reader.complete


def test_parts_of_a_summary_are_kept_apart():
    stream = (
        event("response.reasoning_summary_part.added", output_index=0, summary_index=0)
        + delta("reasoning_summary_text", "A")
        + event("response.reasoning_summary_part.added", output_index=0, summary_index=1)
        + delta("reasoning_summary_text", "B")
        + END
    )

    said = [piece.text for piece in pieces_of(stream) if isinstance(piece, ThinkingPiece)]
    assert "".join(said) == "A\n\nB"


def test_parallel_calls_are_numbered_in_their_order():
    stream = (
        HI
        + call("added", 1, "")
        + delta("function_call_arguments", '{"x"', 1)
        + call("added", 3, "", name="g")
        + delta("function_call_arguments", "{}", 3)
        + delta("function_call_arguments", ":1}", 1)
        + call("done", 1, '{"x":1}')
        + call("done", 3, "{}", name="g")
        + END
    )

    assert pieces_of(stream) == [
        TextPiece("Hi"),
        CallPiece(0, "c1", "f"),
        ArgumentsPiece(0, '{"x"'),
        CallPiece(1, "c3", "g"),
        ArgumentsPiece(1, "{}"),
        ArgumentsPiece(0, ":1}"),
        CALLED,
    ]


@pytest.mark.parametrize(
    "stream",
    [
        call("added", 0, '{"x":1}'),
        call("added", 0, "") + call("done", 0, '{"x":1}'),
        call("done", 0, '{"x":1}'),
        call("done", 0, {"x": 1}),
        call("added", 0, "", name=None) + call("done", 0, '{"x":1}'),
        call("added", 0, "", name=None)
        + delta("function_call_arguments", '{"x":1}')
        + call("done", 0, '{"x":1}'),
        delta("function_call_arguments", '{"x":1}') + call("done", 0, '{"x":1}'),
    ],
)
def test_a_call_may_come_whole_or_late(stream: bytes):
    assert pieces_of(stream + END) == [
        CallPiece(0, "c0", "f"),
        ArgumentsPiece(0, '{"x":1}'),
        CALLED,
    ]


def test_a_call_without_arguments_has_none():
    assert pieces_of(call("added", 0, "") + call("done", 0, "{}") + END) == [
        CallPiece(0, "c0", "f"),
        CALLED,
    ]


def test_a_call_without_an_id_gets_one_that_is_always_the_same():
    stream = call("added", 0, "{}", call_id=None) + END

    first, again = pieces_of(stream), pieces_of(stream)

    assert first == again
    assert isinstance(first[0], CallPiece)
    assert first[0].id.startswith("call_")


def test_a_call_that_never_gets_its_name_is_malformed():
    reader, pieces = read(call("added", 0, "", name=None) + END)

    assert reader.failure == MALFORMED
    assert pieces == []


OUTPUT = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
    {
        "type": "message",
        "content": [
            {"type": "output_text", "text": "Hi"},
            {"type": "refusal", "refusal": "No"},
            {"type": "output_text", "text": ""},
        ],
    },
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x":1}'},
    {"type": "web_search_call", "id": "ws"},
]
WHOLE = [
    ThinkingPiece("Hm"),
    TextPiece("Hi"),
    RefusalPiece("No"),
    CallPiece(0, "c", "f"),
    ArgumentsPiece(0, '{"x":1}'),
    CALLED,
]


def test_items_that_come_without_deltas_are_read_when_they_are_done():
    done = [item("done", index, **fields) for index, fields in enumerate(OUTPUT)]

    reader, pieces = read(b"".join(done) + ended(output=OUTPUT))

    assert pieces == WHOLE
    assert reader.content_bytes == 15


def test_an_answer_without_deltas_is_read_at_its_end():
    assert pieces_of(ended(output=OUTPUT)) == WHOLE


def test_what_came_in_deltas_is_not_said_twice():
    stream = (
        delta("reasoning_summary_text", "Hm", 0)
        + item("done", 0, **OUTPUT[0])
        + delta("output_text", "Hi", 1)
        + item("done", 1, **OUTPUT[1])
        + ended(output=OUTPUT)
    )

    assert pieces_of(stream) == [ThinkingPiece("Hm"), TextPiece("Hi"), ENDED]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", Finish.LENGTH),
        ("content_filter", Finish.CONTENT_FILTER),
        ("steered", Finish.STOP),
    ],
)
def test_why_an_answer_was_cut_short_is_told(reason: str, finish: Finish):
    stream = HI + ended("incomplete", incomplete_details={"reason": reason})

    assert pieces_of(stream) == [TextPiece("Hi"), FinishPiece(finish)]


def test_thoughts_that_took_all_tokens_are_an_answer():
    cut = ended("incomplete", incomplete_details={"reason": "max_output_tokens"}, usage=COUNTS)

    reader, pieces = read(cut)

    assert pieces == [FinishPiece(Finish.LENGTH)]
    assert (reader.complete, reader.started) == (True, False)


def test_a_filter_that_let_nothing_through_is_a_refusal():
    reader, pieces = read(ended("incomplete", incomplete_details={"reason": "content_filter"}))

    assert reader.failure == REFUSED
    assert pieces == []


@pytest.mark.parametrize(
    "output", [[], [{"type": "reasoning", "summary": []}], [{"type": "web_search_call"}]]
)
def test_an_answer_without_words_is_empty(output: list[object]):
    reader, pieces = read(ended(output=output))

    assert reader.failure == EMPTY
    assert pieces == []


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"", TRUNCATED),
        (b"data: [DONE]\n\n", TRUNCATED),
        (b'data: {"type"', TRUNCATED),
        (b"data: {no json}\n\n", MALFORMED),
        (event("response.output_text.delta", delta=5), MALFORMED),
        (b"event: error\ndata: broken\n\n", Failure(Cause.HARD, "server_error", 200)),
        (
            event("error", code="rate_limit_exceeded", message="m"),
            Failure(Cause.THROTTLE, "rate_limit", 200),
        ),
        (ended("failed"), Failure(Cause.HARD, "server_error", 200)),
    ],
)
def test_a_stream_that_breaks_off_fails_and_finishes_nothing(tail: bytes, expected: Failure):
    reader, pieces = read(HI + tail)

    assert reader.failure == expected
    assert pieces == [TextPiece("Hi")]
    assert (reader.complete, reader.done) == (False, False)


def test_an_event_that_is_too_large_fails_the_stream():
    reader = ResponsesReader()

    reader.feed(b"data: " + b" " * (9 * 1024 * 1024))

    assert reader.failure == MALFORMED


def test_odd_events_that_nobody_knows_and_half_surrogates_do_no_harm():
    odd = event("response.later.delta", delta={"a": 1})
    half = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\\ud83d"}\n\n'

    assert pieces_of(odd + half + END) == [TextPiece("a\ufffd"), ENDED]


def test_a_last_event_without_its_blank_line_counts():
    assert pieces_of(HI + END[:-2]) == [TextPiece("Hi"), ENDED]


STREAM = (
    delta("reasoning_summary_text", "Hm — \u2028")
    + delta("output_text", "Hi \U0001f600", 1)
    + call("added", 2, "")
    + delta("function_call_arguments", '{"x":1}', 2)
    + call("done", 2, '{"x":1}')
    + END
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cut_gives_the_same_pieces(cuts: list[int], line_end: bytes):
    reader, pieces = read(STREAM.replace(b"\n", line_end), cuts)

    assert pieces == [
        ThinkingPiece("Hm — \u2028"),
        TextPiece("Hi \U0001f600"),
        CallPiece(0, "c2", "f"),
        ArgumentsPiece(0, '{"x":1}'),
        CALLED,
    ]
    assert (reader.progress, reader.content_bytes) == (5, 26)
