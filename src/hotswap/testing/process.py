"""A scripted provider in a process of its own, driven from this one.

For tests of whole processes and for the demo, where a provider must outlive a busy loop or be
killed for real. The calls block for as long as a request on loopback takes.
"""

import subprocess
import sys
from http.client import HTTPConnection
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, urlsplit

import msgspec
from msgspec.json import encode
from msgspec.structs import replace

from .control import Report
from .provider import HEALTHY, Announcement
from .step import Limit, Step

TIMEOUT_S: Final = 10.0


class ProviderProcess:
    """Runs `python -m hotswap.testing.provider` between `start` and `close`.

    Args:
        name: Shows in answers and in ids.
        default: The step of requests that no script speaks of.
        port: 0: a free one.
        keep: So many requests are remembered; 0 where nobody looks and speed matters.
        prefix: Words before the command, such as `("taskset", "-c", "1")`.
    """

    def __init__(
        self,
        name: str = "scripted",
        default: Step = HEALTHY,
        *,
        port: int = 0,
        keep: int = 10_000,
        prefix: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.port = port
        self.base_url = ""
        self.exit_code: int | None = None
        self._control = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._command = (
            *prefix,
            *(sys.executable, "-m", "hotswap.testing.provider", "--name", name),
            *("--port", str(port), "--keep", str(keep), "--step", _written(default).decode()),
        )

    @property
    def pid(self) -> int:
        """The process's id; 0 when it does not run."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE)  # noqa: S603 - our own interpreter
        self._process = process
        line = b"" if process.stdout is None else process.stdout.readline()
        try:
            said = msgspec.json.decode(line, type=Announcement)
        except msgspec.DecodeError:
            self.close()
            raise RuntimeError(f"the provider process {self.name} did not start") from None
        self.port, self.base_url, self._control = said.port, said.base_url, said.control

    def behave(self, step: Step, *, key: str | None = None) -> None:
        """Set the default, or what requests with `key` get, once the script is used up."""
        query = "" if key is None else f"?key={quote(key)}"
        self._call("POST", "behave" + query, _written(step))

    def script(self, *steps: Step) -> None:
        """Add one step for each of the next requests."""
        self._call("POST", "script", b"[%b]" % b",".join(map(_written, steps)))

    def set_keys(self, keys: set[str] | None) -> None:
        """Serve these keys only; None: any."""
        self._call("POST", "keys", encode(keys))

    def set_limit(self, limit: Limit | None) -> None:
        """Serve so many requests per window and key only; None: any number."""
        self._call("POST", "limit", encode(limit))

    def refuse(self) -> None:
        """Refuse connections and close those that are open, until `revive`."""
        self._call("POST", "stop", b"")

    def revive(self) -> None:
        """Listen again on the same port."""
        self._call("POST", "start", b"")

    def forget(self) -> None:
        """Empty the list of requests seen."""
        self._call("POST", "forget", b"")

    def report(self) -> Report:
        """Ask what it has seen."""
        return msgspec.json.decode(self._call("GET", "seen", b""), type=Report)

    def kill(self) -> None:
        """End it as `kill -9` does; the kernel closes its connections."""
        if self._process is not None:
            self._process.kill()
        self.close()

    def close(self) -> None:
        """End it and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.exit_code = process.returncode
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, method: str, verb: str, body: bytes) -> bytes:
        url = urlsplit(self._control)
        connection = HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{url.path}/{verb}", body)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"{self.name} says {said.decode()}")
        return said


def _written(step: Step) -> bytes:
    # JSON can not tell bytes from text where the field may be anything.
    if isinstance(step.body, bytes):
        step = replace(step, body=step.body.decode())
    return encode(step)
