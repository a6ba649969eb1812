"""Complete answers of OpenAI's dialect: usable or not."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure, Usage
from hotswap.dialects.api import Verdict
from hotswap.dialects.openai import chat as openai_chat
from hotswap.dialects.openai import embeddings as openai_embeddings

EMPTY = Failure(Cause.QUALITY, "empty", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)
COUNTS = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def body(*choices: object, **fields: object) -> bytes:
    return msgspec.json.encode(
        {"id": "c", "object": "chat.completion", "choices": choices, **fields}
    )


def choice(message: object, finish: str | None = "stop") -> dict[str, object]:
    return {"index": 0, "message": message, "finish_reason": finish}


@pytest.mark.parametrize(
    ("message", "finish"),
    [
        ({"role": "assistant", "content": "Hi", "refusal": None}, "stop"),
        ({"content": [{"type": "text", "text": "Hi"}]}, "stop"),
        ({"content": None, "refusal": "No."}, "stop"),
        (
            {"content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
            "tool_calls",
        ),
        ({"content": None, "function_call": {"name": "f", "arguments": "{}"}}, "function_call"),
        ({"content": None, "audio": {"id": "a", "data": "x"}}, "stop"),
        ({"content": "", "reasoning": "Hm"}, "stop"),
        ({"content": "", "reasoning_content": "Hm"}, "length"),
        ({"content": "Hi"}, "a reason of tomorrow"),
        ({"content": ""}, "content_filter"),
    ],
)
def test_an_answer_with_content_or_a_refusal_is_usable(message: object, finish: str):
    reply = openai_chat.judge_reply(body(choice(message, finish), usage=COUNTS))

    assert reply == Verdict(Usage(input_tokens=9, output_tokens=2), finish)


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (body(choice({"content": ""})), EMPTY),
        (body(choice({"content": None})), EMPTY),
        (body(choice({"content": []})), EMPTY),
        (body(choice({"content": "", "tool_calls": []}, "tool_calls")), EMPTY),
        (body(choice(None)), EMPTY),
        (body(choice({"content": ""}, "length"), usage=COUNTS), EMPTY),
        (body(choice({"content": "Hi"}), choice({"content": ""})), EMPTY),
        (body(), EMPTY),
        (body(choice({"content": "Hi"}, None)), TRUNCATED),
        (body(choice({"content": "Hi"}, "")), TRUNCATED),
        (b'{"id":"c"}', MALFORMED),
        (b'{"choices":null}', MALFORMED),
        (b"", MALFORMED),
        (b"<html>Sign in</html>", MALFORMED),
        (b'{"choices":[{"message":{"content":"Hi', MALFORMED),
        (b"[" * 5000, MALFORMED),
        (body(choice({"content": "Hi"}, "error")), Failure(Cause.HARD, "server_error", 200)),
        (
            body(choice({"content": "Hi"}, "insufficient_system_resource")),
            Failure(Cause.HARD, "overloaded", 200),
        ),
        (b'{"error":{"code":429,"message":"m"}}', Failure(Cause.THROTTLE, "rate_limit", 200)),
        (
            b'{"choices":[{"error":{"code":502,"message":"m"},"message":{"content":"H"}}]}',
            Failure(Cause.HARD, "server_error", 200),
        ),
    ],
)
def test_an_unusable_answer_is_a_failure(raw: bytes, failure: Failure):
    assert openai_chat.judge_reply(raw) == failure


def test_all_tokens_may_have_gone_into_reasoning():
    usage = {**COUNTS, "completion_tokens_details": {"reasoning_tokens": 2}}

    reply = openai_chat.judge_reply(body(choice({"content": ""}, "length"), usage=usage))

    assert reply == Verdict(Usage(input_tokens=9, output_tokens=2, reasoning_tokens=2), "length")


def test_a_null_error_beside_an_answer_is_none():
    assert isinstance(openai_chat.judge_reply(body(choice({"content": "Hi"}), error=None)), Verdict)


def test_leading_blank_lines_are_part_of_a_slow_answer():
    assert isinstance(openai_chat.judge_reply(b"\n\n\n" + body(choice({"content": "Hi"}))), Verdict)


@pytest.mark.parametrize("message", [{"content": 7}, {"content": "Hi", "reasoning": {"a": 1}}])
def test_a_field_of_an_unknown_type_is_no_fault(message: object):
    assert openai_chat.judge_reply(body(choice(message))) == Verdict(None, "stop")


def test_an_empty_answer_is_empty_whatever_its_types():
    assert openai_chat.judge_reply(body(choice({"content": "", "reasoning": {}}))) == EMPTY


def test_half_a_surrogate_pair_is_no_fault():
    raw = body(choice({"content": "Hi"})).replace(b"Hi", rb"\ud83d")

    assert isinstance(openai_chat.judge_reply(raw), Verdict)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 6},
            },
            Usage(
                input_tokens=9,
                output_tokens=8,
                cache_read_tokens=4,
                cache_write_tokens=3,
                reasoning_tokens=6,
            ),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 8, "prompt_cache_hit_tokens": 5},
            Usage(input_tokens=9, output_tokens=8, cache_read_tokens=5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 8, "num_cached_tokens": 5},
            Usage(input_tokens=9, output_tokens=8, cache_read_tokens=5),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 8, "prompt_tokens_details": None},
            Usage(input_tokens=9, output_tokens=8),
        ),
        ({}, None),
        (None, None),
        ({"prompt_tokens": "many"}, None),
    ],
)
def test_usage_is_normalised(usage: object, expected: Usage | None):
    reply = openai_chat.judge_reply(body(choice({"content": "Hi"}), usage=usage))

    assert reply == Verdict(expected, "stop")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b'{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":2}}',
            Verdict(Usage(input_tokens=2)),
        ),
        (b'{"data":[{"embedding":"qvvN"}]}', Verdict()),
        (b'{"data":[]}', EMPTY),
        (b"{}", MALFORMED),
        (b"<html>", MALFORMED),
        (b'{"error":{"code":401}}', Failure(Cause.AUTH, "auth", 200)),
    ],
)
def test_an_embeddings_answer_holds_vectors(raw: bytes, expected: Verdict | Failure):
    assert openai_embeddings.judge_reply(raw) == expected
