"""The worker's end of the link: records go up, configurations and others' findings come down.

Nothing here blocks, waits or raises on the line of a request. Records wait in a bounded outbox
until the keeper has committed them; after a cut they are sent again from the first unacknowledged
one. Without a keeper the worker decides alone: a lease is granted, records gather. A new worker
may wait for a moment (`told`) until it knows what the others have found out.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, assert_never, cast

from msgspec import Struct
from typing_extensions import override

from ..config.snapshot import Snapshot
from .link import (
    WINDOW,
    Ack,
    Apply,
    Ask,
    Batch,
    Changed,
    Down,
    Explain,
    Explained,
    FrameError,
    Hello,
    Lease,
    Measured,
    Parcel,
    Tick,
    Told,
    Up,
    down_frames,
    write_frame,
)
from .outbox import Outbox
from .question import Question
from .record import Record, Transition

FLUSH_S: Final = 0.01
"""A record waits at most so long before it is sent."""
TICK_S: Final = 1.0
ASK_S: Final = 0.05
"""A keeper that has not answered within this is taken for absent."""
PAUSE_S: Final = 0.02
"""Upper bound of the first pause before connecting again; doubles up to `PAUSE_MAX_S`."""
PAUSE_MAX_S: Final = 1.0
STALLED: Final = 4 * 1024 * 1024
"""Unsent bytes beyond a full window: the keeper has stopped reading."""

Answer = Callable[[bool], None]
"""Takes the answer to a lease request."""


class Load(Struct, frozen=True, gc=False):
    """What a worker is busy with."""

    in_flight: int
    """Requests."""
    connections: int
    """Of callers."""


class Uplink:
    """Connects one worker with the keeper, again and again.

    Call `record`, `changed` and `ask` at any time, from the loop's thread. `run` keeps the
    connection up; `drain` before it is cancelled gives the keeper what is left.
    """

    def __init__(
        self,
        path: str,
        *,
        worker: int,
        boot: str,
        on_changed: Callable[[Transition], None],
        on_apply: Callable[[Snapshot], None],
        load: Callable[[], Load],
        measure: Callable[[], Measured],
        explain: Callable[[Question], bytes],
        jitter: Callable[[], float],
        limit: int = 20_000,
        born_at: float = 0.0,
    ) -> None:
        """Set up without connecting.

        Args:
            path: The keeper's unix socket.
            worker: Number of the worker.
            boot: Differs for every start of a worker process.
            on_changed: Takes what another worker found out.
            on_apply: Takes the configuration to serve by from now on.
            load: Says what the worker is busy with.
            measure: Says what is measured of targets that have work.
            explain: Says as JSON what the worker would do with a request now.
            jitter: Gives a random number in [0, 1).
            limit: Records to hold at most.
            born_at: Unix seconds when the worker process started.
        """
        self._path = path
        self._hello = Hello(worker, boot, born_at)
        self._on_changed = on_changed
        self._on_apply = on_apply
        self._load = load
        self._measure = measure
        self._explain = explain
        self._told = asyncio.Event()
        self._jitter = jitter
        # What was sent can not give way any more: half of a small outbox is kept from that.
        self._outbox = Outbox(limit, window=min(WINDOW, (limit + 1) // 2))
        self._wire: _Wire | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._asked: dict[str, _Asked] = {}
        self._empty: asyncio.Event = asyncio.Event()

    @property
    def connected(self) -> bool:
        """A keeper's socket is open."""
        return self._wire is not None

    @property
    def dropped(self) -> int:
        """Records that did not fit since this boot began."""
        return self._outbox.dropped

    @property
    def owed(self) -> int:
        """Records that are not acknowledged yet."""
        return len(self._outbox)

    async def told(self, timeout_s: float) -> None:
        """Wait until the keeper has said what lasts of former findings.

        Returns after `timeout_s` at the latest, and at once when there is no keeper's socket.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._told.wait()

    def record(self, record: Record) -> None:
        """Remember what happened."""
        self._outbox.add(record)
        if self._flushing is None and self._wire is not None:
            self._flush_soon()

    def changed(self, transition: Transition) -> None:
        """Let the other workers know at once; `record` it as well, or it is not kept."""
        self._send(Changed(transition))

    def ask(self, key: str, ttl_s: float, answer: Answer) -> None:
        """Ask whether this worker may probe `key`; `answer` is called once, never from here.

        Granted when no keeper answers. Refused while the same question is open already.
        """
        loop = asyncio.get_running_loop()
        if key in self._asked:
            loop.call_soon(answer, False)  # noqa: FBT003 - a lease is granted or not
        elif self._wire is None or self._wire.stalled:
            loop.call_soon(answer, True)  # noqa: FBT003 - a lease is granted or not
        else:
            handle = loop.call_later(ASK_S, lambda: self._answer(key, granted=True))
            self._asked[key] = _Asked(answer, handle)
            self._wire.send(Ask(key, ttl_s))

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = PAUSE_S
        while True:
            wire = _Wire(self, self._tick)
            try:
                await loop.create_unix_connection(wire.itself, self._path)
                await wire.closed
            except OSError:
                self._told.set()  # nobody is there to tell
            finally:
                wire.close()
            # A connection that brought something was a keeper's; one that did not may be the
            # queue of a socket whose keeper is down.
            pause_s = PAUSE_S if wire.heard else min(PAUSE_MAX_S, pause_s * 2)
            await asyncio.sleep(pause_s * (0.5 + self._jitter() / 2))

    async def drain(self, timeout_s: float) -> bool:
        """Send what is left; say whether all of it was acknowledged within `timeout_s`."""
        self._empty.clear()
        if not self._outbox:
            return True
        self._flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        return not self._outbox

    def on_open(self, wire: "_Wire") -> None:
        """Greet, and send what is owed."""
        self._wire = wire
        self._outbox.rewind()
        wire.send(self._hello)
        self._flush()

    def on_message(self, message: Down) -> None:
        """Do what the keeper says."""
        match message:
            case Ack(upto):
                self._outbox.ack(upto)
                if self._outbox.waiting:
                    self._flush_soon()
                elif not self._outbox:
                    self._empty.set()
            case Lease(key, granted):
                self._answer(key, granted=granted)
            case Changed(transition):
                self._on_changed(transition)
            case Apply(snapshot):
                self._on_apply(snapshot)
            case Told():
                self._told.set()
            case Explain(number, question):
                self._send(Explained(number, self._explain(question)))
            case _:
                assert_never(message)

    def on_room(self) -> None:
        """Go on sending: the keeper reads again."""
        if self._outbox.waiting:
            self._flush_soon()

    def on_closed(self) -> None:
        """Go on alone; open questions are answered in favour of this worker."""
        self._wire = None
        for key in list(self._asked):
            self._answer(key, granted=True)

    def _send(self, message: Up) -> None:
        """Send what can be left out when nobody reads."""
        if self._wire is not None and not self._wire.stalled:
            self._wire.send(message)

    def _tick(self, late_s: float) -> None:
        load = self._load()
        self._send(Tick(load.in_flight, load.connections, late_s, self.dropped))
        measured = self._measure()
        if measured.figures:
            self._send(measured)

    def _answer(self, key: str, *, granted: bool) -> None:
        asked = self._asked.pop(key, None)
        if asked is not None:
            asked.timer.cancel()
            asked.answer(granted)

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        """Send one batch; what does not fit into it follows a flush later."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._wire is None or self._wire.stalled:
            return
        batch = self._outbox.take()
        if batch is not None:
            self._wire.send(batch)
        if self._outbox.waiting:
            self._flush_soon()


class _Asked(Struct, frozen=True):
    """An open question."""

    answer: Answer
    timer: asyncio.TimerHandle


class _Wire(asyncio.Protocol):
    """One connection to the keeper."""

    def __init__(self, uplink: Uplink, on_tick: Callable[[float], None]) -> None:
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.heard = False
        """The keeper has said something."""
        self.stalled = False
        """The keeper does not read: nothing more is written that can wait."""
        self._uplink = uplink
        self._on_tick = on_tick
        self._frames = down_frames()
        self._transport: asyncio.WriteTransport | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._tick_at = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's classes.
        wire = self._transport = cast("asyncio.WriteTransport", transport)
        wire.set_write_buffer_limits(high=STALLED)
        self._uplink.on_open(self)
        self._tick_later()

    @override
    def data_received(self, data: bytes) -> None:
        self.heard = True
        try:
            messages = self._frames.feed(data)
        except FrameError:
            self.close()
            return
        for message in messages:
            if isinstance(message, Hello | Batch | Ask | Tick | Measured | Explained):
                self.close()
                return
            self._uplink.on_message(message)

    @override
    def pause_writing(self) -> None:
        self.stalled = True

    @override
    def resume_writing(self) -> None:
        self.stalled = False
        self._uplink.on_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def itself(self) -> "_Wire":
        """Return itself: the loop wants to call something for a protocol."""
        return self

    def send(self, message: Up | Parcel) -> None:
        """Write one message, unless it can no longer arrive."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(write_frame(message))

    def close(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def _end(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        if not self.closed.done():
            self.closed.set_result(None)
            self._uplink.on_closed()

    def _tick_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick_at = loop.time() + TICK_S
        self._ticking = loop.call_at(self._tick_at, self._tick)

    def _tick(self) -> None:
        late_s = max(0.0, asyncio.get_running_loop().time() - self._tick_at)
        # First, since a bug in one tick must not end them all.
        self._tick_later()
        self._on_tick(late_s)
