"""What the admin listener shows of requests, attempts and transitions."""

from pathlib import Path

import pytest
from msgspec import convert
from msgspec.structs import replace

from hotswap.core.terms import Needs, Usage
from hotswap.keeper.requests import Outcome, RequestView
from hotswap.ledger.record import Transition

from .conftest import Answer, Rig, attempt


def requests(answer: Answer) -> list[RequestView]:
    return convert(answer.json()["requests"], list[RequestView])


def ids(answer: Answer) -> list[str]:
    return [request.id for request in requests(answer)]


SMOOTH = attempt("smooth", end_s=0.5)
FAILED = attempt("rescued", cause="hard", final=False, end_s=0.25)
RESCUE = attempt("rescued", 2, target="b/y", began=0.25, end_s=1.0)
LOST = (
    attempt("lost", cause="hang", final=False, end_s=2.0),
    attempt("lost", 2, target="b/y", cause="hard", began=2.0, end_s=1.0),
)
REFUSED = attempt("refused", cause="caller", began=4.0)
UNTRIED = replace(
    attempt("untried", 0, began=6.0, end_s=0.0),
    detail="no_target",
    skipped=("a/x: open", "b/y: throttled"),
)
PROBE = replace(attempt("", began=7.0), route="probe", chain="")
EVERYTHING = (SMOOTH, FAILED, RESCUE, *LOST, REFUSED, UNTRIED, PROBE)


async def test_requests_come_newest_first_and_probes_are_none(rig: Rig) -> None:
    await rig.happen(*EVERYTHING)
    answer = await rig.get("requests")

    assert [(request.id, request.outcome) for request in requests(answer)] == [
        ("untried", Outcome.LOST),
        ("refused", Outcome.REFUSED),
        ("lost", Outcome.LOST),
        ("rescued", Outcome.RESCUED),
        ("smooth", Outcome.ANSWERED),
    ]
    assert answer.json()["next"] is None


async def test_a_request_is_summed_up_over_its_attempts(rig: Rig) -> None:
    used = replace(FAILED, usage=Usage(10, 2, estimated=True), cost_usd=0.5)
    rescue = replace(RESCUE, first_content_s=0.5, usage=Usage(11, 7), cost_usd=0.25)
    await rig.happen(used, rescue)
    (request,) = requests(await rig.get("requests"))

    assert request == RequestView(
        id="rescued",
        outcome=Outcome.RESCUED,
        chain="chat",
        caller="",
        dialect="openai_chat",
        route="chat",
        streamed=False,
        attempts=2,
        target="b/y",
        cause="",
        detail="",
        started_at=1_700_000_000.0,
        seconds=1.25,
        first_content_s=0.75,
        usage=Usage(21, 9, estimated=True),
        cost_usd=0.75,
    )


async def test_an_unknown_price_makes_the_cost_unknown(rig: Rig) -> None:
    await rig.happen(replace(SMOOTH, usage=Usage(1, 1)))
    (request,) = requests(await rig.get("requests"))

    assert request.cost_usd is None


async def test_a_caller_that_left_is_no_loss(rig: Rig) -> None:
    await rig.happen(attempt("r1", cause="cancel"))

    assert [r.outcome for r in requests(await rig.get("requests"))] == [Outcome.LEFT]
    assert ids(await rig.get("requests?failed=true")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("limit=2", ["untried", "refused"]),
        ("moved=true", ["lost", "rescued"]),
        ("moved=1&failed=1", ["lost"]),
        ("failed=true", ["untried", "lost"]),
        ("failed=false&moved=false&limit=1", ["untried"]),
        ("target=b/y", ["lost", "rescued"]),
        ("target=a/x&moved=true", ["lost", "rescued"]),
        ("target=a/x", ["refused", "lost", "smooth", "rescued"]),
        ("chain=nope", []),
        ("since=1700000004.5", ["untried", "refused"]),
    ],
)
async def test_a_query_restricts_the_requests(rig: Rig, query: str, found: list[str]) -> None:
    await rig.happen(*EVERYTHING)

    assert ids(await rig.get(f"requests?{query}")) == found


async def test_a_request_that_came_to_a_target_twice_is_found_once(rig: Rig) -> None:
    first = attempt("r1", cause="hard", final=False)
    await rig.happen(first, attempt("r1", 2, began=1.0))

    assert ids(await rig.get("requests?target=a/x")) == ["r1"]


async def test_a_request_under_way_is_found_by_what_it_tried(rig: Rig) -> None:
    await rig.happen(FAILED)

    assert ids(await rig.get("requests")) == []
    (request,) = requests(await rig.get("requests?target=a/x"))
    assert request.outcome == Outcome.UNFINISHED


async def test_pages_follow_each_other_without_gap_or_repeat(rig: Rig) -> None:
    moved = [
        record
        for n in range(7)
        for record in (
            attempt(f"s{n}", began=n * 2.0),
            attempt(f"m{n}", cause="hard", final=False, began=n * 2.0),
            attempt(f"m{n}", 2, target="b/y", began=n * 2.0 + 0.5),
        )
    ]
    await rig.happen(*moved)
    found, after = list[str](), ""
    while True:
        answer = await rig.get(f"requests?moved=true&limit=3{after}")
        found += ids(answer)
        if answer.json()["next"] is None:
            break
        after = f"&after={answer.json()['next']}"

    assert found == ["m6", "m5", "m4", "m3", "m2", "m1", "m0"]


async def test_a_rare_find_does_not_read_the_whole_store_at_once(rig: Rig) -> None:
    rare = attempt("rare", cause="hard")
    await rig.happen(rare, *(attempt(f"r{n}", began=1.0) for n in range(10_600)))
    first = await rig.get("requests?failed=true")
    second = await rig.get(f"requests?failed=true&after={first.json()['next']}")

    assert ids(first) == []
    assert ids(second) == ["rare"]
    assert second.json()["next"] is None


async def test_one_request_is_told_with_all_its_attempts(rig: Rig) -> None:
    first = replace(FAILED, needs=Needs(images=True), skipped=("c/z: open",), rule="x", status=503)
    await rig.happen(replace(RESCUE, switch_s=0.001), first)
    answer = await rig.get("requests/rescued")
    one, two = answer.rows("attempts")

    request = convert(answer.json()["request"], RequestView)
    assert (request.outcome, request.attempts) == (Outcome.RESCUED, 2)
    assert (one["target"], one["status"], one["skipped"]) == ("a/x", 503, ["c/z: open"])
    assert (two["target"], two["cause"], two["switch_s"]) == ("b/y", "", 0.001)
    assert convert(one["needs"], Needs) == Needs(images=True)


async def test_a_request_whose_pause_was_its_last_ends_with_that(rig: Rig) -> None:
    await rig.happen(FAILED, replace(UNTRIED, request_id="rescued"))
    answer = await rig.get("requests/rescued")

    request = convert(answer.json()["request"], RequestView)
    assert (request.outcome, request.attempts, request.target) == (Outcome.LOST, 1, "a/x")
    assert [row["number"] for row in answer.rows("attempts")] == [1, 0]
    assert ids(await rig.get("requests?failed=true")) == ["rescued"]


async def test_an_unknown_request_is_answered_with_why(rig: Rig) -> None:
    answer = await rig.get("requests/r9")

    assert answer.status == 404
    assert answer.json() == {
        "error": {
            "code": "no_such_request",
            "message": "There is no request 'r9'; records are kept for 30 days.",
        }
    }


async def test_attempts_come_newest_first_with_probes_and_every_field(rig: Rig) -> None:
    await rig.happen(*EVERYTHING)
    answer = await rig.get("attempts?limit=2")
    probe, untried = answer.rows("attempts")
    following = await rig.get(f"attempts?limit=1&after={answer.json()['next']}")

    assert (probe["route"], probe["request_id"]) == ("probe", "")
    assert (untried["detail"], untried["cause"]) == ("no_target", "")
    assert [row["request_id"] for row in following.rows("attempts")] == ["refused"]


async def test_a_query_restricts_the_attempts(rig: Rig) -> None:
    await rig.happen(*EVERYTHING)
    answer = await rig.get("attempts?request_id=rescued&target=b/y")

    assert [row["number"] for row in answer.rows("attempts")] == [2]


async def test_transitions_come_newest_first(rig: Rig) -> None:
    await rig.happen(
        Transition(1_700_000_000.0, "a/x", "", "closed", "open", "failures", until=1_700_000_005.0),
        Transition(1_700_000_001.0, "a", "main", "closed", "open", "auth"),
    )
    transitions = (await rig.get("transitions")).rows("transitions")
    newest = (await rig.get("transitions?since=1700000001&limit=1")).rows("transitions")

    assert [t["reason"] for t in transitions] == ["auth", "failures"]
    assert transitions[1]["until"] == 1_700_000_005.0
    assert [t["reason"] for t in newest] == ["auth"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("requests?limit=0", "limit"),
        ("requests?limit=1001", "limit"),
        ("requests?limit=x", "limit"),
        ("requests?since=soon", "since"),
        ("requests?after=-1", "after"),
        (f"requests?after={1 << 63}", "after"),
        ("requests?moved=perhaps", "moved"),
        ("requests?limt=5", "limt"),
        ("requests/r1?chain=chat", "chain"),
        ("attempts?moved=true", "moved"),
        ("transitions?limit=", "limit"),
        ("chains?name=chat", "name"),
        ("targets/a/x?limit=1", "limit"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_by_name(
    rig: Rig, query: str, param: str
) -> None:
    answer = await rig.get(query)
    error = convert(answer.json()["error"], dict[str, str])

    assert (answer.status, error["code"], error["param"]) == (400, "bad_query", param)
    assert f"`{param}`" in error["message"]


async def test_a_store_that_fails_is_told(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "records.db").mkdir()  # where the database would be made
    answer = await rig.get("requests")

    assert answer.status == 503
    assert "store_unavailable" in str(answer.json())
