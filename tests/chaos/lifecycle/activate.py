"""Becomes a gateway that got its sockets from systemd: `activate.py PUBLIC ADMIN ARGUMENT...`.

PUBLIC and ADMIN are descriptors of listening sockets.
"""

import os
import sys

PUBLIC, ADMIN, *ARGUMENTS = sys.argv[1:]

os.dup2(int(PUBLIC), 30)
os.dup2(int(ADMIN), 4)
os.dup2(30, 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:admin"}
COMMAND = (sys.executable, "-P", "-m", "hotswap.processes", *ARGUMENTS)
os.execv(sys.executable, COMMAND)  # noqa: S606 - our own interpreter
