"""A stream of Anthropic's dialect that breaks is gone on with: no word lost, none twice."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.anthropic.messages import KEEP_ALIVE, passage, peek, write_note, writer
from hotswap.dialects.api import Begun, Envelope, Passage
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Request,
    TextPiece,
    ThinkingPiece,
)
from hotswap.testing.anthropic_events import DONE, START, delta, ended, event, start, stop

ENVELOPE = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
PEEK = peek(b'{"model":"m","max_tokens":9,"messages":[],"stream":true}')
USAGE = Usage(input_tokens=9, output_tokens=5)
STOPPED = FinishPiece(Finish.STOP)


ANSWER = 'A lake, "ü" and a 🦆\n\ndata: not an event. Done.'


def text(index: int) -> bytes:
    pieces = (ANSWER[:3], ANSWER[3:20], ANSWER[20:40], ANSWER[40:])
    deltas = [delta(index, "text", text=piece) for piece in pieces]
    return start(index, "text", text="") + KEEP_ALIVE + b"".join(deltas) + stop(index)


THOUGHT = (
    start(0, "thinking", thinking="", signature="")
    + delta(0, "thinking", thinking="Which ")
    + delta(0, "thinking", thinking="lake?")
    + delta(0, "signature", signature="s1")
    + stop(0)
)
STREAMS = {
    "text": START + text(0) + ended("end_turn") + DONE,
    "text after thinking": START + THOUGHT + text(1) + ended("end_turn") + DONE,
    "text after hidden thinking": START
    + start(0, "redacted_thinking", data="x")
    + stop(0)
    + text(1)
    + ended("end_turn")
    + DONE,
    "text in the block's start": START
    + start(0, "text", text=ANSWER[:9])
    + delta(0, "text", text=ANSWER[9:])
    + stop(0)
    + ended("end_turn")
    + DONE,
}


def said(stream: bytes) -> list[tuple[str, str]]:
    """Return the type and the words of each block, put together as a caller does."""
    blocks: list[tuple[str, str]] = []
    for part in stream.split(b"\n\n"):
        if not part.startswith(b"event: content_block_"):
            continue
        fields = msgspec.json.decode(part.partition(b"\ndata: ")[2])
        if fields["type"] == "content_block_start":
            assert fields["index"] == len(blocks)
            begun = fields["content_block"]
            blocks.append((begun["type"], begun.get("text") or ""))
        elif fields["type"] == "content_block_delta":
            assert fields["index"] == len(blocks) - 1
            kind, words = blocks[-1]
            change: Mapping[str, str] = fields["delta"]
            words += change.get("text") or change.get("thinking") or ""
            blocks[-1] = (kind, words + (change.get("partial_json") or ""))
    return blocks


def words(stream: bytes) -> str:
    return "".join([told for kind, told in said(stream) if kind == "text"])


def watched(stream: bytes) -> tuple[Passage, bytes]:
    watching = passage(PEEK, hold_calls=True)
    return watching, watching.feed(stream)


def broken(stream: bytes) -> tuple[Begun, bytes]:
    """Return what a caller has of a stream that breaks off, and its bytes."""
    watching, given_ = watched(stream)
    given_ += watching.end()
    assert watching.failure is not None
    return watching.begun(ENVELOPE), given_


def went_on(stream: bytes, *pieces: Piece) -> bytes:
    """Return what a caller gets of a stream that breaks off, and of the pieces after it."""
    begun, given_ = broken(stream)
    return given_ + begun.writer.write(pieces) + begun.writer.end(USAGE)


# Text


@pytest.mark.parametrize("ends", [True, False], ids=["ends", "is reset"])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_text_that_breaks_anywhere_is_one_message_in_the_end(stream: bytes, ends: bool):  # noqa: FBT001 - a parameter
    told = stream.index(ended("end_turn")) + len(ended("end_turn"))
    for at in range(told - 2):
        watching, given_ = watched(stream[:at])
        given_ += watching.end() if ends else b""
        begun = watching.begun(ENVELOPE)

        assert (begun.text, begun.bar) == (words(given_), "")
        assert ANSWER.startswith(begun.text)
        rest = TextPiece(ANSWER[len(begun.text) :])
        whole = given_ + begun.writer.write([rest, STOPPED]) + begun.writer.end(USAGE)
        again, forwarded = watched(whole)
        assert (again.complete, again.failure, forwarded) == (True, None, whole)
        assert whole.count(b"event: message_start\n") == 1
        assert whole.count(b"event: content_block_stop\n") == len(said(whole))
        assert [kind for kind, _ in said(whole)].count("text") == 1
        assert words(whole) == ANSWER


@given(
    st.lists(st.text(max_size=6), max_size=6),
    st.text(min_size=1),
    st.integers(min_value=0),
    st.data(),
)
def test_any_text_is_told_as_it_was_returned(
    pieces: list[str], rest: str, at: int, data: st.DataObject
):
    stream = START + start(0, "text", text="")
    stream += b"".join([delta(0, "text", text=piece) for piece in pieces])
    cut = data.draw(st.integers(0, len(stream)))
    watching = passage(PEEK, hold_calls=True)

    given_ = watching.feed(stream[: at % (cut + 1)]) + watching.feed(stream[at % (cut + 1) : cut])
    begun = watching.begun(ENVELOPE)
    whole = given_ + begun.writer.write([TextPiece(rest)]) + begun.writer.end(USAGE)

    assert begun.text == words(given_)
    assert words(whole) == begun.text + rest
    assert watching.shown == bool(begun.text)


def test_open_text_goes_on_in_its_block():
    broken_off = START + start(0, "text", text="") + delta(0, "text", text="Hi")

    assert went_on(broken_off, TextPiece(" you"), STOPPED) == (
        broken_off
        + delta(0, "text", text=" you")
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


def test_text_after_a_closed_block_opens_the_next():
    broken_off = START + start(0, "text", text="Hi") + stop(0)

    assert said(went_on(broken_off, TextPiece(" you"))) == [("text", "Hi"), ("text", " you")]


def test_open_thinking_is_closed_without_a_signature():
    broken_off = (
        START
        + start(0, "thinking", thinking="", signature="")
        + delta(0, "thinking", thinking="Hm")
    )

    whole = went_on(broken_off, TextPiece("Hi"))

    assert whole.startswith(broken_off + stop(0) + start(1, "text", text=""))
    assert b"signature_delta" not in whole
    assert said(whole) == [("thinking", "Hm"), ("text", "Hi")]


def test_thinking_begins_anew_behind_thinking_that_broke_off():
    broken_off = START + start(0, "thinking", thinking="Hm", signature="")

    assert said(went_on(broken_off, ThinkingPiece("Well"), TextPiece("Hi"))) == [
        ("thinking", ""),
        ("thinking", "Well"),
        ("text", "Hi"),
    ]


def test_thinking_inside_a_text_that_was_begun_is_left_out():
    broken_off = START + start(0, "text", text="")

    assert said(went_on(broken_off, ThinkingPiece("Hm"), TextPiece("Hi"))) == [("text", "Hi")]


def test_a_message_that_has_not_begun_begins():
    writing = writer(ENVELOPE)
    anew = writing.write([TextPiece("Hi")]) + writing.end(USAGE)

    assert went_on(KEEP_ALIVE, TextPiece("Hi")) == KEEP_ALIVE + anew


def test_a_call_may_follow_text_that_was_begun():
    broken_off = START + start(0, "text", text="I look")

    whole = went_on(
        broken_off,
        CallPiece(0, "t1", "f"),
        ArgumentsPiece(0, "{}"),
        FinishPiece(Finish.TOOL_CALLS),
    )

    assert said(whole) == [("text", "I look"), ("tool_use", "{}")]
    assert watched(whole)[0].failure is None


def test_the_first_targets_usage_stands_where_none_is_known():
    begun, _ = broken(START + start(0, "text", text="Hi"))

    assert b'"usage":{"input_tokens":9,' in begun.writer.end(None)


def test_what_fails_inside_is_preceded_by_what_came_before():
    before = START + start(0, "text", text="") + delta(0, "text", text="Hi")
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    watching, given_ = watched(before + error + delta(0, "text", text=" you"))

    assert (given_, watching.failure) == (before, Failure(Cause.HARD, "overloaded", 200))
    assert watching.begun(ENVELOPE).text == "Hi"


# What nothing can follow


BARRED = {
    "server_tools": start(0, "server_tool_use", id="s", name="web_search", input={}),
    "a result": start(0, "web_search_tool_result", tool_use_id="s", content=[]),
    "a file": start(0, "container_upload", file_id="f"),
    "citations": start(0, "text", text="")
    + delta(0, "text", text="Hi")
    + delta(0, "citations", citation={"type": "char_location"}),
    "citations at once": start(0, "text", text="Hi", citations=[{"type": "char_location"}]),
    "refusal": start(0, "text", text="No") + stop(0) + ended("refusal"),
    "finish": start(0, "text", text="Yes") + stop(0) + ended("end_turn"),
}
BARS = {
    "server_tools": "server_tools",
    "a result": "server_tools",
    "a file": "server_tools",
    "citations": "citations",
    "citations at once": "citations",
    "refusal": "refusal",
    "finish": "finished",
}


@pytest.mark.parametrize("name", BARRED)
def test_what_no_other_target_can_go_on_with_is_named(name: str):
    error = event("error", error={"type": "api_error", "message": "m"})

    assert broken(START + BARRED[name] + error)[0].bar == BARS[name]


@pytest.mark.parametrize(
    "harmless",
    [
        THOUGHT,
        start(0, "redacted_thinking", data="x"),
        start(0, "text", text="Hi", citations=None),
        start(0, "text", text="Hi", citations=[]),
        start(0, "text", text="Hi") + ended(None),
    ],
)
def test_what_others_can_go_on_with_is_no_bar(harmless: bytes):
    assert broken(START + harmless)[0].bar == ""


def test_a_stop_reason_that_was_not_passed_on_is_no_bar():
    begun, given_ = broken(START + ended("end_turn"))

    assert (given_, begun.text, begun.bar) == (START, "", "")


# Notes


def test_a_note_is_a_comment():
    assert write_note("went on elsewhere") == b": went on elsewhere\n\n"


def test_a_note_means_nothing_to_a_passage():
    before = START + start(0, "text", text="Hi")
    after = stop(0) + ended("end_turn") + DONE

    watching, given_ = watched(before + write_note("ü") + after)

    assert (given_, watching.failure) == (before + after, None)
