"""How a target comes back: nobody before the reset, one probe, a ramp, and no herd."""

# ruff: noqa: N802 - the names begin with the row of the list of what must pass

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import pytest

from hotswap.clock import SystemClock
from hotswap.ledger.record import Transition
from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Answer, Serving, chain_of, chat, pair, serving
from hotswap.testing.step import Seen, Step

BY_ONE = "This answer was written by one."
BY_TWO = "This answer was written by two."
SLOW_PROBE = Step(first_byte_s=0.15)
"""Slow enough that a second probe beside the first would show."""


def drawn(seed: int) -> Callable[[], float]:
    return Random(seed).random  # noqa: S311 - nothing secret is drawn


async def crowd(gateway: Serving, clients: int, target: str, after: str) -> None:
    """Let so many clients ask over and over until the change `after` of `target` was recorded."""
    reached: list[Transition] = []

    async def ask() -> None:
        while not reached:
            answer = await gateway.post(chat("assist"))
            assert answer.status == 200
            reached.extend(t for t in gateway.transitions if (t.target, t.after) == (target, after))

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(ask())


def monotonic_of(transition: Transition) -> float:
    clock = SystemClock()
    return transition.at - clock.unix() + clock.now()


def before(seen: Sequence[Seen], moment: float) -> list[Seen]:
    return [s for s in seen if s.at < moment]


async def test_T1_until_the_reset_no_request_reaches_a_throttled_target() -> None:
    limited = Step(status=429, headers={"retry-after-ms": "300"})
    async with pair() as p:
        p.one.script(limited)
        first = await p.gateway.post(chat("assist"))
        assert first.text() == BY_TWO
        assert first.first_byte_s < 0.1
        await crowd(p.gateway, 3, "one/m", "ramp")

        opened = p.gateway.transitions[0]
        throttled, probe, *_ = p.one.seen
        assert probe.at - throttled.at >= 0.3
        assert b"Say hello." in throttled.body
        assert b"Say hello." not in probe.body
        assert opened.until is not None
        assert 0.3 <= opened.until - opened.at <= 0.33
        assert len(p.gateway.probes) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [Step(status=429, headers={"retry-after-ms": "500"}), Step(status=500)],
    ids=["throttled", "failing"],
)
async def test_T6_with_1000_waiting_clients_one_probe_finds_out_that_a_target_is_back(
    fault: Step,
) -> None:
    health = {"breaker": {"open_s": 0.5}}
    async with (
        ScriptedProvider("one", fault) as one,
        ScriptedProvider("two", Step(first_byte_s=0.2)) as two,
        serving(chain_of(one, two, health=health)) as gateway,
    ):
        while not gateway.transitions:
            await gateway.post(chat("assist"))
        failed = one.requests
        one.behave(SLOW_PROBE)
        await crowd(gateway, 1000, "one/m", "ramp")

        (ramp,) = (t for t in gateway.transitions if t.after == "ramp")
        assert len(before(one.seen, monotonic_of(ramp))) == failed + 1
        assert len(gateway.probes) == 1
        assert two.requests >= 1000
        ended = [a.request_id for a in gateway.attempts if a.final]
        assert len(ended) == len(set(ended)) == len({a.request_id for a in gateway.attempts})


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [Step(status=429, headers={"retry-after-ms": "200"}), Step(status=500)],
    ids=["throttled", "failing"],
)
async def test_T6_after_the_probe_the_traffic_returns_along_a_ramp(fault: Step) -> None:
    health = {"breaker": {"open_s": 0.2, "ramp_s": 2.0}}
    async with (
        ScriptedProvider("one", fault) as one,
        ScriptedProvider("two", HEALTHY) as two,
        serving(chain_of(one, two, health=health), jitter=drawn(1)) as gateway,
    ):
        while not gateway.transitions:
            await gateway.post(chat("assist"))
        one.behave(HEALTHY)
        await crowd(gateway, 20, "one/m", "closed")

        (ramp,) = (t for t in gateway.transitions if t.after == "ramp")
        first, last = (_share(gateway, ramp.at + s, ramp.at + s + 0.4) for s in (0.0, 1.6))
        assert 0.02 < first < 0.3
        assert 0.7 < last < 1.0


def _share(gateway: Serving, start: float, end: float) -> float:
    targets = [a.target for a in gateway.attempts if start <= a.started_at < end]
    assert len(targets) > 50
    return targets.count("one/m") / len(targets)


async def test_a_probe_that_fails_doubles_the_pause_and_no_user_waits_on_it() -> None:
    health = {"breaker": {"open_s": 0.1}}
    async with (
        ScriptedProvider("one", Step(status=500)) as one,
        ScriptedProvider("two", HEALTHY) as two,
        serving(chain_of(one, two, health=health), jitter=lambda: 0.999) as gateway,
    ):
        while len(gateway.probes) < 3:
            answer = await gateway.post(chat("assist"))
            assert answer.text() == BY_TWO
            assert answer.first_byte_s < 0.1

        pauses = [t.until - t.at for t in gateway.transitions if t.until is not None]
        assert pauses[:3] == pytest.approx([0.1, 0.2, 0.4], abs=0.01)
        assert [a.target for a in gateway.attempts].count("one/m") == 5


async def test_nobody_probes_what_nobody_asks_for() -> None:
    health = {"breaker": {"open_s": 0.05}}
    async with pair(Step(status=500), health=health) as p:
        for _ in range(5):
            await p.gateway.post(chat("assist"))
        with pytest.raises(TimeoutError):
            await p.one.wait_for(lambda one: one.requests > 5, timeout_s=0.4)

        assert not p.gateway.probes


async def test_T5_when_all_are_throttled_the_caller_hears_when_the_first_is_back() -> None:
    first = Step(status=429, headers={"retry-after": "40"})
    second = Step(status=429, headers={"retry-after": "20"})
    async with pair(first, second) as p:
        await p.gateway.post(chat("assist"))
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 429
        assert 20 <= int(answer.headers["retry-after"]) <= 22
        assert answer.headers["x-should-retry"] == "false"
        assert (p.one.requests, p.two.requests) == (1, 1)


async def test_T5_a_retry_after_of_hours_never_reaches_the_caller() -> None:
    hours = Step(status=429, headers={"retry-after": "7200"})
    async with pair(hours, hours) as p:
        answer = await p.gateway.post(chat("assist"))

        assert int(answer.headers["retry-after"]) == 60


async def test_T5_when_all_are_open_some_requests_try_the_least_bad_and_find_it_healed() -> None:
    async with pair(Step(status=500), Step(status=500), retry={"max_attempts": 1}) as p:
        for _ in range(5):
            assert (await p.gateway.post(chat("assist"))).status == 503
        p.one.behave(HEALTHY)
        while (answer := await p.gateway.post(chat("assist"))).status != 200:
            assert answer.headers["x-should-retry"] == "false"
            assert 1 <= int(answer.headers["retry-after"]) <= 5

        assert answer.text() == BY_ONE
        assert p.gateway.transitions[-1].after == "ramp"


async def test_T5_in_an_outage_of_everything_the_targets_are_left_nearly_alone() -> None:
    down = Step(status=500)
    async with (
        ScriptedProvider("one", down) as one,
        ScriptedProvider("two", down) as two,
        serving(chain_of(one, two, retry={"max_attempts": 1}), jitter=drawn(2)) as gateway,
    ):
        for _ in range(300):
            assert (await gateway.post(chat("assist"))).status == 503

        assert one.requests < 60
        assert two.requests < 60


async def test_in_an_outage_the_retries_do_not_multiply_the_load() -> None:
    """Retries are a tenth of a target's attempts and three more, whatever `max_attempts` says."""
    never_opens = {"breaker": {"failures": 10_000, "min_requests": 10_000}}
    retry = {"max_attempts": 5, "base_s": 0.001}
    async with pair(Step(status=500), Step(status=500), health=never_opens, retry=retry) as p:
        for _ in range(200):
            assert (await p.gateway.post(chat("assist"))).status == 503

        assert p.one.requests == 200
        assert 200 < p.two.requests <= 225


async def test_a_target_that_takes_requests_in_silence_opens_before_their_limit() -> None:
    """Whoever comes once it is noticed goes to the fallback at once."""
    health = {"silence": {"waiting": 3, "floor_s": 0.1, "quiet_s": 0.1}}
    hang = Step(hang=True)
    async with (
        pair(hang, health=health, timeouts={"first_content_s": 0.6}) as p,
        asyncio.TaskGroup() as group,
    ):
        answers: list[Answer] = []
        answered = asyncio.Event()

        async def ask() -> None:
            answers.append(await p.gateway.post(chat("assist", stream=True)))
            answered.set()

        clock = SystemClock()
        began_at = clock.now()
        while not p.two.requests:
            group.create_task(ask())
            with suppress(TimeoutError):
                await p.two.wait_for(lambda two: two.requests > 0, timeout_s=0.02)

        assert clock.now() < began_at + 0.5
        await answered.wait()
        assert answers[0].text() == BY_TWO
        assert answers[0].first_byte_s < 0.1
        assert p.gateway.transitions[0].reason == "silence"
