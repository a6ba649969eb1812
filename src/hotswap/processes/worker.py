"""The data plane's process: serves its listener until told to stop, then drains."""

import socket

from msgspec.msgpack import Decoder

from ..app import serve_worker
from ..config.snapshot import Snapshot
from .channel import Begin, Channel
from .logs import configure
from .running import listen_for_the_end, report_ready, run


def main(channel: Channel) -> int:
    """Wait for the sockets and the configuration, then serve."""
    begin = channel.await_begin()
    if begin is not None:
        configure(f"worker {begin.number}")
        run(_serve(channel, begin))
    return 0


async def _serve(channel: Channel, begin: Begin) -> None:
    await serve_worker(
        Decoder(Snapshot).decode(begin.snapshot),
        [socket.socket(fileno=descriptor) for descriptor in begin.sockets],
        begin.link,
        index=begin.number,
        on_ready=report_ready(channel),
        stopping=listen_for_the_end(channel),
    )
