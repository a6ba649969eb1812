"""A new configuration while requests are under way."""

import asyncio

import pytest

from hotswap.app import DataPlane
from hotswap.clock import SystemClock
from hotswap.core.change import Change
from hotswap.ledger.record import Record
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import chain_of, chat, pair, serving, snapshot_of
from hotswap.testing.step import Step

WORDS = tuple(f"w{number} " for number in range(20))
NEWS = Change(0.0, "one/m", "", "closed", "open", "failures")


async def test_streams_finish_on_the_configuration_that_they_began_with() -> None:
    async with (
        ScriptedProvider("one", Step(text=WORDS, gap_s=0.02)) as one,
        ScriptedProvider("two") as two,
        serving(chain_of(one)) as gateway,
        asyncio.TaskGroup() as group,
    ):
        running = [group.create_task(gateway.post(chat("assist", stream=True))) for _ in range(5)]
        await one.wait_for(lambda p: p.in_flight == 5)
        gateway.plane.apply(snapshot_of(chain_of(two)))
        fresh = await gateway.post(chat("assist", stream=True))

        assert fresh.text() == "This answer was written by two."
        for task in running:
            answer = await task
            assert (answer.text(), answer.whole) == ("".join(WORDS), True)
        digests = {a.target: a.config for a in gateway.attempts}
        assert digests["one/m"] != digests["two/m"]


async def test_a_request_under_way_still_finds_its_old_fallback() -> None:
    async with (
        ScriptedProvider("one", Step(first_byte_s=0.2, status=500)) as one,
        ScriptedProvider("two") as two,
        ScriptedProvider("three") as three,
        serving(chain_of(one, two)) as gateway,
        asyncio.TaskGroup() as group,
    ):
        running = group.create_task(gateway.post(chat("assist")))
        await one.wait_for(lambda p: p.in_flight == 1)
        gateway.plane.apply(snapshot_of(chain_of(three)))

        assert (await running).text() == "This answer was written by two."
        assert three.requests == 0


@pytest.mark.parametrize(
    "fault", [Step(status=500), Step(status=429, headers={"retry-after": "30"}), Step(status=401)]
)
async def test_the_health_of_unchanged_targets_and_keys_survives(fault: Step) -> None:
    async with (
        ScriptedProvider("one", fault) as one,
        ScriptedProvider("two") as two,
        serving(chain_of(one, two)) as gateway,
    ):
        while not gateway.transitions:
            await gateway.post(chat("assist"))
        touched = one.requests
        gateway.plane.apply(snapshot_of(chain_of(one, two, timeouts={"total_s": 30})))
        for _ in range(3):
            answer = await gateway.post(chat("assist"))
            assert answer.text() == "This answer was written by two."

        assert one.requests == touched


async def test_a_key_that_was_replaced_is_tried_at_once() -> None:
    async with (
        ScriptedProvider("one", keys=["sk-new"]) as one,
        ScriptedProvider("two") as two,
        serving(chain_of(one, two, keys=("sk-old",))) as gateway,
    ):
        while not gateway.transitions:
            await gateway.post(chat("assist"))
        gateway.plane.apply(snapshot_of(chain_of(one, two, keys=("sk-new",))))
        answer = await gateway.post(chat("assist"))

        assert answer.text() == "This answer was written by one."


async def test_a_probe_under_way_ends_well_though_nothing_is_known_of_its_target_any_more() -> None:
    limited = Step(status=429, headers={"retry-after-ms": "20"})
    async with pair() as p:
        p.one.script(limited, Step(first_byte_s=0.2))
        while p.one.requests < 2:
            await p.gateway.post(chat("assist"))
        only_two = snapshot_of(chain_of(p.two))
        p.gateway.plane.apply(only_two)
        p.gateway.plane.standings.adopt(
            only_two.providers, only_two.chains.values(), only_two.health, now=1e9
        )
        while not p.gateway.probes:
            await p.gateway.post(chat("assist"))

        assert [(probe.target, probe.cause) for probe in p.gateway.probes] == [("one/m", "")]


async def test_a_bug_in_one_look_for_probes_does_not_end_them_all() -> None:
    bugs: list[str] = []
    told = asyncio.Event()

    def record(_: Record) -> None:
        if not bugs:
            bugs.append("told")
            plane.standings.changes.append(NEWS)
            raise ValueError
        told.set()

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: bugs.append(repr(context["exception"])))
    async with ScriptedProvider("one") as one:
        plane = DataPlane(
            snapshot_of(chain_of(one)),
            index=0,
            record=record,
            changed=lambda _: None,
            ask=lambda _key, _ttl_s, _answer: None,
            clock=SystemClock(),
        )
        await plane.serve()
        plane.standings.changes.append(NEWS)

        await told.wait()

        await plane.close()
    assert bugs == ["told", "ValueError()"]
