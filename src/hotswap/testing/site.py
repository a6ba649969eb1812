"""The data plane's own server with a handler of the test's choice, and raw callers of it."""

import asyncio
import socket
import struct
from typing import cast

from msgspec import Struct

from ..clock import Clock, SystemClock
from ..core.settings import ServerSettings
from ..server.api import Handler
from ..server.protocol import HttpProtocol, listen
from ..server.state import ServerState
from ..server.tls import server_context

Tls = tuple[str, str]
"""PEM files of certificate and key."""


class Answer(Struct, frozen=True):
    """What a caller received."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Caller:
    """One raw connection to a site."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *lines: bytes, body: bytes = b"") -> None:
        """Send a request of these lines; `host` and the empty line are added."""
        head = b"".join(b"%b\r\n" % line for line in (*lines, b"Host: site"))
        await self.send_raw(head + b"\r\n" + body)

    async def send_raw(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, *, head_only: bool = False) -> Answer:
        """Read one answer; raises `asyncio.IncompleteReadError` if it ends early."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        pairs = (line.partition(b": ") for line in lines[1:-2])
        headers = {name: value for name, _, value in pairs}
        body = b""
        if head_only or status < 200:
            pass
        elif b"content-length" in headers:
            body = await self._reader.readexactly(int(headers[b"content-length"]))
        elif b"transfer-encoding" in headers:
            while chunk := await self.chunk():
                body += chunk
        return Answer(status, headers, body)

    async def chunk(self) -> bytes:
        """Read one chunk; empty: the last one."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    async def rest(self) -> bytes:
        """Read up to the end of the connection; raises `ConnectionResetError` at a reset."""
        return await self._reader.read()

    def end(self) -> None:
        """End the sending side only."""
        self._writer.write_eof()

    def leave(self) -> None:
        """Close both sides."""
        self._writer.close()

    def reset(self) -> None:
        """Leave with a reset."""
        sock = cast("socket.socket", self._writer.get_extra_info("socket"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Site:
    """A running listener on a free port of the loopback interface.

    Args:
        handler: Serves the requests.
        settings: Limits.
        clock: Read for timers and dates.
        tls: Certificate and key; None: plain HTTP.
    """

    def __init__(
        self,
        handler: Handler,
        settings: ServerSettings,
        clock: Clock | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.bugs: list[Exception] = []
        """What handlers raised."""
        self.refused: list[int] = []
        """Status of every answer that was given without the handler or for its bug."""
        self.port = 0
        self.state = ServerState(
            handler, settings, clock or SystemClock(), self._refuse, self.bugs.append
        )
        self._tls = tls
        self._callers: list[Caller] = []
        self._server: asyncio.Server | None = None

    @property
    def server(self) -> asyncio.Server:
        """The listening server."""
        if self._server is None:
            raise RuntimeError("the site is not open")
        return self._server

    @property
    def connection(self) -> HttpProtocol:
        """The only connection."""
        (connection,) = self.state.connections
        return cast("HttpProtocol", connection)

    async def open(self) -> None:
        """Listen."""
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        self.port = cast("tuple[str, int]", sock.getsockname())[1]
        context = server_context(*self._tls) if self._tls is not None else None
        self._server = await listen(self.state, sock, context)

    async def caller(self, *, read_bytes: int = 64 * 1024) -> Caller:
        """Connect.

        Args:
            read_bytes: How much is read ahead before the kernel has to hold back the server.
        """
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port, limit=read_bytes))
        self._callers.append(caller)
        return caller

    async def close(self) -> None:
        """End the listener and every connection."""
        for caller in self._callers:
            caller.leave()
        for connection in tuple(self.state.connections):
            connection.drop()
        self.server.close()
        await self.server.wait_closed()

    def _refuse(self, path: str, status: int, code: str, message: str) -> tuple[bytes, bytes]:
        self.refused.append(status)
        return b"content-type: text/plain\r\n", f"{path} {code}: {message}".encode()
