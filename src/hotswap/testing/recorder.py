"""A listener that remembers what it was told, and can be waited for."""

import asyncio
from collections.abc import Callable
from typing import Final

from ..core.terms import Endpoint
from ..upstream.api import Broken, Call, Client, Headers

GET: Final = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Recorder:
    """Implements `upstream.api.Listener`, and insists on the order of its callbacks."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = {}
        self.parts: list[bytes] = []
        self.ended = False
        self.broken: Broken | None = None
        self.limits = 0
        """How often `on_limit` was called."""
        self.then: Callable[[], object] | None = None
        """Called from within each callback."""
        self._changed = asyncio.Event()

    @property
    def body(self) -> bytes:
        """All parts so far."""
        return b"".join(self.parts)

    @property
    def over(self) -> bool:
        """No further callback may come."""
        return self.ended or self.broken is not None

    def on_head(self, status: int, headers: Headers) -> None:
        """Remember the head."""
        self._require(headed=False)
        self.status, self.headers = status, headers
        self._note()

    def on_body(self, data: bytes) -> None:
        """Remember a part of the body."""
        self._require(headed=True)
        self.parts.append(data)
        self._note()

    def on_end(self) -> None:
        """Remember the end."""
        self._require(headed=True)
        self.ended = True
        self._note()

    def on_broken(self, broken: Broken) -> None:
        """Remember the failure."""
        self._require()
        self.broken = broken
        self._note()

    def on_limit(self) -> None:
        """Count."""
        self._require()
        self.limits += 1
        self._note()

    async def until(self, condition: Callable[["Recorder"], object]) -> None:
        """Wait until `condition` holds."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    async def end(self) -> None:
        """Wait for the end, good or bad."""
        await self.until(lambda recorder: recorder.over)

    async def failure(self) -> Broken:
        """Wait for the end, which must be bad."""
        await self.end()
        if self.broken is None:
            raise AssertionError(f"the exchange ended well: {self.status} {self.body!r}")
        return self.broken

    def _require(self, *, headed: bool | None = None) -> None:
        if self.over or headed not in {None, self.status > 0}:
            raise AssertionError("a callback came out of order")

    def _note(self) -> None:
        if self.then is not None:
            self.then()
        self._changed.set()


class Asker:
    """Sends requests through `client`, each with a listener of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(
        self, endpoint: Endpoint, request: bytes = GET, *, connect_s: float = 5.0
    ) -> tuple[Recorder, Call]:
        """Send `request` and return its listener and its call."""
        recorder = Recorder()
        return recorder, self.client.send(endpoint, request, recorder, connect_s=connect_s)
