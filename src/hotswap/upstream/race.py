"""Connects to the first of several addresses that answers (RFC 8305, happy eyeballs)."""

import asyncio
import os
import socket
from asyncio import Future, Task
from collections.abc import Callable, Coroutine, Sequence
from errno import EINPROGRESS

Connect = Callable[[str, int], Coroutine[object, None, socket.socket]]
"""Opens a connection to an address and a port, or raises OSError."""


async def connect(address: str, port: int) -> socket.socket:
    """Open a TCP connection to one address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await _connected(sock, address, port)
    except BaseException:
        sock.close()
        raise
    return sock


async def _connected(sock: socket.socket, address: str, port: int) -> None:
    """Connect, without `sock_connect`: uvloop's has a thread resolve the address once more."""
    code = sock.connect_ex((address, port))
    if code == EINPROGRESS:
        await _writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    writable: Future[None] = loop.create_future()
    loop.add_writer(sock, _fulfil, writable)
    try:
        await writable
    finally:
        loop.remove_writer(sock)


def _fulfil(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def connect_first(
    addresses: Sequence[str], port: int, delay_s: float, connect_one: Connect = connect
) -> socket.socket | OSError:
    """Try the addresses in order and return the first connection, or the last failure.

    The next address is tried as soon as all earlier ones have failed, or after `delay_s`
    without news. The losers are closed.
    """
    if len(addresses) == 1:
        try:
            return await connect_one(addresses[0], port)
        except OSError as error:
            return error
    loop = asyncio.get_running_loop()
    running: set[Task[socket.socket]] = set()
    left = list(addresses)
    failure = OSError("there is no address to connect to")
    try:
        while left or running:
            if left:
                running.add(loop.create_task(connect_one(left.pop(0), port)))
            done, running = await asyncio.wait(
                running,
                timeout=delay_s if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            winner, failure = _sort_out(done, failure)
            if winner is not None:
                return winner
        return failure
    finally:
        await _close_losers(running)


def _sort_out(
    done: set[Task[socket.socket]], failure: OSError
) -> tuple[socket.socket | None, OSError]:
    winner: socket.socket | None = None
    for task in done:
        error = task.exception()
        if isinstance(error, OSError):
            failure = error
        elif error is not None:
            raise error
        elif winner is None:
            winner = task.result()
        else:
            task.result().close()
    return winner, failure


async def _close_losers(running: set[Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()
