"""The parent of all processes: opens the sockets, keeps every place filled, passes signals on.

It runs no loop and no thread, so that it may fork at any time, and it imports next to nothing.
Children are forked before the configuration is known, because their imports take longer than
loading it; each then gets its sockets and the configuration in one message.

* A child that dies is started again with a growing pause (`Restarts`). Its sockets stay open here
  meanwhile: connections wait in their queues.
* The keeper reports every configuration that is put in force; whoever starts later gets that one,
  also while the keeper is down. A keeper that comes back reads the file again.
* SIGTERM or SIGINT: the public sockets are closed here, workers drain, then the keeper writes what
  it has, then the supervisor ends. A second one kills. SIGHUP is the keeper's: it reloads.
* Children whose supervisor is gone find their channel ended and stop by themselves.
"""

import os
import select
import signal
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Final, NamedTuple, assert_never

from ..clock import Clock
from .channel import Message, Word
from .children import Entry
from .exits import Exit
from .opening import Opened, Opening, read_opening
from .pidfile import TakenError
from .places import Place
from .signals import Signals
from .sockets import ListenError

KEEPER_NICE: Final = 10
KEEPER_PAUSE_S: Final = 5.0
WORKER_PAUSE_S: Final = 1.5
"""Shorter than the keeper's: connections wait in the queue of a worker that is down."""
KEEPER_PATIENCE_S: Final = 10.0
"""How long the keeper may take to write what it has before it is killed."""


class Entries(NamedTuple):
    """The main functions of the children."""

    load: Entry
    """Says `LOADED` and returns 0, or explains itself on stderr and returns an exit code."""
    keep: Entry
    work: Entry


class _Phase(Enum):
    SERVING = auto()
    DRAINING = auto()
    """Workers were told to finish; the keeper still takes their records."""
    CLOSING = auto()
    """The keeper was told as well."""


class Supervisor:
    """Runs the gateway's processes until a signal ends them. To be used once."""

    def __init__(
        self, config: str, entries: Entries, clock: Clock, say: Callable[[str], None]
    ) -> None:
        """Prepare; nothing is opened or started before `run`.

        Args:
            config: Path of the configuration file.
            entries: The children's main functions.
            clock: Only its monotonic time is used.
            say: Tells the operator one line.
        """
        self._config = config
        self._work = entries.work
        self._clock = clock
        self._say = say
        self._loader = Place("loader", entries.load, 0.0)
        self._keeper = Place("keeper", entries.keep, KEEPER_PAUSE_S, nice=KEEPER_NICE)
        self._workers = [Place("worker 0", entries.work, WORKER_PAUSE_S)]
        self._opened: Opened | None = None
        self._snapshot = -1
        """Descriptor of the configuration in force."""
        self._announced = False
        self._reload_later = False
        self._phase = _Phase.SERVING
        self._patience_s = 0.0
        self._kill_at = inf
        self._result = 0

    def run(self) -> int:
        """Serve until told to stop; return the exit code."""
        self._tell(f"starting with {self._config} (process {os.getpid()})")
        signals = Signals()
        for place in self._places():
            place.fill(self._clock.now())
        try:
            self._loop(signals)
        finally:
            if self._opened is not None:
                self._opened.close()
        return self._result

    def _loop(self, signals: Signals) -> None:
        while self._phase is not _Phase.CLOSING or any(place.child for place in self._places()):
            heard = [place for place in self._places() if place.heard]
            descriptors = [signals.fileno(), *(place.fileno() for place in heard)]
            readable, _, _ = select.select(descriptors, [], [], self._pause_s())
            for place in heard:
                if place.fileno() in readable:
                    self._hear(place)
            for number in signals.take():
                self._on_signal(number)
            self._on_time(self._clock.now())

    def _places(self) -> tuple[Place, ...]:
        return (self._loader, self._keeper, *self._workers)

    def _tell(self, event: str) -> None:
        self._say(f"hotswap: {event}")

    # What children say

    def _hear(self, place: Place) -> None:
        for message in place.messages():
            self._on_message(place, message)

    def _on_message(self, place: Place, message: Message) -> None:
        match message.word:
            case Word.LOADED:
                self._keep_snapshot(message.descriptors)
                self._open(read_opening(message.fields))
            case Word.READY:
                place.on_ready()
                self._on_ready(place)
            case Word.SNAPSHOT:
                self._keep_snapshot(message.descriptors)
            case Word.ADMIN_KEY:
                self._tell(f"the admin key is {message.fields[0]} (it is shown this once)")
            case Word.SHARED | Word.ALONE:
                pass  # said to children only
            case _:
                assert_never(message.word)

    def _keep_snapshot(self, descriptors: tuple[int, ...]) -> None:
        if self._snapshot >= 0:
            os.close(self._snapshot)
        (self._snapshot,) = descriptors

    def _open(self, opening: Opening) -> None:
        if self._phase is not _Phase.SERVING:
            return
        self._patience_s = opening.patience_s
        try:
            self._opened = Opened(opening)
        except (ListenError, TakenError, OSError) as error:
            self._result = Exit.FAILED
            self._drain(str(error))
            return
        for index in range(1, opening.workers):
            place = Place(f"worker {index}", self._work, WORKER_PAUSE_S)
            place.fill(self._clock.now())
            self._workers.append(place)
        for place in (self._keeper, *self._workers):
            self._begin(place, self._opened)

    def _begin(self, place: Place, opened: Opened) -> None:
        if place.child is None:
            return
        number = 0
        sockets = [opened.link.descriptor, opened.admin.descriptor]
        if place is not self._keeper:
            number = self._workers.index(place)
            sockets = [opened.public[number].descriptor]
        channel = place.child.channel
        channel.begin(number, opened.link.path, self._config, self._snapshot, sockets)

    def _on_ready(self, place: Place) -> None:
        if place is self._keeper and self._reload_later:
            self._reload()
        everybody = (self._keeper, *self._workers)
        if (
            self._opened is not None
            and not self._announced
            and self._phase is _Phase.SERVING
            and all(place.ready for place in everybody)
        ):
            self._announced = True
            url, admin = self._opened.public[0].url, self._opened.admin.url
            self._say(f"hotswap is listening on {url} (admin {admin})")

    # Signals, deaths, time

    def _on_signal(self, number: int) -> None:
        match number:
            case signal.SIGCHLD:
                self._reap()
            case signal.SIGHUP:
                self._reload()
            case signal.SIGTERM | signal.SIGINT:
                self._on_stop(number)
            case _:
                pass

    def _reload(self) -> None:
        """Let the keeper reload, as soon as it can."""
        self._reload_later = not self._keeper.ready
        if self._keeper.ready:
            self._keeper.signal(signal.SIGHUP)

    def _on_stop(self, number: int) -> None:
        if self._phase is _Phase.SERVING:
            self._result = Exit.INTERRUPTED if number == signal.SIGINT else Exit.FINE
            self._drain("stopping; requests in flight may finish (the same again: quit at once)")
            return
        self._result = Exit.INTERRUPTED if number == signal.SIGINT else Exit.FAILED
        self._tell("quitting at once")
        self._phase = _Phase.CLOSING
        for place in self._places():
            place.leave(signal.SIGKILL)

    def _drain(self, why: str) -> None:
        self._tell(why)
        self._phase = _Phase.DRAINING
        self._kill_at = self._clock.now() + self._patience_s
        for place in (self._loader, *self._workers):
            place.leave(signal.SIGTERM)
        if self._opened is not None:
            self._opened.close_public()
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self._phase is _Phase.DRAINING and not any(worker.child for worker in self._workers):
            self._phase = _Phase.CLOSING
            self._kill_at = self._clock.now() + KEEPER_PATIENCE_S
            self._keeper.leave(signal.SIGTERM)

    def _reap(self) -> None:
        """Bury every child that has died."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for place in self._places():
                if place.child is not None and place.child.pid == pid:
                    self._hear(place)  # its last words
                    self._on_death(place, os.waitstatus_to_exitcode(status))

    def _on_death(self, place: Place, code: int) -> None:
        now = self._clock.now()
        pause_s = place.on_death(now)
        if place is self._loader:
            self._on_loader_end(code)
        elif self._phase is _Phase.SERVING or (
            place is self._keeper and self._phase is _Phase.DRAINING
        ):
            self._replace(place, code, pause_s, now)
        self._close_if_drained()

    def _on_loader_end(self, code: int) -> None:
        if self._opened is None and self._phase is _Phase.SERVING:
            self._result = code if code > 0 else Exit.FAILED
            self._drain("not started")

    def _replace(self, place: Place, code: int, pause_s: float | None, now: float) -> None:
        died = f"{place.name} {_ended(code)}"
        if pause_s is None:
            if self._phase is _Phase.SERVING:
                self._result = Exit.FAILED
                self._drain(f"{died} again and again before it was ready: giving up")
            return
        self._tell(f"{died}; it starts again {f'in {pause_s:.1f} s' if pause_s else 'at once'}")
        place.due_at = now + pause_s
        if place is self._keeper:
            self._reload_later = True  # the file may change while nobody watches it

    def _on_time(self, now: float) -> None:
        for place in self._places():
            if now >= place.due_at:
                place.fill(now)
                if self._opened is not None:
                    self._begin(place, self._opened)
        if now >= self._kill_at:
            self._kill_at = inf
            for place in self._workers if self._phase is _Phase.DRAINING else self._places():
                if place.child is not None:
                    if self._opened is not None:  # else it was still starting: nothing is lost
                        self._tell(f"{place.name} did not end in time")
                    place.leave(signal.SIGKILL)

    def _pause_s(self) -> float | None:
        soonest = min(self._kill_at, *(place.due_at for place in self._places()))
        return None if soonest == inf else max(0.0, soonest - self._clock.now())


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
