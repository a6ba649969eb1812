"""What the demo counts and what its view shows."""

from collections import Counter, deque
from typing import Final

from msgspec import Struct, field

from ...ledger.record import AttemptRecord, Transition
from ..telling import attempt_line, is_smooth, transition_line

LINES: Final = 14


class Tally(Struct):
    """Outcomes of requests."""

    requests: int = 0
    answered: int = 0
    rescued: int = 0
    """Answered, but not by the first attempt."""
    spliced: int = 0
    """Broken off after content, and gone on with by another target; as the gateway tells."""
    lost: int = 0

    def line(self) -> str:
        """Say it in one line."""
        return (
            f"{self.requests} requests, {self.answered} answered,"
            f" {self.rescued} rescued, {self.spliced} spliced, {self.lost} lost"
        )


class Score(Struct):
    """Everything that happened so far."""

    total: Tally = field(default_factory=Tally)
    chains: dict[str, Tally] = field(default_factory=dict[str, Tally])
    attempts: Counter[str] = field(default_factory=Counter[str])
    """By target."""
    failures: Counter[str] = field(default_factory=Counter[str])
    """Failed attempts, by target."""
    standing: dict[str, str] = field(default_factory=dict[str, str])
    """Newest state, by target, or by provider where it is its key's."""
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=LINES))
    """Newest switches and changes."""
    problems: Counter[str] = field(default_factory=Counter[str])
    """Why requests were lost, and how often."""

    def on_answer(self, chain: str, attempts: int) -> None:
        """Count a whole answer."""
        for tally in self._tallies(chain):
            tally.requests += 1
            tally.answered += 1
            tally.rescued += attempts > 1

    def on_loss(self, chain: str, problem: str) -> None:
        """Count a request that ended without a whole answer."""
        self.problems[f"{chain}: {problem}"] += 1
        for tally in self._tallies(chain):
            tally.requests += 1
            tally.lost += 1

    def on_told(self, told: AttemptRecord | Transition) -> str:
        """Take in what the gateway tells; return its line, empty if it is not worth one."""
        if isinstance(told, Transition):
            opened = told.after == "open"
            self.standing[told.target] = f"open: {told.reason}" if opened else told.after
            line = transition_line(told)
        else:
            self.attempts[told.target] += 1
            self.failures[told.target] += bool(told.cause)
            if told.answered and told.splice_offset is not None:
                for tally in self._tallies(told.chain):
                    tally.spliced += 1
            line = "" if is_smooth(told) else attempt_line(told)
        if line:
            self.lines.append(line)
        return line

    def _tallies(self, chain: str) -> tuple[Tally, Tally]:
        return self.total, self.chains.setdefault(chain, Tally())
