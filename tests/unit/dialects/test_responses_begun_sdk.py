"""OpenAI's own SDK reads a stream that was gone on with as one answer, and raises where it must."""

from functools import cache

import httpx2
import msgspec
import pytest
from openai import APIError, OpenAI
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.parsed_response import ParsedResponse
from pydantic import TypeAdapter  # noqa: TID251 - the SDK's types are pydantic's

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import CallPiece, Finish, FinishPiece, Piece, Request, TextPiece
from hotswap.dialects.responses import responses
from hotswap.dialects.responses.passage import ResponsesPassage
from hotswap.dialects.responses.writer import ResponsesWriter
from hotswap.testing.form import Answer, Asked
from hotswap.testing.responses_form import answer_events
from hotswap.testing.step import ToolCall

pytestmark = pytest.mark.slow

ENVELOPE = Envelope("r9", 7, "m", Request(turns=()))
USAGE = Usage(9, 5, 4, 2, 3)
PIECES = ("Drei größte ", "Seen: \U0001f642 ", "Vic", "toria.")
TEXT = "".join(PIECES)


def stream(*thinking: str, tools: tuple[ToolCall, ...] = ()) -> bytes:
    said = Answer("a", "m", thinking, "g", PIECES, tools, "stop", 9, 0, 5)
    return b"".join(answer_events(said, Asked()))


PLAIN = stream()
THOUGHTFUL = stream("Hm,", " so.")
CALLING = stream(tools=(ToolCall("f", '{"x":1}', "c1"),))


def sdk(answer: bytes) -> OpenAI:
    """Return the SDK, before a server that always answers alike."""
    headers = {"content-type": "text/event-stream"}
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, headers=headers, content=answer)
    )
    return OpenAI(
        api_key="k",
        base_url="http://sdk.test/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=transport),
    )


@cache
def of_event() -> TypeAdapter[ResponseStreamEvent]:
    return TypeAdapter(ResponseStreamEvent)


def heard(wire: bytes) -> ParsedResponse[None]:
    """Return the answer that the SDK puts together of events that are all of their types."""
    blocks = [block for block in wire.split(b"\n\n") if block and not block.startswith(b":")]
    for block in blocks:
        of_event().validate_json(block.partition(b"data: ")[2], strict=True)
    texts: dict[tuple[int, int], str] = {}
    numbers: list[int] = []
    with sdk(wire).responses.stream(model="m", input="Hi") as events:
        for event in events:
            numbers.append(event.sequence_number)
            if event.type == "response.output_text.delta":
                at = event.output_index, event.content_index
                texts[at] = texts.get(at, "") + event.delta
                assert event.snapshot == texts[at]
            elif event.type == "response.output_text.done":
                assert event.text == texts[event.output_index, event.content_index]
            elif event.type == "response.content_part.done" and event.part.type == "output_text":
                assert event.part.text == texts[event.output_index, event.content_index]
        final = events.get_final_response()
    assert numbers == list(range(len(blocks)))
    assert final.output_text == "".join(texts.values())
    return final


def gone_on(prefix: bytes, *, note: bytes = b"", pieces: tuple[Piece, ...] = ()) -> bytes:
    """Return the stream that broke off after `prefix`, with its rest from elsewhere."""
    watched = ResponsesPassage(hold_calls=True)
    forwarded = watched.feed(prefix)
    begun = watched.begun(ENVELOPE)
    assert TEXT.startswith(begun.text)
    assert not begun.bar
    rest = begun.writer.write([TextPiece(TEXT.removeprefix(begun.text)), *pieces])
    return forwarded + note + rest + begun.writer.end(USAGE)


@pytest.mark.parametrize("whole", [PLAIN, THOUGHTFUL, CALLING])
def test_a_stream_cut_at_any_byte_is_one_whole_answer(whole: bytes):
    # All cuts inside an event are alike but for the bytes that are dropped.
    seen: dict[bytes, int] = {}
    for cut in range(whole.rindex(b"event: ") + 1):
        joined = gone_on(whole[:cut])
        again = ResponsesPassage(hold_calls=True)
        assert again.feed(joined) == joined
        assert again.complete
        seen.setdefault(joined, cut)

    assert len(seen) >= 6
    for joined in seen:
        final = heard(joined)
        assert final.output_text == TEXT
        assert final.usage is not None
        assert final.usage.input_tokens == 9
        assert final.usage.output_tokens == 5
        assert final.output[-1].type == "message"


def test_the_note_at_the_seam_is_passed_over():
    place = THOUGHTFUL.index(b"Vic")

    joined = gone_on(THOUGHTFUL[:place], note=responses.write_note("gone on at provider/model"))

    assert b"\n\n: gone on at provider/model\n\n" in joined
    assert heard(joined).output_text == TEXT
    assert ResponsesPassage(hold_calls=True).feed(joined).count(b"gone on") == 0


def test_calls_of_the_next_target_are_heard():
    pieces = (CallPiece(0, "c2", "g"), FinishPiece(Finish.TOOL_CALLS))

    final = heard(gone_on(PLAIN[: PLAIN.index(b"Vic")], pieces=pieces))

    assert [item.type for item in final.output] == ["message", "function_call"]
    assert final.output_text == TEXT


@pytest.mark.parametrize(
    "mark", [b"event", b"response.in_progress", b"Hm,", b"Vic", b"text.done", b"content_part.done"]
)
def test_a_stream_that_nobody_goes_on_with_fails_by_its_name_and_raises(mark: bytes):
    watched = ResponsesPassage(hold_calls=True)
    forwarded = watched.feed(THOUGHTFUL[: THOUGHTFUL.index(mark)])
    writer = watched.begun(ENVELOPE).writer
    assert isinstance(writer, ResponsesWriter)

    wire = forwarded + writer.fail("upstream_interrupted", "Broke off.")

    events: list[ResponseStreamEvent] = []
    with (
        pytest.raises(APIError, match=r"Broke off\."),
        sdk(wire).responses.stream(model="m", input="Hi") as accumulated,
    ):
        accumulated.until_done()
    with pytest.raises(APIError, match=r"Broke off\.") as raised:
        events.extend(sdk(wire).responses.create(model="m", input="Hi", stream=True))
    assert raised.value.code == "upstream_interrupted"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.message == "Broke off."
    blocks = wire.split(b"\n\n")[:-1]
    assert msgspec.json.decode(blocks[-1].partition(b"data: ")[2])["sequence_number"] == len(events)
    for block in blocks:
        of_event().validate_json(block.partition(b"data: ")[2], strict=True)
