"""Where the kernel lets new connections wait."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from hotswap.server.packet_filter import queued, steer, turn_away


@pytest.fixture
def listeners() -> Iterator[list[socket.socket]]:
    """Three listeners that share a port."""
    with ExitStack() as stack:
        listeners: list[socket.socket] = []
        port = 0
        for _ in range(3):
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(100)
            port = listener.getsockname()[1]
            listeners.append(listener)
        yield listeners


@pytest.fixture
def callers() -> Iterator[ExitStack]:
    """Close every caller at the end."""
    with ExitStack() as stack:
        yield stack


def call(callers: ExitStack, listener: socket.socket) -> socket.socket:
    """Connect; raises `TimeoutError` when nothing answers."""
    return callers.enter_context(socket.create_connection(listener.getsockname(), timeout=0.05))


def test_what_nobody_has_accepted_is_counted(
    listeners: list[socket.socket], callers: ExitStack
) -> None:
    for _ in range(30):
        call(callers, listeners[0])

    assert sum(map(queued, listeners)) == 30
    with ExitStack() as stack:
        for listener in listeners:
            for _ in range(queued(listener)):
                stack.enter_context(listener.accept()[0])
        assert sum(map(queued, listeners)) == 0


def test_new_connections_go_to_the_first_listeners_only(
    listeners: list[socket.socket], callers: ExitStack
) -> None:
    steer(listeners[2], 2)

    for _ in range(60):
        call(callers, listeners[0])

    assert queued(listeners[0]) > 10
    assert queued(listeners[1]) > 10
    assert queued(listeners[2]) == 0


def test_a_later_word_replaces_an_earlier_one(
    listeners: list[socket.socket], callers: ExitStack
) -> None:
    steer(listeners[0], 1)
    steer(listeners[0], 3)

    for _ in range(60):
        call(callers, listeners[0])

    assert min(map(queued, listeners)) > 5


def test_who_is_turned_away_hears_nothing_and_who_waits_is_still_served(
    listeners: list[socket.socket], callers: ExitStack
) -> None:
    for listener in listeners[1:]:
        listener.close()
    early = call(callers, listeners[0])

    turn_away(listeners[0])

    with pytest.raises(TimeoutError):
        call(callers, listeners[0])
    early.send(b"hello")
    accepted = callers.enter_context(listeners[0].accept()[0])
    assert accepted.recv(10) == b"hello"
