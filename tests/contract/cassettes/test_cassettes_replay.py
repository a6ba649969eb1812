"""Recorded answers are played back byte by byte, and every dialect reads all that they say.

What a dialect read is compared with a second, simple reading (`heard.py`) and with the tokens that
providers counted.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.api import Reader
from hotswap.dialects.neutral import Piece, Reply, TextPiece
from hotswap.dialects.registry import TRANSLATORS
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.recording import Recording, read_recordings

from .heard import of_pieces, of_recording, of_reply, tokens

FOLDER: Final = Path(__file__).parents[4] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

DIALECTS: Final = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic",
    "gemini": "gemini",
}
"""Of the recordings -> of ours. Ollama's own and embeddings are not translated."""

TOKENS: Final = {
    "anthropic-image": (1093, 253, 0, 0),
    "anthropic-ratelimit-headers": (17, 20, 0, 0),
    "anthropic-schema": (210, 12, 0, 0),
    "anthropic-stream": (16, 28, 0, 0),
    "anthropic-text": (17, 189, 0, 0),
    "anthropic-thinking": (51, 168, 0, 112),
    "anthropic-tool": (558, 46, 0, 0),
    "anthropic-tool-stream": (542, 62, 0, 0),
    "gemini-image": (277, 803, 0, 678),
    "gemini-length": (15, 2, 0, 2),
    "gemini-schema": (138, 24, 0, 0),
    "gemini-stream": (14, 33, 0, 0),
    "gemini-text": (13, 8, 0, 0),
    "gemini-tool": (188, 11, 0, 0),
    "gemini-tool-stream": (63, 6, 0, 0),
    "groq-stream": (339, 58, 0, 38),
    "groq-text": (18, 43, 0, 0),
    "groq-tool-stream": (304, 49, 0, 23),
    "mistral-stream": (26, 4, 0, 0),
    "mistral-text": (11, 67, 0, 0),
    "mistral-tool": (64, 6, 32, 0),
    "openai-image": (438, 16, 0, 0),
    "openai-json-schema": (83, 32, 0, 0),
    "openai-refusal": (65, 13, 0, 0),
    "openai-responses-stream": (11, 8, 0, 0),
    "openai-responses-text": (30, 27, 0, 0),
    "openai-responses-tool-stream": (119, 38, 0, 0),
    "openai-stream": None,
    "openai-stream-usage": (14, 8, 0, 0),
    "openai-text": (14, 8, 0, 0),
    "openai-tool": (129, 19, 0, 0),
    "openai-tool-stream": (364, 40, 0, 0),
    "openrouter-stream": (43, 36, 0, 13),
}
"""Input, output, cached and reasoning tokens; None: the provider did not say."""

BROKEN: Final = {"groq-midstream-error": Failure(Cause.QUALITY, "server_error", 200)}
SMALL: Final = 4_000
"""Bytes of a stream up to which every pair of halves is tried."""

ANSWERS = [
    each for each in read_recordings(FOLDER) if each.status == 200 and each.dialect in DIALECTS
]
REPLIES = [each for each in ANSWERS if not each.streamed]
STREAMS = [each for each in ANSWERS if each.streamed]
SOUND = [each for each in STREAMS if each.name not in BROKEN]


def named(recordings: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recording", recordings, ids=lambda each: each.name)


def read_whole(recording: Recording, body: bytes) -> Reply:
    reply = TRANSLATORS[DIALECTS[recording.dialect]].read_reply(body)
    assert isinstance(reply, Reply)
    return reply


def read_stream(recording: Recording, parts: Sequence[bytes]) -> tuple[list[Piece], Reader]:
    reader = TRANSLATORS[DIALECTS[recording.dialect]].reader()
    pieces: list[Piece] = []
    for part in parts:
        pieces += reader.feed(part)
    pieces += reader.end()
    return pieces, reader


def sound(recording: Recording) -> list[Piece]:
    return read_stream(recording, [recording.body])[0]


async def play(recording: Recording, drip_bytes: int, take: Callable[[bytes], None]) -> bytes:
    """Ask a provider that plays the recording back; hand each read of the body to `take`."""
    step = recording.step()
    if drip_bytes:
        step = replace(step, drip_s=0.0, drip_bytes=drip_bytes)
    async with ScriptedProvider(recording.provider, step) as provider:
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
        try:
            head = f"POST {recording.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            writer.write(f"{head}content-length: {len(recording.request)}\r\n\r\n".encode())
            writer.write(recording.request)
            answered = await reader.readuntil(b"\r\n\r\n")
            while part := await reader.read(65_536):
                take(part)
        finally:
            writer.close()
        assert provider.seen[0].body == recording.request
    return answered


def test_every_answer_that_was_recorded_is_expected_here():
    assert {each.name for each in ANSWERS} == set(TOKENS) | set(BROKEN)


@named(REPLIES)
def test_a_recorded_answer_is_read_without_loss(recording: Recording):
    reply = read_whole(recording, recording.body)

    assert of_reply(reply) == of_recording(recording)
    assert tokens(reply.usage) == TOKENS[recording.name]


@named(SOUND)
def test_a_recorded_stream_is_read_without_loss(recording: Recording):
    pieces, reader = read_stream(recording, [recording.body])

    assert reader.failure is None
    assert reader.complete
    assert of_pieces(pieces) == of_recording(recording)
    assert tokens(reader.usage) == TOKENS[recording.name]


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_recorded_stream_with_an_error_inside_is_none(name: str):
    (recording,) = [each for each in STREAMS if each.name == name]

    pieces, reader = read_stream(recording, [recording.body])

    assert reader.failure == BROKEN[name]
    assert not reader.complete
    assert of_pieces(pieces) == of_recording(recording)


@named(STREAMS)
def test_a_recorded_stream_byte_by_byte_gives_the_same_pieces(recording: Recording):
    body = recording.body

    pieces, reader = read_stream(recording, [body[at : at + 1] for at in range(len(body))])

    whole, at_once = read_stream(recording, [body])
    assert pieces == whole
    assert (reader.failure, reader.usage) == (at_once.failure, at_once.usage)
    assert (reader.progress, reader.content_bytes) == (at_once.progress, at_once.content_bytes)


@named([each for each in STREAMS if len(each.body) < SMALL])
def test_a_recorded_stream_in_any_two_halves_gives_the_same_pieces(recording: Recording):
    body = recording.body
    whole = sound(recording)

    for at in range(len(body)):
        assert read_stream(recording, [body[:at], body[at:]])[0] == whole


@named(STREAMS)
@settings(max_examples=20)
@given(data=st.data())
def test_any_cut_of_a_recorded_stream_gives_the_same_pieces(
    recording: Recording, data: st.DataObject
):
    body = recording.body
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    edges = [0, *sorted(cuts), len(body)]

    pieces, _ = read_stream(recording, [body[a:b] for a, b in pairwise(edges)])

    assert pieces == sound(recording)


@named(SOUND)
def test_a_recorded_stream_that_is_cut_off_is_a_beginning_and_fails(recording: Recording):
    body = recording.body
    said = of_recording(recording).text

    for end in range(0, len(body) // 2, len(body) // 40):
        pieces, reader = read_stream(recording, [body[:end]])
        assert reader.failure is not None
        assert not reader.complete
        text = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
        assert said.startswith(text)


@named(SOUND)
def test_a_recorded_stream_with_other_line_ends_gives_the_same_pieces(recording: Recording):
    lines = recording.body.replace(b"\r\n", b"\n")

    for line_end in (b"\n", b"\r\n", b"\r"):
        ended = lines.replace(b"\n", line_end)
        assert read_stream(recording, [ended])[0] == sound(recording)


@named(REPLIES)
async def test_an_answer_that_is_played_back_is_the_recorded_one(recording: Recording):
    parts: list[bytes] = []

    head = await play(recording, 0, parts.append)

    assert b"".join(parts) == recording.body
    assert b" 200 OK\r\n" in head
    assert of_reply(read_whole(recording, b"".join(parts))) == of_recording(recording)


@named(STREAMS)
async def test_a_stream_that_is_played_back_in_slices_is_the_recorded_one(recording: Recording):
    parts: list[bytes] = []

    head = await play(recording, 509, parts.append)

    assert b"".join(parts) == recording.body
    assert b"text/event-stream" in head
    assert of_pieces(read_stream(recording, parts)[0]) == of_recording(recording)
