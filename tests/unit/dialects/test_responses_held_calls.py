"""Calls in streams of the Responses dialect arrive whole, or not at all."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import Request, TextPiece
from hotswap.dialects.responses import responses
from hotswap.dialects.responses.passage import ResponsesPassage
from hotswap.testing.form import Answer, Asked
from hotswap.testing.responses_form import answer_events
from hotswap.testing.step import ToolCall

ENVELOPE = Envelope("r9", 7, "m", Request(turns=()))
CALLS = (ToolCall("first_tool", '{"x":1}', "c1"), ToolCall("second_tool", "{}", "c2"))


def event(kind: str, **fields: object) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def stream(finish: str | None = "tool_calls") -> bytes:
    answer = Answer("a", "m", ("Hm",), "", ("I ", "look."), CALLS, finish, 9, 0, 5)
    return b"".join(answer_events(answer, Asked()))


WHOLE = stream()
ENDLESS = stream(None)
WORDS = WHOLE[: WHOLE.index(b"event: response.output_item.added", WHOLE.index(b"look."))]
END = WHOLE.removeprefix(ENDLESS)
ERROR = event("error", code="server_error", message="m")
ITEM = {"id": "fc", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
CALL = event("response.output_item.added", output_index=2, item=ITEM)


def test_from_the_first_call_on_everything_waits_for_the_end():
    watched = ResponsesPassage(hold_calls=True)

    assert watched.feed(WORDS) == WORDS
    assert not watched.holding
    assert watched.feed(ENDLESS.removeprefix(WORDS)) == b""
    assert watched.holding
    assert watched.feed(event("keepalive", sequence_number=40)) == b""
    assert not watched.complete

    released = watched.feed(END)

    pings = event("keepalive", sequence_number=40)
    assert released == ENDLESS.removeprefix(WORDS) + pings + END
    assert (watched.holding, watched.shown, watched.complete) == (False, True, True)
    assert watched.end() == b""


def test_at_any_cut_nothing_of_a_call_is_forwarded_unless_the_answer_is_whole():
    watched = ResponsesPassage(hold_calls=True)
    watched.feed(WORDS)

    for place in range(len(WORDS), len(WHOLE) - 1):
        assert watched.feed(WHOLE[place : place + 1]) == b""
        assert not watched.complete
    assert watched.feed(WHOLE[-1:]) == WHOLE.removeprefix(WORDS)
    assert watched.complete


@pytest.mark.parametrize("ended", [False, True])
def test_a_stream_that_ends_in_a_call_amounts_to_the_words_before_it(*, ended: bool):
    edges = [place + 2 for place in range(len(ENDLESS)) if ENDLESS[place : place + 2] == b"\n\n"]

    for cut in [edge + more for edge in edges if edge >= len(WORDS) for more in (0, 1, 70)]:
        watched = ResponsesPassage(hold_calls=True)
        forwarded = watched.feed(WHOLE[:cut])
        if ended:
            forwarded += watched.end()
            assert watched.failure == Failure(Cause.HARD, "truncated", 200)
        begun = watched.begun(ENVELOPE)
        assert forwarded == WORDS
        assert (begun.text, begun.bar) == ("I look.", "")


def test_the_words_before_a_held_call_are_gone_on_with():
    watched = ResponsesPassage(hold_calls=True)
    forwarded = watched.feed(ENDLESS)

    writer = watched.begun(ENVELOPE).writer
    joined = forwarded + writer.write([TextPiece("Well.")]) + writer.end(None)

    again = ResponsesPassage(hold_calls=True)
    numbers = [
        msgspec.json.decode(block.partition(b"data: ")[2])["sequence_number"]
        for block in joined.split(b"\n\n")[:-1]
    ]
    assert again.feed(joined) == joined
    assert again.complete
    assert numbers == list(range(len(numbers)))
    assert again.begun(ENVELOPE).text == "I look.Well."


@pytest.mark.parametrize(
    "first",
    [
        CALL,
        event("response.output_item.added", output_index=2, item={"type": "custom_tool_call"}),
        event("response.output_item.done", output_index=2, item=ITEM),
        event("response.function_call_arguments.delta", output_index=2, delta="{"),
        event("response.custom_tool_call_input.delta", output_index=2, delta="a"),
    ],
)
def test_a_call_is_held_from_its_first_event_on_whichever_that_is(first: bytes):
    watched = ResponsesPassage(hold_calls=True)

    forwarded = watched.feed(WORDS + first + WORDS)

    assert forwarded == WORDS
    assert watched.holding
    assert watched.begun(ENVELOPE).bar == ""


def test_tools_of_the_provider_pass_as_they_come():
    watched = ResponsesPassage(hold_calls=True)
    search = event("response.output_item.added", output_index=0, item={"type": "web_search_call"})

    assert watched.feed(search) == search
    assert (watched.holding, watched.shown) == (False, True)


def test_a_held_call_is_not_shown():
    watched = ResponsesPassage(hold_calls=True)

    assert watched.feed(CALL) == b""
    assert (watched.started, watched.shown) == (True, False)
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("", "")


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (ERROR, Failure(Cause.HARD, "server_error", 200)),
        (b"data: {no json}\n\n", Failure(Cause.HARD, "malformed", 200)),
        (b"data: [DONE]\n\n", Failure(Cause.HARD, "truncated", 200)),
    ],
)
def test_a_failure_after_a_call_leaves_nothing_of_it(bad: bytes, expected: Failure):
    watched = ResponsesPassage(hold_calls=True)

    forwarded = watched.feed(WORDS + CALL + bad + END) + watched.end()

    assert forwarded == WORDS
    assert watched.failure == expected
    assert watched.holding
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("I look.", "")


def test_live_calls_are_forwarded_as_they_come_and_bar_the_rest():
    request = responses.peek(b'{"model":"m","input":"Hi"}')
    watched = responses.passage(request, hold_calls=False)

    assert watched.feed(WORDS + CALL) == WORDS + CALL
    assert (watched.holding, watched.shown) == (False, True)
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("I look.", "tool_calls")


def test_too_much_to_hold_goes_out_and_passes_live_from_there_on():
    watched = ResponsesPassage(hold_calls=True)
    large = event(
        "response.function_call_arguments.delta", output_index=2, delta="x" * 3 * 1024 * 1024
    )

    assert watched.feed(WORDS + CALL) == WORDS
    assert watched.feed(large) + watched.feed(large) == b""
    assert watched.feed(large) == CALL + large * 3

    assert (watched.holding, watched.shown) == (False, True)
    assert watched.feed(CALL) == CALL
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("I look.", "tool_calls")
