"""Every way in which a stream of the Responses dialect can end wrongly is a failure."""

import msgspec
import pytest

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.neutral import Finish, FinishPiece, Piece, TextPiece
from hotswap.dialects.responses.passage import ResponsesPassage
from hotswap.dialects.responses.reader import ResponsesReader
from hotswap.testing.form import Answer, Asked
from hotswap.testing.responses_form import answer_events

TRUNCATED = Failure(Cause.HARD, "truncated", 200)
MALFORMED = Failure(Cause.HARD, "malformed", 200)
SERVER = Failure(Cause.HARD, "server_error", 200)
OVERLOAD = Failure(Cause.HARD, "overloaded", 200)
RATE = Failure(Cause.THROTTLE, "rate_limit", 200)


def event(kind: str, **fields: object) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def ended(status: str, **fields: object) -> bytes:
    return event(f"response.{status}", response={"id": "r", "status": status, **fields})


def answer(*pieces: str, finish: str | None) -> bytes:
    said = Answer("a", "m", (), "", pieces, (), finish, 9, 0, 5)
    return b"".join(answer_events(said, Asked()))


ENDLESS = answer("Grüße", " \U0001f600", finish=None)
END = answer("Grüße", " \U0001f600", finish="stop").removeprefix(ENDLESS)
TEXTS = [TextPiece("Grüße"), TextPiece(" \U0001f600")]


def passed(wire: bytes, *more: bytes) -> tuple[ResponsesPassage, bytes]:
    """Return the passage after reads of these bytes and the end, and what it forwarded."""
    watched = ResponsesPassage(hold_calls=True)
    forwarded = b"".join([watched.feed(part) for part in (wire, *more)])
    return watched, forwarded + watched.end()


def read(wire: bytes, *more: bytes) -> tuple[ResponsesReader, list[Piece]]:
    """Return the reader after reads of these bytes and the end, and its pieces."""
    reader = ResponsesReader()
    pieces = [piece for part in (wire, *more) for piece in reader.feed(part)]
    return reader, [*pieces, *reader.end()]


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"", TRUNCATED),
        (b"data: [DONE]\n\n", TRUNCATED),
        (b"data: [DONE]", TRUNCATED),
        (b": ping\n\n", TRUNCATED),
        (b"\n\n\n", TRUNCATED),
        (ended("failed", error={"code": "server_error", "message": "m"}), SERVER),
        (ended("failed", error={"code": "rate_limit_exceeded", "message": "m"}), RATE),
        (ended("failed", error=None), SERVER),
        (event("response.failed"), SERVER),
        (ended("completed", error={"code": "server_error", "message": "m"}), SERVER),
        (event("error", code="server_error", message="m", param=None), SERVER),
        (event("error", error={"type": "server_error", "code": None, "message": "m"}), SERVER),
        (event("error", error={"type": "overloaded_error", "message": "m"}), OVERLOAD),
        (event("error", code="rate_limit_exceeded", message="m"), RATE),
        (b'data: {"error":{"code":"server_error","message":"m"}}\n\n', SERVER),
        (b'event: error\ndata: {"message":"m"}\n\n', SERVER),
        (b'error: {"code":500,"message":"m"}\n\n', SERVER),
        (b'{"error":{"code":"server_error","message":"m"}}\n\n', SERVER),
        (b'{"error":{"code":"server_error","message":"m"}}', SERVER),
        (b"<html>502 Bad Gateway</html>\n\n", SERVER),
        (b"data: garbage\n\n", MALFORMED),
        (b'data: {"type":"response.output_text.delta","delta":"a\xff"}\n\n', MALFORMED),
        (b'data: {"type":"response.output_text.delta","delta":["a"]}\n\n', MALFORMED),
        (b"data: null\n\n", MALFORMED),
        (b"data: " + b"[" * 3000 + b"\n\n", MALFORMED),
    ],
)
def test_whatever_comes_in_place_of_the_end_is_a_failure(tail: bytes, expected: Failure):
    watched, forwarded = passed(ENDLESS + tail)
    reader, pieces = read(ENDLESS + tail)

    assert watched.failure == reader.failure == expected
    assert not watched.complete
    assert not reader.complete
    assert forwarded == ENDLESS
    assert pieces == TEXTS


@pytest.mark.parametrize("whole", [ENDLESS + END])
def test_a_cut_at_any_byte_is_a_failure(whole: bytes):
    # A last event that lacks its blank line alone is whole.
    for cut in range(len(ENDLESS) - 300, len(whole) - 2):
        watched, forwarded = passed(whole[:cut])
        reader, pieces = read(whole[:cut])

        assert watched.failure == reader.failure == TRUNCATED
        assert whole.startswith(forwarded)
        assert all(isinstance(piece, TextPiece) for piece in pieces)


def test_a_cut_inside_a_character_forwards_the_characters_before_it():
    place = ENDLESS.index("\U0001f600".encode()) + 2

    watched, forwarded = passed(ENDLESS[:place])
    reader, pieces = read(ENDLESS[:place])

    assert watched.failure == reader.failure == TRUNCATED
    assert forwarded == ENDLESS[: ENDLESS.rindex(b"event: ", 0, place)]
    assert pieces == TEXTS[:1]


@pytest.mark.parametrize("missing", [1, 2])
def test_a_last_event_that_lacks_its_blank_line_alone_is_whole(missing: int):
    whole = ENDLESS + END

    watched, forwarded = passed(whole[:-missing])
    reader, pieces = read(whole[:-missing])

    assert watched.complete
    assert reader.complete
    assert forwarded == whole
    assert pieces == [*TEXTS, FinishPiece(Finish.STOP)]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", Finish.LENGTH),
        ("content_filter", Finish.CONTENT_FILTER),
        ("max_messages", Finish.STOP),
        ("steered", Finish.STOP),
    ],
)
def test_an_answer_that_the_provider_left_incomplete_is_no_failure(reason: str, finish: Finish):
    end = ended("incomplete", incomplete_details={"reason": reason})

    watched, forwarded = passed(ENDLESS + end)
    reader, pieces = read(ENDLESS + end)

    assert watched.complete
    assert forwarded == ENDLESS + end
    assert reader.complete
    assert pieces[-1] == FinishPiece(finish)


def test_what_the_end_says_of_the_output_is_the_providers_business():
    end = ended("completed", output=[{"type": "message", "content": ()}])

    watched, forwarded = passed(ENDLESS + end)
    reader, pieces = read(ENDLESS + end)

    assert watched.complete
    assert forwarded == ENDLESS + end
    assert reader.complete
    assert pieces == [*TEXTS, FinishPiece(Finish.STOP)]


@pytest.mark.parametrize(
    "alive",
    [
        event("keepalive", sequence_number=3),
        event("response.created", response={"id": "r", "error": None}),
        event("response.queued", response={"id": "r"}),
        event("response.in_progress", response={"id": "r", "output": []}),
        event("response.web_search_call.searching", output_index=0),
        event("response.output_item.added", output_index=0, item={"type": "message"}),
        event("response.content_part.added", part={"type": "output_text", "text": ""}),
        event("response.output_text.delta", output_index=0, delta=""),
    ],
)
def test_signs_of_life_are_no_progress(alive: bytes):
    watched, reader = ResponsesPassage(hold_calls=True), ResponsesReader()

    for _ in range(3):
        watched.feed(alive)
        reader.feed(alive)

    assert (watched.started, watched.shown, watched.progress) == (False, False, 0)
    assert (reader.started, reader.progress) == (False, 0)
    assert watched.end() == b""
    reader.end()
    assert watched.failure == reader.failure == TRUNCATED


@pytest.mark.parametrize("bad", [b"data: garbage\n\n", event("error", code="x"), ended("failed")])
def test_in_one_read_what_precedes_a_failure_is_forwarded_and_nothing_after_it(bad: bytes):
    watched, forwarded = passed(ENDLESS + bad + ENDLESS + END, ENDLESS)
    reader, pieces = read(ENDLESS + bad + ENDLESS + END, ENDLESS)

    assert forwarded == ENDLESS
    assert pieces == TEXTS
    assert watched.failure == reader.failure
    assert watched.failure is not None


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (ended("completed", output=[]), Failure(Cause.QUALITY, "empty", 200)),
        (b"data: [DONE]\n\n", TRUNCATED),
        (b"", TRUNCATED),
    ],
)
def test_an_answer_without_content_is_a_failure(end: bytes, expected: Failure):
    bare = answer(finish=None) + end

    watched, _ = passed(bare)
    reader, _ = read(bare)

    assert watched.failure == reader.failure == expected
    assert not watched.shown
