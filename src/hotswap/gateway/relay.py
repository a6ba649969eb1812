"""A provider's stream on its way into the caller's transport."""

from collections.abc import Callable

from ..core.terms import Cause, Failure, Target
from ..dialects.api import Passage
from ..dialects.holding import HELD_MAX
from ..dialects.unsound import TRUNCATED
from ..upstream.api import Fault
from .answer import explain, stream_head
from .line import Line
from .translation import Translation

MAX_HELD = 256 * 1024
"""Events without content that are held back; real ones take a thousandth of this."""


class Relay:
    """Holds a stream back until its first content, then pushes it on as it comes.

    Until `commit` nothing of it has reached the caller, so another target may still begin the
    answer; after it, another one may go on with it. What goes on with another target's answer is
    pushed on as soon as there is something, since its writer has moved on by then.

    Args:
        line: The request.
        target: Whose stream it is.
        passage: Takes its bytes.
        number: Of the attempt.
    """

    __slots__ = ("_held", "_line", "_number", "_progress", "_target", "passage", "released")

    def __init__(self, line: Line, target: Target, passage: Passage, number: int) -> None:
        self._number = number
        self._line = line
        self._target = target
        self._held = bytearray()
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

    @property
    def holds_whole(self) -> bool:
        """The answer is to reach its caller as a whole, and is not too long for that."""
        line = self._line
        needs = line.request.needs
        return (
            (needs.json_object or needs.json_schema)
            and line.chain.stream.structured == "hold"
            and len(self._held) <= HELD_MAX
        )

    @property
    def waiting(self) -> bool:
        """The caller hears nothing, whatever comes."""
        return self.passage.holding or not self.released

    def commit(self, now: float) -> None:
        """Begin the caller's answer: from here on this stream is the answer."""
        line = self._line
        self.released = True
        if not line.committed:
            line.committed = True
            line.exchange.start(200, stream_head(line) + explain(line, self._target, now))
        splice = line.splice
        if splice is not None:
            at = f"{self._target.id} goes on after {len(splice.text)} characters"
            note = f"hotswap attempt {self._number}: {at}"
            line.exchange.write(line.route.dialect.write_note(note))
        line.exchange.write(bytes(self._held))
        self._held.clear()

    def end(
        self, failure: Failure | None, now: float, win: Callable[[float], None]
    ) -> Failure | None:
        """The provider's body has ended, by its framing or by `failure`: judge what was seen.

        Args:
            failure: None: it ended well.
            now: Monotonic seconds.
            win: Called before the caller's answer begins with this.
        """
        passage = self.passage
        rest = passage.end()
        whole = passage.complete and passage.failure is None
        if not self.released and (whole or (passage.shown and self._line.splice is not None)):
            win(now)
            self.commit(now)
        if self.released:
            self._line.exchange.write(rest)
        if whole:
            return None
        return failure or passage.failure or TRUNCATED

    def settle(self, now: float) -> None:
        """Decide what of a taken-up answer is new, since the time for finding out is over."""
        passage = self.passage
        if isinstance(passage, Translation):
            self._held += passage.settle()
            if passage.shown and not self.released:
                self.commit(now)


def keep_alive(line: Line, now: float) -> None:
    """Show the caller of a stream without content so far that its request lives.

    An array of JSON has no room for that before it began.
    """
    line.keep_alive_at = line.alive_until(now)
    if line.request.array:
        return
    if not line.committed:
        line.committed = True
        line.exchange.start(200, stream_head(line) + explain(line, None, now))
    line.exchange.write(line.route.dialect.KEEP_ALIVE)
