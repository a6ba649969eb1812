"""Whole answers of Anthropic's dialect are judged, understood, and written."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.anthropic.messages import judge_reply, read_reply, write_reply
from hotswap.dialects.api import Envelope, Verdict
from hotswap.dialects.neutral import Call, Finish, Refusal, Reply, Request, Text, Thinking

ENVELOPE = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
COUNTS = {"input_tokens": 9, "output_tokens": 2}
USAGE = Usage(input_tokens=9, output_tokens=2)
EMPTY = Failure(Cause.QUALITY, "empty", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)


def answer(*content: object, reason: str | None = "end_turn", **more: object) -> bytes:
    whole: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": COUNTS,
    }
    return msgspec.json.encode({**whole, **more})


HI = {"type": "text", "text": "Hi"}


def test_a_usable_answer_is_judged_by_its_content():
    assert judge_reply(answer(HI)) == Verdict(USAGE, "end_turn")


def test_a_refusal_is_an_answer_for_callers_of_the_same_dialect():
    assert judge_reply(answer(reason="refusal")) == Verdict(USAGE, "refusal")


def test_warming_the_cache_is_answered_by_nothing():
    usage = {"input_tokens": 9, "output_tokens": 0}

    verdict = judge_reply(answer(reason="max_tokens", usage=usage))

    assert verdict == Verdict(Usage(input_tokens=9), "max_tokens")


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (answer(), EMPTY),
        (answer({"type": "text", "text": ""}), EMPTY),
        (answer(reason="max_tokens"), EMPTY),
        (answer(HI, reason=None), Failure(Cause.HARD, "truncated", 200)),
        (b"", MALFORMED),
        (b"[]", MALFORMED),
        (b"{}", MALFORMED),
        (b"<html></html>", MALFORMED),
        (answer(HI)[:-5], MALFORMED),
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (
            b'{"error":{"message":"slow down","type":"rate_limit_error"}}',
            Failure(Cause.THROTTLE, "rate_limit", 200),
        ),
    ],
)
def test_what_is_no_answer_fails_for_every_caller(body: bytes, failure: Failure):
    assert judge_reply(body) == failure
    assert read_reply(body) == failure


def test_a_refusal_without_a_word_is_a_matter_of_policy_for_others():
    assert read_reply(answer(reason="refusal")) == Failure(Cause.POLICY, "content_policy", 200)


def test_every_block_becomes_a_part():
    body = answer(
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        HI,
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": [1, 2]}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
        reason="tool_use",
    )

    assert read_reply(body) == Reply(
        [
            Thinking("Hm", "s"),
            Text("Hi"),
            Call("t1", "f", '{"a":[1,2]}'),
            Call("t2", "g", "{}"),
        ],
        Finish.TOOL_CALLS,
        USAGE,
    )


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.CONTENT_FILTER),
        ("pause_turn", Finish.STOP),
        ("something_new", Finish.STOP),
    ],
)
def test_stop_reasons_are_read(reason: str, finish: Finish):
    assert read_reply(answer(HI, reason=reason)) == Reply([Text("Hi")], finish, USAGE)


def test_the_stop_sequence_is_told():
    reply = read_reply(answer(HI, reason="stop_sequence", stop_sequence="END"))

    assert reply == Reply([Text("Hi")], Finish.STOP, USAGE, "END")


def test_a_refusals_explanation_is_its_words():
    details = {"type": "refusal", "category": None, "explanation": "I may not."}

    reply = read_reply(answer(reason="refusal", stop_details=details))

    assert reply == Reply([Refusal("I may not.")], Finish.CONTENT_FILTER, USAGE)


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (
            {
                "input_tokens": 3,
                "cache_read_input_tokens": 10,
                "cache_creation_input_tokens": 5,
                "output_tokens": 7,
                "output_tokens_details": {"thinking_tokens": 4},
            },
            Usage(
                input_tokens=18,
                output_tokens=7,
                cache_read_tokens=10,
                cache_write_tokens=5,
                reasoning_tokens=4,
            ),
        ),
        ({"output_tokens": 7}, Usage(output_tokens=7)),
        ({"input_tokens": 7}, None),
        ({"output_tokens": "many"}, None),
        (None, None),
    ],
)
def test_usage_is_normalised(wire: object, usage: Usage | None):
    reply = read_reply(answer(HI, usage=wire))

    assert reply == Reply([Text("Hi")], Finish.STOP, usage)


def test_half_a_surrogate_pair_is_replaced():
    body = answer({"type": "text", "text": "a?"}).replace(b"a?", b"a\\ud83d")

    assert read_reply(body) == Reply([Text("a�")], Finish.STOP, USAGE)


def test_an_answer_is_written_as_anthropic_does():
    reply = Reply(
        [
            Thinking("Hm", "another maker's"),
            Text("Hi"),
            Text(""),
            Call("call:1", "f", '{"a": 1}'),
            Call("", "g", ""),
        ],
        Finish.TOOL_CALLS,
        Usage(input_tokens=9, output_tokens=2, cache_read_tokens=4),
    )

    assert write_reply(reply, ENVELOPE) == (
        b'{"id":"msg_r1","type":"message","role":"assistant","model":"main","content":['
        b'{"type":"thinking","thinking":"Hm","signature":""},{"type":"text","text":"Hi"},'
        b'{"type":"tool_use","id":"call_1_dfba2616","name":"f","input":{"a": 1}},'
        b'{"type":"tool_use","id":"toolu_r1_1","name":"g","input":{}}],'
        b'"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":2}}'
    )


@pytest.mark.parametrize("arguments", ['{"a":', "[]", "no"])
def test_broken_arguments_stand_in_an_object(arguments: str):
    written = write_reply(Reply([Call("1", "f", arguments)], Finish.LENGTH), ENVELOPE)

    block = msgspec.json.decode(written)["content"][0]
    assert block["input"] == {"INVALID_JSON": arguments}


@pytest.mark.parametrize("finish", [Finish.STOP, Finish.CONTENT_FILTER])
def test_the_words_of_a_refusal_are_its_explanation(finish: Finish):
    written = msgspec.json.decode(write_reply(Reply([Refusal("No.")], finish, USAGE), ENVELOPE))

    assert written["content"] == []
    assert written["stop_reason"] == "refusal"
    assert written["stop_details"] == {"type": "refusal", "category": None, "explanation": "No."}


texts = st.text(min_size=1).map(Text)
calls = st.builds(
    Call,
    st.sampled_from(["t1", "call_2"]),
    st.just("f"),
    st.sampled_from(["{}", '{"a":1}', '{"b":{"c":[]}}']),
)


@settings(max_examples=50)
@given(
    st.lists(texts | st.text(min_size=1).map(Thinking) | calls, min_size=1, max_size=5),
    st.sampled_from([Finish.LENGTH, Finish.CONTENT_FILTER, Finish.TOOL_CALLS]),
)
def test_what_is_written_reads_as_the_same(parts: list[Text | Thinking | Call], finish: Finish):
    usage = Usage(input_tokens=20, output_tokens=3, cache_read_tokens=4, cache_write_tokens=5)

    assert read_reply(write_reply(Reply(parts, finish, usage), ENVELOPE)) == Reply(
        parts, finish, usage
    )


@given(st.binary(max_size=100))
def test_whatever_comes_is_judged(body: bytes):
    assert isinstance(judge_reply(body), Failure | Verdict)
    assert isinstance(read_reply(body), Failure | Reply)
