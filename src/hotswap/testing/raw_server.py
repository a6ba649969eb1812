"""A server that speaks exactly the bytes a test gives it, for tests below the level of HTTP."""

import asyncio
import struct
from asyncio import Queue, StreamReader, StreamWriter
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from ssl import SSLContext

from ..core.terms import Endpoint


class Visit:
    """One connection, as the server sees it."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Wait for a request and return it, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
        return head + await self.reader.readexactly(int(length or b"0"))

    def send(self, data: bytes) -> None:
        """Say exactly this."""
        self.writer.write(data)

    async def answer(self, body: bytes = b"ok") -> None:
        """Wait for a request and answer it well."""
        await self.request()
        self.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    def close(self) -> None:
        """Close the connection in an orderly way."""
        self.writer.close()

    def reset(self) -> None:
        """Close the connection so that the other side sees a reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the other side has closed the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


class RawServer:
    """Listens on a free port of this machine and hands out its connections."""

    def __init__(self, host: str = "127.0.0.1", context: SSLContext | None = None) -> None:
        self.visits: Queue[Visit] = Queue()
        """Connections that nobody has asked for yet."""
        self.port = 0
        self._host = host
        self._context = context
        self._all: list[Visit] = []
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._listening = await asyncio.start_server(
            self._on_visit, self._host, 0, ssl=self._context
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Accept no further connection; the ones that exist go on."""
        if self._listening is not None:
            self._listening.close()

    async def close(self) -> None:
        """Stop and drop every connection."""
        self.stop()
        for visit in self._all:
            visit.writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # transports close their sockets in the turns after `abort`

    async def visit(self) -> Visit:
        """Wait for the next connection."""
        return await self.visits.get()

    def endpoint(
        self,
        host: str = "127.0.0.1",
        *,
        tls: bool = False,
        allow_private: bool = True,
        proxy: str | None = None,
        ca_file: object = None,
    ) -> Endpoint:
        """Name this server; whatever `host` is, the port is right."""
        authorities = None if ca_file is None else str(ca_file)
        return Endpoint(host, self.port, tls, allow_private, proxy, authorities)

    def _on_visit(self, reader: StreamReader, writer: StreamWriter) -> None:
        visit = Visit(reader, writer)
        self._all.append(visit)
        self.visits.put_nowait(visit)
