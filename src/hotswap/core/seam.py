"""The seam between a broken answer and what another target adds to it.

The caller has the beginning of an answer; a target was asked for the rest. It may go on exactly,
repeat the last words or the partial one, begin anew, reopen a code fence, or speak of the
interruption first: the caller gets what follows the text they have, in all of these cases.

The continuation is held until one reading is left, which is after some twelve characters in the
usual case. A repeat is what agrees with at least 12 characters that reach the end of the text, or
with the whole of it. After 40 characters that agree it is skipped however long it is; if it
leaves the text then, the target went another way and is `lost`: nothing of it was delivered.

What reads both ways counts as exact, and loses nothing: overlaps of fewer than four different
characters (rules, empty rows of a table), what follows the same 12 characters as its earlier
occurrence does (refrains, tables), words that double their beginning (`doubled`), an ellipsis
after a word. So does a short continuation of an answer that ended with a sentence: the answer may
have been complete, but its last sentence may also be short. Only published fillers are dropped.
"""

from typing import Final, Literal

from .cut import Fence, ends_sentence, fragment, open_fence, repeated_fragment
from .preambles import is_filler, may_become_filler, read_preamble
from .repeat import HINT, OVERLAP, UNDECIDED, Press, Repeats

HELD_MOST: Final = 256
"""Characters held back while undecided, about 64 tokens; a certain repeat may be longer."""

_LOOSE: Final = ",;(\u2013\u2014"
"""After these no answer goes on with an ellipsis that touches a word."""


class Seam:
    """Joins one continuation to what the caller has of an answer.

    Feed it what comes, and deliver what it returns. Once `settled`, everything passes as it is.

    Args:
        text: All that the caller has, with the whitespace at its end. The target saw it without.
        native: The target goes on with it as the beginning of its own answer; else it was asked
            to, and may speak of it or repeat a partial word.
    """

    __slots__ = (
        "_echo_at",
        "_echo_n",
        "_fence",
        "_fragment",
        "_graced",
        "_held",
        "_late",
        "_native",
        "_owed",
        "_prefix",
        "_released",
        "_repeats",
        "_text",
        "dropped",
        "echoed",
        "lost",
        "restarted",
        "settled",
    )

    def __init__(self, text: str, *, native: bool) -> None:
        self._text = text.rstrip()
        self._owed = text[len(self._text) :]
        """Whitespace that the caller has and the target has not seen."""
        self._native = native
        self._repeats = Repeats(self._text, native=native)
        self._fragment = "" if native or self._owed else fragment(self._text)
        self._fence: Fence | Literal[False] | None = False
        """False: not looked for yet."""
        self._held = ""
        self._late = self._graced = False
        self._released = not self._text
        self._echo_at = -1
        """Where in the text the certain repeat began that is being skipped; -1: none is."""
        self._echo_n = 0
        self._prefix = ""
        """What came before that repeat."""
        self.settled = not text
        """Everything passes from now on."""
        self.lost = False
        """The target began anew and went another way: nothing of it was or will be delivered."""
        self.restarted = False
        """The target repeated the answer from its beginning, or from far back."""
        self.echoed = False
        """The target said what the caller has, or that all was said: it knows of the answer."""
        self.dropped = 0
        """Characters of the continuation that were left out."""

    def feed(self, piece: str) -> str:
        """Take what came; return what can be delivered."""
        if self.settled:
            return piece
        if self.lost:
            self.dropped += len(piece)
            return ""
        if self._echo_at >= 0:
            at = self._echo_at + self._echo_n
            if len(piece) < len(self._text) - at and self._text.startswith(piece, at):
                self._echo_n += len(piece)
                return ""
            self._recall()
        self._held += piece
        return self._decide(Press.LATE if self._late else Press.NONE)

    def flush(self) -> str:
        """Decide with what is there, because time is up.

        Still waited for is what has evidence: a repeat of 12 characters, 3 of the beginning or the
        end of the text, of a preamble or of a filler, a repeated partial word; and whitespace
        alone. A preamble gives as much time again.
        """
        if self.settled or self.lost or self._echo_at >= 0 or not self._held.strip():
            return ""
        if not self._graced and (spoken := self._spoken(Press.LATE)):
            self._graced = spoken > 0  # it has only announced so far; what it says follows
            return ""
        self._late = True
        return self._decide(Press.LATE)

    def end(self) -> str:
        """Return what is left of a continuation that is complete."""
        if self.settled or self.lost:
            return ""
        if self._echo_at >= 0:
            self._recall()
        rest = self._decide(Press.ENDED)
        self.settled = not self.lost
        return rest

    def _recall(self) -> None:
        """Hold again what was skipped: it turns out now what it was."""
        at = self._echo_at
        self._held = self._prefix + self._text[at : at + self._echo_n]
        self._echo_at = -1

    def _decide(self, press: Press) -> str:
        if not self._released:
            start = self._start(press)
            if start < 0 and press < Press.FULL and len(self._held) >= HELD_MOST:
                start = self._start(Press.FULL)
            if start < 0:
                return ""
            self._released = True
            self.dropped += start
            self._held = self._held[start:]
        return self._pass(press)

    def _pass(self, press: Press) -> str:
        """Leave out the whitespace that the caller has, wholly or as far as it came."""
        held, owed = self._held, self._owed
        space = len(held) - len(held.lstrip())
        if space == len(held) < len(owed) and press < Press.ENDED:
            return ""
        had = len(owed)
        if not held.startswith(owed):
            most = min(space, len(owed))
            had = next(n for n in range(most, -1, -1) if owed.endswith(held[:n]))
        self._held = ""
        self.dropped += had
        self.settled = True
        return held[had:]

    def _start(self, press: Press) -> int:
        """Return from which character on the continuation is new; `UNDECIDED`: wait."""
        held = self._held
        spoken = self._spoken(press)
        begun = max(spoken, 0)
        fenced = self._fenced(begun, press)
        fence = begun if fenced < 0 else fenced
        dots = self._dots(fence, press)
        astray = -1
        for start in sorted({0, begun, fence, *dots}):
            found = self._repeats.match(held, start, press)
            if found.certain_from >= 0:
                self._skip(found.certain_from, found.place)
            if found.n < 0 or (spoken < 0 < found.n and (found.n < OVERLAP or not start)):
                return UNDECIDED
            if found.n < spoken and not start:
                continue  # "He" and "Here is the rest:": the beginning is the preamble's
            if found.n:
                self.echoed = True
                self.restarted = self._repeats.is_restart(found.place)
                return start + found.n
            astray = max(astray, found.place)
        if min(spoken, fenced) < 0:
            return UNDECIDED
        if astray >= 0:
            return self._lose(astray)
        announced = not self._native or not begun or self._announces(begun)
        return self._plain(fence if announced else 0, begun, dots, press)

    def _plain(self, start: int, begun: int, dots: tuple[int, ...], press: Press) -> int:
        """Return where a continuation begins that repeats no more than a partial word."""
        rest = self._held[start:]
        if not rest[:1].isspace() and ends_sentence(self._text):
            if press is Press.ENDED and is_filler(rest):
                self.echoed = True
                return len(self._held)
            hinted = press is Press.NONE or (press is Press.LATE and len(rest) >= HINT)
            if hinted and may_become_filler(rest):
                return UNDECIDED
        if self._native:
            return start
        for at in (start, *dots):
            n = self._repeated_fragment(at, press)
            if n:
                return n if n < 0 else at + n
        if dots and self._held[dots[0] :][:1].islower():
            loose = begun > 0 or bool(self._owed) or self._text[-1] in _LOOSE
            return dots[0] if loose else start
        return start

    def _repeated_fragment(self, start: int, press: Press) -> int:
        rest = self._held[start:]
        if not self._fragment or rest[:1] != self._fragment[0] or self._open_fence():
            return 0
        return repeated_fragment(self._fragment, rest, final=press >= Press.FULL)

    def _spoken(self, press: Press) -> int:
        """Return where a preamble ends; `UNDECIDED`: more characters could make it one."""
        held = self._held
        final = press >= Press.FULL or (press is Press.LATE and len(held) < HINT)
        begun = len(self._fragment) > 1 and held.startswith(self._fragment)
        return read_preamble(held, 0, final=final, bare=not begun)

    def _announces(self, begun: int) -> bool:
        """Say whether a preamble speaks of going on: a native target may begin with mere assent."""
        return read_preamble(self._held, 0, final=True, bare=False) == begun

    def _fenced(self, start: int, press: Press) -> int:
        """Return where the line ends that opens the text's code fence again; else `start`."""
        rest = self._held[start:].lstrip(" ")
        fence = self._open_fence() if rest[:1] in {"", "`", "~"} else None
        if not fence:
            return start
        at = len(self._held) - len(rest)
        final = press >= Press.FULL
        if not final and fence.line.startswith(rest):
            return UNDECIDED
        if not rest.startswith(fence.line):
            return start
        if fence.last and "\n" not in self._owed:
            return at + len(fence.line)
        line, newline, _ = rest.partition("\n")
        if not fence.info or line.rstrip() != fence.line or (final and not newline):
            return start
        return at + len(line) + 1 if newline else UNDECIDED

    def _open_fence(self) -> Fence | None:
        if self._fence is False:
            self._fence = open_fence(self._text)
        return self._fence or None

    def _dots(self, start: int, press: Press) -> tuple[int, ...]:
        """Return where the continuation may begin after an ellipsis."""
        rest = self._held[start : start + 4]
        n = 3 if rest.startswith("...") else rest.startswith("\u2026")
        if not n:
            return (start + len(rest),) if rest in {".", ".."} and press < Press.FULL else ()
        return (start + n, start + n + 1) if rest[n : n + 1] == " " else (start + n,)

    def _skip(self, start: int, place: int) -> None:
        self._echo_at = place
        self._echo_n = len(self._held) - start
        self._prefix = self._held[:start]
        self._held = ""

    def _lose(self, place: int) -> int:
        self.restarted = self._repeats.is_restart(place)
        self.lost = True
        self.dropped += len(self._held)
        self._held = ""
        return UNDECIDED
