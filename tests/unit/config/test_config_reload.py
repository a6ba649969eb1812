"""Changes of the file are noticed however it is replaced, and loaded in a child."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from hotswap.config.child import load_in_process, read_outcome
from hotswap.config.outcome import Loaded, Mistake, Refused
from hotswap.config.reload import changes, is_same, load_in_child

from .conftest import Load

CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}\n"


def write(path: Path, text: str) -> None:
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """Do what careful editors do: write beside, then rename."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    beside.replace(path)


def delete_and_write(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@asynccontextmanager
async def watching(
    path: Path, look_s: float = 0.01
) -> AsyncGenerator[Callable[[], asyncio.Task[None]]]:
    """Watch a file; what is yielded waits for its next change."""
    async with asyncio.TaskGroup() as tasks:
        known = digest_of(path)
        stream = changes(path, known, look_s=look_s)

        async def following() -> None:
            await anext(stream)

        async with aclosing(stream):
            yield lambda: tasks.create_task(following())


async def test_a_change_made_before_the_watch_began_is_noticed_at_once(tmp_path: Path):
    path = tmp_path / "hotswap.yaml"
    path.write_text("two")
    known = hashlib.sha256(b"one").hexdigest()

    async with asyncio.timeout(10), aclosing(changes(path, known)) as stream:
        assert await anext(stream) is None


@pytest.mark.parametrize("change", [write, replace, delete_and_write])
async def test_a_change_is_noticed_however_it_is_made(
    tmp_path: Path, change: Callable[[Path, str], None]
):
    path = tmp_path / "hotswap.yaml"
    path.write_text("one")

    async with asyncio.timeout(10), watching(path) as following:
        first = following()
        await asyncio.sleep(0)
        change(path, "two")
        await first
        second = following()
        change(path, "three")
        await second


async def test_a_swapped_folder_link_is_noticed_as_kubernetes_makes_it(tmp_path: Path):
    for version in ("one", "two", "three"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "hotswap.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("one")
    path = tmp_path / "hotswap.yaml"
    path.symlink_to("..data/hotswap.yaml")

    async with asyncio.timeout(10), watching(path) as following:
        for version in ("two", "three"):
            change = following()
            await asyncio.sleep(0)
            (tmp_path / "..data_tmp").symlink_to(version)
            (tmp_path / "..data_tmp").replace(tmp_path / "..data")
            await change
            assert path.read_text() == version


async def test_the_target_of_a_link_is_watched_as_well(tmp_path: Path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.yaml"
    real.write_text("one")
    path = tmp_path / "here" / "hotswap.yaml"
    path.symlink_to(real)

    async with asyncio.timeout(10), watching(path) as following:
        change = following()
        await asyncio.sleep(0)
        real.write_text("two")
        await change


async def test_a_file_is_read_when_it_rests(tmp_path: Path):
    path = tmp_path / "hotswap.yaml"
    path.write_text("one")

    async with asyncio.timeout(10), watching(path, look_s=0.0) as following:
        change = following()
        for part in ("t", "tw"):
            await asyncio.sleep(0)
            path.write_text(part)
        await asyncio.sleep(0)
        assert not change.done()
        path.write_text("two")
        await change


async def test_the_same_content_again_is_no_change(tmp_path: Path):
    path = tmp_path / "hotswap.yaml"
    path.write_text("one")

    async with asyncio.timeout(10), watching(path) as following:
        change = following()
        await asyncio.sleep(0)
        os.utime(path)
        replace(path, "one")
        (tmp_path / "other.yaml").write_text("two")
        done, _ = await asyncio.wait([change], timeout=0.1)
        assert not done
        path.write_text("two")
        await change


def test_a_rotated_secret_is_a_change_although_the_digest_is_the_same(load_text: Load):
    text = "providers: {openai: {keys: [{id: a, secret: '${KEY}'}]}}\n" + CHAIN
    one, two = load_text(text, {"KEY": "one"}), load_text(text, {"KEY": "two"})

    assert one.digest == two.digest
    assert not is_same(one, two)
    assert is_same(one, load_text(text, {"KEY": "one"}))


@pytest.mark.slow
async def test_the_child_sends_a_snapshot(tmp_path: Path, load_text: Load):
    (tmp_path / "key").write_text("s3cret\n")
    expected = load_text("providers: {openai: {keys: [{id: a, secret: '${file:key}'}]}}\n" + CHAIN)

    outcome = await load_in_child(tmp_path / "hotswap.yaml")

    assert outcome == Loaded(expected)
    assert load_in_process(tmp_path / "hotswap.yaml") == outcome


@pytest.mark.slow
async def test_the_child_sends_every_mistake(tmp_path: Path):
    path = tmp_path / "hotswap.yaml"
    path.write_text("stor: x\nserver: 5\n" + CHAIN)

    outcome = await load_in_child(path)

    assert isinstance(outcome, Refused)
    assert [(one.line, one.column, one.path) for one in outcome.mistakes] == [
        (1, 1, "stor"),
        (2, 9, "server"),
    ]
    assert load_in_process(path) == outcome


@pytest.mark.parametrize(("code", "output"), [(1, b""), (-9, b""), (0, b""), (0, b"\x81\xa4type")])
def test_a_child_that_died_is_a_mistake_of_the_file(code: int, output: bytes):
    assert read_outcome(Path("hotswap.yaml"), code, output) == Refused(
        (
            Mistake(
                "hotswap.yaml",
                0,
                0,
                "",
                f"the loader ended with code {code}; its own message is on standard error",
            ),
        )
    )
