"""Whole answers of the Responses dialect: judged, read and written."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Envelope, Verdict
from hotswap.dialects.neutral import Call, Finish, Refusal, Reply, Request, Text, Thinking
from hotswap.dialects.responses import responses

EMPTY = Failure(Cause.QUALITY, "empty", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
REFUSED = Failure(Cause.POLICY, "content_policy", 200)
SERVER = Failure(Cause.HARD, "server_error", 200)
COUNTS = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 14,
}
USAGE = Usage(9, 5, 4, reasoning_tokens=3)
HI = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
CALL = {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": '{"x":1}'}
HM = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}


def body(*output: object, **fields: object) -> bytes:
    whole = {"id": "r", "object": "response", "status": "completed", "output": output, **fields}
    return msgspec.json.encode(whole)


def cut(reason: str, *output: object, **fields: object) -> bytes:
    return body(*output, status="incomplete", incomplete_details={"reason": reason}, **fields)


def test_an_answer_is_judged_and_read():
    answer = body(HM, HI, CALL, usage=COUNTS)

    assert responses.judge_reply(answer) == Verdict(USAGE, "completed")
    assert responses.read_reply(answer) == Reply(
        [Thinking("Hm"), Text("Hi"), Call("a", "f", '{"x":1}')], Finish.TOOL_CALLS, USAGE
    )


def test_refusals_thoughts_and_several_parts_are_read():
    answer = body(
        {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm"}],
        },
        {
            "type": "reasoning",
            "summary": [
                {"type": "summary_text", "text": "A"},
                {"type": "summary_text", "text": "B"},
            ],
        },
        {
            "type": "message",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": [{"type": "url_citation"}]},
                {"type": "refusal", "refusal": "No"},
            ],
        },
        {"type": "web_search_call", "id": "ws", "action": {"type": "search"}},
        {"type": "tool_search_call", "arguments": {"a": 1}, "content": 5},
        5,
    )

    assert responses.read_reply(answer) == Reply(
        [Thinking("Hm"), Thinking("A\n\nB"), Text("Hi"), Refusal("No")], Finish.STOP
    )


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        (cut("max_output_tokens", HI), Finish.LENGTH),
        (cut("content_filter", HI), Finish.CONTENT_FILTER),
        (cut("steered", HI), Finish.STOP),
        (body(HI, status=None), Finish.STOP),
    ],
)
def test_why_an_answer_ended_is_told(answer: bytes, finish: Finish):
    assert responses.read_reply(answer) == Reply([Text("Hi")], finish)


@pytest.mark.parametrize("arguments", ["", "{}", None, {}])
def test_a_call_without_arguments_has_an_empty_object(arguments: object):
    reply = responses.read_reply(body({**CALL, "arguments": arguments}))

    assert reply == Reply([Call("a", "f", "{}")], Finish.TOOL_CALLS)


def test_a_call_without_an_id_gets_one():
    bare = {"type": "function_call", "name": "f", "arguments": "{}"}

    reply = responses.read_reply(body(bare, bare))

    assert isinstance(reply, Reply)
    first, second = reply.parts
    assert isinstance(first, Call)
    assert isinstance(second, Call)
    assert first.id.startswith("call_")
    assert first.id != second.id


@pytest.mark.parametrize("broken", [{"arguments": '{"x'}, {"arguments": "5"}, {"name": None}])
def test_a_broken_call_is_malformed_but_where_the_limit_cut_it(broken: dict[str, object]):
    assert responses.read_reply(body(HI, {**CALL, **broken})) == MALFORMED
    assert responses.read_reply(cut("max_output_tokens", HI, {**CALL, **broken})) == Reply(
        [Text("Hi")], Finish.LENGTH
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", MALFORMED),
        (b"[]", MALFORMED),
        (b"{}", MALFORMED),
        (b'{"choices":[{}]}', MALFORMED),
        (b"<html></html>", MALFORMED),
        (body(), EMPTY),
        (body({"type": "message", "content": []}), EMPTY),
        (body({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}), EMPTY),
        (body(HI, status="in_progress"), TRUNCATED),
        (body(status="queued"), TRUNCATED),
        (body(HI, status="cancelled"), TRUNCATED),
        (body(status="failed"), SERVER),
        (body(status="failed", error={"code": "server_error", "message": "m"}), SERVER),
        (
            body(status="failed", error={"code": "rate_limit_exceeded", "message": "m"}),
            Failure(Cause.THROTTLE, "rate_limit", 200),
        ),
        (b'{"error":{"code":"server_error","message":"m"}}', SERVER),
        (cut("max_output_tokens"), EMPTY),
    ],
)
def test_what_is_no_good_answer_fails(answer: bytes, expected: Failure):
    assert responses.judge_reply(answer) == expected
    assert responses.read_reply(answer) == expected


def test_an_answer_may_be_empty_where_all_tokens_were_thoughts():
    answer = cut("max_output_tokens", usage=COUNTS)

    assert responses.judge_reply(answer) == Verdict(USAGE, "max_output_tokens")
    assert responses.read_reply(answer) == Reply([], Finish.LENGTH, USAGE)


def test_a_filter_that_let_nothing_through_is_passed_on_but_read_as_a_refusal():
    answer = cut("content_filter")

    assert responses.judge_reply(answer) == Verdict(None, "content_filter")
    assert responses.read_reply(answer) == REFUSED


def test_what_a_provider_did_by_itself_is_content_to_its_own_caller_only():
    answer = body({"type": "image_generation_call", "result": "AA=="})

    assert responses.judge_reply(answer) == Verdict(None, "completed")
    assert responses.read_reply(answer) == EMPTY


def test_half_a_surrogate_pair_becomes_a_replacement():
    answer = body(HI).replace(b"Hi", b"Hi\\ud83d")

    assert responses.judge_reply(answer) == Verdict(None, "completed")
    assert responses.read_reply(answer) == Reply([Text("Hi\ufffd")], Finish.STOP)


ENVELOPE = Envelope("r1", 7, "m", Request(turns=()))


def test_an_answer_is_written_whole():
    reply = Reply([Thinking("Hm"), Text("Hi"), Call("a", "f", "{}")], Finish.TOOL_CALLS, USAGE)

    assert responses.write_reply(reply, ENVELOPE) == (
        b'{"id":"resp_r1","object":"response","created_at":7,"status":"completed",'
        b'"background":false,"error":null,"incomplete_details":null,"instructions":null,'
        b'"max_output_tokens":null,"model":"m","output":['
        b'{"id":"rs_r1_0","type":"reasoning","status":"completed",'
        b'"summary":[{"type":"summary_text","text":"Hm"}],"encrypted_content":""},'
        b'{"id":"msg_r1_1","type":"message","status":"completed","role":"assistant",'
        b'"content":[{"type":"output_text","text":"Hi","annotations":[],"logprobs":[]}]},'
        b'{"id":"fc_r1_2","type":"function_call","status":"completed","call_id":"a","name":"f",'
        b'"arguments":"{}"}],'
        b'"parallel_tool_calls":true,"previous_response_id":null,'
        b'"reasoning":{"effort":null,"summary":null},"store":false,"temperature":1.0,'
        b'"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,'
        b'"truncation":"disabled","usage":{"input_tokens":9,"input_tokens_details":'
        b'{"cached_tokens":4,"cache_write_tokens":0},"output_tokens":5,'
        b'"output_tokens_details":{"reasoning_tokens":3},"total_tokens":14},'
        b'"user":null,"metadata":{}}'
    )


@pytest.mark.parametrize(
    "reply",
    [
        Reply([Text("Hi")], Finish.STOP, USAGE),
        Reply([Text("Hi"), Refusal("No")], Finish.STOP),
        Reply([Thinking("A"), Text("Hi"), Thinking("B"), Text("!")], Finish.LENGTH),
        Reply([Text("Hi")], Finish.CONTENT_FILTER),
        Reply([Call("a", "f", '{"x":1}'), Call("b", "g", "{}")], Finish.TOOL_CALLS),
    ],
)
def test_what_is_written_reads_as_the_same_answer(reply: Reply):
    assert responses.read_reply(responses.write_reply(reply, ENVELOPE)) == reply
