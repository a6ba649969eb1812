"""Calls in a stream of Anthropic's dialect arrive whole, or not at all."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.dialects.anthropic.messages import KEEP_ALIVE, passage, peek
from hotswap.dialects.api import Envelope, Passage
from hotswap.dialects.neutral import ArgumentsPiece, CallPiece, Finish, FinishPiece, Request
from hotswap.testing.anthropic_events import DONE, START, delta, ended, start, stop

ENVELOPE = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
PEEK = peek(b'{"model":"m","max_tokens":9,"messages":[],"stream":true}')


CALL = (
    start(1, "tool_use", id="t1", name="f", input={})
    + delta(1, "input_json", partial_json="")
    + KEEP_ALIVE
    + delta(1, "input_json", partial_json='{"a":')
    + delta(1, "input_json", partial_json='"x"}')
    + stop(1)
)
SECOND = start(2, "tool_use", id="t2", name="g", input={"b": 1}) + stop(2)
AFTERWORD = start(3, "text", text="") + delta(3, "text", text="Wait.") + stop(3)
LOOK = START + start(0, "text", text="") + delta(0, "text", text="I look.") + stop(0)
SAID = b"I look."
CALLING = LOOK + CALL + SECOND + AFTERWORD + ended("tool_use") + DONE


def watched(stream: bytes, *, hold_calls: bool = True) -> tuple[Passage, bytes]:
    watching = passage(PEEK, hold_calls=hold_calls)
    return watching, watching.feed(stream)


def test_calls_come_whole_or_not_at_all():
    finished = CALLING.index(DONE) - 2
    for at in range(len(CALLING) + 1):
        watching, given_ = watched(CALLING[:at])
        given_ += watching.end()

        if at < finished:
            assert watching.failure is not None
            assert LOOK.startswith(given_.replace(KEEP_ALIVE, b""))
            begun = watching.begun(ENVELOPE)
            assert (begun.text, begun.bar) == ("I look." if SAID in given_ else "", "")
        else:
            assert watching.failure is None
            assert given_.replace(KEEP_ALIVE, b"") == CALLING.replace(KEEP_ALIVE, b"")


@settings(max_examples=50)
@given(st.lists(st.integers(0, len(CALLING)), max_size=8))
def test_calls_come_in_order_for_any_cut(cuts: list[int]):
    watching = passage(PEEK, hold_calls=True)
    edges = [0, *sorted(cuts), len(CALLING)]

    parts = [CALLING[a:b] for a, b in pairwise(edges)]
    given_ = b"".join([watching.feed(part) for part in parts])

    assert given_.replace(KEEP_ALIVE, b"") == CALLING.replace(KEEP_ALIVE, b"")
    assert (watching.complete, watching.holding, watching.progress) == (True, False, 7)


def test_a_stream_says_when_something_is_kept_back():
    watching, given_ = watched(LOOK)
    assert (watching.shown, watching.holding, given_) == (True, False, LOOK)

    assert watching.feed(CALL + AFTERWORD) == KEEP_ALIVE
    assert (watching.holding, watching.progress) == (True, 5)

    assert watching.feed(ended("tool_use")).startswith(CALL.partition(b"event: ping")[0])
    assert (watching.holding, watching.complete) == (False, True)


def test_a_call_that_is_kept_back_shows_nothing():
    watching, given_ = watched(START + CALL)

    assert (watching.started, watching.shown, watching.holding) == (True, False, True)
    assert given_ == START + KEEP_ALIVE
    assert watching.feed(ended("tool_use")).endswith(ended("tool_use"))
    assert watching.shown


def test_a_call_that_was_kept_back_is_made_again_by_another():
    watching, given_ = watched(LOOK + CALL)
    begun = watching.begun(ENVELOPE)

    again = begun.writer.write([CallPiece(0, "t9", "f"), ArgumentsPiece(0, '{"a":1}')])
    again += begun.writer.write([FinishPiece(Finish.TOOL_CALLS)]) + begun.writer.end(None)

    assert (begun.text, begun.bar, given_) == ("I look.", "", LOOK + KEEP_ALIVE)
    assert again.startswith(
        start(1, "tool_use", id="t9", name="f", input={})
        + delta(1, "input_json", partial_json='{"a":1}')
        + stop(1)
    )
    assert watched(given_ + again)[0].complete


def test_calls_pass_live_where_that_is_wanted():
    for at in range(len(LOOK), len(LOOK + CALL)):
        watching, given_ = watched(CALLING[:at], hold_calls=False)
        given_ += watching.end()

        assert not watching.holding
        called = b"tool_use" in given_
        assert watching.begun(ENVELOPE).bar == ("tool_calls" if called else "")


def test_a_call_beyond_all_measure_passes_live():
    half = 5 * 1024 * 1024
    watching, _ = watched(LOOK + start(1, "tool_use", id="t1", name="f", input={}))

    first = watching.feed(delta(1, "input_json", partial_json="x" * half))
    second = watching.feed(delta(1, "input_json", partial_json="x" * half))
    third = watching.feed(stop(1) + SECOND)

    assert first == b""
    assert len(second) > 2 * half
    assert third == stop(1) + SECOND
    assert not watching.holding
    assert watching.begun(ENVELOPE).bar == "tool_calls"
