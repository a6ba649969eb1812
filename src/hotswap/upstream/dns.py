"""Resolves names, with a cache that outlives a failing resolver."""

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from ipaddress import ip_address
from socket import SOCK_STREAM

from msgspec import Struct

from ..clock import Clock
from .api import Fault
from .flaw import Flaw
from .settings import ClientSettings

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Takes a name and a port; returns addresses in order of preference or raises OSError."""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Found(Struct, frozen=True):
    """What a name led to."""

    addresses: tuple[str, ...]
    refresh_at: float
    """Monotonic seconds."""


class Resolver:
    """Answers from its cache while a result is fresh.

    An older result is replaced: the new resolution is waited for, but only for a moment, and
    the old result serves when it fails or takes longer.
    """

    __slots__ = ("_clock", "_found", "_resolve", "_running", "_settings")

    def __init__(self, resolve: Resolve, clock: Clock, settings: ClientSettings) -> None:
        self._resolve = resolve
        self._clock = clock
        self._settings = settings
        self._found: dict[str, Found] = {}
        self._running: dict[str, Task[Flaw | None]] = {}

    async def addresses(self, host: str, port: int) -> tuple[str, ...] | Flaw:
        """Return the addresses of a name, IPv6 and IPv4 by turns, or why there are none."""
        if _is_literal(host):
            return (host,)
        found = self._found.get(host)
        if found is not None and self._clock.now() < found.refresh_at:
            return found.addresses
        task = self._running.get(host)
        if task is None:
            task = self._running[host] = asyncio.get_running_loop().create_task(
                self._refresh(host, port)
            )
        patience_s = None if found is None else self._settings.dns_patience_s
        await asyncio.wait({task}, timeout=patience_s)
        found = self._found.get(host)
        if found is not None:
            return found.addresses
        return task.result() or Flaw(Fault.DNS, f"{host} has no address")

    def close(self) -> list[Task[Flaw | None]]:
        """Cancel what is running; return it, to be awaited."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        return tasks

    async def _refresh(self, host: str, port: int) -> Flaw | None:
        try:
            addresses = interleave(await self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            return Flaw(Fault.DNS, f"{host} can not be resolved: {error}")
        finally:
            del self._running[host]
        if addresses:
            refresh_at = self._clock.now() + self._settings.dns_refresh_s
            self._found[host] = Found(addresses, refresh_at)
        return None


def interleave(addresses: Sequence[str]) -> tuple[str, ...]:
    """Order addresses so that the families take turns, the preferred one first (RFC 8305)."""
    first_is_six = ":" in addresses[0] if addresses else False
    one = [text for text in addresses if (":" in text) is first_is_six]
    other = [text for text in addresses if (":" in text) is not first_is_six]
    paired = [text for pair in zip(one, other, strict=False) for text in pair]
    shorter = min(len(one), len(other))
    return (*paired, *one[shorter:], *other[shorter:])


@lru_cache(maxsize=1024)
def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
