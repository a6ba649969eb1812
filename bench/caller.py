"""One caller's connection: asks, and notices when the answer is whole."""

import asyncio
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from hotswap.clock import SystemClock

from .config import KEY
from .upstreams import MESSAGES

END: Final = b"\r\n0\r\n\r\n"
DONE: Final = (b"[DONE]", b'{"type":"message_stop"}')
"""What the last event of a good stream is: of OpenAI's chat, of Anthropic's Messages."""
KEPT: Final = 64
"""Bytes of the former reads that the end of a stream is looked for in."""


class Caller(asyncio.Protocol):
    """Sends one request after the other over one connection, by hand for the least CPU.

    An answer with a length is whole when so much came; one without, a stream, at its last chunk,
    and is good only with its API's last event before it.

    Args:
        on_answer: Called when an answer is whole or the connection is lost before that, with
            whether it was good. The caller may ask again then, unless it is `lost`.
    """

    __slots__ = (
        "_good",
        "_kept",
        "_left",
        "_now",
        "_on_answer",
        "_read",
        "_transport",
        "asked_at",
        "asking",
        "first_at",
    )

    def __init__(self, on_answer: Callable[["Caller", bool], None]) -> None:
        self._on_answer = on_answer
        self._now = SystemClock().now
        self._transport: asyncio.Transport | None = None
        self._read = self._head
        self._kept = b""
        self._left = 0
        self._good = False
        self.asking = False
        """A request is on its way, and its answer is not whole."""
        self.asked_at = 0.0
        self.first_at = 0.0
        """When the first event of the stream came; 0: not yet."""

    @property
    def lost(self) -> bool:
        """The connection is closed, or was never open."""
        return self._transport is None

    def ask(self, request: bytes) -> None:
        """Send a request; the one before must be answered."""
        self._kept = b""
        self._read = self._head
        self.asking = True
        self.first_at = 0.0
        self.asked_at = self._now()
        if self._transport is not None:
            self._transport.write(request)

    def leave(self) -> None:
        """Close the connection at once, whatever was asked; nothing is reported any more."""
        transport, self._transport = self._transport, None
        self.asking = False
        if transport is not None:
            transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        if self.asking:
            self._end(good=False)

    @override
    def data_received(self, data: bytes) -> None:
        if not self.asking:
            return
        if not self.first_at and b"data: " in data:
            self.first_at = self._now()
        self._read(data)

    def _head(self, data: bytes) -> None:
        self._kept += data
        head, found, rest = self._kept.partition(b"\r\n\r\n")
        if not found:
            return
        self._good = head[9:12] == b"200"
        length = head.lower().partition(b"content-length: ")[2]
        self._left = int(length.partition(b"\r\n")[0] or 0)
        self._kept = b""
        # Before the rest is read: that may end the answer, and begin the next one.
        self._read = self._counted if length else self._chunked
        self._read(rest)

    def _counted(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left <= 0:
            self._end(good=self._good)

    def _chunked(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-KEPT:]
        if self._kept.endswith(END):
            self._end(good=self._good and any(mark in self._kept for mark in DONE))

    def _end(self, *, good: bool) -> None:
        self.asking = False
        self._on_answer(self, good)


def chat_request(url: str, model: str, *, stream: bool = False) -> bytes:
    """Write a chat request of 1 KiB; to Anthropic's Messages where the URL says so."""
    asked: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": "word " * 180}],
    }
    if stream:
        asked["stream"] = True
        # nginx has the chain's name before the path.
        if url.endswith(MESSAGES):
            asked["max_tokens"] = 500
        else:
            asked["stream_options"] = {"include_usage": False}
    return post(url, asked)


def post(url: str, asked: object) -> bytes:
    """Write a request with this JSON body."""
    place = urlsplit(url)
    body = msgspec.json.encode(asked)
    head = (
        f"POST {place.path} HTTP/1.1\r\nhost: {place.netloc}\r\naccept: application/json\r\n"
        f"authorization: Bearer {KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
