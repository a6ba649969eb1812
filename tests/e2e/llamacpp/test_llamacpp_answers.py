"""A real llama.cpp behind the gateway answers the official SDK as if it were asked directly."""

import json
import math
from pathlib import Path
from typing import Final

import pytest
from openai import OpenAI
from openai.types.shared_params import ResponseFormatJSONSchema

from .site import HELLO, LOCAL, Site
from .tiny_model import WIDTH, WORDS

pytestmark = pytest.mark.slow

EXACTLY: Final = {"grammar": 'root ::= "Good morning, everybody."'}
"""Only llama.cpp knows this field. It makes even a random model say these words."""


def test_the_model_is_tiny(model: str) -> None:
    assert Path(model).stat().st_size < 1_000_000


def test_an_answer_comes_from_it(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="assist", messages=HELLO, max_completion_tokens=8
    )

    answer = raw.parse()
    assert raw.headers["x-hotswap-target"] == LOCAL
    assert raw.headers["x-hotswap-attempts"] == "1"
    assert answer.choices[0].finish_reason == "length"
    words = (answer.choices[0].message.content or "").split()
    assert len(words) == 8
    assert set(words) <= set(WORDS)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_a_target_may_be_named_directly(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=LOCAL, messages=HELLO, extra_body=EXACTLY)

    assert answer.choices[0].message.content == "Good morning, everybody."
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_is_whole_and_its_usage_is_known_asked_for_or_not(
    client: OpenAI, site: Site, *, asked: bool
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="assist",
        messages=HELLO,
        stream=True,
        extra_body={**EXACTLY, "stream_options": {"include_usage": asked}},
    )

    chunks = [*raw.parse()]

    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == "Good morning, everybody."
    assert len(pieces) > 10
    finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert finishes == [None] * (len(pieces) - 1) + ["stop"]
    told = [chunk.usage.completion_tokens for chunk in chunks if chunk.usage is not None]
    (attempt,) = site.attempts(raw.headers["x-hotswap-request-id"])
    usage = attempt["usage"]
    assert isinstance(usage, dict)
    assert told == ([usage["output_tokens"]] if asked else [])
    assert usage["output_tokens"] >= len("Good morning, everybody.")


def test_a_schema_binds_it(client: OpenAI) -> None:
    door: ResponseFormatJSONSchema = {
        "type": "json_schema",
        "json_schema": {
            "name": "door",
            "schema": {
                "type": "object",
                "properties": {"open": {"type": "boolean"}},
                "required": ["open"],
                "additionalProperties": False,
            },
        },
    }

    answer = client.chat.completions.create(model="assist", messages=HELLO, response_format=door)

    assert json.loads(answer.choices[0].message.content or "") in ({"open": True}, {"open": False})


def test_embeddings_come_from_it(client: OpenAI) -> None:
    """The SDK asks for base64 on its own."""
    answer = client.embeddings.create(model="assist", input=["one", "two"])

    assert [len(item.embedding) for item in answer.data] == [WIDTH, WIDTH]
    assert math.hypot(*answer.data[0].embedding) == pytest.approx(1.0, abs=1e-3)


def test_chains_are_the_models_that_are_listed(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["assist", "alone", "locked"]


def test_the_end_of_a_connection_after_a_hundred_requests_costs_nothing(client: OpenAI) -> None:
    """llama.cpp closes a connection with its hundredth answer."""
    targets = [
        client.chat.completions.with_raw_response.create(
            model="assist", messages=HELLO, max_completion_tokens=1
        ).headers["x-hotswap-target"]
        for _ in range(250)
    ]

    assert targets == [LOCAL] * 250
