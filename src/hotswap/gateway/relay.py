"""A provider's stream on its way into the caller's transport."""

from ..core.terms import Cause, Failure, Target
from ..dialects.api import Passage
from ..upstream.api import Fault
from .answer import explain, stream_head
from .line import Line

MAX_HELD = 256 * 1024
"""Events without content that are held back; real ones take a thousandth of this."""


class Relay:
    """Holds a stream back until its first content, then pushes it on as it comes.

    Until `commit` nothing of it has reached the caller, so another target may still begin the
    answer; after it, what goes wrong has to go wrong inside the answer.
    """

    __slots__ = ("_held", "_line", "_progress", "_target", "passage", "released")

    def __init__(self, line: Line, target: Target, passage: Passage) -> None:
        self._line = line
        self._target = target
        self._held = b""
        self.released = False
        """What came so far has reached the caller, and what comes follows it at once."""
        self._progress = 0
        self.passage = passage

    def feed(self, data: bytes) -> bool:
        """Take bytes from the provider; say whether they brought the answer forward."""
        passage = self.passage
        out = passage.feed(data)
        if self.released:
            if out:
                self._line.exchange.write(out)
        else:
            self._held += out
            if len(self._held) > MAX_HELD and not (passage.started or passage.failure):
                passage.failure = Failure(Cause.HARD, Fault.TOO_LARGE.value, 200)
        before, self._progress = self._progress, passage.progress
        return passage.progress != before

    def commit(self, now: float) -> None:
        """Begin the caller's answer: from here on this stream is the answer."""
        line = self._line
        self.released = True
        if not line.committed:
            line.committed = True
            line.exchange.start(200, stream_head(line) + explain(line, self._target, now))
        line.exchange.write(self._held)

    def end(self, failure: Failure | None, now: float) -> Failure | None:
        """The provider's body has ended, by its framing or by `failure`: judge what was seen."""
        passage = self.passage
        rest = passage.end()
        if not passage.complete or passage.failure is not None:
            return failure or passage.failure or Failure(Cause.HARD, "truncated", 200)
        if not self.released:
            self.commit(now)
        self._line.exchange.write(rest)
        return None


def keep_alive(line: Line, now: float) -> None:
    """Show the caller of a stream without content so far that its request lives.

    An array of JSON has no room for that before it began.
    """
    line.keep_alive_at = now + line.plane.snapshot.server.keep_alive_s
    if line.request.array:
        return
    if not line.committed:
        line.committed = True
        line.exchange.start(200, stream_head(line) + explain(line, None, now))
    line.exchange.write(line.route.dialect.KEEP_ALIVE)
