"""A request that is slow to begin is sent to a second endpoint: who answers first is kept."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import Answer, Serving, serving
from hotswap.testing.step import Cut, Step

AFTER_S = 0.05


class Pair:
    """Two providers, and the gateway before them."""

    def __init__(self, gateway: Serving, one: ScriptedProvider, two: ScriptedProvider) -> None:
        self.gateway = gateway
        self.one = one
        self.two = two

    async def ask(self, *, stream: bool = True) -> Answer:
        messages = [{"role": "user", "content": "Say hello."}]
        return await self.gateway.post({"model": "a", "stream": stream, "messages": messages})


@asynccontextmanager
async def pair(one: Step, two: Step, **settings: object) -> AsyncGenerator[Pair]:
    async with ScriptedProvider("one", one) as first, ScriptedProvider("two", two) as second:
        config = {
            "providers": {
                provider.name: {
                    "kind": "openai",
                    "base_url": provider.base_url,
                    "allow_private": True,
                    "keys": [{"id": "main", "secret": "sk-test"}],
                }
                for provider in (first, second)
            },
            "fallback": {
                "chains": [
                    {
                        "name": "a",
                        "models": [
                            {"provider": "one", "model": "m"},
                            {"provider": "two", "model": "m"},
                        ],
                        **({"hedge": {"after": AFTER_S}} | settings),
                    }
                ]
            },
        }
        async with serving(config) as gateway:
            yield Pair(gateway, first, second)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_second_answers_and_the_first_is_cancelled(stream: bool):  # noqa: FBT001
    async with pair(Step(hang=True), Step(text="Hello.")) as p:
        answer = await p.ask(stream=stream)

        assert answer.whole
        assert answer.headers["x-hotswap-target"] == "two/m"
        assert "one/m hedge_lost" in answer.headers["x-hotswap-reason"]
        await p.one.wait_for(lambda one: one.seen[0].closed_early_at is not None, timeout_s=1)
        lost, won = p.gateway.attempts
        assert (lost.target, lost.final, lost.detail) == ("one/m", False, "hedge_lost")
        assert lost.usage is not None
        assert lost.usage.estimated
        assert (won.target, won.final, won.answered) == ("two/m", True, True)
        assert won.hedged_s is not None
        assert won.hedged_s >= AFTER_S


@pytest.mark.parametrize("stream", [True, False])
async def test_the_first_may_still_answer_first(stream: bool):  # noqa: FBT001
    slow, slower = Step(text="Hello.", first_byte_s=0.15), Step(text="Hi.", first_byte_s=5)
    async with pair(slow, slower) as p:
        answer = await p.ask(stream=stream)

        assert answer.headers["x-hotswap-target"] == "one/m"
        await p.two.wait_for(lambda two: two.seen[0].closed_early_at is not None, timeout_s=1)
        lost, won = p.gateway.attempts
        assert (lost.target, lost.detail, lost.final) == ("two/m", "hedge_lost", False)
        assert (won.target, won.final) == ("one/m", True)


async def test_a_fast_answer_is_not_sent_twice():
    async with pair(Step(text="Hello."), Step(text="Hi.")) as p:
        await p.ask()

        assert p.two.requests == 0


async def test_the_first_fails_while_the_second_runs():
    async with pair(
        Step(status=500, first_byte_s=0.15), Step(text="Hello.", first_byte_s=0.25)
    ) as p:
        answer = await p.ask()

        assert answer.whole
        assert answer.headers["x-hotswap-target"] == "two/m"
        assert [one.detail for one in p.gateway.attempts] == ["server_error", ""]


async def test_the_second_fails_while_the_first_runs():
    async with pair(Step(text="Hello.", first_byte_s=0.3), Step(status=500)) as p:
        answer = await p.ask()

        assert answer.headers["x-hotswap-target"] == "one/m"
        assert p.two.requests == 1


async def test_both_fail_and_the_caller_is_told_of_both():
    async with pair(Step(status=500, first_byte_s=0.15), Step(status=503)) as p:
        answer = await p.ask()

        assert answer.status == 503
        assert {one.target for one in p.gateway.attempts} == {"one/m", "two/m"}


async def test_an_outage_does_not_double_the_traffic():
    async with pair(Step(text="Hello.", first_byte_s=0.1), Step(text="Hi.", first_byte_s=3)) as p:
        for _ in range(10):
            await p.ask()

        assert p.two.requests == 1


async def test_a_caller_that_leaves_ends_both():
    async with pair(Step(hang=True), Step(hang=True), timeouts={"total_s": 0.3}) as p:
        answer = await p.ask()

        assert answer.status == 504
        await p.two.wait_for(lambda two: two.seen[0].closed_early_at is not None, timeout_s=1)


async def test_the_latency_trigger_may_hedge_instead_of_switching():
    trigger = {"type": "latency", "threshold_ms": 50, "action": "hedge"}
    async with pair(
        Step(text="Hello.", first_byte_s=0.2),
        Step(text="Hi.", first_byte_s=5),
        hedge=None,
        triggers=[trigger],
    ) as p:
        answer = await p.ask()

        assert answer.headers["x-hotswap-target"] == "one/m"
        assert p.two.requests == 1


async def test_a_hedge_that_answers_and_breaks_goes_on_at_the_one_that_it_beat():
    broken = Step(text=("Hello", " the"), cut=Cut.EOF, cut_after=3, gap_s=0.002)
    async with pair(Step(text="re."), broken) as p:
        p.one.script(Step(hang=True))

        answer = await p.ask()

        assert answer.whole
        assert b'"content":"re"' in answer.body or b'"content":"re."' in answer.body
        assert [one.target for one in p.gateway.attempts] == ["one/m", "two/m", "one/m"]
