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
* Another supervisor may take over: see `handover`. While it does, children are told that their
  sockets are shared, so that whoever ends meanwhile turns nobody away.
"""

import os
import select
import signal
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import Final

from ..clock import Clock
from .activation import NOTHING, Given, notify
from .channel import Channel, Message, Word
from .crew import Crew, Entries
from .exits import Exit
from .handover import KEPT, VERSION, HandoverError, accept, ask, offer
from .opening import Opened, Opening, read_opening
from .pidfile import TakenError
from .places import Place
from .signals import Signals
from .sockets import ListenError

KEEPER_PATIENCE_S: Final = 10.0
"""How long the keeper may take to write what it has before it is killed."""


class _Phase(Enum):
    SERVING = auto()
    DRAINING = auto()
    """Workers were told to finish; the keeper still takes their records."""
    CLOSING = auto()
    """The keeper was told as well."""


class Supervisor:
    """Runs the gateway's processes until a signal ends them. To be used once."""

    def __init__(
        self,
        config: str,
        entries: Entries,
        clock: Clock,
        say: Callable[[str], None],
        *,
        takeover: bool = False,
        given: Given = NOTHING,
    ) -> None:
        """Prepare; nothing is opened or started before `run`.

        Args:
            config: Path of the configuration file.
            entries: The children's main functions.
            clock: Only its monotonic time is used.
            say: Tells the operator one line.
            takeover: Take the place of the supervisor that works on the state folder, if one does.
            given: Sockets from systemd.
        """
        self._config = config
        self._clock = clock
        self._say = say
        self._crew = Crew(entries, config)
        self._takeover = takeover
        self._given = given
        self._former: Channel | None = None
        """To the supervisor whose place is taken; until it has ended."""
        self._successor: Channel | None = None
        """To the supervisor that takes this one's place."""
        self._offered = False
        """The successor has everything: there is no keeper here."""
        self._opened: Opened | None = None
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
        for place in self._crew.everybody:
            self._crew.fill(place, self._clock.now())
        try:
            self._loop(signals)
        finally:
            if self._opened is not None:
                self._opened.close()
        return self._result

    def _loop(self, signals: Signals) -> None:
        while self._phase is not _Phase.CLOSING or any(
            place.child for place in self._crew.everybody
        ):
            heard = [place for place in self._crew.everybody if place.heard]
            others = self._others()
            descriptors = [signals.fileno(), *others, *(place.fileno() for place in heard)]
            readable, _, _ = select.select(descriptors, [], [], self._pause_s())
            for place in heard:
                if place.fileno() in readable:
                    self._hear(place)
            for descriptor, hear in others.items():
                if descriptor in readable:
                    hear()
            for number in signals.take():
                self._on_signal(number)
            self._on_time(self._clock.now())

    def _tell(self, event: str) -> None:
        self._say(f"hotswap: {event}")

    # What children say

    def _hear(self, place: Place) -> None:
        for message in place.messages():
            self._on_message(place, message)

    def _on_message(self, place: Place, message: Message) -> None:
        match message.word:
            case Word.LOADED:
                self._crew.configure(*message.descriptors)
                self._open(read_opening(message.fields))
            case Word.READY:
                place.on_ready()
                self._on_ready(place)
            case Word.SNAPSHOT:
                self._crew.configure(*message.descriptors)
            case Word.ADMIN_KEY:
                self._tell(f"the admin key is {message.fields[0]} (it is shown this once)")
            case _:
                pass  # said to children, or between supervisors

    def _open(self, opening: Opening) -> None:
        if self._phase is not _Phase.SERVING:
            return
        self._patience_s = opening.patience_s
        try:
            offered = ask(opening.state_dir) if self._takeover else None
            self._opened = Opened(opening, self._given, offered)
        except (HandoverError, ListenError, TakenError, OSError) as error:
            self._fail(str(error))
            return
        self._crew.hire(opening.workers, self._clock.now())
        self._crew.share(sharing=offered is not None or self._opened.activated)
        if offered is None:
            self._crew.begin(self._opened)
        else:
            self._former = offered.channel
            self._tell("taking over from the supervisor that runs")

    def _on_ready(self, place: Place) -> None:
        if place is self._crew.keeper and self._reload_later:
            self._reload()
        if (
            self._opened is not None
            and not self._announced
            and self._phase is _Phase.SERVING
            and self._crew.ready
        ):
            self._announced = True
            self._commit(self._opened)
            url, admin = self._opened.public[0].url, self._opened.admin.url
            self._say(f"hotswap is listening on {url} (admin {admin})")
            notify("READY=1", f"MAINPID={os.getpid()}")

    # Taking the place of another supervisor, and giving the own one to another

    def _others(self) -> dict[int, Callable[[], None]]:
        """Return who is to be heard that is no child."""
        others: dict[int, Callable[[], None]] = {}
        if self._former is not None:
            others[self._former.fileno()] = self._hear_former
        if self._successor is not None:
            others[self._successor.fileno()] = self._hear_successor
        if self._opened is not None and self._announced and self._phase is _Phase.SERVING:
            others[self._opened.control] = self._welcome
        return others

    def _hear_former(self) -> None:
        """Begin once the other one's keeper has ended, or all of it."""
        if self._former is None or self._opened is None:
            return
        if self._former.hear() is None:
            self._former.close()
            self._former = None
            if self._announced:
                self._opened.forget_former()
        if not self._crew.begun and self._phase is _Phase.SERVING:
            try:
                self._opened.complete()
            except ListenError as error:
                self._fail(str(error))
            else:
                self._crew.begin(self._opened)

    def _commit(self, opened: Opened) -> None:
        """Make it final that this supervisor has taken over, if it has."""
        if not self._takeover:
            return
        opened.own()
        self._crew.share(sharing=opened.activated)
        if self._former is not None:
            self._former.say(Word.COMMIT, KEPT if opened.kept else "left")
        else:
            opened.forget_former()

    def _welcome(self) -> None:
        if self._opened is None or (visitor := accept(self._opened.control)) is None:
            return
        if self._successor is None:
            self._successor = visitor
        else:
            visitor.say(Word.REFUSED, "another one takes over just now")
            visitor.close()

    def _hear_successor(self) -> None:
        if self._successor is None or self._opened is None:
            return
        match self._successor.hear():
            case Message(word=Word.TAKEOVER, fields=(str(version),)) if version == VERSION:
                self._offer(self._successor, self._opened)
            case Message(word=Word.TAKEOVER):
                self._successor.say(Word.REFUSED, f"it speaks version {VERSION}; stop it instead")
            case Message(word=Word.COMMIT, fields=(str(public),)) if self._offered:
                if public != KEPT:
                    self._crew.share(sharing=False)
                self._drain("another supervisor has taken over; requests in flight may finish")
            case _:
                self._successor.close()
                self._successor = None
                self._go_on(self._opened)

    def _offer(self, successor: Channel, opened: Opened) -> None:
        """Give everything to a successor but the keeper's part, which follows."""
        self._offered = True
        self._crew.share(sharing=True)
        offer(
            successor,
            opened.goods(),
            opened.public_at,
            opened.admin_at,
            activated=opened.activated,
        )
        self._tell("another supervisor takes over")
        self._crew.keeper.leave(signal.SIGKILL)  # the shortest absence; it loses nothing
        self._release()

    def _release(self) -> None:
        """Tell the successor that there is no keeper here any more."""
        if self._successor is not None and self._crew.keeper.child is None:
            self._successor.say(Word.RELEASED)

    def _go_on(self, opened: Opened) -> None:
        """Serve as before: the successor has given up."""
        if self._offered and self._phase is _Phase.SERVING:
            self._tell("the other supervisor did not take over")
            self._offered = False
            self._crew.share(sharing=opened.activated)
            if self._crew.keeper.child is None:
                self._crew.keeper.due_at = self._clock.now()
                self._reload_later = True

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
        self._reload_later = not self._crew.keeper.ready
        if self._crew.keeper.ready:
            self._crew.keeper.signal(signal.SIGHUP)

    def _on_stop(self, number: int) -> None:
        if self._phase is _Phase.SERVING:
            notify("STOPPING=1")
            self._result = Exit.INTERRUPTED if number == signal.SIGINT else Exit.FINE
            self._drain("stopping; requests in flight may finish (the same again: quit at once)")
            return
        self._result = Exit.INTERRUPTED if number == signal.SIGINT else Exit.FAILED
        self._tell("quitting at once")
        self._phase = _Phase.CLOSING
        for place in self._crew.everybody:
            place.leave(signal.SIGKILL)

    def _fail(self, why: str) -> None:
        self._result = Exit.FAILED
        self._drain(why)

    def _drain(self, why: str) -> None:
        self._tell(why)
        self._phase = _Phase.DRAINING
        self._kill_at = self._clock.now() + self._patience_s
        for place in (self._crew.loader, *self._crew.workers):
            place.leave(signal.SIGTERM)
        if self._opened is not None:
            if self._offered:
                self._opened.disown()
            self._opened.close_public()
        self._close_if_drained()

    def _close_if_drained(self) -> None:
        if self._phase is _Phase.DRAINING and not any(
            worker.child for worker in self._crew.workers
        ):
            self._phase = _Phase.CLOSING
            self._kill_at = self._clock.now() + KEEPER_PATIENCE_S
            self._crew.keeper.leave(signal.SIGTERM)

    def _reap(self) -> None:
        """Bury every child that has died."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for place in self._crew.everybody:
                if place.child is not None and place.child.pid == pid:
                    self._hear(place)  # its last words
                    self._on_death(place, os.waitstatus_to_exitcode(status))

    def _on_death(self, place: Place, code: int) -> None:
        now = self._clock.now()
        pause_s = place.on_death(now)
        if place is self._crew.loader:
            self._on_loader_end(code)
        elif place is self._crew.keeper and self._offered:
            self._release()
        elif self._phase is _Phase.SERVING or (
            place is self._crew.keeper and self._phase is _Phase.DRAINING
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
        if place is self._crew.keeper:
            self._reload_later = True  # the file may change while nobody watches it

    def _on_time(self, now: float) -> None:
        for place in self._crew.everybody:
            if now >= place.due_at:
                self._crew.fill(place, now)
        if now >= self._kill_at:
            self._kill_at = inf
            for place in (
                self._crew.workers if self._phase is _Phase.DRAINING else self._crew.everybody
            ):
                if place.child is not None:
                    if self._opened is not None:  # else it was still starting: nothing is lost
                        self._tell(f"{place.name} did not end in time")
                    place.leave(signal.SIGKILL)

    def _pause_s(self) -> float | None:
        soonest = min(self._kill_at, *(place.due_at for place in self._crew.everybody))
        return None if soonest == inf else max(0.0, soonest - self._clock.now())


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
