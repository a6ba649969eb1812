"""What SQLite does when the disk, the file or the process fails."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hotswap.errors import StoreError
from hotswap.store.api import AttemptRow, Search
from hotswap.store.sqlite import SqliteStore


def rows(first: int, count: int, size: int = 10) -> list[AttemptRow]:
    return [
        AttemptRow(float(n), f"r{n}", "chat", "a/x", b"%d " % n + b"x" * size)
        for n in range(first, first + count)
    ]


async def test_a_path_that_is_a_folder_is_named_with_the_reason(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, commit_s=0.001)

    with pytest.raises(StoreError, match=r"can not be opened: unable to open database file") as e:
        await store.append("b", 1, rows(1, 1))

    assert str(tmp_path) in str(e.value)
    await store.close()


async def test_a_store_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    path.mkdir()
    store = SqliteStore(path, commit_s=0.001)
    with pytest.raises(StoreError):
        await store.append("b", 1, rows(1, 1))
    path.rmdir()
    await store.append("b", 1, rows(1, 1))

    assert len((await store.attempts(Search())).bodies) == 1
    await store.close()


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    path.write_text("notes of somebody, long enough to be no header of a database" * 20)
    store = SqliteStore(path, commit_s=0.001)

    with pytest.raises(StoreError, match="not a database"):
        await store.append("b", 1, rows(1, 1))

    assert path.read_text().startswith("notes")
    await store.close()


async def test_a_database_of_a_newer_hotswap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = SqliteStore(path, commit_s=0.001)

    with pytest.raises(StoreError, match="schema 99 is newer than this hotswap"):
        await store.append("b", 1, rows(1, 1))

    await store.close()


@pytest.mark.slow
async def test_a_lock_that_lasts_is_an_error_and_nothing_is_half_kept(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    store = SqliteStore(path, commit_s=0.001)
    await store.append("b", 1, rows(1, 1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        await store.append("b", 2, rows(2, 2))
    other.execute("ROLLBACK")
    other.close()
    await store.append("b", 2, rows(2, 2))

    assert len((await store.attempts(Search())).bodies) == 3
    await store.close()


FULL = """
import asyncio, resource, sys
from pathlib import Path
from hotswap.errors import StoreError
from hotswap.store.api import AttemptRow, Search
from hotswap.store.sqlite import SqliteStore

def rows(first, count, size):
    numbers = range(first, first + count)
    return [AttemptRow(float(n), f"r{n}", "c", "t", b"x" * size) for n in numbers]

async def main():
    store = SqliteStore(Path(sys.argv[1]), commit_s=0.001)
    await store.append("b", 1, rows(1, 10, 100))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    try:
        await store.append("b", 11, rows(11, 100, 100_000))
    except StoreError as error:
        print("refused", "can not be written" in str(error))
    print("kept", len((await store.attempts(Search(limit=1000))).bodies))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.append("b", 11, rows(11, 100, 100_000))
    print("kept", len((await store.attempts(Search(limit=1000))).bodies))
    await store.close()

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_full_disk_refuses_the_batch_whole_and_takes_it_when_there_is_room(
    tmp_path: Path,
) -> None:
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", FULL, str(tmp_path / "records.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )

    assert done.stderr == ""
    assert done.stdout.split("\n")[:3] == ["refused True", "kept 10", "kept 110"]


WRITER = """
import asyncio, sys
from pathlib import Path
from hotswap.store.api import AttemptRow
from hotswap.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path(sys.argv[1]), commit_s=0.001)
    first = 1
    while True:
        numbers = range(first, first + 50)
        rows = [AttemptRow(float(n), f"r{n}", "c", "t", b"%d" % n) for n in numbers]
        await store.append("b", first, rows)
        first += 50
        print(first - 1, flush=True)

asyncio.run(main())
"""


def write_until_killed(path: Path, batches: int) -> int:
    """Kill a process that appends, some batches in; return the last row that it saw committed."""
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(batches)]
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
    return int(lines[-1])


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 4, 15])
async def test_a_kill_loses_nothing_that_was_committed_and_halves_no_batch(
    tmp_path: Path, batches: int
) -> None:
    path = tmp_path / "records.db"
    committed = write_until_killed(path, batches)
    store = SqliteStore(path)
    kept = [int(body) for body in (await store.attempts(Search(limit=1_000_000))).bodies]

    assert len(kept) >= committed
    assert len(kept) % 50 == 0
    assert kept == list(range(len(kept), 0, -1))
    await store.close()
