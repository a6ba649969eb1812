"""What the line leaves in the ledger: one final record per request, attempts in order."""

import asyncio
from collections import Counter, defaultdict

import pytest

from hotswap.ledger.record import AttemptRecord
from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Serving, chain_of, chat, pair, serving, written
from hotswap.testing.step import Cut, Step

BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def by_request(gateway: Serving) -> dict[str, list[AttemptRecord]]:
    found: dict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in gateway.attempts:
        found[attempt.request_id].append(attempt)
    return found


@pytest.mark.slow
@BOTH_MODES
async def test_every_request_has_one_final_record_and_numbered_attempts(*, stream: bool) -> None:
    faults = [
        HEALTHY,
        Step(status=500),
        Step(status=429),
        Step(status=400),
        Step(drop=Cut.RESET),
        Step(empty=True),
        Step(cut=Cut.EOF, cut_after=4, cut_after_bytes=None),
    ]
    async with pair(retry={"max_attempts": 2, "base_s": 0.01}) as p:
        for first in faults:
            for second in faults:
                p.one.behave(first)
                p.two.behave(second)
                answer = await p.gateway.post(chat("assist", stream=stream))
                records = by_request(p.gateway)[answer.headers["x-hotswap-request-id"]]

                assert [r.final for r in records] == [False] * (len(records) - 1) + [True]
                # Whoever goes on with an answer comes after its head was sent.
                later = sum(r.splice_offset is not None for r in records)
                tried = int(answer.headers["x-hotswap-attempts"]) + later
                assert [r.number for r in records] == (list(range(1, tried + 1)) or [0])
                assert records[-1].answered is (answer.status == 200 and answer.whole)


async def test_a_request_for_which_nothing_could_be_tried_has_its_record() -> None:
    async with pair(Step(status=402), Step(status=402)) as p:
        await p.gateway.post(chat("assist"))
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 503
        last = p.gateway.attempts[-1]
        assert (last.number, last.final, last.answered, last.target) == (0, True, False, "")
        assert last.skipped == ("one/m: exhausted", "two/m: exhausted")


async def test_a_caller_that_leaves_in_the_pause_before_a_retry_has_its_final_record() -> None:
    async with (
        ScriptedProvider("one", Step(status=500)) as one,
        serving(chain_of(one, retry={"base_s": 0.4}), jitter=lambda: 0.5) as gateway,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(written(chat("assist")))
        await gateway.until(lambda g: len(g.attempts) == 1)
        writer.close()
        await gateway.until(lambda g: g.attempts[-1].final)

        assert [(a.number, a.final, a.detail) for a in gateway.attempts] == [
            (1, False, "server_error"),
            (0, True, "client_closed"),
        ]
        assert one.requests == 1


async def test_a_caller_that_leaves_is_recorded_as_having_left() -> None:
    async with pair(Step(hang=True)) as p:
        _, writer = await asyncio.open_connection("127.0.0.1", p.gateway.port)
        writer.write(written(chat("assist")))
        await p.one.wait_for(lambda one: one.requests == 1)
        writer.close()
        await p.gateway.until(lambda g: bool(g.attempts))

        (attempt,) = p.gateway.attempts
        assert (attempt.cause, attempt.final, attempt.answered) == ("cancel", True, False)
        assert not p.gateway.transitions


async def test_a_record_tells_where_the_time_went() -> None:
    step = Step(text=("a ", "b "), first_byte_s=0.05, first_content_s=0.05, gap_s=0.05)
    async with pair(step) as p:
        await p.gateway.post(chat("assist", stream=True))

        (attempt,) = p.gateway.attempts
        assert attempt.sent_s is not None
        assert attempt.first_content_s is not None
        assert attempt.last_s is not None
        assert 0 <= attempt.sent_s < 0.05
        assert 0.1 <= attempt.first_content_s < 0.15
        assert 0.2 <= attempt.last_s <= attempt.end_s < 0.3
        assert attempt.usage is not None
        assert attempt.credential == "main"


async def test_the_estimate_of_a_broken_answer_is_never_zero() -> None:
    step = Step(text="one two three four", gap_s=0.002, cut=Cut.EOF, cut_after=3)
    async with pair(step) as p:
        await p.gateway.post(chat("assist", stream=True))

        usage = p.gateway.attempts[0].usage
        assert usage is not None
        assert usage.estimated
        assert (usage.input_tokens, usage.output_tokens) > (0, 0)


PRIMARIES = {
    "429": Step(status=429),
    "500": Step(status=500),
    "closed": Step(drop=Cut.EOF),
    "reset": Step(drop=Cut.RESET),
    "reset_on_accept": Step(accept=Cut.RESET),
    "refused": None,
}
"""How the primary fails; None: it does not listen."""


@pytest.mark.slow
@BOTH_MODES
@pytest.mark.parametrize("step", list(PRIMARIES.values()), ids=list(PRIMARIES))
async def test_from_a_classified_failure_to_the_next_request_it_takes_at_most_5_ms(
    step: Step | None, *, stream: bool
) -> None:
    """At p99 of 300 switches on warm connections, one request after the other.

    Every request names a chain of its own, because a target is left alone once it has failed.
    """
    async with (
        ScriptedProvider("one", step or HEALTHY) as one,
        ScriptedProvider("two", HEALTHY) as two,
    ):
        if step is None:
            await one.stop()
        config = chain_of(one, two)
        config["fallback"] = {"chains": [_chain(number) for number in range(300)]}
        async with serving(config) as gateway:
            for number in range(300):
                answer = await gateway.post(chat(f"chain-{number}", stream=stream))
                assert answer.text() == "This answer was written by two."

            switches = [a.switch_s for a in gateway.attempts if a.switch_s is not None]
            assert len(switches) == 300
            assert sorted(switches)[296] <= 0.005, Counter(round(s * 1000) for s in switches)


def _chain(number: int) -> object:
    models = [{"provider": name, "model": f"m{number}"} for name in ("one", "two")]
    return {"name": f"chain-{number}", "models": models}
