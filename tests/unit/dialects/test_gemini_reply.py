"""Whole answers of Gemini's dialect: judged, understood, and written."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Envelope, Verdict
from hotswap.dialects.gemini.generate import judge_reply, read_reply, write_reply
from hotswap.dialects.neutral import (
    Call,
    Finish,
    Reasoning,
    Refusal,
    Reply,
    Request,
    Text,
    Thinking,
)

NO_FIELDS: dict[str, object] = {}
EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
COUNTS = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 2,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 14,
}
USAGE = Usage(input_tokens=9, output_tokens=5, reasoning_tokens=3)


def answer(*parts: object, finish: str | None = "STOP", **more: object) -> bytes:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": parts}}
    if finish:
        candidate["finishReason"] = finish
    return msgspec.json.encode({"candidates": [candidate], "responseId": "r1", **more})


def envelope(*, shown: bool = False) -> Envelope:
    reasoning = Reasoning(shown=True) if shown else None
    return Envelope("req-1", 1_800_000_000, "gemini-3", Request(turns=(), reasoning=reasoning))


def written(reply: Reply, *, shown: bool = False) -> dict[str, object]:
    return msgspec.json.decode(write_reply(reply, envelope(shown=shown)), type=dict[str, object])


def candidate_of(reply: Reply, *, shown: bool = False) -> object:
    return msgspec.convert(written(reply, shown=shown)["candidates"], list[object])[0]


def test_a_whole_answer():
    body = answer({"text": "Hi"}, usageMetadata=COUNTS)

    assert judge_reply(body) == Verdict(USAGE, "STOP")
    assert read_reply(body) == Reply([Text("Hi")], Finish.STOP, USAGE)


def test_thoughts_words_and_calls_in_order():
    body = answer(
        {"text": "Hmm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "Let me see."},
        {"text": ""},
        {
            "functionCall": {"id": "c1", "name": "f", "args": {"a": 1.50}},
            "thoughtSignature": "cw==",
        },
        {"functionCall": {"name": "g", "args": None}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    )

    reply = read_reply(body)

    assert reply == Reply(
        [
            Thinking("Hmm", "c2ln"),
            Text("Let me see."),
            Call("c1", "f", '{"a":1.5}', "cw=="),
            Call("call_65ece29cb61809c19c84c54d", "g", "{}"),
        ],
        Finish.TOOL_CALLS,
    )


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("STOP", Finish.STOP),
        ("MAX_TOKENS", Finish.LENGTH),
        ("CONTINUATION", Finish.LENGTH),
        ("SAFETY", Finish.CONTENT_FILTER),
        ("RECITATION", Finish.CONTENT_FILTER),
        ("BLOCKLIST", Finish.CONTENT_FILTER),
        ("PROHIBITED_CONTENT", Finish.CONTENT_FILTER),
        ("SPII", Finish.CONTENT_FILTER),
        ("LANGUAGE", Finish.CONTENT_FILTER),
        ("IMAGE_SAFETY", Finish.CONTENT_FILTER),
        ("MODEL_ARMOR", Finish.CONTENT_FILTER),
        ("ESCALATION", Finish.CONTENT_FILTER),
        ("NEXT_YEARS_REASON", Finish.STOP),
    ],
)
def test_finish_reasons(word: str, finish: Finish):
    body = answer({"text": "Hi"}, finish=word)

    assert read_reply(body) == Reply([Text("Hi")], finish)
    assert judge_reply(body) == Verdict(None, word)


@pytest.mark.parametrize("word", ["MAX_TOKENS", "SAFETY"])
def test_no_content_is_an_answer_where_thoughts_took_all_or_a_filter_did(word: str):
    body = answer(finish=word, usageMetadata=COUNTS)

    assert judge_reply(body) == Verdict(USAGE, word)
    reply = read_reply(body)
    assert isinstance(reply, Reply)
    assert reply.parts == []


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (answer({"text": ""}), EMPTY),
        (answer(), EMPTY),
        (b"{}", EMPTY),
        (b'{"candidates":[]}', EMPTY),
        (b'{"candidates":[{"finishReason":"STOP"}]}', EMPTY),
        (b'{"candidates":[{"finishReason":"STOP","content":{}}]}', EMPTY),
        (answer(finish="MAX_TOKENS"), EMPTY),
        (answer({"text": "Hi"}, finish=None), TRUNCATED),
        (answer({"text": "Hi"}, finish="OTHER"), Failure(Cause.HARD, "server_error", 200)),
        (
            answer(finish="MALFORMED_FUNCTION_CALL"),
            Failure(Cause.QUALITY, "server_error", 200),
        ),
        (b"<html>", MALFORMED),
        (b'"Hi"', MALFORMED),
        (b'{"candidates":7}', MALFORMED),
        (b"\xff", MALFORMED),
        (b"", MALFORMED),
        (
            b'{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}',
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (
            b'[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]',
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (
            b'{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"No weapons."}}',
            Failure(
                Cause.POLICY, "content_policy", 200, message="No weapons.", code="content_policy"
            ),
        ),
    ],
)
def test_what_is_no_usable_answer_is_a_failure(body: bytes, failure: Failure):
    assert judge_reply(body) == failure
    assert read_reply(body) == failure


def test_a_picture_is_an_answer_to_geminis_callers_only():
    body = answer({"inlineData": {"mimeType": "image/png", "data": "AAAA"}})

    assert judge_reply(body) == Verdict(None, "STOP")
    assert read_reply(body) == EMPTY


def test_every_candidate_has_to_be_sound():
    body = (
        b'{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"Hi"}]}},'
        b'{"index":1,"content":{"parts":[{"text":"Hi"}]}}]}'
    )

    assert judge_reply(body) == TRUNCATED


def test_half_a_surrogate_pair_becomes_a_replacement():
    body = b'{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"a\\ud83d"}]}}]}'

    assert read_reply(body) == Reply([Text("a\ufffd")], Finish.STOP)


def test_made_ids_tell_answers_and_positions_apart():
    def ids(response: str) -> list[str]:
        part = {"functionCall": {"name": "f", "args": NO_FIELDS}}
        reply = read_reply(answer(part, part, responseId=response))
        assert isinstance(reply, Reply)
        return [part.id for part in reply.parts if isinstance(part, Call)]

    assert ids("r1") == ids("r1")
    assert len({*ids("r1"), *ids("r2")}) == 4
    assert all(len(made) == 29 for made in ids("r1"))


def test_an_answer_is_written_in_full():
    reply = Reply([Text("Hi")], Finish.STOP, USAGE)

    assert written(reply) == {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "Hi"}]},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": COUNTS,
        "modelVersion": "gemini-3",
        "responseId": "req-1",
    }


def test_usage_tells_what_came_from_a_cache():
    usage = Usage(input_tokens=9, output_tokens=2, cache_read_tokens=4, cache_write_tokens=1)

    assert written(Reply([Text("Hi")], Finish.STOP, usage))["usageMetadata"] == {
        "promptTokenCount": 9,
        "candidatesTokenCount": 2,
        "totalTokenCount": 11,
        "cachedContentTokenCount": 4,
    }


def test_calls_end_with_stop():
    reply = Reply([Call("c1", "f", '{\n"a":1}', "c2ln"), Call("c2", "g", "")], Finish.TOOL_CALLS)

    assert candidate_of(reply) == {
        "content": {
            "role": "model",
            "parts": [
                {
                    "functionCall": {"id": "c1", "name": "f", "args": {"a": 1}},
                    "thoughtSignature": "c2ln",
                },
                {"functionCall": {"id": "c2", "name": "g", "args": NO_FIELDS}},
            ],
        },
        "finishReason": "STOP",
        "index": 0,
    }


@pytest.mark.parametrize(
    ("finish", "word"),
    [(Finish.TOOL_CALLS, "MALFORMED_FUNCTION_CALL"), (Finish.LENGTH, "MAX_TOKENS")],
)
def test_a_call_whose_arguments_are_no_object_is_not_handed_out(finish: Finish, word: str):
    reply = Reply([Text("Hi"), Call("c1", "f", '{"a":')], finish)

    assert candidate_of(reply) == {
        "content": {"role": "model", "parts": [{"text": "Hi"}]},
        "finishReason": word,
        "index": 0,
    }


def test_thoughts_are_shown_to_those_who_asked():
    reply = Reply([Thinking("Hmm", "sig"), Thinking(""), Refusal("No.")], Finish.CONTENT_FILTER)

    assert candidate_of(reply, shown=True) == {
        "content": {
            "role": "model",
            "parts": [{"text": "Hmm", "thought": True}, {"text": "No."}],
        },
        "finishReason": "SAFETY",
        "index": 0,
    }
    assert candidate_of(reply) == {
        "content": {"role": "model", "parts": [{"text": "No."}]},
        "finishReason": "SAFETY",
        "index": 0,
    }


REPLIES = st.builds(
    Reply,
    st.lists(
        st.one_of(
            st.builds(Text, st.text(min_size=1)),
            st.builds(Thinking, st.text(min_size=1)),
            st.builds(
                Call,
                st.text("ab1", min_size=1),
                st.text("fg", min_size=1),
                st.sampled_from(["{}", '{"a":1}', '{"ü":[null,"\\n"]}']),
                st.sampled_from(["", "c2ln"]),
            ),
        ),
        min_size=1,
        max_size=5,
    ),
    st.just(Finish.LENGTH),
    st.none()
    | st.builds(
        Usage, st.integers(0, 99), st.integers(50, 99), reasoning_tokens=st.integers(0, 50)
    ),
)


@given(REPLIES)
def test_what_is_written_is_read_again(reply: Reply):
    assert read_reply(write_reply(reply, envelope(shown=True))) == reply
