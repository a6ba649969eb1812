"""What is written in Gemini's dialect holds against the types of Google's own SDK.

Its answer types refuse fields that they do not know.
"""

import msgspec
import pytest
from google.genai import types

from hotswap.core.abilities import Abilities, Thinks
from hotswap.core.terms import Target, Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.gemini.generate import (
    read_reply,
    write_count,
    write_reply,
    write_request,
    writer,
)
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    Call,
    CallPiece,
    Finish,
    FinishPiece,
    Format,
    Image,
    Mode,
    Reasoning,
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

ENVELOPE = Envelope(
    "req-1", 1_800_000_000, "gemini-3", Request(turns=(), reasoning=Reasoning(shown=True))
)
SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
REQUEST = Request(
    turns=(
        Turn(Role.SYSTEM, [Text("Be brief.")]),
        Turn(Role.USER, [Text("How warm?"), Image("image/png", "AAAA", detail="low")]),
        Turn(Role.ASSISTANT, [Call("c1", "get_t", '{"city":"Bern"}'), Call("c2", "get_t", "")]),
        Turn(Role.USER, [Result("c1", [Text("17"), Image("image/png", "AAAA")])]),
    ),
    tools=(Tool("get_t", "d", SCHEMA),),
    tool_choice=ToolChoice(Mode.REQUIRED, ("get_t",)),
    format=Format(SCHEMA),
    max_tokens=300,
    temperature=0.5,
    top_p=0.9,
    top_k=40,
    seed=7,
    presence_penalty=0.1,
    frequency_penalty=0.1,
    stop=("a",),
    reasoning=Reasoning("high", shown=True),
)


@pytest.mark.parametrize("thinks", [Thinks.EFFORT, Thinks.BUDGET])
def test_a_request_is_made_of_the_sdks_types(thinks: Thinks):
    target = Target("google/g", "google", "g", abilities=Abilities(thinks=thinks))

    body = msgspec.json.decode(
        write_request(REQUEST, target, "google").body, type=dict[str, msgspec.Raw]
    )

    assert types.Content.model_validate_json(bytes(body.pop("systemInstruction"))).parts
    contents = [
        types.Content.model_validate_json(bytes(content))
        for content in msgspec.json.decode(body.pop("contents"), type=list[msgspec.Raw])
    ]
    assert [content.role for content in contents] == ["user", "model", "user"]
    tools = [
        types.Tool.model_validate_json(bytes(tool))
        for tool in msgspec.json.decode(body.pop("tools"), type=list[msgspec.Raw])
    ]
    declared = tools[0].function_declarations
    assert declared is not None
    assert declared[0].parameters_json_schema == msgspec.json.decode(SCHEMA)
    calling = types.ToolConfig.model_validate_json(bytes(body.pop("toolConfig")))
    assert calling.function_calling_config is not None
    assert calling.function_calling_config.mode is types.FunctionCallingConfigMode.ANY
    config = types.GenerationConfig.model_validate_json(bytes(body.pop("generationConfig")))
    assert config.max_output_tokens == 300
    assert body == {}


def test_an_answer_is_of_the_sdks_type():
    reply = Reply(
        [Thinking("Hmm"), Text("Hi"), Call("c1", "f", '{"a":1}', "c2ln")],
        Finish.TOOL_CALLS,
        Usage(9, 5, cache_read_tokens=4, reasoning_tokens=3),
    )

    answer = types.GenerateContentResponse.model_validate_json(write_reply(reply, ENVELOPE))

    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    (call,) = list(answer.function_calls or [])
    assert (call.id, call.name, call.args) == ("c1", "f", {"a": 1})
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.thoughts_token_count == 3
    assert read_reply(write_reply(reply, ENVELOPE)) == reply


def test_every_event_of_a_stream_is_of_the_sdks_type():
    writing = writer(ENVELOPE)

    stream = writing.write([ThinkingPiece("Hmm"), TextPiece("Hi")])
    stream += writing.write([CallPiece(0, "c1", "f"), ArgumentsPiece(0, '{"a":1}')])
    stream += writing.write([FinishPiece(Finish.TOOL_CALLS)])
    stream += writing.end(Usage(9, 5))

    first, last = (
        types.GenerateContentResponse.model_validate_json(event.removeprefix(b"data: "))
        for event in stream.split(b"\n\n")
        if event
    )
    assert first.text == "Hi"
    assert [call.name for call in last.function_calls or ()] == ["f"]
    assert last.response_id == "req-1"


def test_a_count_is_of_the_sdks_type():
    assert types.CountTokensResponse.model_validate_json(write_count(17)).total_tokens == 17
