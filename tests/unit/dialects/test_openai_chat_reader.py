"""Streams of OpenAI's chat, read into pieces."""

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
from hotswap.dialects.openai.passage import OpenAIPassage
from hotswap.dialects.openai.reader import OpenAIReader

DONE = b"data: [DONE]\n\n"
EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
ENDED = FinishPiece(Finish.STOP)
CALLED = FinishPiece(Finish.TOOL_CALLS)


def event(**fields: object) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def piece(delta: object, finish: str | None = None, index: object = 0) -> bytes:
    return event(choices=[{"index": index, "delta": delta, "finish_reason": finish}])


def calls(*deltas: object, finish: str | None = None) -> bytes:
    return piece({"tool_calls": deltas}, finish)


ROLE = piece({"role": "assistant", "content": "", "refusal": None})
HI = piece({"content": "Hi"})
STOP = piece({}, "stop")
CALL_STOP = piece({}, "tool_calls")
COUNTS = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
NO_DELTA: dict[str, object] = {}
USAGE = event(choices=[], usage=COUNTS)


def read(stream: bytes, cuts: Iterable[int] = ()) -> tuple[OpenAIReader, list[Piece]]:
    """Return the reader after the whole stream, and its pieces."""
    reader = OpenAIReader()
    pieces: list[Piece] = []
    for a, b in pairwise([0, *sorted(cuts), len(stream)]):
        pieces += reader.feed(stream[a:b])
    pieces += reader.end()
    return reader, pieces


def pieces_of(stream: bytes) -> list[Piece]:
    reader, pieces = read(stream)
    assert reader.failure is None
    return pieces


def test_a_whole_stream_gives_its_words_its_finish_and_its_usage():
    reader, pieces = read(ROLE + HI + piece({"content": " you"}) + STOP + USAGE + DONE)

    assert pieces == [TextPiece("Hi"), TextPiece(" you"), ENDED]
    assert reader.failure is None
    assert (reader.done, reader.started, reader.complete) == (True, True, True)
    assert reader.usage == Usage(input_tokens=9, output_tokens=1)
    assert (reader.progress, reader.content_bytes) == (3, 6)


def test_the_finish_is_held_back_until_the_end():
    reader = OpenAIReader()

    assert reader.feed(HI + STOP) == [TextPiece("Hi")]
    assert (reader.complete, reader.done) == (True, False)
    assert reader.feed(USAGE) == []
    assert reader.feed(DONE) == []
    assert reader.done
    assert reader.end() == [ENDED]


def test_a_stream_without_its_terminator_is_whole_after_the_finish():
    reader, pieces = read(HI + STOP)

    assert pieces == [TextPiece("Hi"), ENDED]
    assert reader.failure is None


def test_an_event_without_its_blank_line_counts_at_the_end():
    assert pieces_of(HI + STOP.rstrip()) == [TextPiece("Hi"), ENDED]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_thinking_in_either_field(field: str):
    stream = piece({field: "Hm"}) + HI + STOP + DONE

    assert pieces_of(stream) == [ThinkingPiece("Hm"), TextPiece("Hi"), ENDED]


def test_reasoning_in_both_fields_is_read_once():
    stream = piece({"reasoning_content": "Hm", "reasoning": "Hm"}) + HI + STOP + DONE

    assert pieces_of(stream) == [ThinkingPiece("Hm"), TextPiece("Hi"), ENDED]


def test_quirk_mistral_content_is_a_list_of_thinking_and_text():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    words: list[object] = [{"type": "text", "text": "Hi"}, {"type": "reference", "ids": [1]}]

    stream = piece({"content": [thinking]}) + piece({"content": words}) + STOP + DONE

    assert pieces_of(stream) == [ThinkingPiece("Hm"), TextPiece("Hi"), ENDED]


def test_a_refusal_is_read():
    assert pieces_of(piece({"refusal": "No."}) + STOP + DONE) == [RefusalPiece("No."), ENDED]


def test_parallel_calls_interleave_by_index():
    stream = b"".join(
        [
            calls({"index": 0, "id": "a", "type": "function", "function": {"name": "f"}}),
            calls({"index": 1, "id": "b", "function": {"name": "g", "arguments": ""}}),
            calls({"index": 0, "function": {"arguments": '{"x"'}}),
            calls({"index": 1, "function": {"arguments": "{}"}}),
            calls({"index": 0, "function": {"arguments": ":1}"}}),
            CALL_STOP,
            DONE,
        ]
    )

    assert pieces_of(stream) == [
        CallPiece(0, "a", "f"),
        CallPiece(1, "b", "g"),
        ArgumentsPiece(0, '{"x"'),
        ArgumentsPiece(1, "{}"),
        ArgumentsPiece(0, ":1}"),
        CALLED,
    ]


def test_indexes_have_no_gaps_whatever_the_wire_counts():
    stream = calls({"index": 3, "id": "a", "function": {"name": "f", "arguments": "{}"}})

    assert pieces_of(stream + CALL_STOP)[0] == CallPiece(0, "a", "f")


def test_quirk_mistral_calls_come_whole_without_an_index():
    stream = (
        calls({"id": "a", "function": {"name": "f", "arguments": '{"x":1}'}})
        + calls({"id": "b", "function": {"name": "g", "arguments": {"y": 2}}})
        + CALL_STOP
        + DONE
    )

    assert pieces_of(stream) == [
        CallPiece(0, "a", "f"),
        ArgumentsPiece(0, '{"x":1}'),
        CallPiece(1, "b", "g"),
        ArgumentsPiece(1, '{"y":2}'),
        CALLED,
    ]


def test_pieces_without_an_index_belong_to_the_call_before():
    stream = (
        calls({"id": "a", "function": {"name": "f"}})
        + calls({"function": {"arguments": "{"}})
        + calls({"id": "a", "function": {"arguments": "}"}})
        + CALL_STOP
    )

    assert pieces_of(stream) == [
        CallPiece(0, "a", "f"),
        ArgumentsPiece(0, "{"),
        ArgumentsPiece(0, "}"),
        CALLED,
    ]


def test_quirk_two_calls_share_an_index_but_not_an_id():
    stream = (
        calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})
        + calls({"index": 0, "id": "b", "function": {"name": "f", "arguments": "{}"}})
        + CALL_STOP
    )

    assert [p for p in pieces_of(stream) if isinstance(p, CallPiece)] == [
        CallPiece(0, "a", "f"),
        CallPiece(1, "b", "f"),
    ]


def test_a_repeated_id_and_name_do_not_begin_another_call():
    stream = (
        calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}})
        + calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}})
        + CALL_STOP
    )

    assert pieces_of(stream) == [
        CallPiece(0, "a", "f"),
        ArgumentsPiece(0, "{"),
        ArgumentsPiece(0, "}"),
        CALLED,
    ]


def test_a_name_that_comes_late_is_waited_for():
    stream = (
        calls({"index": 0, "id": "a", "function": {"arguments": "{"}})
        + calls({"index": 0, "function": {"name": "f", "arguments": "}"}})
        + CALL_STOP
    )

    assert pieces_of(stream) == [CallPiece(0, "a", "f"), ArgumentsPiece(0, "{}"), CALLED]


def test_a_call_without_a_name_is_malformed():
    reader, pieces = read(calls({"index": 0, "id": "a", "function": {"arguments": "{}"}}) + STOP)

    assert pieces == []
    assert reader.failure == MALFORMED
    assert not reader.complete


def test_a_call_without_an_id_is_given_one_that_stays_the_same():
    stream = calls({"index": 0, "id": "", "function": {"name": "f", "arguments": "{}"}}) + STOP
    first, again = pieces_of(stream)[0], pieces_of(stream)[0]

    assert first == again == CallPiece(0, "call_fLnBfwHJsQN4qAkLvijemxmi", "f")


def test_two_calls_without_ids_get_two():
    whole: list[object] = [{"function": {"name": "f", "arguments": "{}"}}] * 2

    begun = [p for p in pieces_of(calls(*whole) + STOP) if isinstance(p, CallPiece)]

    assert len({p.id for p in begun}) == 2
    assert [p.index for p in begun] == [0, 1]


def test_the_deprecated_call_is_a_call():
    stream = (
        piece({"function_call": {"name": "f", "arguments": ""}})
        + piece({"function_call": {"arguments": "{}"}})
        + piece({}, "function_call")
    )

    begun, arguments, finish = pieces_of(stream)

    assert isinstance(begun, CallPiece)
    assert (begun.index, begun.name) == (0, "f")
    assert [arguments, finish] == [ArgumentsPiece(0, "{}"), CALLED]


def test_a_thought_signature_comes_with_its_call():
    google = {"google": {"thought_signature": "sig"}}
    stream = calls({"index": 0, "id": "a", "function": {"name": "f"}, "extra_content": google})

    assert pieces_of(stream + STOP)[0] == CallPiece(0, "a", "f", "sig")


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("stop", Finish.STOP),
        ("length", Finish.LENGTH),
        ("model_length", Finish.LENGTH),
        ("content_filter", Finish.CONTENT_FILTER),
        ("eos_token", Finish.STOP),
        ("tool_calls", Finish.STOP),
    ],
)
def test_every_finish_of_a_text_has_a_meaning(word: str, finish: Finish):
    assert pieces_of(HI + piece({}, word))[-1] == FinishPiece(finish)


def test_quirk_ollama_says_stop_after_calls():
    stream = calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}) + STOP

    assert pieces_of(stream)[-1] == CALLED


def test_usage_may_come_with_the_finish():
    last = event(choices=[{"index": 0, "delta": NO_DELTA, "finish_reason": "stop"}], usage=COUNTS)

    reader, pieces = read(HI + last + DONE)

    assert pieces == [TextPiece("Hi"), ENDED]
    assert reader.usage == Usage(input_tokens=9, output_tokens=1)


def test_quirk_azure_begins_without_choices():
    first = event(choices=[], prompt_filter_results=[{"prompt_index": 0}])

    assert pieces_of(first + HI + STOP + DONE) == [TextPiece("Hi"), ENDED]


def test_other_choices_are_not_read():
    stream = HI + piece({"content": "No"}, index=1) + STOP + piece({}, "length", 1) + DONE

    assert pieces_of(stream) == [TextPiece("Hi"), ENDED]


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    broken = HI.replace(b"Hi", b"H\\ud83d")
    call = calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": "Q"}})

    assert pieces_of(broken + STOP)[0] == TextPiece("H\N{REPLACEMENT CHARACTER}")
    assert pieces_of(call.replace(b'"Q"', b'"\\ud83d"') + STOP)[1] == ArgumentsPiece(
        0, "\N{REPLACEMENT CHARACTER}"
    )


def test_types_that_a_server_invents_are_understood():
    stream = (
        piece({"content": {"type": "text", "text": "Hi"}}, index="0")
        + piece({"content": 7, "reasoning": ["a", {"text": "b"}, None]})
        + piece({"tool_calls": {"id": 5, "index": "0", "function": {"name": "f"}}})
        + STOP
    )

    assert pieces_of(stream) == [
        TextPiece("Hi"),
        ThinkingPiece("ab"),
        TextPiece("7"),
        CallPiece(0, "5", "f"),
        CALLED,
    ]


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (ROLE + STOP + DONE, EMPTY),
        (HI, TRUNCATED),
        (HI + DONE, TRUNCATED),
        (b"", TRUNCATED),
        (b"data: {half\n\n", MALFORMED),
        (HI + piece({}, "error"), Failure(Cause.HARD, "server_error", 200)),
        (
            HI + piece({}, "insufficient_system_resource") + DONE,
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (
            HI + event(error={"message": "gone", "type": "server_error"}) + DONE,
            Failure(Cause.HARD, "server_error", 200),
        ),
        (
            HI + event(choices=[], x_groq={"error": "over capacity"}),
            Failure(Cause.HARD, "server_error", 200),
        ),
        (
            HI + b'event: error\ndata: {"message":"boom","type":"server_error"}\n\n',
            Failure(Cause.HARD, "server_error", 200),
        ),
    ],
)
def test_what_fails_fails_as_where_both_sides_speak_alike(stream: bytes, failure: Failure):
    watched = OpenAIPassage(usage_asked=True)
    watched.feed(stream)
    watched.end()

    reader, pieces = read(stream)

    assert reader.failure == watched.failure == failure
    assert not any(isinstance(p, FinishPiece) for p in pieces)


def test_nothing_is_read_after_a_failure():
    reader, pieces = read(HI + piece({}, "error") + HI + DONE)

    assert pieces == [TextPiece("Hi")]
    assert reader.failure == Failure(Cause.HARD, "server_error", 200)
    assert not reader.done


def test_an_answer_that_was_filtered_away_is_whole():
    assert pieces_of(ROLE + piece({}, "content_filter") + DONE) == [
        FinishPiece(Finish.CONTENT_FILTER)
    ]


def test_an_answer_whose_tokens_all_went_into_reasoning_is_whole():
    usage = {**COUNTS, "completion_tokens_details": {"reasoning_tokens": 5}}
    last = event(choices=[{"index": 0, "delta": NO_DELTA, "finish_reason": "length"}], usage=usage)

    assert pieces_of(ROLE + last + DONE) == [FinishPiece(Finish.LENGTH)]


def test_content_without_words_is_an_empty_answer():
    reader, pieces = read(piece({"audio": {"data": "AAAA"}}) + STOP + DONE)

    assert reader.started
    assert pieces == []
    assert reader.failure == EMPTY


EVENTS = st.sampled_from(
    [
        ROLE,
        HI,
        piece({"content": "ö€😀"}),
        piece({"reasoning": "Hm"}),
        piece({"refusal": "No"}),
        calls({"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a'}}),
        calls({"index": 0, "function": {"arguments": '":1}'}}),
        calls({"id": "b", "function": {"name": "g", "arguments": {"y": 2}}}),
        calls({"function": {"name": "h"}}),
        b": keep-alive\n\n",
        b"event: x\r\ndata: {}\r\n\r\n",
        HI.replace(b"\n", b"\r\n"),
        HI.replace(b"Hi", b"\\ud83d"),
        USAGE,
        STOP,
        CALL_STOP,
        piece({}, "error"),
        b"data: oops\n\n",
        DONE,
    ]
)


@given(st.lists(EVENTS, max_size=8), st.data())
def test_any_cut_gives_the_same_pieces(events: list[bytes], data: st.DataObject):
    stream = b"".join(events)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))

    whole, pieces = read(stream)
    cut, cut_pieces = read(stream, cuts)

    assert cut_pieces == pieces
    assert (cut.failure, cut.usage, cut.done) == (whole.failure, whole.usage, whole.done)
    assert (cut.started, cut.complete) == (whole.started, whole.complete)
    assert (cut.progress, cut.content_bytes) == (whole.progress, whole.content_bytes)
