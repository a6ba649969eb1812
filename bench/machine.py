"""What the bench needs of the machine, and what its report says of it."""

import compileall
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from msgspec import Struct

TOOLS: Final = {"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux"}
"""Program to Debian package."""


class Cores(Struct, frozen=True, gc=False):
    """Where things run: the gateway alone, everything else beside it."""

    gateway: int
    load: int

    def for_gateway(self) -> tuple[str, ...]:
        """Return the words that pin a command to the gateway's core."""
        return ("taskset", "-c", str(self.gateway))

    def for_both(self) -> tuple[str, ...]:
        """Return the words that let a command run on either."""
        return ("taskset", "-c", f"{self.gateway},{self.load}")

    def for_load(self) -> tuple[str, ...]:
        """Return the words that pin a command to the other core."""
        return ("taskset", "-c", str(self.load))


def find_cores() -> Cores:
    """Choose the first two cores that may be used; exits where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench: two cores are needed, one for the gateway and one for the load")
    return Cores(cores[0], cores[1])


def ensure_tools() -> None:
    """Install from Debian what is missing; exits with what to do where that is not allowed."""
    missing = [package for program, package in TOOLS.items() if shutil.which(program) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"bench: please install {' '.join(missing)} (as root: apt-get install)")
    # Without a runlevel the package does not start its service.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed words


def compile_modules(package: Path) -> None:
    """Compile a package's modules, as its first start does and pip where it installs it.

    An environment may forbid to write what was compiled: each process would do it all again.
    """
    compileall.compile_dir(package, quiet=2)


def stop_on_sigterm() -> None:
    """End by an exception from now on, so that everything that was started is stopped."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def describe() -> list[str]:
    """Say when and on what this run was made; neither host name nor path."""
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return [
        f"Date: {date}",
        f"Commit: {_git('rev-parse', '--short=12', 'HEAD')}{_changed()}",
        f"CPU: {_cpu()}, {os.cpu_count()} cores",
        f"Kernel: {platform.system()} {platform.release()}",
        f"Python: {platform.python_implementation()} {platform.python_version()}",
    ]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _changed() -> str:
    return " with changes" if _git("status", "--porcelain", "--", "src") else ""


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    folder = Path(__file__).parent
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip()
