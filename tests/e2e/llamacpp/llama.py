"""llama.cpp's server as a process that is stopped, killed and started again on the same port."""

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from .llama_server import Options

SCRIPT: Final = Path(__file__).with_name("llama_server.py")
_TASK: Final = "| processing task, "
"""In the log, once for each answer that is begun."""


class LlamaServer:
    """Runs between `start` and `kill`, any number of times; killed at the end of its context.

    Args:
        options: How it serves; the port of the first start is kept.
        folder: Takes the logs.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        self.options = options
        self.starts = 0
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def base_url(self) -> str:
        """What a configuration takes, once it was started."""
        return f"http://127.0.0.1:{self.options.port}/v1"

    @property
    def log(self) -> Path:
        """What it has said since its last start."""
        return self._folder / f"llama-{self.starts}.log"

    def begin(self) -> None:
        """Start it, and do not wait."""
        self.starts += 1
        with self.log.open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                (sys.executable, str(SCRIPT), msgspec.json.encode(self.options).decode()),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def await_ready(self) -> None:
        """Wait until the model is loaded."""
        stdout = None if self._process is None else self._process.stdout
        line = "" if stdout is None else stdout.readline()
        assert line, self.log.read_text()
        self.options = replace(self.options, port=int(line.rpartition(":")[2]))

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.begin()
        self.await_ready()

    def terminate(self) -> None:
        """Ask it to end, and do not wait: with answers in flight that takes half a minute."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as `kill -9` does; the kernel closes its connections."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def answers(self) -> int:
        """Count the answers that it began since its last start."""
        return self.log.read_text().count(_TASK)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
