"""Questions to workers that wait for their answers."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Final

from ..ledger.link import Explain, write_frame
from ..ledger.question import Question
from .downlink import Downlink

PATIENCE_S: Final = 2.0
"""A worker that is alive answers within milliseconds."""


class Questions:
    """Matches answers with their questions by number."""

    __slots__ = ("_numbers", "_open")

    def __init__(self) -> None:
        self._numbers = count(1)
        self._open: dict[int, asyncio.Future[bytes]] = {}

    async def ask(self, link: Downlink, question: Question) -> bytes | None:
        """Return what the worker behind `link` answers; None: nothing in time."""
        number = next(self._numbers)
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        frame = write_frame(Explain(number, question))
        self._open[number] = asked
        try:
            link.send(frame)
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    return await asked
            return None
        finally:
            del self._open[number]

    def answer(self, number: int, answer: bytes) -> None:
        """Take an answer; one that nobody waits for any more is dropped."""
        asked = self._open.get(number)
        if asked is not None and not asked.done():
            asked.set_result(answer)
