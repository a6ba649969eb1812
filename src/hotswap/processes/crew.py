"""The children of a supervisor, and what they are given for their work."""

import os
from typing import Final, NamedTuple

from .channel import Word
from .children import Entry
from .opening import Opened
from .places import Place

KEEPER_NICE: Final = 10
KEEPER_PAUSE_S: Final = 5.0
WORKER_PAUSE_S: Final = 1.5
"""Shorter than the keeper's: connections wait in the queue of a worker that is down."""


class Entries(NamedTuple):
    """The main functions of the children."""

    load: Entry
    """Says `LOADED` and returns 0, or explains itself on stderr and returns an exit code."""
    keep: Entry
    work: Entry


class Crew:
    """Loader, keeper and workers.

    They are started before there is anything to do, because their imports take longer than loading
    the configuration; `begin` gives them their sockets, and whoever is started later gets them at
    once.
    """

    __slots__ = (
        "_config",
        "_opened",
        "_sharing",
        "_snapshot",
        "_work",
        "keeper",
        "loader",
        "workers",
    )

    def __init__(self, entries: Entries, config: str) -> None:
        """Prepare; nobody is started.

        Args:
            entries: The children's main functions.
            config: Path of the configuration file.
        """
        self._config = config
        self._work = entries.work
        self._opened: Opened | None = None
        self._sharing = False
        self._snapshot = -1
        """Descriptor of the configuration in force."""
        self.loader = Place("loader", entries.load, 0.0)
        self.keeper = Place("keeper", entries.keep, KEEPER_PAUSE_S, nice=KEEPER_NICE)
        self.workers = [Place("worker 0", entries.work, WORKER_PAUSE_S)]

    @property
    def everybody(self) -> tuple[Place, ...]:
        """All places, filled or not."""
        return (self.loader, self.keeper, *self.workers)

    @property
    def begun(self) -> bool:
        """The children have what they need."""
        return self._opened is not None

    @property
    def ready(self) -> bool:
        """Keeper and workers serve."""
        return self.keeper.ready and all(worker.ready for worker in self.workers)

    def fill(self, place: Place, now: float) -> None:
        """Start a child, and let it begin if the others have begun."""
        place.fill(now)
        self._begin(place)

    def hire(self, workers: int, now: float) -> None:
        """Start further workers, up to so many."""
        for index in range(len(self.workers), workers):
            self.workers.append(Place(f"worker {index}", self._work, WORKER_PAUSE_S))
            self.fill(self.workers[-1], now)

    def configure(self, snapshot: int) -> None:
        """Give this configuration, a descriptor of it, to whoever begins from now on."""
        if self._snapshot >= 0:
            os.close(self._snapshot)
        self._snapshot = snapshot

    def begin(self, opened: Opened) -> None:
        """Give everybody what they need for their work."""
        self._opened = opened
        for place in (self.keeper, *self.workers):
            self._begin(place)

    def share(self, *, sharing: bool) -> None:
        """Let everybody know whether another supervisor's children have their sockets too."""
        self._sharing = sharing
        if self.begun:
            for place in (self.keeper, *self.workers):
                if place.child is not None:
                    place.child.channel.say(Word.SHARED if sharing else Word.ALONE)

    def _begin(self, place: Place) -> None:
        opened = self._opened
        if opened is None or place.child is None:
            return
        number, sockets = 0, opened.of_keeper()
        if place is not self.keeper:
            number = self.workers.index(place)
            sockets = opened.of_worker(number)
        channel = place.child.channel
        channel.begin(number, opened.link.path, self._config, self._snapshot, sockets)
        if self._sharing:
            channel.say(Word.SHARED)
