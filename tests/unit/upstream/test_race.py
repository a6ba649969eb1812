"""Happy eyeballs, with sockets that need no network."""

import asyncio
import socket

from hotswap.upstream.race import connect_first

DELAY_S = 0.01


class Network:
    """Addresses that answer, refuse, or stay silent."""

    def __init__(self, **behaviour: str) -> None:
        self.behaviour = behaviour
        self.asked: list[str] = []
        self.asked_for = {address: asyncio.Event() for address in behaviour}
        self.opened: dict[str, socket.socket] = {}

    async def connect(self, address: str, port: int) -> socket.socket:
        self.asked.append(address)
        self.asked_for[address].set()
        match self.behaviour[address]:
            case "refuse":
                raise ConnectionRefusedError(111, f"refused by {address}")
            case "silent":
                await asyncio.Event().wait()
            case "late":
                await asyncio.sleep(DELAY_S * 1.5)
            case _:
                pass
        sock = self.opened[address] = socket.socket()
        return sock

    def close(self) -> None:
        for sock in self.opened.values():
            sock.close()

    async def race(self) -> socket.socket | OSError:
        return await connect_first(list(self.behaviour), 443, DELAY_S, self.connect)


async def test_the_first_address_wins_when_it_answers() -> None:
    network = Network(a="answer", b="answer")

    winner = await network.race()

    assert winner is network.opened["a"]
    assert network.asked == ["a"]
    network.close()


async def test_a_single_address_has_nobody_to_race_with() -> None:
    answering, refusing = Network(a="answer"), Network(b="refuse")

    winner, failure = await answering.race(), await refusing.race()

    assert winner is answering.opened["a"]
    assert isinstance(failure, OSError)
    assert failure.strerror == "refused by b"
    answering.close()


async def test_a_silent_address_costs_one_delay() -> None:
    network = Network(a="silent", b="answer")

    winner = await network.race()

    assert winner is network.opened["b"]
    network.close()


async def test_a_refusal_costs_no_time() -> None:
    network = Network(a="refuse", b="refuse", c="answer")

    async with asyncio.timeout(1.0):
        winner = await connect_first(["a", "b", "c"], 1, 9.0, network.connect)

    assert winner is network.opened["c"]
    network.close()


async def test_a_late_answer_still_wins() -> None:
    network = Network(a="late", b="silent")

    winner = await network.race()

    assert winner is network.opened["a"]
    assert network.asked == ["a", "b"]
    network.close()


async def test_all_failures_are_one_failure() -> None:
    network = Network(a="refuse", b="refuse")

    failure = await network.race()

    assert isinstance(failure, ConnectionRefusedError)
    assert failure.strerror == "refused by b"


async def test_whoever_gives_up_leaves_nothing_behind() -> None:
    network = Network(a="silent", b="silent")
    race = asyncio.ensure_future(network.race())
    await network.asked_for["b"].wait()
    before = len(asyncio.all_tasks())

    race.cancel()
    await asyncio.gather(race, return_exceptions=True)

    assert before - len(asyncio.all_tasks()) == 3


async def test_no_address_is_a_failure() -> None:
    assert isinstance(await Network().race(), OSError)
