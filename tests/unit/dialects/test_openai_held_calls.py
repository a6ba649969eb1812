"""Calls in a stream of OpenAI's dialect arrive whole, or not at all."""

import msgspec
import pytest

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Request,
    Role,
    Text,
    Turn,
)
from hotswap.dialects.openai.chat import passage, peek
from hotswap.dialects.openai.passage import OpenAIPassage

Object = dict[str, object]

DONE = b"data: [DONE]\n\n"
REQUEST = Request(turns=(Turn(Role.USER, (Text("Hi"),)),), stream=True)
ENVELOPE = Envelope("req-1", 1700000000, "other-model", REQUEST)
MIB = 1024 * 1024


def piece(delta: Object, finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c1", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def call(index: int, arguments: str, name: str = "") -> Object:
    function: Object = {"arguments": arguments}
    if not name:
        return {"tool_calls": [{"index": index, "function": function}]}
    function = {"name": name, **function}
    return {"tool_calls": [{"index": index, "id": f"call_{index}", "function": function}]}


ROLE = piece({"role": "assistant", "content": None})
TEXT = piece({"content": "I look. "})
FIRST = piece(call(0, "", "look")) + piece(call(0, '{"at":')) + piece(call(0, '"x"}'))
SECOND = piece(call(1, "", "see")) + piece(call(1, "{}"))
LATE = piece({"content": "So."})
STOP = piece({}, "tool_calls")
USAGE = (
    b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,'
    b'"total_tokens":13}}\n\n'
)
CALLS = FIRST + SECOND + LATE + STOP


def test_nothing_of_a_call_is_forwarded_before_the_answer_is_whole():
    stream = ROLE + TEXT + CALLS + USAGE + DONE
    whole_at = len(ROLE + TEXT + CALLS)
    call_at = len(ROLE + TEXT)
    for cut in range(whole_at):
        watched = OpenAIPassage(usage_asked=True, hold_calls=True)
        forwarded = watched.feed(stream[:cut])
        begun = watched.begun(ENVELOPE)

        assert forwarded == (ROLE + TEXT)[: len(forwarded)]
        assert b"tool_calls" not in forwarded
        assert watched.holding == (cut >= call_at + len(piece(call(0, "", "look"))))
        assert watched.shown == (cut >= call_at)
        assert (begun.text, begun.bar) == ("I look. " if cut >= call_at else "", "")
        assert watched.feed(stream[cut:]) == stream[len(forwarded) :]
        assert not watched.holding
        assert watched.shown


@pytest.mark.parametrize("cut", range(0, len(CALLS), 7))
def test_an_end_in_a_call_leaves_nothing_of_it(cut: int):
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)

    forwarded = watched.feed(ROLE + TEXT + CALLS[:cut]) + watched.end()

    assert forwarded == ROLE + TEXT
    assert watched.failure is not None


def test_the_call_is_made_anew_behind_the_words_before_it():
    watched = OpenAIPassage(usage_asked=False, hold_calls=True)
    forwarded = watched.feed(ROLE + TEXT + FIRST) + watched.end()
    begun = watched.begun(ENVELOPE)

    pieces = [
        CallPiece(0, "call_9", "look"),
        ArgumentsPiece(0, '{"at":"x"}'),
        FinishPiece(Finish.TOOL_CALLS),
    ]
    whole = forwarded + begun.writer.write(pieces) + begun.writer.end(Usage(9, 4))

    fresh = OpenAIPassage(usage_asked=False)
    assert fresh.feed(whole) == whole
    assert (fresh.complete, fresh.failure) == (True, None)
    assert whole.count(b'"role"') == 1
    assert b"call_0" not in whole


def test_a_call_that_comes_first_leaves_the_role_to_whoever_goes_on():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    first = piece({"role": "assistant", **call(0, "{}", "look")})

    assert watched.feed(first) == b""
    assert (watched.shown, watched.holding, watched.started) == (False, True, True)
    begun = watched.begun(ENVELOPE)
    assert b'"role":"assistant"' in begun.writer.write([CallPiece(0, "call_9", "look")])


def test_a_whole_call_with_its_finish_is_not_held():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    whole = piece(call(0, "{}", "look"), "tool_calls")

    assert watched.feed(whole) == whole
    assert (watched.holding, watched.shown) == (False, True)


def test_a_call_of_one_choice_waits_for_every_choice():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    two = piece({"content": "a"}, index=1) + FIRST + STOP
    rest = piece({"content": "b"}, index=1) + piece({}, "stop", index=1)

    assert watched.feed(two) == piece({"content": "a"}, index=1)
    assert watched.feed(rest) == FIRST + STOP + rest


def test_held_calls_keep_their_place_before_usage_and_end():
    stream = FIRST + USAGE + STOP + DONE

    watched = OpenAIPassage(usage_asked=True, hold_calls=True)

    assert watched.feed(stream) == stream


def test_an_error_in_a_call_drops_what_was_held():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)

    forwarded = watched.feed(TEXT + FIRST + LATE + b'data: {"error":{"code":500}}\n\n' + STOP)

    assert forwarded == TEXT
    assert watched.begun(ENVELOPE).text == "I look. "


def test_live_calls_pass_and_bar_the_way():
    watched = OpenAIPassage(usage_asked=True, hold_calls=False)
    stream = ROLE + TEXT + FIRST + LATE

    assert watched.feed(stream) == stream
    begun = watched.begun(ENVELOPE)
    assert (watched.holding, begun.text, begun.bar) == (False, "I look. So.", "tool_calls")


def test_the_deprecated_call_is_held_and_no_other_target_can_make_it():
    old = piece({"function_call": {"name": "look", "arguments": ""}})
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)

    assert watched.feed(TEXT + old) == TEXT
    assert watched.holding
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("I look. ", "tool_calls")


def test_a_call_in_a_form_of_its_own_is_held_too():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    odd = piece({"tool_calls": {"name": "look"}})

    assert watched.feed(TEXT + odd) == TEXT
    assert watched.feed(STOP) == odd + STOP


def test_custom_calls_are_held_too():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    custom = piece({"tool_calls": [{"index": 0, "id": "a", "custom": {"name": "x", "input": ""}}]})

    assert watched.feed(custom) == b""
    assert watched.feed(STOP) == custom + STOP


def test_a_call_beyond_eight_mib_passes_live_from_there_on():
    watched = OpenAIPassage(usage_asked=True, hold_calls=True)
    large = piece(call(0, "x" * MIB))
    start = piece(call(0, "", "look"))

    assert watched.feed(TEXT + start) == TEXT
    for _ in range(7):
        assert watched.feed(large) == b""
    assert watched.feed(large) == start + large * 8
    assert (watched.holding, watched.shown) == (False, True)
    assert watched.feed(LATE) == LATE
    begun = watched.begun(ENVELOPE)
    assert (begun.text, begun.bar) == ("I look. So.", "tool_calls")


def test_the_dialect_holds_calls_as_it_is_told():
    request = peek(b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}')

    assert passage(request, hold_calls=True).feed(FIRST) == b""
    assert passage(request, hold_calls=False).feed(FIRST) == FIRST
