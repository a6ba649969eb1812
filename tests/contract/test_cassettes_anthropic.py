"""Recorded answers of Anthropic are judged, understood, and written again without loss.

The recordings lie beside the checkout; where they do not, there is nothing to collect.
"""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Failure, Target
from hotswap.dialects.anthropic import messages
from hotswap.dialects.api import Envelope, Passage, Reader, Verdict
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Reply,
    Request,
    Text,
    TextPiece,
    Thinking,
)
from hotswap.testing.recording import Recording, read_recordings

FOLDER = Path(__file__).parents[3] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

TARGET = Target("a/claude", "a", "claude")
ENVELOPE = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
STOP = b'"stop_reason":"'

ALL = [each for each in read_recordings(FOLDER) if each.provider == "anthropic"]
STREAMS = [each for each in ALL if each.status == 200 and each.streamed]
REPLIES = [each for each in ALL if each.status == 200 and not each.streamed]

PARTS = {
    "anthropic-image": [Text],
    "anthropic-schema": [Text],
    "anthropic-text": [Text],
    "anthropic-thinking": [Thinking, Text],
    "anthropic-tool": [Text, Call],
}
TEXTS = {
    "anthropic-ratelimit-headers": "1. **Captain Scoop**\n2. **Gullet**",
    "anthropic-stream": '\ndef pelican():\n    return "A large waterbird with a long bill and a'
    ' throat pouch for catching fish."\n',
    "anthropic-tool-stream": "",
}
OUTPUT_TOKENS = {
    "anthropic-image": 253,
    "anthropic-ratelimit-headers": 20,
    "anthropic-schema": 12,
    "anthropic-stream": 28,
    "anthropic-text": 189,
    "anthropic-thinking": 168,
    "anthropic-tool": 46,
    "anthropic-tool-stream": 62,
}


def named(found: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recording", found, ids=lambda recording: recording.name)


def watch(stream: bytes, cuts: list[int]) -> tuple[Passage, bytes]:
    request = messages.peek(b'{"model":"m","max_tokens":1,"messages":[]}')
    watched = messages.passage(request, hold_calls=False)
    edges = [0, *sorted(cuts), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


def read(stream: bytes, cuts: list[int]) -> tuple[Reader, list[Piece]]:
    reading = messages.reader()
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [piece for a, b in pairwise(edges) for piece in reading.feed(stream[a:b])]
    return reading, [*pieces, *reading.end()]


def words(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


@named(ALL)
def test_a_recorded_request_passes_with_nothing_lost(recording: Recording):
    request = messages.peek(recording.request, recording.path)

    written = messages.pass_request(request, TARGET, "anthropic").body

    sent = msgspec.json.decode(recording.request, type=dict[str, object])
    assert msgspec.json.decode(written) == {**sent, "model": "claude"}


@named([each for each in ALL if each.name not in {"anthropic-image", "anthropic-stream"}])
def test_a_recorded_request_is_said_again_in_the_same_words(recording: Recording):
    """The two others hold a file's id and a begun answer."""
    request = messages.read_request(messages.peek(recording.request, recording.path))

    written = messages.write_request(request, TARGET, "anthropic").body

    again = messages.read_request(messages.peek(written))
    assert again.turns == request.turns
    assert again.tools == request.tools
    assert again.format == request.format


@named(REPLIES)
def test_a_recorded_answer_is_judged_and_understood(recording: Recording):
    verdict = messages.judge_reply(recording.body)
    reply = messages.read_reply(recording.body)

    assert isinstance(verdict, Verdict)
    assert isinstance(reply, Reply)
    assert [type(part) for part in reply.parts] == PARTS[recording.name]
    assert verdict.usage == reply.usage
    assert reply.usage is not None
    assert reply.usage.output_tokens == OUTPUT_TOKENS[recording.name]


@named(REPLIES)
def test_a_recorded_answer_is_written_again_but_for_its_signature(recording: Recording):
    reply = messages.read_reply(recording.body)
    assert isinstance(reply, Reply)

    written = msgspec.json.decode(messages.write_reply(reply, ENVELOPE))

    content = msgspec.json.decode(recording.body)["content"]
    for block in content:
        if "signature" in block:
            block["signature"] = ""
    assert written["content"] == content


@named(STREAMS)
def test_a_recorded_stream_is_forwarded_and_judged(recording: Recording):
    watched, forwarded = watch(recording.body, [])

    assert forwarded == recording.body
    assert (watched.complete, watched.started, watched.failure) == (True, True, None)
    assert watched.usage is not None
    assert watched.usage.output_tokens == OUTPUT_TOKENS[recording.name]


@named(STREAMS)
def test_a_recorded_stream_becomes_pieces(recording: Recording):
    reading, pieces = read(recording.body, [])

    assert words(pieces) == TEXTS[recording.name]
    assert reading.usage is not None
    assert reading.usage.output_tokens == OUTPUT_TOKENS[recording.name]
    assert reading.done


def test_recorded_calls_become_pieces():
    stream = next(each for each in STREAMS if each.name == "anthropic-tool-stream")

    _, pieces = read(stream.body, [])

    assert pieces == [
        CallPiece(0, "toolu_01LtHJmixrs9NcWQkK8hu8hj", "pelican_name_generator"),
        CallPiece(1, "toolu_01N8a4jWyf116qKTMqKKmjyt", "pelican_name_generator"),
        FinishPiece(Finish.TOOL_CALLS),
    ]
    assert not any(isinstance(piece, ArgumentsPiece) for piece in pieces)


@named(STREAMS)
def test_a_recorded_stream_without_its_finish_is_never_whole(recording: Recording):
    end = recording.body.rfind(STOP)

    for at in (0, 1, end // 4, end // 2, end):
        watched, forwarded = watch(recording.body[:at], [])
        reading, _ = read(recording.body[:at], [])
        assert not watched.complete
        assert isinstance(watched.failure, Failure)
        assert reading.failure == watched.failure
        assert recording.body.startswith(forwarded)


@named(STREAMS)
@given(data=st.data())
def test_any_cut_of_a_recorded_stream_gives_the_same(recording: Recording, data: st.DataObject):
    stream = recording.body
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))

    watched, forwarded = watch(stream, cuts)
    reading, pieces = read(stream, cuts)
    whole, all_pieces = read(stream, [])

    assert forwarded == stream
    assert pieces == all_pieces
    assert (watched.usage, watched.progress, watched.content_bytes) == (
        whole.usage,
        whole.progress,
        whole.content_bytes,
    )
    assert (reading.usage, reading.progress) == (whole.usage, whole.progress)
