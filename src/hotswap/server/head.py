"""The head of a request: from its raw bytes to what it says, or a refusal.

httptools checks every byte of it. What is refused on top is what it lets through and two servers in
a row could read differently: a request line with other than two blanks, versions other than 1.0 and
1.1, transfer codings other than `chunked`, several or no `host`, and `transfer-encoding` in 1.0.
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from msgspec import Struct

from ..errors import RefusedError

CHUNKED: Final = -1
"""Stands for the length of a body in chunks."""
_DIGITS: Final = 20
"""Longest `content-length`; leading zeros have no other use than to hide it."""

_LENGTH: Final = (b"\r\nContent-Length: ", b"\r\ncontent-length: ")
"""As clients write it; heads that write it otherwise are parsed one by one."""
_REMEMBERED: Final = 4096
"""Bytes of the longest head that is kept for the next request: idle connections shall be light."""
_LETTERS: Final = 0x41
_ONCE: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
_KEEP: Final = {b"keep-alive": True, b"Keep-Alive": True, b"close": False}
"""What nearly every client says, spared the search for tokens."""


class Head(Struct, frozen=True):
    """What the head of a request says."""

    method: str
    path: str
    query: str
    headers: dict[bytes, bytes]
    """Without `content-length`."""
    length: int
    """Bytes of the body, or `CHUNKED`."""
    keep: bool
    """The caller may send another request on this connection."""
    http_10: bool
    expects_continue: bool
    """The body comes only after `100 Continue`."""


class Heads:
    """Reads the heads of one connection.

    An SDK's next request differs from the one before in its length alone; such a head costs a
    quarter of what parsing it again would.
    """

    __slots__ = ("_after", "_before", "_last")

    def __init__(self) -> None:
        self._before = b""
        """The last head up to the digits of its length; empty: it told no length."""
        self._after = b""
        self._last: Head | None = None

    def read(self, raw: bytes) -> Head:
        """Read a head, from the request line up to the empty line, or raise `RefusedError`."""
        before, after, last = self._before, self._after, self._last
        if last is not None and raw.startswith(before) and raw.endswith(after):
            digits = raw[len(before) : len(raw) - len(after)]
            if digits.isdigit() and len(digits) <= _DIGITS:
                return Head(
                    last.method,
                    last.path,
                    last.query,
                    last.headers,
                    int(digits),
                    last.keep,
                    last.http_10,
                    last.expects_continue,
                )
        head = read_head(raw)
        self._remember(raw, head)
        return head

    def _remember(self, raw: bytes, head: Head) -> None:
        for name in _LENGTH if len(raw) <= _REMEMBERED else ():
            at = raw.find(name)
            if at >= 0:
                at += len(name)
                self._before, self._after = raw[:at], raw[raw.index(b"\r\n", at) :]
                self._last = head
                return
        self._before = self._after = b""
        self._last = None


def read_head(raw: bytes) -> Head:
    """Read a head, from the request line up to the empty line, or raise `RefusedError`.

    One empty line before it is ignored, as RFC 9112 wants it.
    """
    end = raw.find(b"\r\n")
    if not end:
        raw = raw[2:]
        end = raw.find(b"\r\n")
    line = raw[:end].decode("latin-1").split(" ")
    if len(line) != 3 or raw[0] < _LETTERS:  # the parser skips any CR and LF before the method
        raise _invalid("The request line is not `method target version`.")
    method, target, version = line
    http_10 = version == "HTTP/1.0"
    if version != "HTTP/1.1" and not http_10:
        raise RefusedError(505, "http_version", "Only HTTP/1.1 and HTTP/1.0 are served here.")
    headers = _read_headers(raw)
    if b"host" not in headers and not http_10:
        raise _invalid("The `host` header is missing.")
    path, _, query = target.partition("?")
    if path[:1] != "/":
        path, query = _read_other_target(method, target)
    keep = headers.get(b"connection")
    return Head(
        method,
        path,
        query,
        headers,
        _read_length(headers, http_10=http_10),
        not http_10 if keep is None else _read_keep(keep, http_10=http_10),
        http_10,
        b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and not http_10,
    )


def guess_path(raw: bytes) -> str:
    """Return the path of a head that could not be read, as far as it shows; else nothing."""
    words = raw[:8192].lstrip().partition(b"\r\n")[0].split(b" ")
    target = words[1].decode("latin-1") if len(words) > 1 else ""
    return target.partition("?")[0]


class _Fields:
    """Takes the headers from the parser."""

    __slots__ = ("headers", "repeated")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.repeated = False
        """A header came twice that may come once only."""

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self.headers
        if name in headers:
            self.repeated = self.repeated or name in _ONCE
            headers[name] = b"%b, %b" % (headers[name], value.rstrip())
        else:
            headers[name] = value.rstrip()


def _read_headers(raw: bytes) -> dict[bytes, bytes]:
    fields = _Fields()
    # A parser that has seen nothing else costs 0.3 µs, and no request can leave a trace in it.
    try:
        HttpRequestParser(fields).feed_data(raw)
    except HttpParserUpgrade:
        pass  # An offer to speak something else, which we may decline by going on.
    except HttpParserError as fault:
        raise _invalid(f"{fault}.") from None
    if fields.repeated:
        raise _invalid("A header was repeated that may come only once.")
    return fields.headers


def _read_length(headers: dict[bytes, bytes], *, http_10: bool) -> int:
    coding = headers.get(b"transfer-encoding")
    length = headers.pop(b"content-length", None)
    if coding is not None:
        if length is not None or http_10 or coding.lower() != b"chunked":
            raise _invalid("The length of the body is ambiguous.")
        return CHUNKED
    if length is None:
        return 0
    if not length.isdigit() or len(length) > _DIGITS:
        raise _invalid("`content-length` is not a number.")
    return int(length)


def _read_keep(value: bytes, *, http_10: bool) -> bool:
    known = _KEEP.get(value)
    if known is not None:
        return known
    tokens = [token.strip() for token in value.lower().split(b",")]
    return b"close" not in tokens and (not http_10 or b"keep-alive" in tokens)


def _read_other_target(method: str, target: str) -> tuple[str, str]:
    """Return path and query of a target that does not begin with a slash."""
    if method == "CONNECT":
        raise RefusedError(501, "not_a_proxy", "Tunnels are not offered here.")
    if target == "*":
        return target, ""
    scheme, found, rest = target.partition("://")
    if not found or not scheme.isalpha():
        raise _invalid("The target is neither a path nor a URL.")
    place, _, query = rest.partition("?")
    _, slash, path = place.partition("/")
    return slash + path or "/", query


def _invalid(message: str) -> RefusedError:
    return RefusedError(400, "invalid_http", message)
