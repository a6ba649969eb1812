"""`hotswap serve`: becomes the supervisor."""

import os
import sys
from collections.abc import Mapping
from typing import Annotated, Final, NoReturn

from cyclopts import Parameter

from .options import CONFIG_FILE, ConfigFile

Takeover = Annotated[
    bool,
    Parameter(
        name="--takeover",
        negative=(),
        show_default=False,
        help="Take the place of the gateway that runs; it drains once this one is ready.",
    ),
]

_MEMORY: Final[Mapping[str, str]] = {
    "MALLOC_TRIM_THRESHOLD_": str(16 * 1024 * 1024),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
}
"""For the C library's allocator. Left alone, it gives the memory of each large body back to the
kernel and fetches it again for the next one: a third of the CPU of a request of 100 KiB."""


def serve(*, config: ConfigFile = CONFIG_FILE, takeover: Takeover = False) -> NoReturn:
    """Run the gateway until SIGTERM or Ctrl-C.

    The process is replaced by an interpreter that has loaded nothing of the command line.
    """
    # `-P` keeps modules of the working directory out.
    command = (sys.executable, "-P", "-m", "hotswap.processes", str(config))
    options = ("--takeover",) if takeover else ()
    environment = {**_MEMORY, **os.environ}
    os.execve(sys.executable, (*command, *options), environment)  # noqa: S606 - our own interpreter and module
