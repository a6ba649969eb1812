"""Recorded answers of Gemini are judged, forwarded and understood.

The recordings lie beside the checkout; where they do not, there is nothing to collect.
"""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Target, Usage
from hotswap.dialects.api import Peek, Verdict
from hotswap.dialects.gemini.generate import (
    judge_reply,
    pass_request,
    peek,
    read_reply,
    read_request,
    write_request,
)
from hotswap.dialects.gemini.passage import GeminiPassage
from hotswap.dialects.gemini.reader import GeminiReader
from hotswap.dialects.neutral import Call, Finish, Piece, Reply, TextPiece

FOLDER = Path(__file__).parents[3] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

TARGET = Target("google/g", "google", "gemini-9")
VERDICTS = {
    "gemini-image": Verdict(Usage(277, 803, reasoning_tokens=678), "STOP"),
    "gemini-length": Verdict(Usage(15, 2, reasoning_tokens=2), "MAX_TOKENS"),
    "gemini-schema": Verdict(Usage(138, 24), "STOP"),
    "gemini-text": Verdict(Usage(13, 8), "STOP"),
    "gemini-tool": Verdict(Usage(188, 11), "STOP"),
}
FINISHES = {
    "gemini-image": Finish.STOP,
    "gemini-length": Finish.LENGTH,
    "gemini-schema": Finish.STOP,
    "gemini-text": Finish.STOP,
    "gemini-tool": Finish.TOOL_CALLS,
}
STREAM_USAGES = {
    "gemini-stream": Usage(14, 33),
    "gemini-tool-stream": Usage(63, 6),
}


class Request(msgspec.Struct):
    path: str = ""
    body: msgspec.Raw = msgspec.Raw()


class Response(msgspec.Struct):
    status: int
    body: msgspec.Raw


class Cassette(msgspec.Struct):
    dialect: str
    request: Request
    response: Response
    name: str = ""

    def text(self) -> bytes:
        """The answer's body as it came."""
        raw = bytes(self.response.body)
        return msgspec.json.decode(raw, type=str).encode() if raw[:1] == b'"' else raw

    def peek(self) -> Peek:
        """The request as the line sees it."""
        return peek(bytes(self.request.body), self.request.path, "alt=sse")


def cassettes() -> list[Cassette]:
    decode = msgspec.json.Decoder(Cassette).decode
    return [
        msgspec.structs.replace(decode(path.read_bytes()), name=path.stem)
        for path in sorted(FOLDER.glob("gemini-*.json"))
    ]


def named(found: list[Cassette]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cassette", found, ids=lambda cassette: cassette.name)


ALL = cassettes()
GOOD = [c for c in ALL if c.response.status == 200 and c.dialect == "gemini"]
STREAMS = [c for c in GOOD if c.text().startswith(b"data:")]
REPLIES = [c for c in GOOD if c not in STREAMS]


def watch(stream: bytes, cuts: list[int], *, array: bool = False) -> tuple[GeminiPassage, bytes]:
    watched = GeminiPassage(array=array)
    edges = [0, *sorted(cuts), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


def read(stream: bytes, cuts: list[int]) -> tuple[GeminiReader, list[Piece]]:
    reading = GeminiReader()
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [piece for a, b in pairwise(edges) for piece in reading.feed(stream[a:b])]
    return reading, [*pieces, *reading.end()]


@named(GOOD)
def test_a_recorded_request_passes_with_nothing_lost(cassette: Cassette):
    outgoing = pass_request(cassette.peek(), TARGET, "google")

    assert msgspec.json.decode(outgoing.body) == msgspec.json.decode(cassette.request.body)
    action = cassette.request.path.rpartition(":")[2]
    assert outgoing.path.partition("?")[0] == f"/v1beta/models/gemini-9:{action}"


@named(GOOD)
def test_a_recorded_request_is_understood_and_said_again(cassette: Cassette):
    request = read_request(cassette.peek())

    outgoing = write_request(request, TARGET, "google")

    path, _, query = outgoing.path.partition("?")
    again = read_request(peek(outgoing.body, path, query))
    assert [(turn.role, len(turn.parts)) for turn in again.turns] == [
        (turn.role, len(turn.parts)) for turn in request.turns
    ]
    assert [tool.name for tool in again.tools] == [tool.name for tool in request.tools]
    assert request.native == ()


@named(REPLIES)
def test_a_recorded_answer_is_judged(cassette: Cassette):
    assert judge_reply(cassette.text()) == VERDICTS[cassette.name]


@named(REPLIES)
def test_a_recorded_answer_is_understood(cassette: Cassette):
    reply = read_reply(cassette.text())

    assert isinstance(reply, Reply)
    assert reply.finish == FINISHES[cassette.name]
    assert reply.usage == VERDICTS[cassette.name].usage


def test_a_recorded_call_is_understood():
    (cassette,) = [c for c in REPLIES if c.name == "gemini-tool"]

    reply = read_reply(cassette.text())

    assert isinstance(reply, Reply)
    (call,) = [part for part in reply.parts if isinstance(part, Call)]
    assert call.name == "load_remote_image"
    assert msgspec.json.decode(call.arguments) == {"file_path": "sample.png"}


@named(STREAMS)
def test_a_recorded_stream_is_forwarded_and_judged(cassette: Cassette):
    watched, forwarded = watch(cassette.text(), [])

    assert forwarded == cassette.text().replace(b"\r\n", b"\n")
    assert watched.failure is None
    assert watched.complete
    assert watched.usage == STREAM_USAGES[cassette.name]


@named(STREAMS)
def test_a_recorded_stream_becomes_an_array(cassette: Cassette):
    _, forwarded = watch(cassette.text(), [], array=True)

    events = [event[6:] for event in cassette.text().split(b"\r\n\r\n") if event]
    assert msgspec.json.decode(forwarded) == [msgspec.json.decode(event) for event in events]


@named(STREAMS)
def test_a_recorded_stream_is_read(cassette: Cassette):
    reading, pieces = read(cassette.text(), [])

    assert reading.failure is None
    assert reading.done
    assert reading.usage == STREAM_USAGES[cassette.name]
    words = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
    assert words.startswith("Whiskers twitched." if cassette.name == "gemini-stream" else "")


@named(STREAMS)
def test_a_recorded_stream_without_its_finish_is_never_whole(cassette: Cassette):
    stream = cassette.text()
    end = stream.find(b'"finishReason"')

    for at in {0, 1, end // 4, end // 2, end - 1, end}:
        watched, _ = watch(stream[:at], [])
        reading, _ = read(stream[:at], [])
        assert not watched.complete
        assert watched.failure is not None
        assert reading.failure is not None


@named(STREAMS)
@given(data=st.data())
def test_any_cut_of_a_recorded_stream_gives_the_same(cassette: Cassette, data: st.DataObject):
    stream = cassette.text()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))

    watched, forwarded = watch(stream, cuts)
    _, pieces = read(stream, cuts)

    assert forwarded == stream.replace(b"\r\n", b"\n")
    assert pieces == read(stream, [])[1]
    assert watched.complete
