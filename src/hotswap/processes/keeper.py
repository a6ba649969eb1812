"""The control plane's process: serves workers and operators until told to stop."""

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from msgspec.msgpack import Decoder

from ..config.snapshot import Snapshot
from ..errors import ConfigError
from ..keeper.keeper import run_keeper
from ..stopping import Stop
from .channel import Begin, Channel, Word
from .exits import Exit
from .logs import configure
from .running import listen_for_the_end, report_ready, run


def main(channel: Channel) -> int:
    """Wait for the sockets and the configuration, then serve."""
    begin = channel.await_begin()
    if begin is None:
        return Exit.FINE
    configure("keeper")
    try:
        run(_serve(channel, begin))
    except ConfigError as error:
        sys.stderr.write(f"hotswap: {error}\n")
        return Exit.FAILED
    return Exit.FINE


def _remove(link: Path) -> None:
    """Remove a link's folder, unless its owner has done so."""
    with suppress(OSError):
        link.unlink()
        link.parent.rmdir()


async def _serve(channel: Channel, begin: Begin) -> None:
    admin, link, *former = (socket.socket(fileno=descriptor) for descriptor in begin.sockets)
    supervisor = os.getppid()
    left = [Path(one.getsockname()) for one in former]
    stopping = listen_for_the_end(channel)

    def on_snapshot(snapshot: bytes) -> None:
        channel.say(Word.SNAPSHOT, memory=snapshot)

    await run_keeper(
        Decoder(Snapshot).decode(begin.snapshot),
        Path(begin.config),
        link,
        admin,
        former,
        on_snapshot=on_snapshot,
        on_new_key=lambda key: channel.say(Word.ADMIN_KEY, key),
        on_ready=report_ready(channel),
        stopping=stopping,
    )
    if os.getppid() != supervisor:
        left.append(Path(begin.link))
    if await stopping is not Stop.REPLACED:  # else another keeper serves those who still need them
        for path in left:
            _remove(path)
