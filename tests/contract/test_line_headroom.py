"""Requests leave a target before it refuses them: the gateway's line against real limits."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from msgspec import Struct

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.quota import Caps, Tells
from hotswap.testing.serving import Serving, serving
from hotswap.testing.step import Step


class Site(Struct, frozen=True):
    """A target with limits, and one without, behind one gateway."""

    one: ScriptedProvider
    gateway: Serving

    async def ask(self, times: int, *, stream: bool = False) -> list[str]:
        """Ask so often, one after the other; return who answered."""
        messages = [{"role": "user", "content": "Hi"}]
        answered: list[str] = []
        for _ in range(times):
            body = {"model": "assist", "messages": messages, "stream": stream}
            answer = await self.gateway.post(body)
            assert answer.status == 200
            answered.append(self.gateway.attempts[-1].target.partition("/")[0])
        return answered

    @property
    def refused(self) -> int:
        return sum(attempt.status == 429 for attempt in self.gateway.attempts)


@asynccontextmanager
async def site(
    caps: Caps | None = None,
    *,
    limits: dict[str, int] | None = None,
    triggers: list[object] | None = None,
) -> AsyncGenerator[Site]:
    async with (
        ScriptedProvider("one", caps=caps) as one,
        ScriptedProvider("two") as two,
    ):
        providers: dict[str, dict[str, object]] = {
            p.name: {"base_url": p.base_url, "allow_private": True, "keys": []} for p in (one, two)
        }
        if limits is not None:
            providers["one"]["limits"] = limits
        chain: dict[str, object] = {
            "name": "assist",
            "models": [{"provider": "one", "model": "m"}, {"provider": "two", "model": "m"}],
        }
        if triggers is not None:
            chain["triggers"] = triggers
        async with serving({"providers": providers, "fallback": {"chains": [chain]}}) as gateway:
            yield Site(one, gateway)


@pytest.mark.parametrize("stream", [False, True])
async def test_limits_that_headers_name_are_not_met(*, stream: bool) -> None:
    async with site(Caps(requests=20, manner="sliding", tells="openai")) as s:
        answered = Counter(await s.ask(30, stream=stream))

        assert s.refused == 0
        assert 18 <= answered["one"] <= 19
        assert answered["two"] == 30 - answered["one"]


async def test_limits_that_were_set_by_hand_are_not_met() -> None:
    caps = Caps(requests=10, manner="sliding", tells="nothing")
    async with site(caps, limits={"rpm": 10}) as s:
        answered = Counter(await s.ask(15))

        assert s.refused == 0
        assert answered == {"one": 9, "two": 6}


async def test_tokens_count_as_the_provider_counts_them() -> None:
    async with site(limits={"tpm": 10_000}) as s:
        s.one.behave(Step(prompt_tokens=1500, completion_tokens=500))

        answered = Counter(await s.ask(10))

        assert 4 <= answered["one"] <= 5


@pytest.mark.parametrize("tells", ["openai", "gemini", "retry_after"])
async def test_a_refusal_moves_the_request_on_and_nobody_else_meets_one(tells: Tells) -> None:
    async with site(Caps(requests=3, manner="fixed", tells=tells)) as s:
        s.one.cap(Caps(requests=3, manner="fixed", tells=tells))
        answered = await s.ask(8)

        assert answered[-1] == "two"
        assert s.refused <= 1


async def test_without_the_trigger_limits_are_not_looked_at() -> None:
    async with site(limits={"rpm": 2}, triggers=[{"type": "error"}]) as s:
        assert Counter(await s.ask(5)) == {"one": 5}


async def test_of_the_limited_nobody_is_lost_where_there_is_no_other() -> None:
    async with ScriptedProvider("one") as one:
        config: dict[str, object] = {
            "providers": {
                "one": {
                    "base_url": one.base_url,
                    "allow_private": True,
                    "keys": [],
                    "limits": {"rpm": 2},
                }
            },
            "fallback": {
                "chains": [{"name": "assist", "models": [{"provider": "one", "model": "m"}]}]
            },
        }
        async with serving(config) as gateway:
            s = Site(one, gateway)

            assert await s.ask(6) == ["one"] * 6
