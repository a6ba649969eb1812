"""One connection of a scripted provider: parses requests, performs the moves of their answers."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, assert_never, cast

import httptools
from typing_extensions import override

from ..clock import Clock
from .moves import Hang, Leave, Move, Pause
from .step import Cut, Seen

FLUSH: Final = 64 * 1024
"""Moves that are due together are joined up to this many bytes."""
BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
CONTROL: Final = "/_control"

Accept = Callable[[], Cut | None]
"""Says whether a new connection is ended at once."""
Respond = Callable[[Seen], bytes | Iterator[Move]]
"""Says what a request is answered with."""


class Tally:
    """What a scripted provider has seen so far, and whoever waits for it to see more."""

    __slots__ = (
        "connections",
        "in_flight",
        "max_in_flight",
        "open",
        "requests",
        "seen",
        "waiting",
    )

    def __init__(self, keep: int) -> None:
        self.connections = 0
        self.open: set[Connection] = set()
        self.requests = 0
        self.in_flight = 0
        self.max_in_flight = 0
        self.seen: deque[Seen] = deque(maxlen=keep)
        self.waiting: list[Callable[[], None]] = []

    def begin(self, seen: Seen) -> None:
        """Count a request that is complete."""
        if seen.number:
            self.requests += 1
            self.seen.append(seen)
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            self.changed()

    def end(self, seen: Seen) -> None:
        """Count a request that is over, however it went."""
        if seen.number:
            self.in_flight -= 1
            self.changed()

    def changed(self) -> None:
        """Let those who wait look again."""
        if self.waiting:
            for look in tuple(self.waiting):
                look()


class Connection(asyncio.Protocol):
    """Answers the requests of one connection in their order.

    The moves of an answer are performed from callbacks of the loop: no task, and one timer at a
    time. A client that closes while its answer is not whole is noted in `Seen.closed_early_at`.
    """

    def __init__(
        self, tally: Tally, clock: Clock, accept: Accept | None, respond: Respond, control: Respond
    ) -> None:
        self._tally = tally
        self._clock = clock
        self._accept = accept
        self._respond = respond
        self._control = control
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._queue: deque[tuple[Seen, bool]] = deque()
        self._current: Seen | None = None
        self._last = False
        self._moves: Iterator[Move] = iter(())
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._due = 0.0
        self._full = False
        self._held = False

    # The transport's callbacks

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._accept is not None:
            tally = self._tally
            tally.connections += 1
            tally.open.add(self)
            self._number = tally.connections
            cut = self._accept()
            if cut is not None:
                self.leave(cut)
            tally.changed()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._tally.open.discard(self)
        now = self._clock.now()
        for seen in self._give_up():
            seen.closed_early_at = now
        self._tally.changed()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if self._transport is not None and self._current is None:
                self._transport.write(BAD_REQUEST)
                self._transport.close()

    @override
    def pause_writing(self) -> None:
        self._full = True

    @override
    def resume_writing(self) -> None:
        self._full = False
        if self._held:
            self._held = False
            self._perform()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self._headers = {}
        self._body = []

    def on_url(self, url: bytes) -> None:
        """Take a part of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer, or wait until the requests before it are answered."""
        parser = self._parser
        path = self._url.decode("latin-1")
        tally = self._tally
        seen = Seen(
            0 if path.startswith(CONTROL) else tally.requests + 1,
            self._number,
            parser.get_method().decode("latin-1"),
            path,
            self._headers,
            b"".join(self._body),
            self._clock.now(),
        )
        last = not parser.should_keep_alive()
        tally.begin(seen)
        if self._current is None:
            self._begin(seen, last=last)
        else:
            self._queue.append((seen, last))

    # Answering

    def leave(self, cut: Cut) -> None:
        """End the connection: RESET at once, otherwise after what was written."""
        transport = self._transport
        if transport is None:
            return
        self._give_up()
        if cut is Cut.RESET:
            linger = struct.pack("ii", 1, 0)
            sock = cast("socket.socket", transport.get_extra_info("socket"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()

    def drop(self) -> None:
        """End the connection at once; what was not sent yet is lost."""
        self._give_up()
        if self._transport is not None:
            self._transport.abort()

    def _give_up(self) -> list[Seen]:
        """Stop answering; return the requests whose answers are not whole."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        unanswered = [seen for seen, _ in self._queue]
        if self._current is not None:
            unanswered.insert(0, self._current)
        self._current = None
        self._queue.clear()
        for seen in unanswered:
            self._tally.end(seen)
        return unanswered

    def _begin(self, seen: Seen, *, last: bool) -> None:
        answer = self._respond(seen) if seen.number else self._control(seen)
        if isinstance(answer, bytes) and self._transport is not None:
            self._transport.write(answer)
            self._done(seen, last=last)
            return
        self._current = seen
        self._last = last
        self._moves = iter((answer,)) if isinstance(answer, bytes) else answer
        self._due = self._loop.time()
        self._perform()

    def _perform(self) -> None:
        """Perform moves up to the next pause; those without one between them go out together."""
        self._timer = None
        ready: list[bytes] = []
        size = 0
        for move in self._moves:
            if not isinstance(move, bytes):
                self._write(ready)
                self._rest(move)
                return
            ready.append(move)
            size += len(move)
            if size >= FLUSH:
                self._write(ready)
                ready, size = [], 0
                if self._full:
                    self._held = True
                    return
        self._write(ready)
        if self._current is not None:
            seen, self._current = self._current, None
            self._done(seen, last=self._last)

    def _rest(self, move: Pause | Leave | Hang) -> None:
        match move:
            case Pause(seconds):
                self._due += seconds
                self._pause(seconds)
            case Leave(cut):
                self.leave(cut)
            case Hang():
                pass
            case _:
                assert_never(move)

    def _pause(self, seconds: float) -> None:
        if self._full:
            self._held = True
        elif seconds > 0:
            # By the due time, not after the last event: a late timer does not slow the stream.
            self._timer = self._loop.call_at(self._due, self._perform)
        else:
            self._timer = self._loop.call_soon(self._perform)

    def _write(self, ready: list[bytes]) -> None:
        if ready and self._transport is not None:
            self._transport.write(b"".join(ready))

    def _done(self, seen: Seen, *, last: bool) -> None:
        seen.answered_at = self._clock.now()
        self._tally.end(seen)
        if last and self._transport is not None:
            self._transport.close()
        elif self._queue:
            seen, last = self._queue.popleft()
            self._begin(seen, last=last)
