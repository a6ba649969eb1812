"""OpenAI's SDK understands a stream that broke off and was gone on with."""

import msgspec
import pytest
from openai.types.chat import ChatCompletionChunk

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Request,
    Role,
    Text,
    TextPiece,
    Turn,
)
from hotswap.dialects.openai.passage import OpenAIPassage

TEXT = 'Größe: "7"\n🎉 ok'
REQUEST = Request(turns=(Turn(Role.USER, (Text("Hi"),)),), stream=True, usage_asked=True)
ENVELOPE = Envelope("req-1", 1700000000, "other-model", REQUEST)


def piece(delta: dict[str, object]) -> bytes:
    chunk = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}],
        "usage": None,
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


STREAM = b"".join(
    [piece({"role": "assistant", "content": "", "refusal": None})]
    + [piece({"content": word}) for word in (TEXT[:4], TEXT[4:11], TEXT[11:])]
)


def chunks(stream: bytes) -> list[ChatCompletionChunk]:
    """Parse strictly what the SDK would take as it is."""
    events = stream.removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]
    payloads = [event.removeprefix(b"data: ") for event in events]
    return [ChatCompletionChunk.model_validate_json(payload, strict=True) for payload in payloads]


@pytest.mark.slow
@pytest.mark.parametrize("called", [False, True])
def test_every_chunk_is_one_that_the_sdk_knows(called: bool):  # noqa: FBT001 - a parameter
    for cut in range(0, len(STREAM) + 1, 3):
        watched = OpenAIPassage(usage_asked=True, hold_calls=True)
        forwarded = watched.feed(STREAM[:cut])
        begun = watched.begun(ENVELOPE)
        rest = TEXT[len(begun.text) :]
        pieces: list[Piece] = [TextPiece(rest)] if rest else []
        if called:
            pieces += [CallPiece(0, "call_1", "look"), ArgumentsPiece(0, "{}")]
        pieces.append(FinishPiece(Finish.STOP))

        whole = forwarded + begun.writer.write(pieces) + begun.writer.end(Usage(9, 4))

        said = chunks(whole)
        assert len({(one.id, one.created, one.model, one.system_fingerprint) for one in said}) == 1
        deltas = [choice.delta for one in said for choice in one.choices]
        assert [one.role for one in deltas if one.role] == ["assistant"]
        assert "".join(one.content or "" for one in deltas) == TEXT
        names = [
            call.function.name for one in deltas for call in one.tool_calls or () if call.function
        ]
        assert names == (["look"] if called else [])
        assert [one.usage.total_tokens for one in said if one.usage] == [13]


@pytest.mark.slow
def test_an_estimated_usage_is_a_chunk_that_the_sdk_knows():
    stop = STREAM + piece({}).replace(b'"finish_reason":null', b'"finish_reason":"stop"')
    watched = OpenAIPassage(usage_asked=True, hold_calls=True, prompt_tokens=12)

    said = chunks(watched.feed(stop) + watched.end())

    assert [one.usage.total_tokens for one in said if one.usage] == [18]
    assert said[-1].choices == []
