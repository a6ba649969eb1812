"""The scripted upstreams, and the gateways before them: none, nginx, hotswap."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from hotswap.clock import SystemClock
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Cut, Step

from . import tree
from .machine import Cores, free_port

EVENTS: Final = 100
"""Events of a stream: the role, 97 pieces, the finish, `[DONE]`."""
KEY: Final = "sk-bench-0123456789abcdefghijklmnopqrstuvwxyz"
PATH: Final = "/v1/chat/completions"
START_S: Final = 20.0
STOP_S: Final = 10.0
POLL_S: Final = 0.005

PROVIDER_HEADERS: Final[Mapping[str, str]] = {
    "date": "Sun, 22 Nov 2026 12:00:00 GMT",
    "content-type": "application/json",
    "connection": "keep-alive",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "example-organization",
    "openai-processing-ms": "412",
    "openai-project": "proj_0123456789abcdefghijklmn",
    "openai-version": "2020-10-01",
    "x-envoy-upstream-service-time": "431",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "30000000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "29999750",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
    "x-request-id": "req_0123456789abcdef0123456789abcdef",
    "x-openai-proxy-wasm": "v0.1",
    "cf-cache-status": "DYNAMIC",
    "set-cookie": "__cf_bm=0123456789.abcdefghijklmnopqrstuvwxyz; path=/; HttpOnly; Secure",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
    "server": "cloudflare",
    "cf-ray": "0123456789abcdef-FRA",
    "alt-svc": 'h3=":443"; ma=86400',
}
"""With the length these are the 25 headers that a real provider answers with."""

SMALL: Final = "small"
STREAM: Final = "stream"
SWITCHING: Final = "switching"
"""As `failing`; asked at a steady pace only, for the gateway's own stamps of the switch."""
FAULTS: Final[Mapping[str, Step | None]] = {
    "limited": Step(status=429, headers={"retry-after": "60"}),
    "failing": Step(status=500),
    "closing": Step(drop=Cut.EOF),
    "refused": None,
}
"""What the first target of a chain does while the second one is healthy; None: nobody listens."""


class Chain(Struct, frozen=True):
    """Where the requests of one chain go, in order."""

    name: str
    ports: tuple[int, ...]


class Gateway(Struct, frozen=True):
    """What lies between the load and the upstreams."""

    name: str
    urls: Mapping[str, str]
    """Where chat requests go, by chain."""
    pid: int = 0
    """Root of its process tree; 0: it has none."""
    start_s: float = 0.0
    """From the start of its process to the first good answer."""


def direct(chains: tuple[Chain, ...]) -> Gateway:
    """Let the load speak to the first upstream of each chain."""
    urls = {chain.name: f"http://127.0.0.1:{chain.ports[0]}{PATH}" for chain in chains}
    return Gateway("direct", urls)


@contextlib.contextmanager
def upstreams(cores: Cores) -> Generator[tuple[Chain, ...]]:
    """Start the scripted upstreams on the load's core and yield the chains over them."""
    reply = Step(body=_reply(1024).decode(), headers=PROVIDER_HEADERS)
    pieces = Step(text=(" word",) * (EVENTS - 3), gap_s=0.01)
    with contextlib.ExitStack() as stack:

        def start(name: str, step: Step) -> int:
            process = ProviderProcess(name, step, keep=0, prefix=cores.for_load())
            return stack.enter_context(process).port

        good, streaming = start("good", reply), start("streaming", pieces)
        chains = [Chain(SMALL, (good, good, good)), Chain(STREAM, (streaming, streaming))]
        for name, step in FAULTS.items():
            port = stack.enter_context(_held_port()) if step is None else start(name, step)
            chains.append(Chain(name, (port, good)))
            if name == "failing":
                chains.append(Chain(SWITCHING, (port, good)))
        yield tuple(chains)


@contextlib.contextmanager
def nginx(chains: tuple[Chain, ...], cores: Cores, folder: Path) -> Generator[Gateway]:
    """Run one worker of nginx; the chain is part of the path."""
    port = free_port()
    template = Template(Path(__file__).with_name("nginx.conf").read_text())
    conf = folder / "nginx.conf"
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
        urls = {chain.name: f"http://127.0.0.1:{port}/{chain.name}{PATH}" for chain in chains}
        yield Gateway("nginx", urls, process.pid, _first_answer(urls[SMALL], process, log))


@contextlib.contextmanager
def hotswap(chains: tuple[Chain, ...], cores: Cores, folder: Path) -> Generator[Gateway]:
    """Run `hotswap serve` with one worker; its records are in `folder` afterwards."""
    port = free_port()
    config = folder / "hotswap.yaml"
    # JSON is YAML.
    config.write_bytes(msgspec.json.format(msgspec.json.encode(_config(chains, port))))
    program = str(Path(sys.executable).with_name("hotswap"))
    command = (*cores.for_gateway(), program, "serve", "--config", str(config))
    log = folder / "log"
    with _running(command, log) as process:
        urls = {chain.name: f"http://127.0.0.1:{port}{PATH}" for chain in chains}
        yield Gateway("hotswap", urls, process.pid, _first_answer(urls[SMALL], process, log))


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
        process = subprocess.Popen(command, stdout=output, stderr=output, env=_environment())  # noqa: S603 - words of our own
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


@contextlib.contextmanager
def _held_port() -> Generator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound without listening: connections are refused
        yield int(held.getsockname()[1])


def _upstream(chain: Chain) -> str:
    first, second = chain.ports[0], chain.ports[1]
    spare = "" if second == first else f" server 127.0.0.1:{second} backup;"
    return (
        f"    upstream {chain.name} {{ server 127.0.0.1:{first} max_fails=0;{spare}"
        " keepalive 256; keepalive_requests 1000000; }"
    )


def _config(chains: tuple[Chain, ...], port: int) -> dict[str, object]:
    providers: dict[str, object] = {}
    files: list[dict[str, object]] = []
    for chain in chains:
        names = [f"{chain.name}-{place}" for place in range(1, len(chain.ports) + 1)]
        for name, upstream in zip(names, chain.ports, strict=True):
            providers[name] = {
                "kind": "openai",
                "base_url": f"http://127.0.0.1:{upstream}/v1",
                "allow_private": True,
                "keys": [{"id": "main", "secret": f"sk-{name}"}],
            }
        models = [{"provider": name, "model": "gpt-4o"} for name in names]
        files.append({"name": chain.name, "models": models, "triggers": _triggers(chain)})
    # A failing target shall be asked every time; one that says 429 is left alone all the same.
    breaker = {"failures": 10**9, "success_ratio": 0.0}
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    return {
        "server": {
            "listen": f"127.0.0.1:{port}",
            "admin": f"127.0.0.1:{free_port()}",
            "drain_s": 2,
        },
        "providers": providers,
        "fallback": {"chains": files, "health": {"breaker": breaker}},
        "access": {"keys": [{"id": "bench", "sha256": digest}]},
    }


def _triggers(chain: Chain) -> list[dict[str, str]]:
    # A target that fails all the time would be demoted by its error rate.
    kinds = ("rate_limit", "error") if chain.name in {*FAULTS, SWITCHING} else ("all",)
    return [{"type": kind} for kind in kinds]


def _reply(size: int) -> bytes:
    head = (
        b'{"id":"chatcmpl-bench","object":"chat.completion","created":1795000000,"model":"gpt-4o",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"'
    )
    tail = (
        b'","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":200,"completion_tokens":130,"total_tokens":330}}'
    )
    return head + b"word " * ((size - len(head) - len(tail)) // 5) + tail
