"""The child that reads the configuration, so that its parsers stay in no process for good."""

import os
import sys
from pathlib import Path
from typing import Final

from msgspec.msgpack import encode

from ..config.load import load
from ..config.outcome import ConfigMistakes
from ..core.settings import ServerSettings
from .channel import Channel, Word
from .exits import Exit
from .opening import Opening

MARGIN_S: Final = 10.0
"""What workers get beyond their own limits, to tell callers that their time is over."""


def main(channel: Channel, config: str) -> int:
    """Hand the snapshot to the supervisor; mistakes and warnings go to stderr, one line each."""
    try:
        snapshot = load(Path(config), os.environ)
    except ConfigMistakes as refused:
        sys.stderr.write(f"{refused}\n")
        return Exit.UNREADABLE
    for warning in snapshot.warnings:
        sys.stderr.write(f"hotswap: warning: {warning}\n")
    sys.stderr.flush()
    opening = _opening(snapshot.server)
    channel.say(Word.LOADED, *opening.fields(), memory=encode(snapshot))
    return Exit.FINE


def _opening(server: ServerSettings) -> Opening:
    return Opening(
        host=server.host,
        port=server.port,
        scheme="https" if server.tls_cert else "http",
        admin_host=server.admin_host,
        admin_port=server.admin_port,
        workers=server.workers,
        state_dir=server.state_dir,
        patience_s=server.linger_s + server.drain_s + MARGIN_S,
    )
