"""`hotswap serve`: becomes the supervisor."""

import os
import sys
from typing import NoReturn

from .options import CONFIG_FILE, ConfigFile


def serve(*, config: ConfigFile = CONFIG_FILE, takeover: bool = False) -> NoReturn:
    """Run the gateway until SIGTERM or Ctrl-C.

    The process is replaced by an interpreter that has loaded nothing of the command line.

    Args:
        config: The configuration file.
        takeover: Take the place of the gateway that works on the same state folder, without
            refusing a connection: it drains and ends once this one is ready.
    """
    # `-P` keeps modules of the working directory out.
    command = (sys.executable, "-P", "-m", "hotswap.processes", str(config))
    options = ("--takeover",) if takeover else ()
    os.execv(sys.executable, (*command, *options))  # noqa: S606 - our own interpreter and module
