import os
from collections.abc import Iterator

import pytest

from hotswap.processes.channel import Channel, Message, Word, pair, recall, remember

Ends = tuple[Channel, Channel]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = pair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_messages_arrive_whole_and_in_order(ends: Ends) -> None:
    supervisor, child = ends

    child.say(Word.ADMIN_KEY, "hs-1")
    child.say(Word.READY)

    assert supervisor.hear() == Message(Word.ADMIN_KEY, ("hs-1",), ())
    assert supervisor.hear() == Message(Word.READY, (), ())


def test_the_supervisor_never_waits(ends: Ends) -> None:
    supervisor, _ = ends

    assert supervisor.hear() is None


def test_a_snapshot_of_any_size_is_handed_on_without_being_lost(ends: Ends) -> None:
    supervisor, child = ends
    snapshot = bytes(range(256)) * 16_000
    memory, (listener, other) = remember(snapshot), os.pipe()

    supervisor.begin(2, "a/link", "hotswap.yaml", memory, [listener])
    os.close(memory)

    begin = child.await_begin()
    assert begin is not None
    assert (begin.number, begin.link, begin.config) == (2, "a/link", "hotswap.yaml")
    assert begin.snapshot == snapshot
    assert len(begin.sockets) == 1
    assert os.path.sameopenfile(begin.sockets[0], listener)
    for descriptor in (*begin.sockets, listener, other):
        os.close(descriptor)


def test_what_a_child_remembers_outlives_it(ends: Ends) -> None:
    supervisor, child = ends

    child.say(Word.SNAPSHOT, memory=b"second")

    message = supervisor.hear()
    assert message is not None
    assert [recall(descriptor) for descriptor in message.descriptors] == [b"second"]


def test_one_memory_can_be_recalled_by_many() -> None:
    memory = remember(b"first")

    assert [recall(os.dup(memory)), recall(os.dup(memory))] == [b"first", b"first"]
    assert recall(memory) == b"first"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(memory)


def test_a_child_learns_that_its_supervisor_is_gone() -> None:
    supervisor, child = pair()

    supervisor.close()

    assert child.await_begin() is None
    child.say(Word.READY)
    child.close()


def test_a_dead_childs_last_words_are_still_heard() -> None:
    supervisor, child = pair()

    child.say(Word.READY)
    child.close()

    assert supervisor.hear() == Message(Word.READY, (), ())
    assert supervisor.hear() is None
    supervisor.close()
