"""Recorded requests and answers of the Responses dialect: understood, passed on, written again.

The recordings lie beside the checkout; where they do not, there is nothing to collect. That their
answers are read without loss is proven together with those of all other dialects.
"""

from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Target, Usage
from hotswap.dialects.api import Envelope, Passage, Verdict
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Piece,
    Request,
    Result,
    Role,
    Text,
    TextPiece,
    Turn,
)
from hotswap.dialects.responses import responses
from hotswap.testing.recording import Recording, read_recordings

FOLDER: Final = Path(__file__).parents[3] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

TARGET: Final = Target("p/m-1", "p", "m-1")
CALL: Final = Call(
    "call_0huubaIPG7y97doHmNEbKQi3",
    "transfer_to_symphony_composer",
    "{}",
)
TURNS: Final = {
    "openai-responses-error": [Turn(Role.USER, (Text("hello"),))],
    "openai-responses-stream": [Turn(Role.USER, (Text("Count to 3"),))],
    "openai-responses-text": [
        Turn(
            Role.SYSTEM,
            (Text("You are a helpful assistant. Remember context from previous messages."),),
        ),
        Turn(Role.USER, (Text("I also like programming in Python."),)),
    ],
    "openai-responses-tool-stream": [
        Turn(
            Role.SYSTEM,
            (Text("You compose and arrange symphonic music pieces using your composition tools."),),
        ),
        Turn(Role.USER, (Text("Can you create a new symphony in D major?"),)),
        Turn(Role.ASSISTANT, (CALL,)),
        Turn(Role.USER, (Result(CALL.id, (Text('{"assistant": "Symphony Composer"}'),)),)),
    ],
}
USAGES: Final = {
    "openai-responses-stream": Usage(11, 8),
    "openai-responses-text": Usage(30, 27),
    "openai-responses-tool-stream": Usage(119, 38),
}

RECORDINGS = [each for each in read_recordings(FOLDER) if each.dialect == "responses"]
ANSWERS = [each for each in RECORDINGS if each.status == 200]
STREAMS = [each for each in ANSWERS if each.streamed]
REPLIES = [each for each in ANSWERS if not each.streamed]


def named(recordings: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recording", recordings, ids=lambda each: each.name)


def asked(recording: Recording) -> Request:
    return responses.read_request(responses.peek(recording.request))


def watch(recording: Recording, cuts: list[int]) -> tuple[Passage, bytes]:
    watched = responses.passage(responses.peek(recording.request), hold_calls=False)
    edges = [0, *sorted(cuts), len(recording.body)]
    forwarded = b"".join([watched.feed(recording.body[a:b]) for a, b in pairwise(edges)])
    return watched, forwarded + watched.end()


def pieces_of(stream: bytes) -> list[Piece]:
    reader = responses.reader()
    pieces = [*reader.feed(stream), *reader.end()]
    assert reader.failure is None
    return pieces


def test_every_recording_is_expected_here():
    assert {each.name for each in RECORDINGS} == set(TURNS)
    assert {each.name for each in ANSWERS} == set(USAGES)


@named(RECORDINGS)
def test_a_recorded_request_is_understood(recording: Recording):
    request = asked(recording)

    assert list(request.turns) == TURNS[recording.name]
    assert request.native == ()


@named(RECORDINGS)
def test_a_recorded_request_is_passed_on_but_for_its_model(recording: Recording):
    passed = responses.pass_request(responses.peek(recording.request), TARGET, "openai")

    fields = msgspec.json.decode(recording.request, type=dict[str, object])
    assert msgspec.json.decode(passed.body) == {**fields, "model": "m-1"}


@named(RECORDINGS)
def test_a_recorded_request_is_written_as_the_same_again(recording: Recording):
    request = asked(recording)

    written = responses.write_request(request, TARGET, "openai")

    assert responses.read_request(responses.peek(written.body)) == msgspec.structs.replace(
        request, dropped=()
    )


@named(REPLIES)
def test_a_recorded_answer_is_sound(recording: Recording):
    assert responses.judge_reply(recording.body) == Verdict(USAGES[recording.name], "completed")


@named(STREAMS)
@given(data=st.data())
def test_a_recorded_stream_is_forwarded_byte_for_byte_however_it_is_cut(
    recording: Recording, data: st.DataObject
):
    cuts = data.draw(st.lists(st.integers(0, len(recording.body)), max_size=6))

    watched, forwarded = watch(recording, cuts)

    assert forwarded == recording.body.rstrip(b"\n") + b"\n\n"
    assert watched.complete
    assert watched.usage == USAGES[recording.name]


@named(STREAMS)
def test_passage_and_reader_count_alike(recording: Recording):
    watched, _ = watch(recording, [])
    reader = responses.reader()
    reader.feed(recording.body)

    assert (watched.progress, watched.content_bytes) == (reader.progress, reader.content_bytes)


@named(STREAMS)
def test_a_recorded_stream_that_is_translated_says_the_same(recording: Recording):
    pieces = pieces_of(recording.body)
    out = responses.writer(Envelope("r1", 7, "m", asked(recording)))

    assert pieces_of(out.write(pieces) + out.end(None)) == pieces


def test_recorded_streams_hold_what_their_names_say():
    text, call = [pieces_of(each.body) for each in STREAMS]

    assert "".join([p.text for p in text if isinstance(p, TextPiece)]) == "1, 2, 3"
    assert call[0] == CallPiece(0, "call_B6pmEGgYkNcOtg8K8wpLVj1b", "compose_music")
    arguments = "".join([p.text for p in call if isinstance(p, ArgumentsPiece)])
    assert arguments == '{"style":"symphony","key":"D major"}'
