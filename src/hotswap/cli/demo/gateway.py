"""The real gateway, as processes of its own."""

import re
import subprocess
import sys
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self

from ...processes.exits import Exit
from ..admin import Admin
from ..failing import CommandError

PATIENCE_S: Final = 20.0
_LISTENING: Final = re.compile(r"listening on (\S+) \(admin http://([^:]+):(\d+)\)")


class Gateway:
    """Runs `hotswap serve` over a folder of its own between `with` and its end."""

    def __init__(self, config: str, folder: Path) -> None:
        """Prepare; nothing is written or started yet.

        Args:
            config: Text of the configuration file, with `state_dir: state`.
            folder: Thrown away by whoever made it.
        """
        self._config = config
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._lines = deque[str](maxlen=20)
        self.base_url = ""
        """What an SDK takes, once it runs."""
        self.admin = Admin("", 0, "")
        """Where the dashboard's data are, once it runs."""

    def __enter__(self) -> Self:
        path = self._folder / "hotswap.yaml"
        path.write_text(self._config)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            (sys.executable, "-P", "-m", "hotswap.processes", str(path)),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the demo, which ends in order
            text=True,
        )
        with ExitStack() as stack:
            stack.callback(self._stop, self._process)
            self._await_start(self._process)
            stack.pop_all()
        # A gateway whose log nobody reads would stop in the middle of a line.
        Thread(target=self._drain, args=(self._process,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._stop(self._process)

    def _await_start(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stderr or ():
            self._lines.append(line)
            if found := _LISTENING.search(line):
                key = (self._folder / "state/admin.key").read_text().strip()
                self.base_url = f"{found[1]}/v1"
                self.admin = Admin(found[2], int(found[3]), key)
                return
        said = "".join(self._lines).rstrip()
        raise CommandError(Exit.FAILED, f"hotswap: the gateway did not start:\n{said}")

    def _stop(self, process: "subprocess.Popen[str]") -> None:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # the second one quits at once
            process.wait()

    def _drain(self, process: "subprocess.Popen[str]") -> None:
        with process:  # closes the pipe at its end
            self._lines.extend(process.stderr or ())
