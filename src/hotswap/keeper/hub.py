"""The hub: every worker's records to the store, every worker's findings to the others.

Contract: a record is acknowledged after its commit and never before. While the store fails nothing
is acknowledged, workers keep what they have, and the hub tries again with growing pauses. What a
worker says twice is stored once and told once. A worker that breaks the protocol is cut off.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final, assert_never

from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from ..clock import Clock
from ..config.snapshot import Snapshot
from ..errors import StoreError
from ..ledger.link import (
    Ack,
    Apply,
    Ask,
    Batch,
    Changed,
    Explained,
    Hello,
    Lease,
    Measured,
    Tick,
    Told,
    write_frame,
)
from ..ledger.live import Live
from ..ledger.question import Question
from ..ledger.record import Transition
from ..ledger.rows import AttemptEntry, Entry, TransitionEntry
from ..store.api import Store
from .board import Board
from .downlink import Downlink, Held, Said
from .figures import Figures, Pulse, pulse
from .leases import Leases
from .measures import Measures
from .questions import Questions

RETRY_S: Final = 0.1
"""Upper bound of the pause after the first failure of the store; doubles each time."""
RETRY_MAX_S: Final = 5.0
_NAMES: Final[Mapping[type[Entry], str]] = MappingProxyType(
    {AttemptEntry: "attempt", TransitionEntry: "transition"}
)
"""Of events that show records."""


class _Boot(Struct):
    """One start of a worker, over all of its connections."""

    seen: int = 0
    """Number of the last record that was shown."""
    dropped: int = 0
    """Records that did not fit into its buffer."""


class Hub:
    """Serves the workers."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        store: Store,
        live: Live,
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        """Set up without listening.

        Args:
            snapshot: The configuration that workers are to serve by.
            store: Keeps the records.
            live: Shows what happens to those who watch.
            clock: Monotonic for leases, Unix for what is shown.
            jitter: Gives a random number in [0, 1).
            log: For the operator.
        """
        self.board = Board()
        self.figures = Figures()
        self.measures = Measures()
        self.store_problem = ""
        """Why the store failed last; empty: it works."""
        self._store = store
        self._live = live
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._apply = write_frame(Apply(snapshot))
        self._leases = Leases()
        self._questions = Questions()
        self._restored = False
        """What a former keeper stored is known, or can not be read."""
        self._links: dict[str, Downlink] = {}
        self._boots: dict[str, _Boot] = {}
        self._keeping: dict[Downlink, asyncio.Task[None]] = {}
        self._servers: list[asyncio.Server] = []
        self._closed = False
        self._fewer = asyncio.Event()
        """Set when a worker has left."""

    @property
    def links(self) -> list[Downlink]:
        """The workers that are connected."""
        return list(self._links.values())

    @property
    def eldest_at(self) -> float:
        """Unix seconds when the eldest connected worker started; 0: none is connected."""
        return min((link.hello.born_at for link in self.links if link.hello), default=0.0)

    async def listen(self, link: socket.socket, *, former: bool = False) -> None:
        """Serve on a bound unix socket until `close`.

        Args:
            link: The socket.
            former: Its workers end soon, with a supervisor before: they get no configuration.
        """
        loop = asyncio.get_running_loop()
        connected = partial(Downlink, self, former=former)
        self._servers.append(await loop.create_unix_server(connected, sock=link))

    def apply(self, snapshot: Snapshot) -> None:
        """Have all workers serve by `snapshot`, also those that connect later."""
        self._apply = write_frame(Apply(snapshot))
        for link in self.links:
            if not link.former:
                link.send(self._apply)

    def restore(self, transitions: Iterable[Transition]) -> None:
        """Begin with what a former keeper stored, oldest first; workers that wait for it hear."""
        self.board.restore(transitions)
        self._restored = True
        for link in self.links:
            self._tell_all_to(link)

    def order(self, transition: Transition) -> None:
        """Have all workers go by what a person has ordered."""
        self.board.learn(transition)
        self._send_all(Changed(transition))

    async def explain(self, question: Question) -> bytes | None:
        """Return a worker's answer as JSON; None: no worker answers.

        One that hangs is left for the next one.
        """
        for link in self.links:
            answer = None if link.former else await self._questions.ask(link, question)
            if answer is not None:
                return answer
        return None

    def pulse(self) -> Pulse:
        """Draw the present picture."""
        links = self.links
        return pulse(
            self.figures,
            [link.tick for link in links],
            at=self._clock.unix(),
            dropped=sum(boot.dropped for boot in self._boots.values()),
            unstored=sum(link.waiting for link in links) if self.store_problem else 0,
        )

    async def deserted(self, patience_s: float) -> None:
        """Wait until no worker is connected, for at most `patience_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._links:
                    self._fewer.clear()
                    await self._fewer.wait()

    async def close(self, patience_s: float) -> None:
        """Stop listening; store and acknowledge what has arrived, within `patience_s`."""
        self._closed = True
        for server in self._servers:
            server.close()
        for link in self.links:
            link.ignore()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                for link in self.links:
                    await link.idle.wait()
        for link in self.links:
            link.cut("")
        keeping = list(self._keeping.values())
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)

    def on_hello(self, link: Downlink, hello: Hello) -> None:
        """Give a worker its configuration; a new one also what others have found out."""
        if self._closed:
            link.cut("")  # it was accepted just before the listener closed
            return
        former = self._links.get(hello.boot)
        if former is not None:
            former.cut("")
        self._links[hello.boot] = link
        if not link.former:
            link.send(self._apply)
        if hello.boot not in self._boots:
            self._boots[hello.boot] = _Boot()
            if self._restored:
                self._tell_all_to(link)
        task = asyncio.get_running_loop().create_task(self._keep(link, hello.boot))
        self._keeping[link] = task
        task.add_done_callback(lambda _: self._keeping.pop(link, None))

    def on_batch(self, link: Downlink, batch: Batch) -> None:
        """Show and count the records that have not been seen before."""
        boot = self._boots[link.boot]
        boot.dropped = batch.dropped
        fresh = batch.entries[max(0, boot.seen + 1 - batch.first) :]
        boot.seen = max(boot.seen, batch.first + len(batch.entries) - 1)
        attempts = [entry for entry in fresh if isinstance(entry, AttemptEntry)]
        self.figures.count(attempts)
        if len(attempts) < len(fresh):
            for entry in fresh:
                if isinstance(entry, TransitionEntry):
                    # Told to the others here only if the message that went ahead was lost.
                    self._tell(link, entry.transition)
        if self._live.watched:
            for entry in fresh:
                self._live.publish(_NAMES[type(entry)], entry.row)
        elif fresh:
            self._live.skip()

    def on_message(self, link: Downlink, message: Said) -> None:
        """Do what a worker asks for."""
        match message:
            case Changed(transition):
                self._tell(link, transition)
            case Ask(key, ttl_s):
                granted = self._leases.ask(key, link.boot, ttl_s, self._clock.now())
                link.send(write_frame(Lease(key, granted)))
            case Tick():
                link.tick = message
                self._boots[link.boot].dropped = message.dropped
            case Measured():
                self.measures.take(link.boot, message)
            case Explained(number, answer):
                self._questions.answer(number, answer)
            case _:
                assert_never(message)

    def on_lost(self, link: Downlink, problem: str) -> None:
        """Let a worker go; what it sent and was not stored comes again with its next connection."""
        task = self._keeping.get(link)
        if task is not None:
            task.cancel()
        if problem:
            worker = link.hello.worker if link.hello is not None else None
            self._log.error("worker cut off", worker=worker, problem=problem)
        if self._links.get(link.boot) is link:
            del self._links[link.boot]
            self.measures.drop(link.boot)
            self._fewer.set()

    def _tell(self, link: Downlink, transition: Transition) -> None:
        """Pass a change on to all other workers, once."""
        if self.board.learn(transition):
            self._send_all(Changed(transition), but=link)

    def _send_all(self, changed: Changed, *, but: Downlink | None = None) -> None:
        frame = write_frame(changed)
        for link in self.links:
            if link is not but:
                link.send(frame)

    def _tell_all_to(self, link: Downlink) -> None:
        """Tell a worker everything that lasts, and that this was all."""
        for transition in self.board.worries(self._clock.unix()):
            link.send(write_frame(Changed(transition)))
        link.send(write_frame(Told()))

    async def _keep(self, link: Downlink, boot: str) -> None:
        """Store what one worker sends, in order, and acknowledge it."""
        while True:
            for held in await link.held():
                await self._store_at_last(boot, held)
                link.stored(len(held.rows))
                link.send(write_frame(Ack(held.first + len(held.rows) - 1)))

    async def _store_at_last(self, boot: str, held: Held) -> None:
        pause_s = RETRY_S
        while True:
            try:
                await self._store.append(boot, held.first, held.rows)
            except StoreError as error:
                if not self.store_problem:
                    self._log.error("records wait, the store fails", problem=str(error))
                self.store_problem = str(error)
                await asyncio.sleep(pause_s * (0.5 + self._jitter() / 2))
                pause_s = min(RETRY_MAX_S, pause_s * 2)
            else:
                if self.store_problem:
                    self._log.info("the store works again")
                    self.store_problem = ""
                return
