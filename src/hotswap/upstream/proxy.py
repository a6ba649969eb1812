"""Tunnels through an HTTP proxy by CONNECT, and which proxy the environment asks for."""

import asyncio
import base64
import re
import socket
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from typing_extensions import override

from .api import Fault
from .flaw import Flaw

_MAX_ANSWER_BYTES: Final = 16 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: |\r)")


class Proxy(Struct, frozen=True, gc=False):
    """A proxy's place and what it wants to see."""

    host: str
    port: int
    authorization: bytes
    """Value of `Proxy-Authorization`; empty: none. Never part of a message."""

    @override
    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def read_proxy(url: str) -> Proxy | Flaw:
    """Understand `http://[user:password@]host[:port]`."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if parts.scheme != "http" or not host:
        return Flaw(Fault.PROXY, "the proxy's URL is not of the form http://host:port")
    authorization = b""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + base64.b64encode(pair.encode())
    return Proxy(host, port, authorization)


async def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> Flaw | None:
    """Ask the proxy at the other end of `sock` for a tunnel to `host`."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    place = authority.encode("idna" if not authority.isascii() else "ascii")
    request = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n" % (place, place)
    if proxy.authorization:
        request += b"proxy-authorization: %b\r\n" % proxy.authorization
    loop = asyncio.get_running_loop()
    answer = b""
    try:
        await loop.sock_sendall(sock, request + b"\r\n")
        while b"\r\n\r\n" not in answer:
            piece = await loop.sock_recv(sock, 4096)
            answer += piece
            if not piece or len(answer) > _MAX_ANSWER_BYTES:
                return Flaw(Fault.PROXY, "the proxy gave no complete answer to CONNECT")
    except OSError as error:
        return Flaw(Fault.PROXY, f"the proxy broke the connection: {error.strerror}")
    return _judge(answer)


def _judge(answer: bytes) -> Flaw | None:
    match = _STATUS.match(answer)
    status = int(match[1]) if match else 0
    if 200 <= status < 300:
        if answer.endswith(b"\r\n\r\n"):
            return None
        return Flaw(Fault.PROXY, "the proxy sent bytes before the tunnel was used")
    if status == 407:
        return Flaw(Fault.PROXY, "the proxy does not accept the credentials (407)")
    if status:
        return Flaw(Fault.PROXY, f"the proxy refused the tunnel with status {status}")
    return Flaw(Fault.PROXY, "the proxy's answer to CONNECT is not HTTP")
