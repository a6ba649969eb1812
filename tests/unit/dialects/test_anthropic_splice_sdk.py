"""Anthropic's SDK takes a stream that broke off and was gone on with for one answer."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest
from anthropic import Anthropic, APIError
from anthropic.types import Message

from hotswap.core.terms import Usage
from hotswap.dialects.anthropic import messages
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Request,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)

pytestmark = pytest.mark.slow

ENVELOPE: Final = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
USAGE: Final = Usage(input_tokens=9, output_tokens=5)
PEEK: Final = messages.peek(b'{"model":"m","max_tokens":9,"messages":[]}')
ANSWER: Final = 'A lake, "ü" and a 🦆\n\ndata: not an event.'
STOPPED: Final = FinishPiece(Finish.STOP)


def written(*pieces: Piece) -> bytes:
    """Return a provider's stream, each piece an event of its own."""
    writing = messages.writer(ENVELOPE)
    parts = [writing.write([piece]) for piece in pieces]
    return messages.KEEP_ALIVE.join(parts) + writing.end(USAGE)


TEXT: Final = (TextPiece(ANSWER[:3]), TextPiece(ANSWER[3:20]), TextPiece(ANSWER[20:]))
STREAMS: Final = {
    "text": written(*TEXT, STOPPED),
    "text after thinking": written(ThinkingPiece("Hm"), SignaturePiece("s"), *TEXT, STOPPED),
}
CALLING: Final = written(
    TextPiece("I look."),
    CallPiece(0, "t1", "f"),
    ArgumentsPiece(0, '{"a":'),
    ArgumentsPiece(0, '"x"}'),
    CallPiece(1, "t2", "g"),
    FinishPiece(Finish.TOOL_CALLS),
)


def understood(*streams: bytes) -> Iterator[Message]:
    """Yield what the SDK's helper makes of each stream."""
    bodies = iter(streams)
    headers = {"content-type": messages.stream_type(PEEK).decode()}
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, content=next(bodies), headers=headers)
    )
    with httpx2.Client(transport=transport) as http:
        client = Anthropic(api_key="k", base_url="http://gateway", http_client=http, max_retries=0)
        for _ in streams:
            with client.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
                yield stream.get_final_message()


def gone_on(stream: bytes, at: int) -> bytes:
    """Return what a caller gets of a stream that is cut at a byte, and of another after it."""
    watching = messages.passage(PEEK, hold_calls=True)
    given = watching.feed(stream[:at]) + watching.end()
    if watching.failure is None:
        return given
    begun = watching.begun(ENVELOPE)
    given += messages.write_note(f"went on elsewhere after {len(begun.text)} characters")
    rest = begun.writer.write([TextPiece(ANSWER[len(begun.text) :]), STOPPED])
    return given + rest + begun.writer.end(USAGE)


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_text_that_breaks_at_any_byte_is_one_answer(stream: bytes, half: int):
    cuts = [gone_on(stream, at) for at in range(half, len(stream), 2)]

    for message in understood(*cuts):
        kinds = [block.type for block in message.content]
        assert kinds in (["text"], ["thinking", "text"])
        assert message.content[-1].to_dict() == {"type": "text", "text": ANSWER}
        assert (message.id, message.stop_reason) == ("msg_r1", "end_turn")
        assert (message.usage.input_tokens, message.usage.output_tokens) == (9, 5)


def test_calls_that_break_at_any_byte_are_whole_or_made_anew():
    cuts: list[bytes] = []
    for at in range(len(CALLING)):
        watching = messages.passage(PEEK, hold_calls=True)
        given = watching.feed(CALLING[:at]) + watching.end()
        if watching.failure is not None:
            begun = watching.begun(ENVELOPE)
            given += begun.writer.write(
                [
                    TextPiece("I look."[len(begun.text) :]),
                    CallPiece(0, "t9", "f"),
                    ArgumentsPiece(0, '{"a":"x"}'),
                    CallPiece(1, "t10", "g"),
                    FinishPiece(Finish.TOOL_CALLS),
                ]
            )
            given += begun.writer.end(USAGE)
        cuts.append(given)

    for message in understood(*cuts):
        text, *calls = [block.to_dict() for block in message.content]
        assert text == {"type": "text", "text": "I look."}
        assert [(call["name"], call["input"]) for call in calls] == [("f", {"a": "x"}), ("g", {})]
        assert [call["id"] for call in calls] in (["t1", "t2"], ["t9", "t10"])


def test_a_note_is_passed_over_wherever_it_stands():
    note = messages.write_note("went on elsewhere: ü")
    events = [part + b"\n\n" for part in STREAMS["text"].split(b"\n\n")[:-1]]

    noted = [note.join(events), note + note.join(events) + note]

    for message in understood(*noted):
        assert [block.to_dict() for block in message.content] == [{"type": "text", "text": ANSWER}]


def test_what_cannot_go_on_raises():
    watching = messages.passage(PEEK, hold_calls=False)
    given = watching.feed(CALLING[: CALLING.index(b'\\"x\\"')])
    error = messages.write_stream_error("upstream_interrupted", "It broke off.", PEEK)

    assert watching.begun(ENVELOPE).bar == "tool_calls"
    with pytest.raises(APIError, match=r"It broke off\."):
        next(understood(given + error))
