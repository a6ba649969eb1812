"""What every store keeps to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hotswap.store.api import AttemptRow, Search, Store, TransitionRow
from hotswap.store.sqlite import SqliteStore

Open = Callable[[], Store]


def attempt(at: float, name: str, *, chain: str = "chat", target: str = "a/x") -> AttemptRow:
    return AttemptRow(at, name, chain, target, name.encode())


def transition(at: float, name: str) -> TransitionRow:
    return TransitionRow(at, name.encode())


@pytest.fixture(params=["sqlite"])
def open_store(tmp_path: Path) -> Open:
    return lambda: SqliteStore(tmp_path / "records.db", commit_s=0.001)


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[Store]:
    store = open_store()
    yield store
    await store.close()


async def bodies(store: Store, search: Search | None = None) -> list[bytes]:
    return list((await store.attempts(search or Search())).bodies)


async def test_an_empty_store_has_nothing_to_give(store: Store) -> None:
    assert await bodies(store) == []
    assert (await store.transitions(None, 10)).bodies == ()
    assert await store.prune(1e12) == 0


async def test_attempts_come_newest_first(store: Store) -> None:
    await store.append("b", 1, [attempt(2.0, "two"), attempt(3.0, "three"), attempt(1.0, "one")])

    assert await bodies(store) == [b"three", b"two", b"one"]


async def test_transitions_come_newest_first_and_apart_from_attempts(store: Store) -> None:
    await store.append("b", 1, [transition(1.0, "t1"), attempt(2.0, "a"), transition(3.0, "t3")])

    assert (await store.transitions(None, 10)).bodies == (b"t3", b"t1")
    assert (await store.transitions(2.0, 10)).bodies == (b"t3",)
    assert (await store.transitions(None, 1)).bodies == (b"t3",)
    assert await bodies(store) == [b"a"]


async def test_a_batch_that_comes_again_is_kept_once(store: Store) -> None:
    rows = [attempt(1.0, "one"), attempt(2.0, "two")]
    await store.append("b", 1, rows)
    await store.append("b", 1, rows)

    assert await bodies(store) == [b"two", b"one"]


async def test_of_an_overlapping_batch_only_the_new_rows_are_kept(store: Store) -> None:
    await store.append("b", 1, [attempt(1.0, "one"), attempt(2.0, "two")])
    await store.append("b", 2, [attempt(2.0, "two"), attempt(3.0, "three")])

    assert await bodies(store) == [b"three", b"two", b"one"]


async def test_batches_of_one_group_are_told_apart_too(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(store.append("b", 1, [attempt(1.0, "one"), attempt(2.0, "two")]))
        group.create_task(store.append("b", 1, [attempt(1.0, "one"), attempt(2.0, "two")]))
        group.create_task(store.append("c", 1, [attempt(3.0, "three")]))

    assert await bodies(store) == [b"three", b"two", b"one"]


async def test_numbers_of_different_boots_do_not_meet(store: Store) -> None:
    await store.append("b", 1, [attempt(1.0, "one")])
    await store.append("c", 1, [attempt(2.0, "two")])

    assert await bodies(store) == [b"two", b"one"]


async def test_what_was_kept_is_known_after_a_restart(open_store: Open) -> None:
    before = open_store()
    await before.append("b", 1, [attempt(1.0, "one")])
    await before.close()
    after = open_store()
    await after.append("b", 1, [attempt(1.0, "one"), attempt(1.0, "two")])

    assert await bodies(after) == [b"two", b"one"]
    await after.close()


async def test_closing_commits_what_is_pending(open_store: Open) -> None:
    before = open_store()
    pending = asyncio.ensure_future(before.append("b", 1, [attempt(1.0, "one")]))
    await asyncio.sleep(0)
    await before.close()
    await pending
    after = open_store()

    assert await bodies(after) == [b"one"]
    await after.close()


async def test_a_caller_that_left_does_not_undo_its_rows(store: Store) -> None:
    leaving = asyncio.ensure_future(store.append("b", 1, [attempt(1.0, "one")]))
    await asyncio.sleep(0)
    leaving.cancel()
    await store.append("b", 2, [attempt(2.0, "two")])

    assert await bodies(store) == [b"two", b"one"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(request_id="r1"), [b"r1", b"r1"]),
        (Search(chain="long"), [b"r3"]),
        (Search(target="b/y"), [b"r3", b"r2"]),
        (Search(target="b/y", chain="chat"), [b"r2"]),
        (Search(since=3.0), [b"r3", b"r2"]),
        (Search(limit=1), [b"r3"]),
        (Search(request_id="none"), []),
        (Search(chain="' OR 1 = 1 --"), []),
    ],
)
async def test_a_search_restricts(store: Store, search: Search, found: list[bytes]) -> None:
    await store.append(
        "b",
        1,
        [
            attempt(1.0, "r1"),
            attempt(2.0, "r1"),
            attempt(3.0, "r2", target="b/y"),
            attempt(4.0, "r3", chain="long", target="b/y"),
        ],
    )

    assert await bodies(store, search) == found


async def test_pages_follow_each_other_without_gap_or_repeat(store: Store) -> None:
    await store.append("b", 1, [attempt(5.0, f"r{n}") for n in range(5)])
    first = await store.attempts(Search(limit=2))
    second = await store.attempts(Search(limit=2, after=first.next))
    third = await store.attempts(Search(limit=2, after=second.next))

    assert first.bodies == (b"r4", b"r3")
    assert second.bodies == (b"r2", b"r1")
    assert third.bodies == (b"r0",)
    assert third.next is None


async def test_a_page_may_go_on_after_any_of_its_rows(store: Store) -> None:
    await store.append("b", 1, [attempt(5.0, f"r{n}") for n in range(4)])
    page = await store.attempts(Search(limit=3))
    rest = await store.attempts(Search(after=page.ids[1]))

    assert page.bodies[:2] == (b"r3", b"r2")
    assert rest.bodies == (b"r1", b"r0")


async def test_pruning_forgets_what_is_older_and_says_how_much(store: Store) -> None:
    await store.append("b", 1, [attempt(n / 10, f"r{n}") for n in range(1200)])
    await store.append("c", 1, [transition(1.0, "old"), transition(119.95, "new")])

    assert await store.prune(119.9) == 1200
    assert await bodies(store) == [b"r1199"]
    assert (await store.transitions(None, 10)).bodies == (b"new",)


async def test_a_boot_that_was_pruned_may_go_on(store: Store) -> None:
    await store.append("b", 1, [attempt(1.0, "one")])
    await store.prune(10.0)
    await store.append("b", 2, [attempt(20.0, "two")])

    assert await bodies(store) == [b"two"]


@pytest.mark.parametrize("at", [-1.0, 1e30, float("inf"), float("nan")])
async def test_a_clock_gone_mad_does_not_hold_up_the_records(store: Store, at: float) -> None:
    await store.append("b", 1, [attempt(at, "mad"), attempt(1.0, "sane")])

    assert sorted(await bodies(store)) == [b"mad", b"sane"]
