"""Whole answers of OpenAI's chat, between wire and neutral values."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import Call, Finish, Refusal, Reply, Request, Text, Thinking
from hotswap.dialects.openai.reply import read_chat
from hotswap.dialects.openai.whole import read_reply, write_reply

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
ENVELOPE = Envelope("r1", 7, "m", Request(turns=()))


def answer(message: object, finish: str | None = "stop", **more: object) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return msgspec.json.encode({"id": "c", "choices": [choice], **more})


def call(name: str = "f", arguments: object = "{}", **more: object) -> dict[str, object]:
    return {
        "id": "a",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
        **more,
    }


def test_a_text_is_read_with_its_usage():
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
    }

    assert read_reply(answer({"role": "assistant", "content": "Hi"}, usage=usage)) == Reply(
        (Text("Hi"),), Finish.STOP, Usage(9, 5, 4)
    )


def test_thinking_text_refusal_and_calls_are_read_in_this_order():
    message = {
        "tool_calls": [call(arguments='{"x":1}')],
        "refusal": "No",
        "content": "Hi",
        "reasoning_content": "Hm",
    }

    assert read_reply(answer(message, "tool_calls")) == Reply(
        (Thinking("Hm"), Text("Hi"), Refusal("No"), Call("a", "f", '{"x":1}')), Finish.TOOL_CALLS
    )


def test_quirk_mistral_answers_with_a_list_and_arguments_as_an_object():
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Hi"},
    ]

    assert read_reply(
        answer({"content": content, "tool_calls": [call(arguments={"x": 1})]})
    ) == Reply((Thinking("Hm"), Text("Hi"), Call("a", "f", '{"x":1}')), Finish.TOOL_CALLS)


@pytest.mark.parametrize("nothing", ["", None, " "])
def test_no_arguments_are_an_empty_object(nothing: object):
    assert read_reply(answer({"tool_calls": [call(arguments=nothing)]})) == Reply(
        (Call("a", "f", "{}"),), Finish.TOOL_CALLS
    )


def test_a_thought_signature_is_read():
    signed = call(extra_content={"google": {"thought_signature": "sig"}})

    assert read_reply(answer({"tool_calls": [signed]})) == Reply(
        (Call("a", "f", "{}", "sig"),), Finish.TOOL_CALLS
    )


def test_the_deprecated_call_is_a_call():
    message = {"function_call": {"name": "f", "arguments": '{"x":1}'}}

    reply = read_reply(answer(message, "function_call"))

    assert isinstance(reply, Reply)
    assert reply.finish is Finish.TOOL_CALLS
    assert [(p.name, p.arguments) for p in reply.parts if isinstance(p, Call)] == [("f", '{"x":1}')]


def test_a_call_without_an_id_is_given_one():
    nameless = {"function": {"name": "f", "arguments": "{}"}}

    reply = read_reply(answer({"tool_calls": [nameless, nameless]}))

    assert isinstance(reply, Reply)
    ids = [part.id for part in reply.parts if isinstance(part, Call)]
    assert [len(one) for one in ids] == [29, 29]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [call(arguments='{"x":')]},
        {"tool_calls": [call(arguments="[1]")]},
        {"content": "Hi", "tool_calls": [{"function": {"arguments": "{}"}}]},
    ],
)
def test_a_call_that_nobody_could_follow_is_malformed(message: object):
    assert read_reply(answer(message, "tool_calls")) == MALFORMED


def test_a_call_that_the_limit_cut_off_is_left_out():
    message = {"content": "Hi", "tool_calls": [call(), call(arguments='{"x":')]}

    assert read_reply(answer(message, "length")) == Reply(
        (Text("Hi"), Call("a", "f", "{}")), Finish.LENGTH
    )


def test_an_answer_that_is_only_a_cut_off_call_ends_at_its_length():
    message = {"tool_calls": [call(arguments='{"x":')]}

    assert read_reply(answer(message, "length")) == Reply((), Finish.LENGTH)


def test_an_answer_that_was_filtered_away_has_no_parts():
    assert read_reply(answer({"content": None}, "content_filter")) == Reply(
        (), Finish.CONTENT_FILTER
    )


def test_content_without_words_is_an_empty_answer():
    assert read_reply(answer({"audio": {"data": "AAAA"}})) == EMPTY


def test_types_that_a_server_invents_are_understood():
    body = answer({"content": ["H", {"text": "i"}], "tool_calls": {"function": {"name": "f"}}}, "1")

    reply = read_reply(body.replace(b'"1"', b"1"))

    assert isinstance(reply, Reply)
    assert reply.finish is Finish.TOOL_CALLS
    assert reply.parts[0] == Text("Hi")


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    body = answer({"content": "Hi"}).replace(b"Hi", b"H\\ud83d")

    assert read_reply(body) == Reply((Text("H\N{REPLACEMENT CHARACTER}"),), Finish.STOP)


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (answer({"content": ""}), EMPTY),
        (answer({"content": "Hi"}, None), TRUNCATED),
        (b'{"choices":[]}', EMPTY),
        (b"{half", MALFORMED),
        (b"[]", MALFORMED),
        (b"[" * 5000, MALFORMED),
        (answer({"content": "Hi"}, "error"), Failure(Cause.HARD, "server_error", 200)),
        (
            b'{"error":{"message":"gone","type":"server_error"}}',
            Failure(Cause.HARD, "server_error", 200),
        ),
    ],
)
def test_what_fails_fails_as_where_both_sides_speak_alike(body: bytes, failure: Failure):
    assert read_reply(body) == read_chat(body) == failure


@pytest.mark.parametrize("field", ["content", "tool_calls", "reasoning"])
def test_an_answer_may_be_nested_however_deep(field: str):
    for depth in range(100, 1100, 20):
        deep = b"[" * depth + b'"Hi"' + b"]" * depth
        body = b'{"choices":[{"finish_reason":"stop","message":{"%b":%b}}]}' % (
            field.encode(),
            deep,
        )

        reply = read_reply(body)
        assert isinstance(reply, Reply) or reply in {MALFORMED, EMPTY}


def test_a_text_is_written():
    reply = Reply((Text("H"), Text("i")), Finish.STOP, Usage(9, 5, 4))

    assert write_reply(reply, ENVELOPE) == (
        b'{"id":"chatcmpl-r1","object":"chat.completion","created":7,"model":"m","choices":['
        b'{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},'
        b'"logprobs":null,"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,'
        b'"prompt_tokens_details":{"cached_tokens":4},'
        b'"completion_tokens_details":{"reasoning_tokens":0}}}'
    )


def test_everything_else_is_written():
    reply = Reply(
        (Thinking("Hm"), Refusal("No"), Call("a", "f", '{"x":1}', "sig")), Finish.TOOL_CALLS
    )

    assert msgspec.json.decode(write_reply(reply, ENVELOPE))["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "refusal": "No",
                "reasoning_content": "Hm",
                "tool_calls": [
                    {
                        "id": "a",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"x":1}'},
                        "extra_content": {"google": {"thought_signature": "sig"}},
                    }
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ]


def test_usage_that_nobody_knows_is_not_made_up():
    assert b"usage" not in write_reply(Reply((Text("Hi"),), Finish.STOP), ENVELOPE)


WORDS = st.text(min_size=1, max_size=6)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """Answers in the order of the wire."""
    kinds = draw(st.sets(st.sampled_from([Thinking, Text, Refusal]), min_size=1))
    words = [kind(draw(WORDS)) for kind in (Thinking, Text, Refusal) if kind in kinds]
    calls = draw(
        st.lists(st.builds(Call, WORDS, WORDS, st.just('{"x":1}'), st.sampled_from(["", "s"])))
    )
    finish = Finish.TOOL_CALLS if calls else draw(st.sampled_from([Finish.STOP, Finish.LENGTH]))
    return Reply((*words, *calls), finish, Usage(9, 5, 4, 2, 3))


@settings(max_examples=40)
@given(replies())
def test_what_is_written_is_read_again(reply: Reply):
    assert read_reply(write_reply(reply, ENVELOPE)) == reply
