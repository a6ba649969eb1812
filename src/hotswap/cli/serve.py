"""`hotswap serve`: becomes the supervisor."""

import os
import sys
from typing import Annotated, NoReturn

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


def serve(*, config: ConfigFile = CONFIG_FILE, takeover: Takeover = False) -> NoReturn:
    """Run the gateway until SIGTERM or Ctrl-C.

    The process is replaced by an interpreter that has loaded nothing of the command line.
    """
    # `-P` keeps modules of the working directory out.
    command = (sys.executable, "-P", "-m", "hotswap.processes", str(config))
    options = ("--takeover",) if takeover else ()
    os.execv(sys.executable, (*command, *options))  # noqa: S606 - our own interpreter and module
