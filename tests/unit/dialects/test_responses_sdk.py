"""What is written in the Responses dialect is what the official SDK takes, and gives its users."""

from collections.abc import Sequence
from functools import cache
from typing import cast

import httpx2
import msgspec
import pytest
from msgspec import Raw
from openai import APIError, OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter  # noqa: TID251 - the SDK's types are pydantic's

from hotswap.core.abilities import Abilities
from hotswap.core.terms import Target, Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    File,
    Finish,
    FinishPiece,
    Format,
    Image,
    Mode,
    Piece,
    Reasoning,
    Refusal,
    RefusalPiece,
    Reply,
    Request,
    Result,
    Role,
    Text,
    TextPiece,
    Thinking,
    ThinkingPiece,
    Tool,
    ToolChoice,
    Turn,
)
from hotswap.dialects.responses import responses

pytestmark = pytest.mark.slow

SCHEMA = Raw(b'{"type":"object","properties":{}}')
USAGE = Usage(9, 5, 4, 2, 3)
HI = Turn(Role.USER, (Text("Hi"),))
ASKED = Request(
    turns=(Turn(Role.SYSTEM, (Text("Be brief."),)), HI),
    tools=(Tool("f"), Tool("g", "d", SCHEMA, strict=True)),
    tool_choice=ToolChoice(Mode.REQUIRED, ("f", "g")),
    format=Format(SCHEMA, "n", "d", strict=True),
    max_tokens=300,
    temperature=0.5,
    reasoning=Reasoning("low", shown=True),
    user="u",
)
ENVELOPE = Envelope("r1", 7, "m", ASKED)
PIECES: list[Piece] = [
    ThinkingPiece("Hm"),
    TextPiece("{}"),
    RefusalPiece("No"),
    CallPiece(0, "a", "f"),
    ArgumentsPiece(0, '{"x"'),
    CallPiece(1, "b", "g"),
    ArgumentsPiece(1, "{}"),
    ArgumentsPiece(0, ":1}"),
    FinishPiece(Finish.TOOL_CALLS),
]


def sdk(answer: bytes, content_type: str = "text/event-stream") -> OpenAI:
    """Return the SDK, before a server that always answers alike."""
    headers = {"content-type": content_type}
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, headers=headers, content=answer)
    )
    return OpenAI(
        api_key="k",
        base_url="http://sdk.test/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=transport),
    )


# The SDK itself would not look whether a value is of its type.


@cache
def of_event() -> TypeAdapter[ResponseStreamEvent]:
    return TypeAdapter(ResponseStreamEvent)


@cache
def of_request() -> TypeAdapter[ResponseCreateParamsNonStreaming]:
    return TypeAdapter(ResponseCreateParamsNonStreaming)


@cache
def of_streamed() -> TypeAdapter[ResponseCreateParamsStreaming]:
    return TypeAdapter(ResponseCreateParamsStreaming)


def stream(pieces: Sequence[Piece] = PIECES) -> bytes:
    out = responses.writer(ENVELOPE)
    return out.write(pieces) + out.end(USAGE)


def test_every_event_is_of_its_type():
    payloads = [block.partition(b"\ndata: ")[2] for block in stream().split(b"\n\n")[:-1]]

    for payload in payloads:
        of_event().validate_json(payload, strict=True)

    seen = list(sdk(stream()).responses.create(model="m", input="Hi", stream=True))
    assert [event.sequence_number for event in seen] == list(range(len(payloads)))


def test_the_accumulator_gives_the_answer():
    with sdk(stream()).responses.stream(model="m", input="Hi") as events:
        texts = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()

    assert texts == ["{}"]
    assert final.output_text == "{}"
    assert [item.type for item in final.output] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert [item.arguments for item in final.output if item.type == "function_call"] == [
        '{"x":1}',
        "{}",
    ]
    assert final.usage is not None
    assert final.usage.input_tokens_details.cached_tokens == 4


@pytest.mark.parametrize("finish", [Finish.LENGTH, Finish.CONTENT_FILTER])
def test_an_answer_that_was_cut_short_is_of_its_type(finish: Finish):
    wire = stream([TextPiece("Hi"), FinishPiece(finish)])

    *_, last = sdk(wire).responses.create(model="m", input="Hi", stream=True)

    assert last.type == "response.incomplete"
    assert last.response.output_text == "Hi"


def test_a_whole_answer_is_of_its_type():
    parts = [Thinking("Hm"), Text("Hi"), Refusal("No"), Call("a", "f", "{}")]
    wire = responses.write_reply(Reply(parts, Finish.TOOL_CALLS, USAGE), ENVELOPE)

    Response.model_validate_json(wire, strict=True)
    answer = sdk(wire, "application/json").responses.create(model="m", input="Hi")
    assert answer.output_text == "Hi"
    assert answer.instructions == "Be brief."


@pytest.mark.parametrize("begun", [0, 1, 2, 5])
def test_a_stream_that_breaks_off_raises_an_error_of_the_sdk(begun: int):
    asked = responses.peek(b'{"model":"m","input":"Hi"}')
    wire = responses.writer(ENVELOPE).write(PIECES[:begun])
    wire += responses.write_stream_error("upstream_interrupted", "Broke off.", asked)

    with pytest.raises(APIError, match=r"Broke off\.") as raised:
        list(sdk(wire).responses.create(model="m", input="Hi", stream=True))
    assert raised.value.code == "upstream_interrupted"
    with (
        pytest.raises(APIError, match=r"Broke off\."),
        sdk(wire).responses.stream(model="m", input="Hi") as events,
    ):
        events.until_done()


def test_the_events_of_a_broken_stream_are_of_their_types():
    asked = responses.peek(b'{"model":"m","input":"Hi"}')
    wire = responses.write_stream_error("upstream_interrupted", "Broke off.", asked)

    for block in wire.split(b"\n\n")[:-1]:
        of_event().validate_json(block.partition(b"\ndata: ")[2], strict=True)


CALLED = (
    Turn(Role.ASSISTANT, (Text("I look."), Refusal("No."), Call("a", "f", "{}"))),
    Turn(
        Role.USER,
        (
            Result("a", (Text("17"), Image("image/png", "AA=="), File(data="AA=="))),
            Image(url="https://x/y"),
            File(url="https://x/y"),
        ),
    ),
)


@pytest.mark.parametrize("kind", ["openai", "azure", "vllm", "openrouter", "groq"])
@pytest.mark.parametrize(
    "request_",
    [
        Request(turns=(HI,)),
        ASKED,
        Request(turns=(HI, *CALLED[:1], Turn(Role.USER, (Result("a", (Text("17"),)),)))),
        Request(turns=(HI,), format=Format(), tools=(Tool("f"),), parallel=False),
        Request(turns=(HI, Turn(Role.SYSTEM, (Text("Now."),)), HI), cache_key="k"),
    ],
)
def test_requests_are_of_the_sdks_type(request_: Request, kind: str):
    target = Target("p/m", "p", "m", abilities=Abilities())
    streamed = msgspec.structs.replace(request_, stream=True)

    whole = responses.write_request(request_, target, kind).body
    flow = responses.write_request(streamed, target, kind).body

    of_request().validate_json(whole, strict=True)
    of_streamed().validate_json(flow, strict=True)


def test_media_in_a_request_are_of_the_sdks_type():
    target = Target("p/m", "p", "m")

    written = responses.write_request(Request(turns=(HI, *CALLED)), target, "openai").body

    of_request().validate_json(written, strict=True)


def test_an_answer_that_is_sent_back_is_read_again():
    with sdk(stream()).responses.stream(model="m", input="Hi") as events:
        output = events.get_final_response().output
    history = [
        {"role": "user", "content": "Hi"},
        *[item.model_dump(exclude_none=True, mode="json") for item in output],
        {"type": "function_call_output", "call_id": "a", "output": "17"},
        {"type": "function_call_output", "call_id": "b", "output": "18"},
    ]
    asked = responses.peek(msgspec.json.encode({"model": "m", "input": history}))

    assert [turn.parts for turn in responses.read_request(asked).turns[1:]] == [
        (Text("{}"), Refusal("No"), Call("a", "f", '{"x":1}'), Call("b", "g", "{}")),
        (Result("a", (Text("17"),)), Result("b", (Text("18"),))),
    ]
    passed = responses.pass_request(asked, Target("p/m", "p", "m"), "openai").body
    items = cast("list[dict[str, object]]", msgspec.json.decode(passed)["input"])
    assert "reasoning" not in [item.get("type") for item in items]
