import asyncio
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from hotswap.keeper.door import Door


class Greeter:
    """A server that says one word to whoever connects."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._stopping = asyncio.Event()

    async def run_until_stopped(self) -> None:
        server = await asyncio.start_server(self._greet, sock=self._listener)
        await self._stopping.wait()
        server.close()
        await server.wait_closed()

    def stop(self) -> None:
        self._stopping.set()

    async def _greet(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        writer.close()


class House:
    """A door, what was built behind it, and who comes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        self.built = 0
        self.building = threading.Event()
        """Set once it is being built."""
        self.go_on = threading.Event()
        """Set it to have the building finished."""
        self.go_on.set()
        self.door = Door(self.listener, self._build)
        self.running = asyncio.ensure_future(self.door.run())

    def _build(self) -> Greeter:
        self.built += 1
        self.building.set()
        self.go_on.wait(10)
        return Greeter(self.listener)

    async def knock(self) -> bytes:
        reader, writer = await asyncio.open_connection(*self.address)
        said = await reader.read()
        writer.close()
        return said


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    house.door.close()
    await house.running


async def test_the_first_caller_and_all_others_are_served_by_one_server(house: House) -> None:
    assert await house.knock() == b"welcome"
    assert await house.knock() == b"welcome"
    assert house.built == 1


async def test_nothing_is_built_for_nobody(house: House) -> None:
    await asyncio.sleep(0)
    house.door.close()
    await house.running

    assert house.built == 0
    assert house.listener.fileno() == -1


async def test_a_door_that_closes_while_the_server_is_built_stays_closed(house: House) -> None:
    house.go_on.clear()
    _, writer = await asyncio.open_connection(*house.address)
    await asyncio.to_thread(house.building.wait, 10)
    house.door.close()
    house.go_on.set()
    await house.running
    writer.close()

    assert house.listener.fileno() == -1
