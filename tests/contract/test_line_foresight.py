"""What a worker says that it would do is what it does; and what it measures, it tells."""

from hashlib import sha256

from msgspec.json import decode

from hotswap.core.plan import Skip
from hotswap.core.terms import Needs
from hotswap.gateway.foresight import Foresight
from hotswap.ledger.link import Measured
from hotswap.ledger.question import Question
from hotswap.ledger.record import Transition
from hotswap.testing.serving import Serving, chat, pair
from hotswap.testing.step import Step


def foreseen(gateway: Serving, question: Question) -> Foresight:
    return decode(gateway.plane.explain(question), type=Foresight)


async def test_a_healthy_chain_is_asked_in_its_order() -> None:
    async with pair() as p:
        assert foreseen(p.gateway, Question("assist")) == Foresight(("one/m", "two/m"))


async def test_a_throttled_target_is_left_out_as_a_request_leaves_it_out() -> None:
    async with pair(Step(status=429, headers={"retry-after": "60"})) as p:
        await p.gateway.post(chat("assist"))
        answer = await p.gateway.post(chat("assist"))

        told = foreseen(p.gateway, Question("assist"))

        assert answer.headers["x-hotswap-target"] == "two/m"
        assert told.order == ("two/m",)
        assert [(skip.target, skip.reason) for skip in told.skips] == [("one/m", "throttled")]


async def test_a_drained_target_is_left_out_and_so_is_everybody_else_in_panic() -> None:
    async with pair() as p:
        for target in ("one/m", "two/m"):
            p.gateway.plane.learn(Transition(1.0, target, "", "closed", "drained", "operator"))

        told = foreseen(p.gateway, Question("assist"))

        assert (told.order, told.panic) == ((), True)
        assert {skip.reason for skip in told.skips} == {"drained"}
        assert (await p.gateway.post(chat("assist"))).status == 503
        assert (p.one.requests, p.two.requests) == (0, 0)


async def test_the_callers_order_and_needs_count() -> None:
    async with pair() as p:
        told = foreseen(
            p.gateway, Question("assist", Needs(prompt_tokens=10), order=("two/m", "one/m"))
        )

        assert told.order == ("two/m", "one/m")


async def test_the_zones_of_the_callers_key_count() -> None:
    keys = [{"id": "app", "sha256": sha256(b"k").hexdigest(), "zones": ["eu"]}]
    async with pair(access={"keys": keys}) as p:
        told = foreseen(p.gateway, Question("assist", caller="app"))

        assert told.order == ()
        assert Skip("one/m", "no zone", unable=True, rule="access.keys.zones") in told.skips


async def test_a_question_about_what_is_not_there_has_a_problem() -> None:
    async with pair() as p:
        assert foreseen(p.gateway, Question("gone")).problem == "no chain is named 'gone'"
        told = foreseen(p.gateway, Question("assist", order=("three/m",)))
        assert told.problem == "not all of the order are targets of 'assist'"


async def test_only_targets_with_work_are_measured() -> None:
    async with pair() as p:
        assert p.gateway.plane.measure() == Measured()
        for _ in range(3):
            await p.gateway.post(chat("assist"))

        measured = p.gateway.plane.measure()

        figures = measured.figures
        assert list(figures) == ["one/m"]
        assert measured.uses == {"one/m": ()}
        one = figures["one/m"]
        assert (one.in_flight, one.attempts, one.failed_share) == (0, 3, 0.0)
        assert one.whole is not None
        assert 0.0 < one.whole.p50_s <= one.whole.p95_s < 5.0


async def test_what_is_used_of_a_limit_is_told() -> None:
    said = {"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "597"}
    async with pair(Step(headers=said)) as p:
        for _ in range(3):
            await p.gateway.post(chat("assist"))

        (requests,) = p.gateway.plane.measure().uses["one/m"]

        assert (requests.credential, requests.unit) == ("main", "requests")
        assert (requests.used, requests.limit) == (2.0, 600.0)
