"""Anthropic's SDK understands what we write, and we understand what it sends."""

from collections.abc import Callable
from typing import Final

import httpx2
import msgspec
import pytest
from anthropic import Anthropic, APIStatusError, RateLimitError
from anthropic.types import (
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    message_create_params,
)
from msgspec import Raw
from pydantic import TypeAdapter  # noqa: TID251 - the SDK's types are pydantic's

from hotswap.core.abilities import Abilities, Prefill, Thinks
from hotswap.core.terms import Target, Usage
from hotswap.dialects.anthropic import messages
from hotswap.dialects.api import AttemptNote, Envelope
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
    Part,
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

pytestmark = pytest.mark.slow

ENVELOPE: Final = Envelope("r1", 1_795_000_000, "main", Request(turns=()))
USAGE: Final = Usage(input_tokens=15, output_tokens=5, cache_read_tokens=4, cache_write_tokens=2)
PEEK: Final = messages.peek(b'{"model":"m","max_tokens":9,"messages":[]}')
JSON: Final = "application/json"


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> Anthropic:
    transport = httpx2.MockTransport(answer)
    return Anthropic(
        api_key="k",
        base_url="http://gateway",
        http_client=httpx2.Client(transport=transport),
        max_retries=0,
    )


def answering(body: bytes, content_type: str = JSON, status: int = 200) -> Anthropic:
    headers = {"content-type": content_type}
    return client(lambda _: httpx2.Response(status, content=body, headers=headers))


def streaming(*pieces: Piece) -> Anthropic:
    writing = messages.writer(ENVELOPE)
    body = writing.write(pieces[:1]) + messages.KEEP_ALIVE + writing.write(pieces[1:])
    return answering(body + writing.end(USAGE), messages.stream_type(PEEK).decode())


def test_a_stream_adds_up_to_the_answer():
    pieces = (
        ThinkingPiece("H"),
        ThinkingPiece("m"),
        TextPiece("I "),
        TextPiece("look"),
        CallPiece(0, "t1", "f"),
        CallPiece(1, "t2", "g"),
        ArgumentsPiece(1, "{}"),
        ArgumentsPiece(0, '{"a":'),
        ArgumentsPiece(0, "1}"),
        FinishPiece(Finish.TOOL_CALLS),
    )

    with streaming(*pieces).messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        seen = [event.type for event in stream]
        message = stream.get_final_message()

    assert [block.to_dict() for block in message.content] == [
        {"type": "thinking", "thinking": "Hm", "signature": ""},
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    ]
    assert (message.id, message.model, message.stop_reason) == ("msg_r1", "main", "tool_use")
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens) == (9, 5)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (4, 2)
    assert seen[0] == "message_start"
    assert seen[-1] == "message_stop"


def test_a_refused_stream_tells_why():
    refusing = streaming(RefusalPiece("I may not."), FinishPiece(Finish.CONTENT_FILTER))

    with refusing.messages.stream(model="m", max_tokens=9, messages=[]) as stream:
        message = stream.get_final_message()

    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details is not None
    assert message.stop_details.explanation == "I may not."


def test_an_error_in_a_stream_raises():
    writing = messages.writer(ENVELOPE)
    body = writing.write([TextPiece("Hi")])
    body += messages.write_stream_error("upstream_interrupted", "It broke off.", PEEK)

    with (
        answering(body, "text/event-stream").messages.stream(
            model="m", max_tokens=9, messages=[]
        ) as stream,
        pytest.raises(APIStatusError, match=r"It broke off\."),
    ):
        stream.get_final_message()


def test_a_whole_answer_is_understood():
    reply = Reply(
        [Thinking("Hm"), Text("Hi"), Call("t1", "f", '{"a":1}')], Finish.TOOL_CALLS, USAGE
    )

    message = answering(messages.write_reply(reply, ENVELOPE)).messages.create(
        model="m", max_tokens=9, messages=[]
    )

    thinking, text, call = message.content
    assert isinstance(thinking, ThinkingBlock)
    assert isinstance(text, TextBlock)
    assert isinstance(call, ToolUseBlock)
    assert (thinking.thinking, text.text, call.input) == ("Hm", "Hi", {"a": 1})
    assert message.usage.input_tokens == 9


def test_an_explained_refusal_is_understood():
    body = messages.write_reply(Reply([Refusal("No.")], Finish.CONTENT_FILTER, USAGE), ENVELOPE)

    message = answering(body).messages.create(model="m", max_tokens=9, messages=[])

    assert message.stop_details is not None
    assert message.stop_details.explanation == "No."


def test_an_error_raises_by_its_status():
    note = AttemptNote("a/m", "throttle", "rate_limit", 429, 3.0)
    body = messages.write_error(429, "all_throttled", "Try later.", None, [note])

    with pytest.raises(RateLimitError) as raised:
        answering(body, status=429).messages.create(model="m", max_tokens=9, messages=[])

    error = msgspec.convert(raised.value.body, dict[str, object])["error"]
    assert msgspec.convert(error, dict[str, object])["type"] == "rate_limit_error"
    assert "Try later." in raised.value.message


def test_counts_and_models_are_understood():
    count = answering(messages.write_count(17)).messages.count_tokens(model="m", messages=[])
    models = list(answering(messages.write_models(["main"], 1_795_000_000)).models.list())

    assert count.input_tokens == 17
    assert [(model.id, model.lifecycle) for model in models] == [("main", "active")]
    assert models[0].created_at.isoformat() == "2026-11-18T11:06:40+00:00"


def test_what_the_sdk_sends_is_read():
    sent: list[bytes] = []
    reply = messages.write_reply(Reply([Text("Hi")], Finish.STOP, USAGE), ENVELOPE)

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.content)
        return httpx2.Response(200, content=reply, headers={"content-type": JSON})

    client(answer).messages.create(
        model="main",
        max_tokens=300,
        system=[{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}],
        messages=[{"role": "user", "content": "Hi"}],
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        tool_choice={"type": "tool", "name": "f"},
        thinking={"type": "adaptive"},
        output_config={"effort": "low"},
    )

    request = messages.read_request(messages.peek(sent[0]))
    assert request == Request(
        turns=[
            Turn(Role.SYSTEM, [Text("A", cached=True)]),
            Turn(Role.USER, [Text("Hi")]),
        ],
        usage_asked=True,
        tools=[Tool("f", schema=Raw(b'{"type":"object"}'))],
        tool_choice=ToolChoice(Mode.REQUIRED, ("f",)),
        max_tokens=300,
        reasoning=Reasoning("low", shown=True),
    )


def user(*parts: Part) -> Turn:
    return Turn(Role.USER, parts)


CALL: Final = Turn(Role.ASSISTANT, [Text("Wait."), Call("t1", "f", '{"a":1}')])
RESULT: Final = user(Result("t1", [Text("x"), Image("image/png", "AA")], failed=True))
HI: Final = user(Text("Hi"))


@pytest.mark.parametrize(
    "request_",
    [
        Request(turns=[HI], stream=True, stop=["x"], user="u"),
        Request(turns=[Turn(Role.SYSTEM, [Text("A", cached=True)]), user(Text("Hi", cached=True))]),
        Request(turns=[user(Image(url="https://x/a"), File("application/pdf", "AA", name="n"))]),
        Request(turns=[user(File("text/plain", "SGk=")), Turn(Role.ASSISTANT, [Text("One")])]),
        Request(turns=[HI, CALL, RESULT], tools=[Tool("f", "d", strict=True)], parallel=False),
        Request(turns=[HI, CALL, RESULT]),
        Request(turns=[HI], tools=[Tool("f")], tool_choice=ToolChoice(Mode.REQUIRED, ["f"])),
        Request(turns=[HI], format=Format(Raw(b'{"type":"object"}'), strict=True)),
        Request(turns=[HI], reasoning=Reasoning("high", shown=True)),
        Request(turns=[HI], reasoning=Reasoning("none")),
    ],
)
@pytest.mark.parametrize("thinks", [Thinks.ADAPTIVE, Thinks.BUDGET, Thinks.EFFORT])
def test_requests_are_of_the_sdks_types(request_: Request, thinks: Thinks):
    abilities = Abilities(thinks=thinks, prefill=Prefill.NATIVE, max_output=64000)

    body = messages.write_request(request_, Target("a/c", "a", "c", abilities=abilities), "a").body

    kind: object = (
        message_create_params.MessageCreateParamsStreaming
        if request_.stream
        else message_create_params.MessageCreateParamsNonStreaming
    )
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    adapter.validate_json(body, strict=True, extra="forbid")
