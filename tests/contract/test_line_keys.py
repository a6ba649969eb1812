"""What a key's trouble means for other models, and what a model's trouble means for other keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import KEY_IDS, Serving, chat, serving
from hotswap.testing.step import Step


class Pool(Struct, frozen=True):
    """One provider with two models in chains of their own, behind some keys."""

    one: ScriptedProvider
    gateway: Serving

    async def ask(self, chain: str) -> int:
        return (await self.gateway.post(chat(chain))).status

    def keys(self) -> list[str]:
        return [seen.key for seen in self.one.seen]


@asynccontextmanager
async def pool(*keys: str) -> AsyncGenerator[Pool, None]:
    async with ScriptedProvider("one") as one:
        config = {
            "providers": {
                "one": {
                    "base_url": one.base_url,
                    "allow_private": True,
                    "keys": [{"id": i, "secret": k} for i, k in zip(KEY_IDS, keys, strict=False)],
                }
            },
            "fallback": {
                "chains": [
                    {"name": name, "models": [{"provider": "one", "model": f"{name}-model"}]}
                    for name in ("large", "small")
                ]
            },
        }
        async with serving(config) as gateway:
            yield Pool(one, gateway)


async def test_keys_are_used_in_their_order() -> None:
    async with pool("sk-1", "sk-2") as p:
        assert [await p.ask("large") for _ in range(3)] == [200] * 3

        assert p.keys() == ["sk-1"] * 3


@pytest.mark.parametrize(
    ("refusal", "times"), [(Step(status=401), 2), (Step(status=402), 1)], ids=["401", "402"]
)
async def test_a_refused_or_empty_key_is_bad_for_every_model(refusal: Step, times: int) -> None:
    async with pool("sk-1", "sk-2") as p:
        p.one.behave(refusal, key="sk-1")
        assert [await p.ask("large") for _ in range(times)] == [200] * times
        p.one.forget()
        assert await p.ask("small") == 200

        assert p.keys() == ["sk-2"]


@pytest.mark.parametrize(
    "refusal",
    [Step(status=429, headers={"retry-after": "9"}), Step(status=403), Step(status=404)],
    ids=["429", "403", "404"],
)
async def test_a_throttled_or_forbidden_model_says_nothing_of_the_keys_other_models(
    refusal: Step,
) -> None:
    async with pool("sk-1", "sk-2") as p:
        p.one.script(refusal)
        assert await p.ask("large") == 200
        assert await p.ask("large") == 200
        assert await p.ask("small") == 200

        assert p.keys() == ["sk-1", "sk-2", "sk-2", "sk-1"]


async def test_refusals_that_are_not_in_a_row_disable_nothing() -> None:
    async with pool("sk-1", "sk-2") as p:
        for _ in range(4):
            p.one.script(Step(status=401))
            assert await p.ask("large") == 200
            assert await p.ask("large") == 200

        assert p.keys() == ["sk-1", "sk-2", "sk-1"] * 4
        assert not p.gateway.transitions


async def test_a_key_shared_by_nobody_else_leaves_an_error_that_does_not_blame_the_caller() -> None:
    """A 401 would make the caller throw away its own good key."""
    async with pool("sk-1") as p:
        p.one.behave(Step(status=401))

        assert [await p.ask("large") for _ in range(4)] == [503] * 4
        assert p.one.requests == 2


async def test_every_key_is_tried_once_and_each_is_free() -> None:
    async with pool("sk-1", "sk-2", "sk-3") as p:
        p.one.behave(Step(status=429, headers={"retry-after": "9"}))

        assert await p.ask("large") == 429
        assert p.keys() == ["sk-1", "sk-2", "sk-3"]
