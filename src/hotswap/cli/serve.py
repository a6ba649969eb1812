"""`hotswap serve`: becomes the supervisor."""

import os
import sys
from typing import NoReturn

from .options import CONFIG_FILE, ConfigFile


def serve(*, config: ConfigFile = CONFIG_FILE) -> NoReturn:
    """Run the gateway until SIGTERM or Ctrl-C.

    The process is replaced by an interpreter that has loaded nothing of the command line.
    """
    # `-P` keeps modules of the working directory out.
    command = (sys.executable, "-P", "-m", "hotswap.processes", str(config))
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter and module
