"""Embeddings: passed through, and never answered by another model."""

import pytest

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import chain_of, pair, serving
from hotswap.testing.step import Cut, Step

PATH = "/v1/embeddings"
ASKED = {"model": "assist", "input": ["one", "two"]}
FAULTS = {
    "500": Step(status=500),
    "429": Step(status=429),
    "401": Step(status=401),
    "reset": Step(drop=Cut.RESET),
    "cut": Step(cut=Cut.EOF, cut_after_bytes=30),
    "garbage": Step(body=b"{}"),
}


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_vectors_pass_as_they_are(encoding: str) -> None:
    async with pair() as p:
        answer = await p.gateway.post({**ASKED, "encoding_format": encoding}, path=PATH)

        assert answer.status == 200
        vector = (
            "AAAAPgAAAD4AAAA+AAAAPgAAAD4AAAA+AAAAPgAAAD4=" if encoding == "base64" else [0.125] * 8
        )
        body = answer.json()
        assert isinstance(body, dict)
        assert body["data"] == [
            {"object": "embedding", "index": 0, "embedding": vector},
            {"object": "embedding", "index": 1, "embedding": vector},
        ]
        assert p.gateway.attempts[0].route == "embeddings"


@pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
async def test_they_move_to_another_provider_of_the_same_model(fault: Step) -> None:
    async with pair(fault) as p:
        answer = await p.gateway.post(ASKED, path=PATH)

        assert answer.status == 200
        assert answer.headers["x-hotswap-target"] == "two/m"


async def test_they_move_to_another_key() -> None:
    async with pair(keys=("sk-1", "sk-2")) as p:
        p.one.behave(Step(status=429), key="sk-1")
        answer = await p.gateway.post(ASKED, path=PATH)

        assert answer.status == 200
        assert answer.headers["x-hotswap-target"] == "one/m"


@pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
async def test_they_never_move_to_another_model(fault: Step) -> None:
    """Vectors of different models can not be compared: a wrong index is worse than an error."""
    async with ScriptedProvider("one", fault) as one, ScriptedProvider("two", HEALTHY) as two:
        config = chain_of(one, two)
        models = [{"provider": "one", "model": "m"}, {"provider": "two", "model": "other"}]
        config["fallback"] = {
            "chains": [{"name": "assist", "models": models, "retry": {"max_attempts": 1}}]
        }
        async with serving(config) as gateway:
            for _ in range(8):
                answer = await gateway.post(ASKED, path=PATH)

                assert answer.status in {429, 503}
        assert two.requests == 0
