"""Reads one response from pieces of bytes, the way a connection does."""

from collections.abc import Sequence

from msgspec import Struct

from ..upstream.api import Fault
from ..upstream.reader import ResponseReader
from ..upstream.settings import ClientSettings


class Response(Struct, frozen=True):
    """What was read of one response."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    ended: bool
    keep_alive: bool = False
    fault: Fault | None = None


def read_response(
    pieces: Sequence[bytes], settings: ClientSettings | None = None, *, eof: bool = False
) -> Response:
    """Read `pieces` in turn up to a fault; with `eof` the connection ends after them."""
    reader = ResponseReader(settings or ClientSettings())
    body = b""
    fault: Fault | None = None
    for piece in pieces:
        flaw = reader.feed(piece)
        body += reader.body
        if flaw is not None:
            fault = flaw.fault
            break
    ended = reader.ended or (eof and fault is None and reader.until_eof)
    if eof and not ended and fault is None:
        fault = Fault.CLOSED
    keep_alive = ended and reader.keep_alive
    return Response(reader.status, dict(reader.headers), body, ended, keep_alive, fault)
