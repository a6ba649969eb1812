"""Callers in memory: implements `server.api.Exchange`, and keeps what each of them got."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from ...server.api import Incoming

HIGH: Final = 2048
"""Bytes that wait for a slow reader before the writer is told to stop."""
LOW: Final = 512
"""It may go on when no more than these wait."""


class Ending(StrEnum):
    """How an answer ended for its caller."""

    NONE = "none"
    """It has not."""
    ANSWERED = "answered"
    """With a whole answer, be it good or an error."""
    FINISHED = "finished"
    """A stream ended cleanly."""
    ABORTED = "aborted"
    """A stream was cut."""
    LEFT = "left"
    """The caller went away first."""


class SimExchange:
    """One request of a caller that reads at its own pace and may leave."""

    __slots__ = (
        "_at",
        "_loop",
        "_pace",
        "_resume",
        "_waiting",
        "body",
        "ended_at",
        "ending",
        "flaws",
        "gone",
        "headers",
        "incoming",
        "most_waiting",
        "on_leave",
        "on_pause",
        "on_resume",
        "paused",
        "status",
    )

    def __init__(
        self, incoming: Incoming, loop: AbstractEventLoop, bytes_per_s: float | None
    ) -> None:
        self.incoming = incoming
        self.on_leave: Callable[[], None] | None = None
        self.on_pause: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None
        self.gone = False
        self.status = 0
        """0: no head has come."""
        self.headers = b""
        self.body: list[bytes] = []
        """What was written, in order."""
        self.ending = Ending.NONE
        self.ended_at = 0.0
        self.flaws: list[str] = []
        """How the writer broke the rules of the exchange."""
        self.paused = False
        self.most_waiting = 0
        """Bytes that ever waited for the reader."""
        self._loop = loop
        self._pace = bytes_per_s
        self._waiting = 0.0
        self._at = 0.0
        self._resume: TimerHandle | None = None

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """See `Exchange`."""
        if self._may("answer"):
            if self.status:
                # The server cuts the connection then: the caller must not take this for the whole.
                self._end(Ending.ABORTED)
                return
            self.status, self.headers = status, headers
            self.body.append(body)
            self._end(Ending.ANSWERED)

    def start(self, status: int, headers: bytes) -> None:
        """See `Exchange`."""
        if self._may("start"):
            if self.status:
                self.flaws.append("started twice")
            self.status, self.headers = status, headers

    def write(self, data: bytes) -> None:
        """See `Exchange`."""
        if not self._may("write"):
            return
        if not self.status:
            self.flaws.append("wrote before it started")
        if data:
            self.body.append(data)
            if self._pace is not None:
                self._wait(len(data), self._pace)

    def finish(self) -> None:
        """See `Exchange`."""
        if self._may("finish"):
            self._end(Ending.FINISHED)

    def abort(self) -> None:
        """See `Exchange`."""
        if self._may("abort"):
            self.gone = True
            self._end(Ending.ABORTED)

    def leave(self) -> None:
        """The caller goes away."""
        if self.ending is Ending.NONE:
            self.gone = True
            self._end(Ending.LEFT)
            if self.on_leave is not None:
                self.on_leave()

    def _may(self, what: str) -> bool:
        """Say whether the answer still goes on; whoever left it hears no more of it."""
        if self.ending is Ending.NONE:
            return True
        if self.ending is not Ending.LEFT:
            self.flaws.append(f"{what} after the answer was {self.ending.value}")
        return False

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        self.ended_at = self._loop.time()
        if self._resume is not None:
            self._resume.cancel()
            self._resume = None

    def _wait(self, size: int, pace: float) -> None:
        """Let bytes wait for the reader, and tell the writer to stop when there are many."""
        now = self._loop.time()
        self._waiting = max(0.0, self._waiting - pace * (now - self._at)) + size
        self._at = now
        self.most_waiting = max(self.most_waiting, int(self._waiting))
        if self._waiting > HIGH and not self.paused:
            self.paused = True
            self._arm(pace)
            if self.on_pause is not None:
                self.on_pause()

    def _arm(self, pace: float) -> None:
        self._resume = self._loop.call_later((self._waiting - LOW) / pace, self._drained, pace)

    def _drained(self, pace: float) -> None:
        now = self._loop.time()
        self._waiting = max(0.0, self._waiting - pace * (now - self._at))
        self._at = now
        if self._waiting > LOW + 1:
            self._arm(pace)
            return
        self._resume = None
        self.paused = False
        if self.on_resume is not None:
            self.on_resume()
