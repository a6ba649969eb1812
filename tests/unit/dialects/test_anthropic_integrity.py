"""No stream of Anthropic's dialect that ends wrongly counts as whole, passed on or translated."""

from collections.abc import Sequence

import pytest
from msgspec import Struct

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.anthropic.messages import KEEP_ALIVE, passage, peek, reader
from hotswap.dialects.api import Stream
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    TextPiece,
)
from hotswap.testing.anthropic_events import event

PEEK = peek(b'{"model":"m","max_tokens":9,"messages":[],"stream":true}')
MALFORMED = Failure(Cause.HARD, "malformed", 200)
TRUNCATED = Failure(Cause.HARD, "truncated", 200)


START = event("message_start", message={"content": [], "usage": {"input_tokens": 9}})
OPEN = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
HI = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hü 🦆"})
CLOSE = event("content_block_stop", index=0)
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 5})
STOP = event("message_stop")
BEGUN = START + OPEN + HI
TOLD = BEGUN + CLOSE + END
WHOLE = TOLD + STOP


class Judged(Struct):
    """What a passage and a reader think of the same stream."""

    passed: Stream
    given: bytes
    read: Stream
    pieces: list[Piece]


def judge(*parts: bytes) -> Judged:
    """Give a stream, part by part, to both, and end it."""
    watching, reading = passage(PEEK, hold_calls=True), reader()
    given = b"".join([watching.feed(part) for part in parts]) + watching.end()
    pieces = [piece for part in parts for piece in reading.feed(part)]
    return Judged(watching, given, reading, [*pieces, *reading.end()])


def failures(judged: Judged) -> tuple[Failure | None, Failure | None]:
    assert not judged.passed.complete or judged.passed.failure is None
    assert not judged.read.complete or judged.read.failure is None
    return judged.passed.failure, judged.read.failure


def words(pieces: Sequence[Piece]) -> str:
    return "".join([piece.text for piece in pieces if isinstance(piece, TextPiece)])


def finishes(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if isinstance(piece, FinishPiece)]


@pytest.mark.parametrize("first", [len(BEGUN), None], ids=["apart", "in the same read"])
@pytest.mark.parametrize(
    ("kind", "cause", "detail"),
    [
        ("api_error", Cause.HARD, "server_error"),
        ("overloaded_error", Cause.HARD, "overloaded"),
        ("timeout_error", Cause.HARD, "timeout"),
        ("rate_limit_error", Cause.THROTTLE, "rate_limit"),
        ("authentication_error", Cause.AUTH, "auth"),
        ("permission_error", Cause.GONE, "permission"),
        ("billing_error", Cause.EXHAUSTED, "quota_exhausted"),
        ("not_found_error", Cause.GONE, "not_found"),
        ("invalid_request_error", Cause.CALLER, "invalid_request"),
        ("request_too_large", Cause.HARD, "server_error"),
        ("something_new_error", Cause.HARD, "server_error"),
    ],
)
def test_an_error_of_every_type_is_found_after_content(
    kind: str, cause: Cause, detail: str, first: int | None
):
    error = event("error", error={"type": kind, "message": "m"}, request_id="req_1")
    stream = BEGUN + error + CLOSE + END

    judged = judge(stream[:first], stream[first:] if first else b"")

    for failure in failures(judged):
        assert failure is not None
        assert (failure.cause, failure.detail, failure.status) == (cause, detail, 200)
    assert (judged.given, judged.pieces) == (BEGUN, [TextPiece("Hü 🦆")])


def test_an_error_after_the_stop_reason_still_counts():
    judged = judge(TOLD + event("error", error={"type": "api_error", "message": "m"}) + STOP)

    assert failures(judged) == (Failure(Cause.HARD, "server_error", 200),) * 2
    assert judged.given == TOLD


@pytest.mark.parametrize(
    ("stream", "given"),
    [
        (b"", b""),
        (KEEP_ALIVE * 3, KEEP_ALIVE * 3),
        (START, START),
        (BEGUN, BEGUN),
        (BEGUN + CLOSE, BEGUN + CLOSE),
        (BEGUN + CLOSE + STOP, BEGUN + CLOSE),
        (BEGUN + CLOSE + b"data: [DONE]\n\n", BEGUN + CLOSE),
        (
            BEGUN + event("message_delta", delta={"stop_reason": None}) + STOP,
            BEGUN + event("message_delta", delta={"stop_reason": None}),
        ),
        (BEGUN + event("message_delta", usage={"output_tokens": 5}) + STOP, None),
    ],
)
def test_an_end_without_a_stop_reason_is_a_break(stream: bytes, given: bytes | None):
    judged = judge(stream)

    assert failures(judged) == (TRUNCATED, TRUNCATED)
    assert given is None or judged.given == given
    assert STOP not in judged.given
    assert finishes(judged.pieces) == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"data: {broken\n\n",
        b"event: content_block_delta\ndata: 5\n\n",
        b"event: content_block_delta\ndata: \n\n",
        b"data: \xc3\n\n",
        b"data: \x00\x01\n\n",
        HI[:-6] + b"\n\n",
        HI.replace("ü".encode(), b"\xc3"),
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_a_frame_of_garbage_is_a_failure_and_nothing_of_it_is_told(garbage: bytes):
    judged = judge(BEGUN + garbage + HI + CLOSE + END + STOP)

    assert failures(judged) == (MALFORMED, MALFORMED)
    assert (judged.given, judged.pieces) == (BEGUN, [TextPiece("Hü 🦆")])


@pytest.mark.parametrize("line_ends", [b"\n", b"\r\n", b"\r"])
def test_a_cut_at_any_byte_is_whole_only_after_the_stop_reason(line_ends: bytes):
    stream = WHOLE.replace(b"\n", line_ends)
    told = len(TOLD.replace(b"\n", line_ends))
    for at in range(len(stream) + 1):
        judged = judge(stream[:at])

        if at < told - 2 * len(line_ends):
            assert failures(judged) == (TRUNCATED, TRUNCATED)
            assert BEGUN.startswith(judged.given[: len(BEGUN)])
            assert words(judged.pieces) in {"", "Hü 🦆"}
            assert finishes(judged.pieces) == []
        else:
            assert failures(judged) == (None, None)
            assert judged.given == WHOLE
            assert judged.pieces == [TextPiece("Hü 🦆"), FinishPiece(Finish.STOP)]


@pytest.mark.parametrize("tail", [b"", STOP[:5], STOP[:-2], b": bye\n\n", KEEP_ALIVE])
def test_an_answer_is_whole_once_its_stop_reason_was_seen(tail: bytes):
    judged = judge(TOLD + tail)

    assert failures(judged) == (None, None)
    assert judged.given.endswith(STOP)
    assert judged.given.count(STOP) == 1


def test_a_usage_that_cannot_be_read_harms_nothing():
    end = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": "5"})

    judged = judge(BEGUN + CLOSE + end + STOP)

    assert failures(judged) == (None, None)
    assert (judged.passed.usage, judged.read.usage) == (None, None)


def test_pings_show_life_and_no_progress():
    judged = judge(START + OPEN + KEEP_ALIVE * 100)

    assert judged.given == START + OPEN + KEEP_ALIVE * 100
    for stream in (judged.passed, judged.read):
        assert (stream.started, stream.progress, stream.content_bytes) == (False, 0, 0)


def test_a_call_that_breaks_off_is_never_finished():
    call: dict[str, object] = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    stream = START + event("content_block_start", index=0, content_block=call)
    for part in ('{"a":', "1}"):
        piece = {"type": "input_json_delta", "partial_json": part}
        stream += event("content_block_delta", index=0, delta=piece)

    judged = judge(stream + CLOSE)

    assert failures(judged) == (TRUNCATED, TRUNCATED)
    assert judged.given == START
    assert judged.pieces == [
        CallPiece(0, "t", "f"),
        ArgumentsPiece(0, '{"a":'),
        ArgumentsPiece(0, "1}"),
    ]
