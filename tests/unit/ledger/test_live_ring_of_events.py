import asyncio

from hotswap.ledger.live import RING, Event, Live


def test_a_watcher_gets_what_followed_the_event_it_saw_last() -> None:
    live = Live()
    for value in ("a", "b", "c"):
        live.publish("attempt", value)

    assert live.after(1) == [Event(2, "attempt", "b"), Event(3, "attempt", "c")]
    assert live.after(3) == []


def test_who_missed_more_than_the_ring_holds_is_told_so() -> None:
    live = Live()
    live.publish("attempt", "a")
    live.after(0)
    for value in range(RING):
        live.publish("attempt", value)

    assert live.after(0) is None
    assert len(live.after(1) or ()) == RING


def test_what_nobody_can_ask_for_any_more_is_not_kept() -> None:
    live = Live()
    for value in range(RING + 1):
        live.publish("attempt", value)

    assert not live.watched
    assert live.after(RING) is None


def test_whoever_begins_to_watch_gets_what_follows() -> None:
    live = Live()
    for value in range(RING + 1):
        live.publish("attempt", value)
    begin = live.newest
    live.after(begin)
    live.publish("attempt", "a")

    assert live.watched
    assert live.after(begin) == [Event(begin + 1, "attempt", "a")]


def test_a_number_from_the_future_is_unknown() -> None:
    live = Live()
    live.publish("attempt", "a")

    assert live.after(2) is None


def test_only_the_newest_tick_is_shown() -> None:
    live = Live()
    live.publish("tick", 1)
    live.publish("attempt", "a")
    live.publish("tick", 2)

    assert live.after(0) == [Event(2, "attempt", "a"), Event(3, "tick", 2)]


async def test_every_waiting_watcher_wakes_up() -> None:
    live = Live()
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        group.create_task(live.wait(0))
        group.create_task(live.wait(0))
        await asyncio.sleep(0)
        live.publish("attempt", "a")


async def test_a_closed_ring_sends_watchers_home() -> None:
    live = Live()
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        group.create_task(live.wait(0))
        await asyncio.sleep(0)
        live.close()
