"""What keeper and worker have in common: a loop that ends by SIGTERM or without its supervisor."""

import asyncio
import gc
import resource
import signal
from collections.abc import Callable, Coroutine
from typing import Final

import uvloop

from ..stopping import Stop
from .channel import Channel, Word

COLLECT_AFTER: Final = (50_000, 20, 20)
"""Reference counting frees what a request leaves behind; the collector only looks for cycles."""


DESCRIPTORS: Final = 65_536
"""Enough for `server.max_connections` of any sensible size, in both directions."""


def run(main: Coroutine[object, object, None]) -> None:
    """Run a process's main coroutine to its end."""
    _raise_descriptors()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def _raise_descriptors() -> None:
    """Allow as many open files as the system does: a thousand callers use up what is usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen_for_the_end(channel: Channel) -> asyncio.Future[Stop]:
    """Return what is done by SIGTERM, or when the supervisor is gone."""
    loop = asyncio.get_running_loop()
    stopping: asyncio.Future[Stop] = loop.create_future()
    stop = Stop.FOR_GOOD

    def end() -> None:
        if not stopping.done():
            stopping.set_result(stop)

    def on_word() -> None:
        nonlocal stop
        message = channel.hear()
        if message is None:
            loop.remove_reader(channel.fileno())
            end()
        else:
            stop = Stop.REPLACED if message.word is Word.SHARED else Stop.FOR_GOOD

    loop.add_reader(channel.fileno(), on_word)
    loop.add_signal_handler(signal.SIGTERM, end)
    return stopping


def report_ready(channel: Channel) -> Callable[[], None]:
    """Return what tells the supervisor that the process serves, and settles its memory."""

    def on_ready() -> None:
        channel.say(Word.READY)
        # What the start has built stays: the collector need not look at it ever again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()

    return on_ready
