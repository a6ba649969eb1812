"""Stop sequences that the gateway enforces, and calls one at a time."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Usage
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Refusal,
    RefusalPiece,
    Reply,
    SignaturePiece,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
)
from hotswap.dialects.stopping import StopCutter, cut_reply, first_call_of, first_call_only

STOPPED = FinishPiece(Finish.STOP)


def text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


@pytest.mark.parametrize(
    ("stops", "whole", "kept", "stop"),
    [
        (["END"], "one END two", "one ", "END"),
        (["END"], "one", "one", ""),
        (["END"], "one EN", "one EN", ""),
        (["END"], "END", "", "END"),
        (["\n\n", "###"], "a###b\n\nc", "a", "###"),
        (["aab"], "aaab", "a", "aab"),
        (["abab"], "aababab", "a", "abab"),
        (["abc", "b"], "abc", "a", "b"),
        (["bc", "abc", "c"], "xabc", "x", "abc"),
        (["é€"], "caf é€ x", "caf ", "é€"),
        (["x", ""], "abc", "abc", ""),
        ([], "abc", "abc", ""),
    ],
)
def test_text_ends_before_the_sequence_that_is_complete_first(
    stops: list[str], whole: str, kept: str, stop: str
):
    cutter = StopCutter(stops)

    pieces = [piece for letter in whole for piece in cutter.feed([TextPiece(letter)])]
    pieces += cutter.feed([STOPPED])

    assert text(pieces) == kept
    assert pieces[-1] == FinishPiece(Finish.STOP, stop)
    assert cutter.stopped == bool(stop)
    assert cut_reply(Reply([Text(whole)], Finish.STOP), stops) == Reply(
        [Text(kept)] if kept else [], Finish.STOP, stop=stop
    )


def test_what_may_become_a_sequence_is_held_back_and_nothing_else():
    cutter = StopCutter(["STOP", "\n\n"])

    assert cutter.feed([TextPiece("one ST")]) == [TextPiece("one ")]
    assert cutter.feed([TextPiece("ILL ST")]) == [TextPiece("STILL ")]
    assert cutter.feed([TextPiece("O")]) == []
    assert cutter.feed([TextPiece("P here")]) == [FinishPiece(Finish.STOP, "STOP")]
    assert cutter.feed([TextPiece("more"), STOPPED]) == ()


def test_what_is_held_back_comes_out_with_the_finish():
    cutter = StopCutter(["STOP"])

    assert cutter.feed([TextPiece("ST"), FinishPiece(Finish.LENGTH)]) == [
        TextPiece("ST"),
        FinishPiece(Finish.LENGTH),
    ]
    assert not cutter.stopped


def test_reasoning_refusals_and_calls_are_left_alone():
    cutter = StopCutter(["x"])
    pieces: list[Piece] = [
        ThinkingPiece("x"),
        SignaturePiece("x"),
        RefusalPiece("x"),
        CallPiece(0, "x", "x"),
        ArgumentsPiece(0, '{"x":1}'),
        FinishPiece(Finish.TOOL_CALLS),
    ]
    reply = Reply([Thinking("x"), Refusal("x"), Call("x", "x", "{}")], Finish.TOOL_CALLS)

    assert cutter.feed(pieces) == pieces
    assert cut_reply(reply, ["x"]) is reply


def test_no_sequence_is_found_across_other_pieces():
    cutter = StopCutter(["ab"])

    pieces = cutter.feed([TextPiece("a"), ThinkingPiece("t"), TextPiece("b"), STOPPED])

    assert pieces == [TextPiece("a"), ThinkingPiece("t"), TextPiece("b"), STOPPED]


def test_a_call_after_the_sequence_is_cut_off_with_the_text():
    usage = Usage(input_tokens=3, output_tokens=9)
    reply = Reply(
        [Thinking("t"), Text("one E"), Text("ND two"), Call("1", "f", "{}")],
        Finish.TOOL_CALLS,
        usage,
    )

    assert cut_reply(reply, ["END"]) == Reply(
        [Thinking("t"), Text("one ")], Finish.STOP, usage, stop="END"
    )


LETTERS = st.text("ab \n", max_size=24)
STOPS = st.lists(st.text("ab \n", min_size=1, max_size=4), max_size=4)


@given(LETTERS, STOPS, st.lists(st.integers(0, 24), max_size=8))
def test_any_cut_into_pieces_gives_what_cutting_the_whole_gives(
    whole: str, stops: list[str], cuts: list[int]
):
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    cutter = StopCutter(stops)
    longest = max(map(len, stops), default=1)
    fed = 0
    got: list[Piece] = []

    for start, end in pairwise(edges):
        got += cutter.feed([TextPiece(whole[start:end])])
        fed = end
        assert cutter.stopped or fed - len(text(got)) <= longest - 1
    got += cutter.feed([STOPPED])

    expected = cut_reply(Reply([Text(whole)], Finish.STOP), stops)
    assert text(got) == "".join(part.text for part in expected.parts if isinstance(part, Text))
    assert got[-1] == FinishPiece(Finish.STOP, expected.stop)
    assert all(stop not in text(got) for stop in stops)


@given(st.text("ab", max_size=12), STOPS)
def test_the_sequence_that_ends_first_is_what_a_model_would_have_stopped_at(
    whole: str, stops: list[str]
):
    """A model stops with the token that completes a sequence, and knows nothing of later ones."""
    said = ""
    for letter in whole:
        said += letter
        ended = [stop for stop in stops if said.endswith(stop)]
        if ended:
            said = said.removesuffix(max(ended, key=len))
            break

    kept = cut_reply(Reply([Text(whole)], Finish.STOP), stops)

    assert "".join(part.text for part in kept.parts if isinstance(part, Text)) == said


def test_calls_after_the_first_are_left_out_of_a_stream():
    pieces: list[Piece] = [
        TextPiece("t"),
        CallPiece(0, "a", "f"),
        CallPiece(1, "b", "g"),
        ArgumentsPiece(0, "{}"),
        ArgumentsPiece(1, "{}"),
        FinishPiece(Finish.TOOL_CALLS),
    ]

    assert first_call_only(pieces) == [
        TextPiece("t"),
        CallPiece(0, "a", "f"),
        ArgumentsPiece(0, "{}"),
        FinishPiece(Finish.TOOL_CALLS),
    ]


def test_calls_after_the_first_are_left_out_of_a_whole_answer():
    one = Reply([Text("t"), Call("a", "f", "{}")], Finish.TOOL_CALLS)
    two = Reply([Text("t"), Call("a", "f", "{}"), Call("a", "f", "{}")], Finish.TOOL_CALLS)

    assert first_call_of(one) is one
    assert first_call_of(two) == one


@pytest.mark.parametrize(
    ("before", "text", "left", "stop"),
    [
        ("one EN", "D two", "", "END"),
        ("one E", "ND two", "", "END"),
        ("one", " END two", " ", "END"),
        ("one EN", "D", "", "END"),
        ("one EN", "ough", "ough", ""),
        ("END", " two", " two", ""),
        ("", "END two", "", "END"),
        ("one EN", "DEND", "", "END"),
    ],
)
def test_a_sequence_may_begin_in_what_the_caller_has_already(
    before: str, text: str, left: str, stop: str
):
    for size in (1, 2, 99):
        cutter = StopCutter(["END"], before=before)
        pieces: list[Piece] = []
        for at in range(0, len(text), size):
            pieces += cutter.feed([TextPiece(text[at : at + size])])
        if not cutter.stopped:
            pieces += cutter.feed([FinishPiece(Finish.STOP)])

        said = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
        assert said == left
        assert pieces[-1] == FinishPiece(Finish.STOP, stop)


@settings(max_examples=50)
@given(LETTERS, STOPS, st.integers(0, 24), st.lists(st.integers(0, 24), max_size=8))
def test_a_text_that_two_targets_say_is_cut_like_one(
    whole: str, stops: list[str], at: int, cuts: list[int]
):
    """Only what was delivered of a sequence before the seam stays."""
    alone = StopCutter(stops).feed([TextPiece(whole), STOPPED])
    kept = text(alone)
    before = whole[: min(at, len(whole))]
    assume(all(stop not in before for stop in stops))
    edges = [len(before), *sorted(max(len(before), min(c, len(whole))) for c in cuts), len(whole)]
    cutter = StopCutter(stops, before=before)

    got = [
        piece
        for start, end in pairwise(edges)
        for piece in cutter.feed([TextPiece(whole[start:end])])
    ]
    got += cutter.feed([STOPPED])

    assert before + text(got) == (kept if len(kept) >= len(before) else before)
    assert got[-1] == alone[-1]


def test_what_the_caller_has_counts_no_more_once_something_else_came():
    cutter = StopCutter(["END"], before="one EN")

    pieces = cutter.feed([ThinkingPiece("t"), TextPiece("D"), STOPPED])

    assert pieces == [ThinkingPiece("t"), TextPiece("D"), STOPPED]
