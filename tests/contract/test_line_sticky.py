"""Requests of one conversation go to the target whose prompt cache is warm."""

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import Serving, serving
from hotswap.testing.step import Cut, Step

NAMES: Final = ("one", "two", "three")
LATER: Final = (
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "And what else?"},
)


class Site(Struct, frozen=True):
    """Three equal targets behind one gateway."""

    providers: Sequence[ScriptedProvider]
    gateway: Serving

    async def ask(self, said: str, *later: object, stream: bool = False) -> str:
        messages = [{"role": "user", "content": said}, *later]
        body = {"model": "assist", "messages": messages, "stream": stream}
        answer = await self.gateway.post(body)
        assert answer.status == 200
        return self.gateway.attempts[-1].target.partition("/")[0]

    def of(self, name: str) -> ScriptedProvider:
        return self.providers[NAMES.index(name)]


@asynccontextmanager
async def site(**settings: object) -> AsyncGenerator[Site]:
    async with (
        ScriptedProvider("one") as one,
        ScriptedProvider("two") as two,
        ScriptedProvider("three") as three,
    ):
        providers = (one, two, three)
        config: dict[str, object] = {
            "providers": {
                p.name: {"base_url": p.base_url, "allow_private": True, "keys": []}
                for p in providers
            },
            "fallback": {
                "chains": [
                    {
                        "name": "assist",
                        "models": [
                            {"provider": p.name, "model": "m", "priority": 1} for p in providers
                        ],
                        "sticky": True,
                        **settings,
                    }
                ]
            },
        }
        async with serving(config) as gateway:
            yield Site(providers, gateway)


async def test_a_conversation_stays_where_it_began() -> None:
    async with site() as s:
        first = [await s.ask(f"Question {n}") for n in range(12)]
        later = [await s.ask(f"Question {n}", *LATER) for n in range(12)]

        assert first == later
        assert len(Counter(first)) > 1


async def test_another_worker_draws_alike_without_a_word() -> None:
    async with site() as one, site() as two:
        first = [await one.ask(f"Question {n}") for n in range(12)]
        second = [await two.ask(f"Question {n}") for n in range(12)]

        assert first == second


async def test_it_stays_with_whoever_stood_in() -> None:
    async with site() as s:
        first = await s.ask("Hi")
        s.of(first).script(Step(status=500))
        stood_in = await s.ask("Hi", *LATER)

        assert stood_in != first
        assert await s.ask("Hi", *LATER, *LATER) == stood_in


async def test_it_stays_with_whoever_ended_its_broken_answer() -> None:
    async with site() as s:
        first = await s.ask("Hi")
        s.of(first).script(Step(text=("All is", " well"), cut=Cut.EOF, cut_after=3))
        ended = await s.ask("Hi", *LATER, stream=True)

        assert ended != first
        assert await s.ask("Hi", *LATER, *LATER) == ended


async def test_a_throttled_target_loses_its_conversations() -> None:
    async with site() as s:
        first = await s.ask("Hi")
        s.of(first).script(Step(status=429, headers={"retry-after": "30"}))
        stood_in = await s.ask("Hi", *LATER)
        s.of(first).forget()

        assert await s.ask("Hi", *LATER, *LATER) == stood_in != first
        assert list(s.of(first).seen) == []


async def test_the_memory_reaches_across_priorities() -> None:
    models = [{"provider": n, "model": "m"} for n in NAMES]
    async with site(models=models) as s:
        s.of("one").script(Step(status=500))

        assert await s.ask("Hi") == "two"
        assert await s.ask("Hi", *LATER) == "two"
        assert await s.ask("Hello") == "one"


async def test_without_sticky_nothing_is_remembered() -> None:
    models = [{"provider": n, "model": "m"} for n in NAMES]
    async with site(models=models, sticky=False) as s:
        s.of("one").script(Step(status=500))

        assert await s.ask("Hi") == "two"
        assert await s.ask("Hi", *LATER) == "one"
