"""Orders for targets, from the admin API to the store, the live feed and the standing."""

from pathlib import Path

import pytest
from msgspec import convert
from msgspec.json import encode

from hotswap.keeper.orders import CONFIRM_S
from hotswap.keeper.pictures import ChainView, TargetView, Turn
from hotswap.keeper.standing import Standing
from hotswap.ledger.record import Transition
from hotswap.ledger.rows import read_transition

from .conftest import NOW, Answer, Rig


def standing(answer: Answer) -> Standing:
    return convert(answer.json()["target"], TargetView).standing


def opened(until: float = NOW + 200.0) -> Transition:
    return Transition(NOW - 1.0, "a/x", "", "closed", "open", "failures", until=until)


async def stored(rig: Rig) -> list[Transition]:
    """Return what the store holds, oldest first."""
    page = await rig.store.transitions(None, 100)
    return [read_transition(body) for body in reversed(page.bodies)]


async def test_a_drain_is_answered_with_the_new_standing(rig: Rig) -> None:
    answer = await rig.post("targets/a/x/drain")

    assert answer.status == 200
    assert answer.json()["at"] == NOW
    assert standing(answer) == Standing("drained", "operator", since=NOW)


async def test_an_order_is_stored_before_it_is_answered(rig: Rig) -> None:
    await rig.post("targets/a/x/drain")

    assert await stored(rig) == [Transition(NOW, "a/x", "", "closed", "drained", "operator")]


async def test_an_order_holds_although_the_clock_was_set_back(rig: Rig) -> None:
    ahead = NOW + 3600.0
    rig.hub.board.learn(Transition(ahead, "a/x", "", "drained", "undrained", "operator"))

    answer = await rig.post("targets/a/x/drain")

    assert standing(answer) == Standing("drained", "operator", since=ahead)
    assert [one.after for one in rig.hub.board.worries(NOW)] == ["drained"]


async def test_an_order_is_shown_to_those_who_watch(rig: Rig) -> None:
    watching = rig.watch()
    await watching.head()
    await watching.events()

    await rig.post("targets/a/x/drain")
    ((_, name, shown),) = await watching.events()

    assert name == "transition"
    assert (shown["target"], shown["after"], shown["reason"]) == ("a/x", "drained", "operator")
    await watching.leave()


async def test_a_drained_target_is_left_out_of_its_chains(rig: Rig) -> None:
    await rig.post("targets/a/x/drain")
    chain = convert((await rig.get("chains/chat")).json()["chain"], ChainView)

    assert (chain.targets[0].turn, chain.targets[0].reason) == (Turn.LEFT_OUT, "drained")
    assert chain.eligible == 1


@pytest.mark.parametrize("twice", ["drain", "undrain"])
async def test_an_order_that_changes_nothing_is_not_stored(rig: Rig, twice: str) -> None:
    await rig.post("targets/a/x/drain")
    if twice == "undrain":
        await rig.post("targets/a/x/undrain")
    before = len(await stored(rig))
    rig.clock.advance(5.0)

    answer = await rig.post(f"targets/a/x/{twice}")

    assert standing(answer).since == NOW
    assert len(await stored(rig)) == before


async def test_an_opening_by_order_lasts_five_minutes(rig: Rig) -> None:
    answer = await rig.post("targets/a/x/open")

    assert standing(answer) == Standing("open", "operator", since=NOW, until=NOW + 300.0)


async def test_a_target_that_is_closed_by_order_is_asked_again(rig: Rig) -> None:
    await rig.happen(opened())

    answer = await rig.post("targets/a/x/close")

    assert standing(answer) == Standing("closed", since=NOW)
    assert (await stored(rig))[-1].before == "open"


async def test_a_trial_leaves_the_opening_to_its_probe(rig: Rig) -> None:
    await rig.happen(opened())

    answer = await rig.post("targets/a/x/trial")

    assert standing(answer).state == "open"
    assert (await stored(rig))[-1].after == "trial"


@pytest.mark.parametrize("action", ["open", "trial"])
async def test_a_drained_target_is_neither_opened_nor_tried(rig: Rig, action: str) -> None:
    await rig.post("targets/a/x/drain")

    answer = await rig.post(f"targets/a/x/{action}")

    assert answer.status == 409
    assert answer.json() == {
        "error": {
            "code": "drained",
            "message": f"a/x is drained: undrain or close it before {action}.",
        }
    }


async def test_an_unknown_target_is_told_with_those_that_exist(rig: Rig) -> None:
    answer = await rig.post("targets/a/z/drain")

    assert answer.status == 404
    assert "There is no target 'a/z'; there are: a/x, b/y." in str(answer.json())
    assert await stored(rig) == []


async def test_an_unknown_action_is_told_with_those_that_exist(rig: Rig) -> None:
    answer = await rig.post("targets/a/x/kill")

    assert answer.status == 404
    said = "There is no action 'kill'; there are: drain, undrain, open, close, trial."
    assert said in str(answer.json())


async def test_reading_changes_nothing_and_writing_reads_nothing(rig: Rig) -> None:
    assert (await rig.get("targets/a/x/drain")).status == 404
    assert (await rig.post("targets")).status == 405
    assert await stored(rig) == []


async def test_what_cannot_be_stored_does_not_happen(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "records.db").mkdir()

    answer = await rig.post("targets/a/x/drain")

    assert answer.status == 503
    assert rig.hub.board.of("a/x").state == "closed"


async def test_a_drain_that_lasts_is_stored_again_before_it_is_forgotten(rig: Rig) -> None:
    await rig.post("targets/a/x/drain")
    rig.clock.advance(CONFIRM_S - 1.0)
    await rig.orders.confirm()
    assert len(await stored(rig)) == 1
    rig.clock.advance(1.0)

    await rig.orders.confirm()
    await rig.orders.confirm()
    await rig.store.prune(NOW + 1.0)

    assert await stored(rig) == [Transition(NOW, "a/x", "", "closed", "drained", "operator")]


async def test_a_question_without_a_worker_has_no_answer(rig: Rig) -> None:
    answer = await rig.post("explain", encode({"chain": "chat"}))

    assert answer.status == 503
    assert "no_worker" in str(answer.json())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_question"),
        (b'{"chain": 1}', 400, "bad_question"),
        (b'{"chain": "\xff"}', 400, "bad_question"),
        (b'{"chain": "chat", "nedes": {"tools": true}}', 400, "bad_question"),
        (b'{"chain": "chat", "needs": {"prompt_tokens": -5}}', 400, "bad_question"),
        (b'{"chain": "chat", "needs": {"prompt_tokens": 9%s}}' % (b"0" * 21), 400, "bad_question"),
        (b'{"chain": "chat", "caller": "nobody"}', 404, "no_such_key"),
        (b'{"chain": "a", "x": ' + b"[" * 9000 + b"]" * 9000 + b"}", 400, "bad_question"),
        (b'{"chain": "chatt"}', 404, "no_such_chain"),
        (b'{"chain": "chat", "order": ["a/z"]}', 404, "no_such_target"),
        (b" " * 70_000, 413, "too_large"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    rig: Rig, body: bytes, status: int, code: str
) -> None:
    answer = await rig.post("explain", body)

    assert answer.status == status
    assert convert(answer.json()["error"], dict[str, str])["code"] == code
