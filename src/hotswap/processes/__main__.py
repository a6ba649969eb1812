"""Runs the gateway: `python -P -m hotswap.processes FILE`, which is what `hotswap serve` becomes.

An interpreter of its own, because whatever the command line has imported would stay in the
supervisor's memory as long as the gateway runs.
"""

import gc
import sys
from contextlib import suppress
from typing import Final

from ..clock import SystemClock
from .activation import given
from .channel import Channel
from .crew import Entries
from .exits import Exit
from .supervisor import Supervisor

TAKEOVER: Final = "--takeover"


def _load(channel: Channel, config: str) -> int:
    gc.disable()  # a short life: collecting costs more than it could free
    from .loader import main  # noqa: PLC0415 - only this child pays for the parsers

    return main(channel, config)


def _keep(channel: Channel) -> int:
    _go_light()
    from .keeper import main  # noqa: PLC0415 - only the keeper pays for the control plane

    return main(channel)


def _work(channel: Channel) -> int:
    _go_light()
    from .worker import main  # noqa: PLC0415 - only workers pay for the data plane

    return main(channel)


def _go_light() -> None:
    """Start a long life quickly and in little memory."""
    gc.disable()  # until it is ready
    # structlog imports rich where it finds it, for colours that JSON lines do not have: 6 MiB.
    sys.modules["rich"] = None  # type: ignore[assignment] # documented: the import then fails


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be gone; the gateway stays
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def main() -> int:
    """Run the gateway by a configuration file; with `--takeover` in place of one that runs."""
    config, *options = sys.argv[1:] or [""]
    if not config or options not in ([], [TAKEOVER]):
        _say(f"usage: python -m hotswap.processes FILE [{TAKEOVER}]")
        return Exit.USAGE

    def load(channel: Channel) -> int:
        return _load(channel, config)

    return Supervisor(
        config,
        Entries(load, _keep, _work),
        SystemClock(),
        _say,
        takeover=bool(options),
        given=given(),
    ).run()


if __name__ == "__main__":
    sys.exit(main())
