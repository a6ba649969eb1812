"""Callers that ask without a pause and tell exactly how each request ended.

They behave as HTTP clients should: a connection is kept until the gateway says `connection: close`
or has closed it by the time of the next request; then a new one is opened. Nothing is ever tried
again: a request on a connection that turns out to be closed counts as cut.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Final

from msgspec import Struct, field

PLAIN: Final = 24
STREAMS: Final = 8
_END: Final = (ConnectionError, asyncio.IncompleteReadError)


class Answered(Struct, frozen=True):
    """A request that got its whole answer."""

    request_id: str
    began: float
    """By the loop's clock."""
    took_s: float
    attempts: int

    @property
    def worker(self) -> int:
        """The number of the worker that answered."""
        return int(self.request_id, 16) >> 20 & 0xFF


class Cut(Struct, frozen=True):
    """A request whose connection ended before the answer was whole."""

    worker: int | None
    """Who had answered on this connection before; None: nobody."""
    opened_at: float
    """When the connection was opened, by the loop's clock."""
    error: str


class Outcome(Struct):
    """How the requests ended."""

    answered: list[Answered] = field(default_factory=list[Answered])
    cut: list[Cut] = field(default_factory=list[Cut])
    wrong: list[str] = field(default_factory=list[str])
    """A status other than 200, or a stream without its end."""
    begun: int = 0
    """Requests whose answer has begun."""
    refused: int = 0
    """No connection: nobody listened."""
    closed: int = 0
    """Connections that the gateway ended politely."""
    progress: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an answer begins and when one ends."""

    @property
    def failed(self) -> list[object]:
        """What must not happen."""
        return [*self.cut, *self.wrong]

    @property
    def moved(self) -> list[Answered]:
        """Answered requests that took more than one attempt."""
        return [answer for answer in self.answered if answer.attempts > 1]

    @property
    def attempts(self) -> int:
        """Return how many attempts the answered requests took."""
        return sum(answer.attempts for answer in self.answered)

    def unlike(self, stored: list[str]) -> list[Answered]:
        """Return answered requests with more or fewer records than attempts."""
        times = Counter(stored)
        return [answer for answer in self.answered if times[answer.request_id] != answer.attempts]


class Caller:
    """Somebody with one connection."""

    def __init__(self, port: int, outcome: Outcome, chain: str, *, streaming: bool) -> None:
        body = json.dumps(
            {
                "model": chain,
                "messages": [{"role": "user", "content": "hello"}],
                "stream": streaming,
            }
        ).encode()
        self._request = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._port = port
        self._outcome = outcome
        self._streaming = streaming
        self.worker: int | None = None
        """Who answered on this connection."""
        self._opened_at = 0.0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self) -> bool:
        """Send one request and note how it ends; False: nobody listens."""
        if self._reader is not None and self._reader.at_eof():
            self._outcome.closed += 1
            self.leave()
        try:
            if self._reader is None or self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                self._opened_at = asyncio.get_running_loop().time()
        except ConnectionError:
            self._outcome.refused += 1
            return False
        try:
            await self._exchange(self._reader, self._writer)
        except _END as error:
            self._outcome.cut.append(Cut(self.worker, self._opened_at, repr(error)))
            self.leave()
        return True

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        self._outcome.begun += 1
        self._outcome.progress.set()
        lines = head.decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:-2])
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await _chunks(reader)
        if not lines[0].startswith("http/1.1 200"):
            self._outcome.wrong.append(f"{lines[0]}: {body!r}")
        elif self._streaming and not body.endswith(b"data: [DONE]\n\n"):
            self._outcome.wrong.append(f"a stream that ends with {body[-100:]!r}")
        else:
            answered = Answered(
                headers["x-hotswap-request-id"],
                began,
                clock() - began,
                int(headers["x-hotswap-attempts"]),
            )
            self.worker = answered.worker
            self._outcome.answered.append(answered)
        if headers.get("connection") == "close":
            self._outcome.closed += 1
            self.leave()

    def leave(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = self.worker = None


class Load:
    """Callers of one port, each with one request at a time."""

    def __init__(self) -> None:
        self.outcome = Outcome()
        self.callers: list[Caller] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    def begin(
        self, port: int, *, plain: int = PLAIN, streams: int = STREAMS, chain: str = "assist"
    ) -> None:
        """Let callers come; each stops when nobody listens any more."""
        loop = asyncio.get_running_loop()
        for number in range(plain + streams):
            caller = Caller(port, self.outcome, chain, streaming=number >= plain)
            self.callers.append(caller)
            self._tasks.append(loop.create_task(self._call(caller)))

    async def answers(self, number: int) -> None:
        """Wait until so many more requests were answered."""
        goal = len(self.outcome.answered) + number
        await self.until(lambda outcome: len(outcome.answered) >= goal)

    async def until(self, met: Callable[[Outcome], bool]) -> None:
        """Wait until the outcome is as wanted, looking when an answer begins and when it ends."""
        progress = self.outcome.progress
        while not met(self.outcome):
            progress.clear()
            await progress.wait()

    async def end(self) -> Outcome:
        """Let every caller finish its request; return how all of them ended."""
        self._ending = True
        return await self.stopped()

    async def stopped(self) -> Outcome:
        """Wait until no caller is left; return how all requests ended."""
        await asyncio.gather(*self._tasks)
        return self.outcome

    async def _call(self, caller: "Caller") -> None:
        try:
            while not self._ending and await caller.ask():
                self.outcome.progress.set()
        finally:
            caller.leave()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body
