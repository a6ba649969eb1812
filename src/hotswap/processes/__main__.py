"""Runs the gateway: `python -P -m hotswap.processes FILE`, which is what `hotswap serve` becomes.

An interpreter of its own, because whatever the command line has imported would stay in the
supervisor's memory as long as the gateway runs.
"""

import gc
import sys
from contextlib import suppress

from ..clock import SystemClock
from .channel import Channel
from .exits import Exit
from .supervisor import Entries, Supervisor


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
    """Run the gateway by the configuration file that the only argument names."""
    if len(sys.argv) != 2:
        _say("usage: python -m hotswap.processes FILE")
        return Exit.USAGE
    config = sys.argv[1]

    def load(channel: Channel) -> int:
        return _load(channel, config)

    return Supervisor(config, Entries(load, _keep, _work), SystemClock(), _say).run()


if __name__ == "__main__":
    sys.exit(main())
