"""Streams, health and errors of the admin listener."""

from hotswap.keeper.feed import CAP
from hotswap.ledger.record import Transition

from .conftest import Rig, attempt

OPENED = Transition(
    1_700_000_000.0, "a/x", "", "closed", "open", "failures", until=1_700_000_005.0, level=1
)


async def test_health_says_what_is_wrong(rig: Rig) -> None:
    health = (await rig.get("health")).json()

    assert (health["status"], health["workers"]) == ("degraded", [])
    assert (health["store"], health["digest"], health["version"]) == ("ok", "one", "1.2.3")
    assert health["at"] == 1_700_000_100.0


async def test_what_is_not_there_is_said_in_json(rig: Rig) -> None:
    missing = await rig.get("/")
    wrong = await rig.get("chains", method="POST")

    assert (missing.status, missing.headers["content-type"]) == (404, "application/json")
    assert (wrong.status, wrong.headers["content-type"]) == (405, "application/json")


async def test_without_the_key_nothing_is_told_apart(rig: Rig) -> None:
    answers = [await rig.get(path, key="wrong") for path in ("chains", "chains/nope", "/", "nope")]

    assert {answer.status for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1


async def test_a_stream_begins_with_hello_and_goes_on_with_what_happens(rig: Rig) -> None:
    rig.live.publish("attempt", attempt("r1"))
    call = rig.watch()
    head = await call.head()
    hello = await call.events()
    rig.live.publish("attempt", attempt("r2"))
    rig.live.publish("transition", OPENED)
    first, second = await call.events()
    await call.leave()

    assert head.headers["content-type"].startswith("text/event-stream")
    assert hello == [("e-1", "hello", {"reset": True, "version": "1.2.3", "digest": "one"})]
    assert (first[0], first[1], first[2]["request_id"]) == ("e-2", "attempt", "r2")
    assert (second[0], second[1], second[2]["reason"]) == ("e-3", "transition", "failures")
    assert rig.feed.streams == 0


async def test_a_stream_resumes_after_the_last_event_seen(rig: Rig) -> None:
    for name in ("r1", "r2", "r3"):
        rig.live.publish("attempt", attempt(name))
    call = rig.watch("e-1")
    await call.head()
    hello = await call.events()
    missed = await call.events()
    await call.leave()

    assert hello[0][2]["reset"] is False
    assert [event[2]["request_id"] for event in missed] == ["r2", "r3"]


async def test_streams_beyond_the_cap_are_sent_away(rig: Rig) -> None:
    feeds = [rig.feed.stream("") for _ in range(CAP)]
    for feed in feeds:
        await anext(feed)
    answer = await rig.get("stream")
    for feed in feeds:
        await feed.aclose()

    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert not rig.feed.full


async def test_streams_end_when_the_keeper_does(rig: Rig) -> None:
    call = rig.watch()
    await call.head()
    await call.piece()
    rig.live.close()

    await call.running
