"""One caller's connection: reads requests, runs the handler, writes answers.

Requests of a connection are served one after the other. While one is served, reading goes on up to
`PIPELINE_BYTES`, because only who reads notices that the caller left.

A caller that ends its side of the connection is taken for gone, even if it could still read: SDKs
close both sides at once, and the two can not be told apart until it is too late to save the cost of
the attempt.
"""

import asyncio
import socket
import ssl
import struct
from contextlib import suppress
from enum import Enum, auto
from typing import Final, cast

from typing_extensions import override

from ..errors import RefusedError
from .api import Incoming
from .exchange import HttpExchange
from .head import Head
from .limits import (
    FLUSH_S,
    LINGER_BYTES,
    LINGER_S,
    PARTING_S,
    PIPELINE_BYTES,
    Gathering,
    Watch,
)
from .reader import Phase, Reader
from .state import ServerState

BACKLOG: Final = 2048
"""Connections the kernel holds until they are accepted; it caps this by `somaxconn`."""
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Stage(Enum):
    OPEN = auto()
    LINGERING = auto()
    """A refusal was sent; what still comes is thrown away, lest a reset destroy the refusal."""
    CLOSING = auto()


class HttpProtocol(asyncio.Protocol):
    """Serves one connection."""

    __slots__ = (
        "_discarded",
        "_exchange",
        "_full",
        "_gathering",
        "_held",
        "_peer",
        "_phase",
        "_reader",
        "_stage",
        "_state",
        "_transport",
        "_unwritten",
        "_watch",
        "openings",
    )

    _transport: asyncio.Transport

    def __init__(self, state: ServerState) -> None:
        settings = state.settings
        self._state = state
        self._peer = ""
        self._reader = Reader(
            max_header_bytes=settings.max_header_bytes, max_body_bytes=settings.max_body_bytes
        )
        self._watch = Watch(state.loop, state.clock, self._on_late)
        self._stage = _Stage.OPEN
        self._phase = Phase.IDLE
        self._exchange: HttpExchange | None = None
        self._full = False
        """The transport holds more than it likes: the next request waits."""
        self._held = False
        """Reading is paused."""
        self._discarded = 0
        self._gathering = Gathering(state.bodies)
        self._unwritten = b""
        """To be handed to the transport in this turn of the loop."""
        self.openings = state.openings

    # The transport's callbacks

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        state = self._state
        if len(state.connections) >= min(state.settings.max_connections, state.room):
            state.turned_away += 1
            self._stage = _Stage.CLOSING
            self._transport.abort()
            return
        state.connections.add(self)
        peer = cast("object", transport.get_extra_info("peername"))
        self._peer = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
        self._watch.allow(state.settings.idle_s)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stage = _Stage.CLOSING
        self._watch.cancel()
        self._gathering.forget()
        self._reader.discard()
        state = self._state
        state.connections.discard(self)
        if state.on_less is not None:
            state.on_less()
        self._leave()

    @override
    def data_received(self, data: bytes) -> None:
        if self._stage is not _Stage.OPEN:
            self._discard(len(data))
            return
        reader = self._reader
        reader.feed(data)
        if self._exchange is None and not self._full:
            self._read()
        else:
            self._hold()

    @override
    def eof_received(self) -> None:
        self._close()
        self._leave()

    @override
    def pause_writing(self) -> None:
        self._full = True
        exchange = self._exchange
        if exchange is not None and exchange.on_pause is not None:
            exchange.on_pause()

    @override
    def resume_writing(self) -> None:
        self._full = False
        exchange = self._exchange
        if exchange is None:
            if self._stage is _Stage.OPEN:
                self._go_on()
        elif exchange.on_resume is not None:
            exchange.on_resume()

    # What an exchange needs

    def write(self, data: bytes) -> None:
        """Send bytes, in this turn of the loop, after all that was written before."""
        unwritten = self._unwritten
        self._unwritten = unwritten + data
        if not unwritten:
            self._state.writes.add(self)

    def flush(self) -> None:
        """Hand to the transport what was written."""
        data = self._unwritten
        if data:
            self._unwritten = b""
            self._transport.write(data)

    def may_stay(self) -> bool:
        """Say whether the connection may serve another request."""
        return not self._state.draining

    def answered(self, *, stay: bool) -> None:
        """Go on to the next request, or close."""
        self._exchange = None
        if self._reader.pending:
            # Whether another answer may be made depends on how this one is taken.
            self.flush()
        if not stay:
            self._close()
        elif not self._full:
            self._go_on()
        else:
            # Who sends requests and does not read the answers gets no further ones.
            self._watch.allow(self._state.settings.idle_s)

    def cut(self, *, reset: bool) -> None:
        """Close after what was written; with a reset when a plain end would look complete."""
        self._exchange = None
        if reset:
            sock = cast("socket.socket | None", self._transport.get_extra_info("socket"))
            if sock is not None and sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    # What a drain needs, and whoever watches

    @property
    def pending(self) -> int:
        """Bytes received that wait behind the present request."""
        return self._reader.pending

    @property
    def unsent(self) -> int:
        """Bytes written that the kernel has not taken."""
        return len(self._unwritten) + self._transport.get_write_buffer_size()

    def retire(self) -> None:
        """Close soon, unless a request is being received or served by then."""
        if self._stage is _Stage.LINGERING:
            self._close()
        elif self._exchange is None and self._reader.phase is Phase.IDLE:
            self._watch.allow(PARTING_S)

    def drop(self) -> None:
        """Tell the handler that the caller is gone, and end the connection at once."""
        self._stage = _Stage.CLOSING
        # asyncio's TLS transport before 3.11.4 can not be aborted once it was closed.
        with suppress(AttributeError):
            self._transport.abort()
        self._leave()

    # Requests

    def _go_on(self) -> None:
        """Look for the next request after an answer."""
        if self._held:
            self._held = False
            self._transport.resume_reading()
        if self._reader.goes_on():
            self._read()
        else:
            self._phase = Phase.IDLE
            self._watch.allow(PARTING_S if self._state.draining else self._state.settings.idle_s)

    def _hold(self) -> None:
        """Stop reading while too much waits behind the request being served."""
        if self._reader.pending > PIPELINE_BYTES and not self._held:
            self._held = True
            self._transport.pause_reading()

    def _read(self) -> None:
        reader = self._reader
        try:
            head = reader.read()
        except RefusedError as refused:
            self._refuse(refused)
            return
        if head is None:
            self._wait()
        else:
            self._serve(head)

    def _wait(self) -> None:
        """Wait for the rest of a request."""
        reader, settings = self._reader, self._state.settings
        before, self._phase = self._phase, reader.phase
        if self._phase is Phase.BODY:
            self._gather(first=before is not Phase.BODY)
        elif before is not Phase.HEAD:
            # Bytes that come one by one do not prolong this.
            self._watch.allow(settings.header_s)

    def _gather(self, *, first: bool) -> None:
        """Wait for the rest of a body."""
        reader = self._reader
        if reader.waiting:
            reader.waiting = False
            self.write(CONTINUE)
        gathering = self._gathering
        if gathering.grow(reader.gathered) or first:
            self._watch.allow(self._state.settings.body_s)
        if gathering.too_much:
            message = "Too many bodies are being received at once; try again later."
            self._refuse(RefusedError(503, "overloaded", message))

    def _serve(self, head: Head) -> None:
        state = self._state
        if self._gathering.size:
            self._gathering.forget()
        self._phase = Phase.IDLE
        self._watch.rest()
        incoming = Incoming(
            head.method,
            head.path,
            head.query,
            head.headers,
            self._reader.body,
            self._peer,
            state.clock.now(),
        )
        exchange = HttpExchange(self, incoming, http_10=head.http_10, keep=head.keep)
        self._exchange = exchange
        state.run(exchange)
        self._hold()

    # Ends

    def _refuse(self, refused: RefusedError) -> None:
        """Answer without the handler and see to it that the caller can read it."""
        state = self._state
        self._gathering.forget()
        self._reader.discard()
        headers, body = state.refuse(
            self._reader.path, refused.status, refused.code, refused.message
        )
        self.write(
            b"%bconnection: close\r\n%bcontent-length: %d\r\n\r\n%b"
            % (state.openings.opening(refused.status), headers, len(body), body)
        )
        self.flush()
        self._stage = _Stage.LINGERING
        self._watch.allow(LINGER_S)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > LINGER_BYTES:
            self._transport.abort()

    def _leave(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.leave()

    def _close(self) -> None:
        self._stage = _Stage.CLOSING
        self._watch.allow(FLUSH_S)
        self.flush()
        self._transport.close()

    def _on_late(self) -> None:
        if self._stage is not _Stage.OPEN:
            self._transport.abort()
        elif self._phase is Phase.IDLE:
            self._close()
        else:
            what = "headers" if self._phase is Phase.HEAD else "body"
            self._refuse(
                RefusedError(408, "request_timeout", f"The request's {what} came too slowly.")
            )


async def listen(
    state: ServerState, sock: socket.socket, ssl_context: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Accept connections on a bound socket, which then belongs to the server.

    Keep the server referenced: uvloop closes one that nobody holds.
    """
    return await state.loop.create_server(
        lambda: HttpProtocol(state),
        sock=sock,
        ssl=ssl_context,
        backlog=BACKLOG,
        ssl_handshake_timeout=state.settings.header_s if ssl_context is not None else None,
    )
