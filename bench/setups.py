"""The gateways before the scripted upstreams: none, nginx, hotswap."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hotswap.clock import SystemClock

from . import tree
from .config import KEY, Setting, configure
from .machine import Cores, free_port
from .upstreams import SMALL, Chain

START_S: Final = 20.0
STOP_S: Final = 10.0
POLL_S: Final = 0.005
ONE_WORKER: Final = Setting()


class Gateway(Struct, frozen=True):
    """What lies between the load and the upstreams."""

    name: str
    urls: Mapping[str, str]
    """Where requests go, by chain."""
    pid: int = 0
    """Root of its process tree; 0: it has none."""
    start_s: float = 0.0
    """From the start of its process to the first good answer."""

    @property
    def url(self) -> str:
        """Where the chat requests of `SMALL` go; with hotswap those of every chain."""
        return self.urls[SMALL]


def direct(chains: Iterable[Chain]) -> Gateway:
    """Let the load speak to the first upstream of each chain."""
    urls = {chain.name: f"http://127.0.0.1:{chain.ports[0]}{chain.path}" for chain in chains}
    return Gateway("direct", urls)


@contextlib.contextmanager
def nginx(chains: Iterable[Chain], cores: Cores, folder: Path) -> Generator[Gateway]:
    """Run one worker of nginx; the chain is part of the path."""
    port = free_port()
    template = Template(Path(__file__).with_name("nginx.conf").read_text())
    conf = folder / "nginx.conf"
    chains = tuple(chains)
    conf.write_text(
        template.safe_substitute(
            folder=folder,
            port=port,
            upstreams="\n".join(_upstream(chain) for chain in chains),
            locations="\n".join(
                f"        location /{c.name}/ {{ proxy_pass http://{c.name}/; }}" for c in chains
            ),
        )
    )
    program = shutil.which("nginx") or "nginx"
    command = (*cores.for_gateway(), program, "-p", str(folder), "-c", str(conf))
    log = folder / "log"
    with _running(command, log) as process:
        urls = {chain.name: f"http://127.0.0.1:{port}/{chain.name}{chain.path}" for chain in chains}
        yield Gateway("nginx", urls, process.pid, _first_answer(urls[SMALL], process, log))


@contextlib.contextmanager
def hotswap(
    chains: Iterable[Chain],
    folder: Path,
    *,
    prefix: tuple[str, ...],
    setting: Setting = ONE_WORKER,
) -> Generator[Gateway]:
    """Run `hotswap serve`; its records are in `folder` afterwards.

    Args:
        chains: What it serves; one of them is called `SMALL`.
        folder: Empty, for its configuration and state.
        prefix: Words before the command: the cores that it may use.
        setting: What is special about it.
    """
    port = free_port()
    config = folder / "hotswap.yaml"
    chains = tuple(chains)
    # JSON is YAML.
    content = msgspec.json.encode(configure(chains, port, setting))
    config.write_bytes(msgspec.json.format(content))
    program = str(Path(sys.executable).with_name("hotswap"))
    command = (*prefix, program, "serve", "--config", str(config))
    log = folder / "log"
    with _running(command, log) as process:
        urls = {chain.name: f"http://127.0.0.1:{port}{chain.path}" for chain in chains}
        yield Gateway("hotswap", urls, process.pid, _first_answer(urls[SMALL], process, log))


def below(folder: Path, name: str) -> Path:
    """Make a folder of that name."""
    made = folder / name
    made.mkdir()
    return made


def _first_answer(address: str, process: subprocess.Popen[bytes], log: Path) -> float:
    """Wait for a good answer and return how long it took; exits where none comes."""
    now = SystemClock().now
    start = now()
    url = urlsplit(address)
    while now() < start + START_S and process.poll() is None:
        with contextlib.suppress(OSError, HTTPException):
            if _status(url.hostname or "", url.port or 0, url.path) == 200:
                return now() - start
        time.sleep(POLL_S)
    said = log.read_text(errors="replace")[-2000:]
    raise SystemExit(f"bench: no answer from {process.args!r}\n{said}")


def _status(host: str, port: int, path: str) -> int:
    connection = HTTPConnection(host, port, timeout=START_S)
    body = msgspec.json.encode({"model": SMALL, "messages": [{"role": "user", "content": "Hi"}]})
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@contextlib.contextmanager
def _running(command: tuple[str, ...], log: Path) -> Generator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - words of our own
            command, stdout=output, stderr=output, env=_environment()
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            tree.end(process.pid)
            process.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


def _upstream(chain: Chain) -> str:
    first, second = chain.ports[0], chain.ports[1]
    spare = "" if second == first else f" server 127.0.0.1:{second} backup;"
    return (
        f"    upstream {chain.name} {{ server 127.0.0.1:{first} max_fails=0;{spare}"
        " keepalive 256; keepalive_requests 1000000; }"
    )
