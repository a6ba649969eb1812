"""Servers that a request never gets through to."""

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from hotswap.testing.certificates import make_certificates
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Step

NOWHERE = "http://nowhere.invalid"
"""A name that does not exist, by its own standard (RFC 2606)."""


@asynccontextmanager
async def unreachable(folder: Path) -> AsyncGenerator[Mapping[str, str]]:
    """Run them all; yield their URLs by what is wrong with them."""
    async with AsyncExitStack() as stack:
        refusing = stack.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            # With its queue full, the kernel drops what comes, as a firewall does.
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(deaf.getsockname())
        resetting = ScriptedProvider("resetting", Step(accept=Cut.RESET))
        await stack.enter_async_context(resetting)
        certificates = make_certificates(folder)
        expired = ScriptedProvider("expired", tls=certificates.context(certificates.expired))
        await stack.enter_async_context(expired)
        yield {
            "refused": _url(refusing),
            "deaf": _url(deaf),
            "resetting": resetting.root_url,
            "expired": f"https://localhost:{expired.port}",
            "nowhere": NOWHERE,
        }


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
