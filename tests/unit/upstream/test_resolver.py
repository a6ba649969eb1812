"""The cache of names."""

import asyncio
from collections.abc import Sequence

import pytest

from hotswap.testing.clock import VirtualClock
from hotswap.upstream.api import Fault
from hotswap.upstream.dns import Resolver, interleave
from hotswap.upstream.flaw import Flaw
from hotswap.upstream.settings import ClientSettings

SETTINGS = ClientSettings(dns_refresh_s=30.0, dns_patience_s=0.02)


class Names:
    """A resolver that answers what it is told to; `gate` holds it up."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.was_asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        self.was_asked.set()
        await self.gate.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


async def test_a_fresh_result_is_used_again() -> None:
    clock, names = VirtualClock(), Names(["1.1.1.1"])
    resolver = Resolver(names, clock, SETTINGS)

    assert await resolver.addresses("acme.test", 443) == ("1.1.1.1",)
    clock.advance(29.9)
    assert await resolver.addresses("acme.test", 443) == ("1.1.1.1",)

    assert names.asked == [("acme.test", 443)]


async def test_an_old_result_is_replaced() -> None:
    clock, names = VirtualClock(), Names(["1.1.1.1"], ["1.1.1.2"])
    resolver = Resolver(names, clock, SETTINGS)
    await resolver.addresses("acme.test", 443)

    clock.advance(30.0)

    assert await resolver.addresses("acme.test", 443) == ("1.1.1.2",)


@pytest.mark.parametrize("answer", [OSError("no answer"), []])
async def test_an_old_result_outlives_a_failing_resolver(answer: Sequence[str] | OSError) -> None:
    clock, names = VirtualClock(), Names(["1.1.1.1"], answer, ["1.1.1.3"])
    resolver = Resolver(names, clock, SETTINGS)
    await resolver.addresses("acme.test", 443)

    clock.advance(30.0)

    assert await resolver.addresses("acme.test", 443) == ("1.1.1.1",)
    assert await resolver.addresses("acme.test", 443) == ("1.1.1.3",)


async def test_an_old_result_serves_while_the_resolver_is_slow() -> None:
    clock, names = VirtualClock(), Names(["1.1.1.1"], ["1.1.1.2"])
    resolver = Resolver(names, clock, SETTINGS)
    await resolver.addresses("acme.test", 443)
    clock.advance(30.0)
    names.gate.clear()

    assert await resolver.addresses("acme.test", 443) == ("1.1.1.1",)
    names.gate.set()
    assert await resolver.addresses("acme.test", 443) == ("1.1.1.2",)


async def test_concurrent_questions_are_asked_once() -> None:
    names = Names(["1.1.1.1"])
    resolver = Resolver(names, VirtualClock(), SETTINGS)

    answers = await asyncio.gather(*(resolver.addresses("acme.test", 443) for _ in range(3)))

    assert answers == [("1.1.1.1",)] * 3
    assert len(names.asked) == 1


async def test_a_name_that_can_not_be_resolved_is_a_fault() -> None:
    resolver = Resolver(Names(OSError("no such name")), VirtualClock(), SETTINGS)

    assert await resolver.addresses("acme.test", 443) == Flaw(
        Fault.DNS, "acme.test can not be resolved: no such name"
    )


async def test_a_name_without_addresses_is_a_fault() -> None:
    resolver = Resolver(Names([]), VirtualClock(), SETTINGS)

    assert await resolver.addresses("acme.test", 443) == Flaw(Fault.DNS, "acme.test has no address")


@pytest.mark.parametrize("address", ["10.0.0.1", "::1"])
async def test_an_address_is_not_resolved(address: str) -> None:
    names = Names()

    assert await Resolver(names, VirtualClock(), SETTINGS).addresses(address, 443) == (address,)
    assert names.asked == []


async def test_closing_ends_what_is_running() -> None:
    names = Names()
    names.gate.clear()
    resolver = Resolver(names, VirtualClock(), SETTINGS)
    question = asyncio.ensure_future(resolver.addresses("acme.test", 443))
    await names.was_asked.wait()

    running = resolver.close()
    await asyncio.gather(question, *running, return_exceptions=True)

    assert [task.cancelled() for task in running] == [True]


@pytest.mark.parametrize(
    ("addresses", "order"),
    [
        ([], ()),
        (["1.1.1.1", "1.1.1.2"], ("1.1.1.1", "1.1.1.2")),
        (["::1", "::2", "::3", "1.1.1.1"], ("::1", "1.1.1.1", "::2", "::3")),
        (["1.1.1.1", "1.1.1.2", "::1"], ("1.1.1.1", "::1", "1.1.1.2")),
    ],
)
def test_families_take_turns(addresses: list[str], order: tuple[str, ...]) -> None:
    assert interleave(addresses) == order
