"""Streams between Anthropic's dialect and pieces, both ways."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.anthropic.messages import reader, writer
from hotswap.dialects.api import Envelope, Reader
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    Request,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from hotswap.testing.anthropic_events import DONE, delta, event, stop

ENVELOPE = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
STOPPED = FinishPiece(Finish.STOP)
CALLED = FinishPiece(Finish.TOOL_CALLS)


def start(index: int, **block: object) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def ended(reason: str, sequence: str | None = None, **more: object) -> bytes:
    how = {"stop_reason": reason, "stop_sequence": sequence, **more}
    usage = {"input_tokens": 9, "output_tokens": 5}
    return event("message_delta", delta=how, usage=usage)


MESSAGE = event(
    "message_start",
    message={
        "id": "msg_r1",
        "type": "message",
        "role": "assistant",
        "model": "main",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    },
)
TEXT = start(0, type="text", text="") + delta(0, "text", text="Hi")


def read(stream: bytes, cuts: Sequence[int] = ()) -> tuple[Reader, list[Piece]]:
    reading = reader()
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [piece for a, b in pairwise(edges) for piece in reading.feed(stream[a:b])]
    return reading, [*pieces, *reading.end()]


def write(*pieces: Piece) -> bytes:
    writing = writer(ENVELOPE)
    usage = Usage(input_tokens=9, output_tokens=5)
    return b"".join([writing.write([piece]) for piece in pieces]) + writing.end(usage)


def events(stream: bytes) -> list[str]:
    """Return each event but the message's own, in short."""
    short: list[str] = []
    for text in stream.split(b"\n\n")[1:-3]:
        name, _, payload = text.partition(b"\ndata: ")
        fields = msgspec.json.decode(payload)
        assert name == b"event: " + fields["type"].encode()
        match fields["type"]:
            case "content_block_start":
                block = fields["content_block"]
                short.append(f"{fields['index']} {block['type']} {block.get('id', '')}".strip())
            case "content_block_delta":
                change = fields["delta"]
                kind = change["type"].removesuffix("_delta").replace("input_json", "partial_json")
                short.append(f"{fields['index']} {change[kind]}")
            case _:
                short.append(f"{fields['index']} stop")
    return short


# Reading


STREAM = (
    event("message_start", message={"usage": {"input_tokens": 9, "output_tokens": 1}})
    + event("ping")
    + start(0, type="thinking", thinking="", signature="")
    + delta(0, "thinking", thinking="Hm")
    + delta(0, "signature", signature="s1")
    + stop(0)
    + start(1, type="text", text="")
    + delta(1, "text", text="I ")
    + delta(1, "text", text="look")
    + stop(1)
    + start(2, type="tool_use", id="t1", name="f", input={})
    + delta(2, "input_json", partial_json="")
    + delta(2, "input_json", partial_json='{"a":')
    + delta(2, "input_json", partial_json="1}")
    + stop(2)
    + start(3, type="tool_use", id="t2", name="g", input={})
    + stop(3)
    + ended("tool_use")
    + DONE
)
PIECES: list[Piece] = [
    ThinkingPiece("Hm"),
    SignaturePiece("s1"),
    TextPiece("I "),
    TextPiece("look"),
    CallPiece(0, "t1", "f"),
    ArgumentsPiece(0, '{"a":'),
    ArgumentsPiece(0, "1}"),
    CallPiece(1, "t2", "g"),
    CALLED,
]


def test_a_stream_becomes_pieces():
    reading, pieces = read(STREAM)

    assert pieces == PIECES
    assert (reading.complete, reading.done, reading.failure) == (True, True, None)
    assert reading.usage == Usage(input_tokens=9, output_tokens=5)
    assert (reading.started, reading.progress, reading.content_bytes) == (True, 8, 19)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_cut_gives_the_same_pieces(cuts: list[int]):
    reading, pieces = read(STREAM, cuts)

    assert pieces == PIECES
    assert (reading.progress, reading.content_bytes) == (8, 19)


def test_nothing_follows_the_end():
    reading, _ = read(STREAM)

    assert reading.feed(TEXT) == []
    assert reading.end() == []


@pytest.mark.parametrize(
    ("end", "finish"),
    [
        (ended("end_turn"), FinishPiece(Finish.STOP)),
        (ended("stop_sequence", "END"), FinishPiece(Finish.STOP, "END")),
        (ended("max_tokens"), FinishPiece(Finish.LENGTH)),
        (ended("model_context_window_exceeded"), FinishPiece(Finish.LENGTH)),
        (ended("refusal"), FinishPiece(Finish.CONTENT_FILTER)),
        (ended("something_new"), FinishPiece(Finish.STOP)),
    ],
)
def test_stop_reasons_are_read(end: bytes, finish: FinishPiece):
    reading, pieces = read(TEXT + stop(0) + end)

    assert pieces == [TextPiece("Hi"), finish]
    assert (reading.complete, reading.done) == (True, True)


def test_calls_that_end_a_turn_are_tool_calls():
    _, pieces = read(start(0, type="tool_use", id="t", name="f", input={}) + ended("end_turn"))

    assert pieces == [CallPiece(0, "t", "f"), CALLED]


@pytest.mark.parametrize("close", [stop(0), b""])
def test_an_input_that_comes_whole_is_said_once(close: bytes):
    begin = start(0, type="tool_use", id="t", name="f", input={"a": 1})

    _, whole = read(begin + close + ended("tool_use"))
    _, repeated = read(
        begin + delta(0, "input_json", partial_json='{"a":1}') + close + ended("tool_use")
    )

    assert whole == [CallPiece(0, "t", "f"), ArgumentsPiece(0, '{"a":1}'), CALLED]
    assert repeated == whole


def test_what_only_the_provider_can_do_becomes_no_piece():
    _, pieces = read(
        start(0, type="server_tool_use", id="s", name="w", input={})
        + delta(0, "input_json", partial_json="{}")
        + stop(0)
        + start(1, type="redacted_thinking", data="x")
        + stop(1)
        + start(2, type="text", text="Hi")
        + delta(2, "citations", citation="c")
        + ended("end_turn")
    )

    assert pieces == [TextPiece("Hi"), STOPPED]


def test_a_refusal_is_told_in_its_words():
    details = {"type": "refusal", "category": "bio", "explanation": "I may not."}

    reading, pieces = read(ended("refusal", stop_details=details))

    assert pieces == [RefusalPiece("I may not."), FinishPiece(Finish.CONTENT_FILTER)]
    assert (reading.started, reading.failure) == (True, None)


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (b"", Failure(Cause.HARD, "truncated", 200)),
        (TEXT, Failure(Cause.HARD, "truncated", 200)),
        (TEXT + DONE, Failure(Cause.HARD, "truncated", 200)),
        (ended("end_turn"), Failure(Cause.QUALITY, "empty", 200)),
        (ended("refusal"), Failure(Cause.POLICY, "content_policy", 200)),
        (TEXT + b"data: {broken\n\n", Failure(Cause.HARD, "malformed", 200)),
        (
            TEXT + event("content_block_delta", delta={"text": 5}),
            Failure(Cause.HARD, "malformed", 200),
        ),
        (
            TEXT + event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (TEXT + b"<html></html>\n\n", Failure(Cause.HARD, "server_error", 200)),
    ],
)
def test_what_is_no_sound_answer_fails(stream: bytes, failure: Failure):
    reading, pieces = read(stream)

    assert reading.failure == failure
    assert not reading.complete
    assert not any(isinstance(piece, FinishPiece) for piece in pieces)


def test_an_event_beyond_all_measure_is_a_failure():
    reading = reader()

    assert reading.feed(TEXT + b"data: " + b"x" * (8 * 1024 * 1024)) == [TextPiece("Hi")]
    assert reading.failure == Failure(Cause.HARD, "malformed", 200)


def test_a_last_blank_line_may_be_missing():
    assert read(TEXT + ended("end_turn")[:-2])[1] == [TextPiece("Hi"), STOPPED]


def test_tokens_that_all_went_into_thinking_are_an_answer():
    usage = {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 9}}

    reading, pieces = read(event("message_delta", delta={"stop_reason": "max_tokens"}, usage=usage))

    assert pieces == [FinishPiece(Finish.LENGTH)]
    assert reading.failure is None


def test_strange_events_are_passed_over():
    strange = event("brand_new", index="x", delta=5) + b"data: {}\n\n"

    assert read(strange + TEXT + ended("end_turn") + b"data: [DONE]\n\n")[1] == [
        TextPiece("Hi"),
        STOPPED,
    ]


def test_half_a_surrogate_pair_is_replaced():
    half = b'data: {"type":"content_block_delta","delta":{"text":"a\\ud83d"}}\n\n'

    assert read(half + ended("end_turn"))[1] == [TextPiece("a�"), STOPPED]


@given(st.binary(max_size=200))
def test_whatever_comes_is_judged(data: bytes):
    reading, _ = read(data)

    assert (reading.failure is None) == reading.complete


# Writing


def test_text_is_written_as_anthropic_does():
    assert write(TextPiece("Hi"), TextPiece(""), TextPiece(" ü"), STOPPED) == (
        MESSAGE
        + TEXT
        + delta(0, "text", text=" ü")
        + stop(0)
        + event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={
                "input_tokens": 9,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 5,
            },
        )
        + DONE
    )


def test_an_answer_without_pieces_is_a_message_all_the_same():
    written = writer(ENVELOPE).end(None)

    assert (
        written
        == MESSAGE
        + event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"input_tokens": 0, "output_tokens": 0},
        )
        + DONE
    )
    assert writer(ENVELOPE).write([]) == b""


def test_usage_is_split_as_anthropic_counts():
    usage = Usage(
        input_tokens=15,
        output_tokens=7,
        cache_read_tokens=4,
        cache_write_tokens=2,
        reasoning_tokens=3,
    )

    written = writer(ENVELOPE).end(usage)

    assert (
        b'"usage":{"input_tokens":9,"cache_creation_input_tokens":2,"cache_read_input_tokens":4,'
        b'"output_tokens":7,"output_tokens_details":{"thinking_tokens":3}}'
    ) in written


def test_blocks_come_one_after_another():
    written = write(
        ThinkingPiece("Hm"),
        SignaturePiece("another maker's"),
        TextPiece("I look"),
        CallPiece(0, "t1", "f"),
        ArgumentsPiece(0, '{"a":'),
        ArgumentsPiece(0, "1}"),
        CallPiece(1, "t2", "g"),
        CALLED,
    )

    assert events(written) == [
        "0 thinking",
        "0 Hm",
        "0 stop",
        "1 text",
        "1 I look",
        "1 stop",
        "2 tool_use t1",
        '2 {"a":',
        "2 1}",
        "2 stop",
        "3 tool_use t2",
        "3 stop",
    ]
    assert b'"stop_reason":"tool_use"' in written


def test_a_call_is_held_back_until_the_one_before_is_whole():
    writing = writer(ENVELOPE)

    first = writing.write(
        [
            CallPiece(0, "t1", "f"),
            CallPiece(1, "t2", "g"),
            CallPiece(2, "t3", "h"),
            ArgumentsPiece(1, '{"b":'),
            ArgumentsPiece(0, '{"a":{}'),
            ArgumentsPiece(2, "{}"),
            ArgumentsPiece(1, "2"),
        ]
    )
    second = writing.write([ArgumentsPiece(0, "}")])
    third = writing.write([ArgumentsPiece(1, "}"), TextPiece("Done.")])

    assert events(first + b"\n\n\n\n") == ["0 tool_use t1", '0 {"a":{}']
    assert events(b"\n\n" + second + b"\n\n\n\n") == [
        "0 }",
        "0 stop",
        "1 tool_use t2",
        '1 {"b":2',
    ]
    assert events(b"\n\n" + third + b"\n\n\n\n") == [
        "1 }",
        "1 stop",
        "2 tool_use t3",
        "2 {}",
        "2 stop",
        "3 text",
        "3 Done.",
    ]


def test_what_waited_for_a_call_that_never_closed_is_written_at_the_end():
    written = write(
        CallPiece(0, "t1", "f"),
        TextPiece("While "),
        TextPiece("waiting"),
        CallPiece(1, "t2", "g"),
        ArgumentsPiece(1, "{}"),
        CALLED,
    )

    assert events(written) == [
        "0 tool_use t1",
        "0 stop",
        "1 text",
        "1 While waiting",
        "1 stop",
        "2 tool_use t2",
        "2 {}",
        "2 stop",
    ]


def test_ids_are_made_plain_or_made():
    written = write(
        CallPiece(0, "f:0", "f"), ArgumentsPiece(0, "{}"), CallPiece(1, "", "g"), CALLED
    )

    assert events(written)[0] == "0 tool_use f_0_b06b8055"
    assert events(written)[3] == "1 tool_use toolu_r1_1"


@pytest.mark.parametrize(
    ("finish", "ending"),
    [
        (FinishPiece(Finish.STOP, "END"), ended("stop_sequence", "END")),
        (FinishPiece(Finish.LENGTH), ended("max_tokens")),
        (FinishPiece(Finish.CONTENT_FILTER), ended("refusal")),
    ],
)
def test_finishes_are_written(finish: FinishPiece, ending: bytes):
    assert ending.partition(b',"usage"')[0] in write(TextPiece("Hi"), finish)


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.CONTENT_FILTER])
def test_the_words_of_a_refusal_end_the_message(finish: Finish):
    written = write(RefusalPiece("I may "), RefusalPiece("not."), FinishPiece(finish))

    details = {"type": "refusal", "category": None, "explanation": "I may not."}
    assert ended("refusal", stop_details=details).partition(b',"usage"')[0] in written
    assert events(written) == []


# There and back

words = st.text(min_size=1, max_size=5)
json_objects = st.dictionaries(words, st.integers() | words, max_size=2).map(
    lambda value: msgspec.json.encode(value).decode()
)


@st.composite
def answers(draw: st.DrawFn) -> list[Piece]:
    pieces: list[Piece] = []
    if draw(st.booleans()):
        pieces += [ThinkingPiece(text) for text in draw(st.lists(words, min_size=1, max_size=3))]
    pieces += [TextPiece(text) for text in draw(st.lists(words, min_size=1, max_size=4))]
    arguments = draw(st.lists(json_objects, max_size=3))
    for index, text in enumerate(arguments):
        cut = draw(st.integers(0, len(text)))
        pieces.append(CallPiece(index, f"t{index}", "f"))
        pieces += [ArgumentsPiece(index, part) for part in (text[:cut], text[cut:]) if part]
    finish = Finish.TOOL_CALLS if arguments else draw(st.sampled_from([Finish.STOP, Finish.LENGTH]))
    return [*pieces, FinishPiece(finish)]


@given(answers(), st.lists(st.integers(0, 4000), max_size=5))
def test_pieces_that_are_written_read_as_the_same(pieces: list[Piece], cuts: list[int]):
    stream = write(*pieces)

    reading, back = read(stream, [cut for cut in cuts if cut <= len(stream)])

    assert back == pieces
    assert reading.usage == Usage(input_tokens=9, output_tokens=5)
    assert reading.done


@settings(max_examples=20)
@given(st.lists(json_objects.filter(lambda text: text != "{}"), min_size=2, max_size=4), st.data())
def test_calls_that_come_mixed_arrive_whole(arguments: list[str], data: st.DataObject):
    left = dict(enumerate(arguments))
    pieces: list[Piece] = [CallPiece(index, f"t{index}", "f") for index in left]
    while left:
        index = data.draw(st.sampled_from(sorted(left)))
        size = data.draw(st.integers(1, len(left[index])))
        pieces.append(ArgumentsPiece(index, left[index][:size]))
        left[index] = left[index][size:]
        if not left[index]:
            del left[index]

    _, back = read(write(*pieces, CALLED))

    got = ["" for _ in arguments]
    for piece in back:
        if isinstance(piece, ArgumentsPiece):
            got[piece.index] += piece.text
    assert got == arguments
    assert [piece.id for piece in back if isinstance(piece, CallPiece)] == [
        f"t{index}" for index in range(len(arguments))
    ]
