"""Reads responses from the bytes of one connection; knows no socket and no time.

The strict mode of llhttp does the framing. On top of it this refuses what a gateway must not
guess about: transfer codings other than chunked, a compressed body although none was asked for,
a switch of protocols, a version other than 1.x, and heads or bodies beyond the limits. It is
stricter than RFC 9112 demands in that a repeated Content-Length is refused even when both agree.
"""

import sys
from collections.abc import Mapping
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .api import Fault, Headers
from .flaw import Flaw
from .headers import RawHeaders
from .settings import ClientSettings

_VERSION: Final = b"HTTP/1."
_HEAD_END: Final = b"\r\n\r\n"
_USUAL_LINE: Final = b"HTTP/1.1 200 OK"
_CONTROLS: Final = bytes({*range(32), 127} - {9})
_NO_HEADERS: Final[Mapping[bytes, bytes]] = {}
_BODILESS: Final = frozenset({204, 304})


class _RefusedError(Exception):
    """Stops the parser from within one of its callbacks."""


class ResponseReader:
    """Turns bytes into one response after the other.

    Call `begin` before each response and `feed` for each piece of bytes; afterwards the fields
    say what the piece has brought. A flaw is final: nothing more may be fed.
    """

    __slots__ = (
        "_feed",
        "_final",
        "_interim",
        "_left",
        "_parser",
        "_parts",
        "_raw",
        "_settings",
        "body",
        "ended",
        "head_came",
        "headers",
        "keep_alive",
        "on_body",
        "status",
        "until_eof",
    )

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._parts: list[bytes] = []
        self.on_body = self._parts.append  # called by the parser, without a frame of ours
        self._raw = bytearray()
        parser = self._parser = HttpResponseParser(self)
        self._feed = parser.feed_data
        self.begin()

    def begin(self) -> None:
        """Expect the next response."""
        self._final = False
        self._interim = 0
        self._left = self._settings.max_body_bytes
        self.status = 0
        """Of the final response; 0 until its head is complete."""
        self.headers: Headers = _NO_HEADERS
        self.head_came = False
        """The piece fed last has completed the head."""
        self.body = b""
        """What the piece fed last has added to the body."""
        self.ended = False
        """The response is complete."""
        self.keep_alive = False
        """The connection may serve another request once `ended`."""
        self.until_eof = False
        """Only the end of the connection ends the body."""

    def feed(self, data: bytes) -> Flaw | None:
        """Take the next bytes; fields tell of everything that was sound before the flaw."""
        self.head_came = False
        self.body = b""
        try:
            self._feed(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            flaw = self._explain(error)
        else:
            flaw = None
        if self.status == 0:
            flaw = self._read_head(data, flaw)
            if self.status == 0:
                self.ended = False  # a refused head may have come with the whole response
                return flaw
        parts = self._parts
        if parts:
            self.body = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            self._left -= len(self.body)
            if self._left < 0:
                flaw = self._check_size()
        return flaw

    def close(self) -> None:
        """Let go of the parser, which refers back to this."""
        del self._parser, self._feed

    def on_message_begin(self) -> None:
        """Refuse a response that nobody asked for (called by the parser)."""
        if self.ended:
            self.keep_alive = False
            raise _RefusedError("bytes after the end of the response")

    def on_headers_complete(self) -> None:
        """Note the end of a head (called by the parser)."""
        parser = self._parser
        status = parser.get_status_code()
        if status >= 200:
            self._final = True
            self.keep_alive = parser.should_keep_alive()
        elif status == 101 or status < 100:
            raise _RefusedError(f"unexpected status {status}")
        else:
            self._interim += 1

    def on_message_complete(self) -> None:
        """Note the end of the response (called by the parser)."""
        self.ended = self._final

    def _explain(self, error: Exception) -> Flaw | None:
        """Say what the parser's refusal means; bytes after the end only cost the connection."""
        if self.ended:
            self.keep_alive = False
            return None
        context = error.__context__
        reason = context if isinstance(context, _RefusedError) else error
        return Flaw(Fault.PROTOCOL, f"not a well-formed response: {reason}")

    def _read_head(self, data: bytes, flaw: Flaw | None) -> Flaw | None:
        """Gather the head's bytes; look at them once they are complete."""
        raw = data
        if self._raw or not self._final:
            self._raw += data
            if not self._final:
                if flaw is None and len(self._raw) >= self._settings.max_header_bytes:
                    return self._too_large("head", self._settings.max_header_bytes)
                return flaw
            raw = bytes(self._raw)
            self._raw.clear()
        return self._check_head(raw) or flaw

    def _check_head(self, raw: bytes) -> Flaw | None:
        """Accept the final response's head at the end of `raw`, or say what is wrong with it."""
        start = 0
        for _ in range(self._interim):
            if raw.startswith(_VERSION, start):
                end = raw.index(_HEAD_END, start)
                if _is_odd(raw[start:end]):
                    return Flaw(Fault.PROTOCOL, "a 1xx response is not well-formed")
                start = end + 4
        if not raw.startswith(_VERSION, start):
            return Flaw(Fault.PROTOCOL, "the response does not begin with HTTP/1.0 or HTTP/1.1")
        end = raw.index(_HEAD_END, start)
        if end + 4 > self._settings.max_header_bytes:
            return self._too_large("head", self._settings.max_header_bytes)
        line_end = raw.index(b"\r\n", start)
        line = raw[start:line_end]
        if line != _USUAL_LINE and line.translate(None, _CONTROLS) != line:
            return Flaw(Fault.PROTOCOL, "the status line holds control characters")
        headers = RawHeaders(raw[line_end : end + 2])
        if headers.mentions(b"-encoding:") and (refusal := _check_codings(headers)) is not None:
            return refusal
        status = self._parser.get_status_code()
        if not self.keep_alive and status not in _BODILESS:
            framed = b"content-length" in headers or b"transfer-encoding" in headers
            self.until_eof = not framed
        self.status = status
        self.headers = headers
        self.head_came = True
        return None

    def _check_size(self) -> Flaw | None:
        if self.headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            self._left = sys.maxsize
            return None
        self.body = b""
        self.ended = False
        return self._too_large("body", self._settings.max_body_bytes)

    def _too_large(self, part: str, limit: int) -> Flaw:
        return Flaw(Fault.TOO_LARGE, f"the {part} of the response exceeds {limit} bytes")


def _is_odd(interim: bytes) -> bool:
    """Say whether a 1xx response has what it can not have: a body in chunks, control characters."""
    line, _, lines = interim.partition(b"\r\n")
    return line.translate(None, _CONTROLS) != line or b"\r\ntransfer-encoding:" in (
        b"\r\n" + lines.lower()
    )


def _check_codings(headers: Headers) -> Flaw | None:
    """Refuse what we neither asked for nor decode."""
    transfer = headers.get(b"transfer-encoding", b"chunked")
    if transfer.lower() != b"chunked":
        return Flaw(Fault.PROTOCOL, f"unknown transfer coding {transfer.decode('latin-1')!r}")
    content = headers.get(b"content-encoding", b"")
    if content.lower() not in {b"", b"identity"}:
        return Flaw(
            Fault.PROTOCOL,
            f"a body in the coding {content.decode('latin-1')!r}, which was not asked for",
        )
    return None
