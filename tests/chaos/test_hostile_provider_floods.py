"""Providers that send without end, too slowly or unasked: a classified failure, flat memory."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest
from msgspec import Struct

from hotswap.testing.hostile import allocated_below
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.raw_server import RawServer, Visit
from hotswap.testing.serving import Answer, Serving, chain_of, chat, pair, serving
from hotswap.testing.step import Step

pytestmark = pytest.mark.slow

BY_TWO: Final = "This answer was written by two."
MIB: Final = 1024 * 1024
OK: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EVENTS: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
CHUNKED: Final = OK + b"transfer-encoding: chunked\r\n\r\n"
SOUND: Final = json.dumps(
    {"choices": [{"index": 0, "message": {"content": "by one"}, "finish_reason": "stop"}]}
).encode()
WHOLE: Final = OK + b"content-length: %d\r\n\r\n%b" % (len(SOUND), SOUND)


def event(value: object) -> bytes:
    return b"data: %b\n\n" % json.dumps(value).encode()


ROLE: Final = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})


def choice(number: int) -> bytes:
    return event({"choices": [{"index": number, "delta": {"content": ""}}]})


class Flood(Struct, frozen=True):
    """What a provider sends again and again, as fast as it is read."""

    head: bytes
    piece: Callable[[int], bytes]
    """Gives the next bytes by their number."""
    detail: str
    kept_mib: int
    """What the whole of gateway and test may allocate meanwhile."""
    stream: bool = False


def always(data: bytes) -> Callable[[int], bytes]:
    return lambda _number: data


FLOODS: Final[Mapping[str, Flood]] = {
    "headers": Flood(OK, always(b"x: %b\r\n" % (b"a" * 1000)), "too_large", 2),
    "1xx": Flood(b"", always(b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n"), "too_large", 2),
    "a body": Flood(OK + b"\r\n", always(b" " * 65_536), "too_large", 70),
    "chunks": Flood(CHUNKED, always(b"10000\r\n%b\r\n" % (b" " * 65_536)), "too_large", 70),
    "an unwanted event stream": Flood(EVENTS, always(ROLE * 500), "too_large", 70),
    "a body where a stream was asked for": Flood(
        OK + b"\r\n", always(b" " * 65_536), "too_large", 70, stream=True
    ),
    "a line": Flood(EVENTS, always(b"data: " + b"a" * 65_536), "malformed", 40, stream=True),
    "an event of many lines": Flood(
        EVENTS, always((b"data: " + b"a" * 1000 + b"\n") * 60), "malformed", 40, stream=True
    ),
    "roles": Flood(EVENTS, always(ROLE * 500), "too_large", 4, stream=True),
    "roles one by one": Flood(EVENTS, always(ROLE), "too_large", 4, stream=True),
    "choices": Flood(EVENTS, choice, "malformed", 2, stream=True),
    "an error's body": Flood(b"HTTP/1.1 500 No\r\n\r\n", always(b" " * 65_536), "server_error", 4),
}


Play = Callable[[Visit], Awaitable[None]]


@asynccontextmanager
async def listening() -> AsyncGenerator[RawServer]:
    raw = RawServer()
    await raw.start()
    try:
        yield raw
    finally:
        await raw.close()


@asynccontextmanager
async def played(
    play: Play, warm: int = 0, **timeouts: float
) -> AsyncGenerator[tuple[Serving, RawServer]]:
    """Run a gateway before a raw server that plays its part once, and a provider that is well."""
    async with (
        listening() as raw,
        ScriptedProvider("two") as two,
        serving(
            chain_of(
                ScriptedProvider("one", port=raw.port),
                two,
                server={"warm": warm},
                timeouts={"first_content_s": 15, "silence_s": 15, **timeouts},
            )
        ) as gateway,
        asyncio.TaskGroup() as tasks,
    ):
        playing = tasks.create_task(_play(raw, play))
        yield gateway, raw
        playing.cancel()


async def _play(raw: RawServer, play: Play) -> None:
    visit = await raw.visit()
    with suppress(ConnectionError):  # the gateway had enough
        await play(visit)


async def flood(visit: Visit, head: bytes, piece: Callable[[int], bytes]) -> None:
    await visit.request()
    visit.send(head)
    for number in range(1_000_000):
        visit.send(piece(number))
        await visit.writer.drain()
        await asyncio.sleep(0)  # `drain` alone does not let the reader have its turn


def healed(answer: Answer, gateway: Serving, cause: str, detail: str) -> None:
    """Require that the second target has answered, after a failure of the first."""
    assert (answer.status, answer.text(), answer.whole) == (200, BY_TWO, True)
    first, second = gateway.attempts
    assert (first.cause, first.detail) == (cause, detail)
    assert second.answered


@pytest.mark.parametrize("name", list(FLOODS))
async def test_a_flood_is_cut_off_before_it_fills_the_memory(name: str) -> None:
    flooded = FLOODS[name]

    async def play(visit: Visit) -> None:
        await flood(visit, flooded.head, flooded.piece)

    async with played(play) as (gateway, _):
        with allocated_below(flooded.kept_mib * MIB):
            answer = await gateway.post(chat("assist", stream=flooded.stream))

        healed(answer, gateway, "hard", flooded.detail)


async def drip(visit: Visit, head: bytes, piece: bytes) -> None:
    """Send bytes so slowly that no pause between them is a silence."""
    await visit.request()
    visit.send(head)
    while not visit.reader.at_eof():
        visit.send(piece)
        await visit.writer.drain()
        await asyncio.sleep(0.02)


DRIPS: Final[Mapping[str, tuple[bytes, bytes, bool, str]]] = {
    "a head": (b"HTTP/1.1 200 OK\r\nx: ", b"a", False, "first_content"),
    "a head of a stream": (b"HTTP/1.1 200 OK\r\nx: ", b"a", True, "first_content"),
    "1xx": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", True, "first_content"),
    "comments": (EVENTS, b": still here\n\n", True, "first_content"),
    "roles": (EVENTS, ROLE, True, "first_content"),
    "a line": (EVENTS + b"data: ", b"a", True, "first_content"),
    "an extension": (CHUNKED + b"1;", b"a", True, "first_content"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n", False, "silence"),
}


@pytest.mark.parametrize("name", list(DRIPS))
async def test_bytes_that_drip_without_content_are_a_hang(name: str) -> None:
    head, piece, stream, detail = DRIPS[name]

    async def play(visit: Visit) -> None:
        await drip(visit, head, piece)

    async with played(play, first_content_s=0.2, silence_s=0.2) as (gateway, _):
        answer = await gateway.post(chat("assist", stream=stream))

        healed(answer, gateway, "hang", detail)


async def test_a_body_that_drips_for_ever_ends_with_the_requests_time() -> None:
    """Each byte moves the limit of silence, as a long answer that is written slowly may."""

    async def play(visit: Visit) -> None:
        await drip(visit, OK + b"\r\n", b" ")

    async with played(play, first_content_s=0.2, silence_s=0.2, total_s=0.6) as (gateway, _):
        answer = await gateway.post(chat("assist"))

        assert answer.status == 504
        assert (gateway.attempts[0].cause, gateway.attempts[0].detail) == ("hang", "total")


async def test_an_event_beyond_the_limit_after_content_breaks_the_stream_which_goes_on() -> None:
    content = event({"choices": [{"index": 0, "delta": {"content": "Hello"}}]})

    async def play(visit: Visit) -> None:
        await flood(visit, EVENTS + content + b"data: ", always(b"a" * 65_536))

    async with played(play) as (gateway, _):
        with allocated_below(40 * MIB):
            answer = await gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Hello" + BY_TWO, True)
        assert [one.detail for one in gateway.attempts] == ["malformed", ""]


async def test_content_that_comes_in_one_large_event_is_passed_on() -> None:
    """The limit of what is held back is one of events without content."""
    text = "x" * 1_000_000
    async with pair(Step(text=(text,))) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == text
        assert p.gateway.attempts[0].answered


@pytest.mark.parametrize(
    "surplus",
    [b"x", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"\r\n\r\nGET"],
    ids=["garbage", "a second answer", "a request"],
)
async def test_what_follows_an_answer_is_never_the_next_answer(surplus: bytes) -> None:
    async def play(visit: Visit) -> None:
        await visit.request()
        visit.send(WHOLE + surplus)
        await visit.gone()

    async with played(play) as (gateway, raw):
        first = await gateway.post(chat("assist"))
        again = asyncio.get_running_loop().create_task(gateway.post(chat("assist")))
        visit = await raw.visit()
        await visit.request()
        visit.send(WHOLE)
        second = await again

        assert first.text() == second.text() == "by one"


async def test_an_answer_that_comes_before_the_request_is_nobodys() -> None:
    dropped = asyncio.Event()

    async def play(visit: Visit) -> None:
        visit.send(WHOLE.replace(b"by one", b"unasked"))
        await visit.gone()
        dropped.set()

    async with played(play, warm=1) as (gateway, raw):
        await dropped.wait()
        asking = asyncio.get_running_loop().create_task(gateway.post(chat("assist")))
        visit = await raw.visit()
        await visit.request()
        visit.send(WHOLE)

        assert (await asking).text() == "by one"
