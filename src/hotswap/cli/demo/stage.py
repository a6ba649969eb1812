"""The demo's run: traffic, chaos, and what is told of both."""

import asyncio
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from http.client import HTTPException
from threading import Thread
from typing import Final

from rich.live import Live

from ...ledger.record import AttemptRecord, Transition
from ..admin import Admin
from ..failing import CommandError
from ..feed import follow
from .chains import CHAINS, PROVIDERS
from .chaos import FAULTS, HEAL, ORDER, QUIT, SEQUENCE, Fault, Providers
from .keyboard import CTRL_C, single_keys
from .score import Score
from .traffic import Traffic
from .view import picture

FRAME_S: Final = 0.2
SHORTEST_S: Final = 0.7
"""A fault lasts at least so long, or nobody would meet it."""


class Stage:
    """One run of the demo; gateway and providers are started and stopped by others."""

    def __init__(self, score: Score, providers: Providers, traffic: Traffic, admin: Admin) -> None:
        self._score = score
        self._providers = providers
        self._traffic = traffic
        self._admin = admin
        self._chosen = PROVIDERS[0]
        self._printing = False

    async def run_by_itself(self, seconds: float) -> None:
        """Run for so long with a sequence of faults, and print what changes."""
        self._printing = True
        phase_s = max(SHORTEST_S, seconds / (len(ORDER) * len(SEQUENCE) * 2))
        await self._run(seconds, self._torment(phase_s))

    async def run_by_keys(self, seconds: float | None) -> None:
        """Run until a key, Ctrl-C or the time ends it; keys choose what goes wrong."""
        await self._run(seconds, self._show(), self._obey())

    async def _run(self, seconds: float | None, *aside: Coroutine[object, object, None]) -> None:
        """Send traffic until it is time to stop, with something aside that ends then, too."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._traffic.stop)
        if seconds is not None:
            loop.call_later(seconds, self._traffic.stop)
        Thread(target=self._watch, args=(loop,), daemon=True).start()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in aside]
            async with asyncio.TaskGroup() as applications:
                for chain in CHAINS:
                    applications.create_task(self._traffic.run(chain, streamed=False))
                    applications.create_task(self._traffic.run(chain, streamed=True))
            for task in tasks:
                task.cancel()
        await self._traffic.close()

    # What is told

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over what the gateway tells, in a thread of its own, until the gateway ends."""
        with suppress(CommandError, HTTPException, OSError, RuntimeError):
            for event in follow(self._admin):
                if (told := event.read()) is not None:
                    loop.call_soon_threadsafe(self._on_told, told)

    def _on_told(self, told: AttemptRecord | Transition) -> None:
        line = self._score.on_told(told)
        if self._printing and line:
            sys.stdout.write(f"{line}\n")

    def _on_chaos(self, name: str, fault: Fault | None) -> None:
        line = f"{time.strftime('%H:%M:%S')} chaos: {name}: {fault.name if fault else 'healthy'}"
        self._score.lines.append(line)
        if self._printing:
            sys.stdout.write(f"{line} ({self._score.total.line()})\n")
            sys.stdout.flush()

    async def _show(self) -> None:
        with Live(auto_refresh=False) as live:
            while True:
                live.update(picture(self._score, self._providers, self._chosen), refresh=True)
                await asyncio.sleep(FRAME_S)

    # What goes wrong

    async def _torment(self, phase_s: float) -> None:
        """Let one provider after the other go through everything."""
        await asyncio.sleep(phase_s)
        while True:
            for name in ORDER:
                for fault in SEQUENCE:
                    await self._ail(name, fault)
                    await asyncio.sleep(phase_s)
                    await self._ail(name, None)
                    await asyncio.sleep(phase_s)

    async def _obey(self) -> None:
        """Do what keys say."""
        keys = asyncio.Queue[str]()
        with single_keys(asyncio.get_running_loop(), keys.put_nowait):
            while True:
                key = await keys.get()
                if key in (QUIT, CTRL_C):
                    self._traffic.stop()
                elif key in FAULTS:
                    await self._ail(self._chosen, FAULTS[key])
                elif key == HEAL:
                    await self._ail(self._chosen, None)
                elif key.isdecimal() and 1 <= int(key) <= len(PROVIDERS):
                    self._chosen = PROVIDERS[int(key) - 1]

    async def _ail(self, name: str, fault: Fault | None) -> None:
        """Let a provider suffer; None: it heals."""
        if fault is None:
            await asyncio.to_thread(self._providers.heal, name)
        else:
            await asyncio.to_thread(self._providers.ail, name, fault)
        self._on_chaos(name, fault)
