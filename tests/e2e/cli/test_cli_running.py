"""Commands against a gateway that really runs."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import IO

import pytest

from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

pytestmark = pytest.mark.slow

CONFIG = """
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:{admin}", state_dir: state}}
store: "sqlite:records.db"
providers:
  broken: {{kind: openai, base_url: "{broken}", allow_private: true, keys: []}}
  good: {{kind: openai, base_url: "{good}", allow_private: true, keys: []}}
fallback:
  chains:
    - {{name: assist, models: [{{provider: broken, model: m}}, {{provider: good, model: m}}]}}
  health: {{breaker: {{failures: 100000, min_requests: 100000}}}}
"""
HOTSWAP = (sys.executable, "-m", "hotswap.cli.main")

Popen = subprocess.Popen[str]
Run = Callable[..., Popen]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start `hotswap` with these words in a folder of its own; killed at the end."""
    with ExitStack() as stack:

        def start(*words: str, **environ: str) -> Popen:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                (*HOTSWAP, *words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                env={**os.environ, "TMPDIR": str(tmp_path), **environ},
                start_new_session=True,
            )
            stack.enter_context(process)
            stack.callback(_end, process)
            return process

        yield start


def _end(process: Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def until(lines: IO[str] | None, pattern: str) -> re.Match[str]:
    """Read lines up to the first that matches."""
    for line in lines or ():
        if found := re.search(pattern, line):
            return found
    pytest.fail(f"no line matches {pattern!r}")


@pytest.fixture
def gateway(run: Run, tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Serve a chain whose first target fails; gives the public port and the admin URL."""
    with (
        ProviderProcess("broken", Step(status=500)) as broken,
        ProviderProcess("good") as good,
    ):
        config = CONFIG.format(broken=broken.base_url, good=good.base_url, admin=0)
        (tmp_path / "hotswap.yaml").write_text(config)
        serving = run("serve")
        found = until(serving.stderr, r"on http://127\.0\.0\.1:(\d+) \(admin (\S+)\)")
        yield int(found[1]), found[2]
        serving.terminate()
        assert serving.wait(10) == 0


def ask(port: int) -> str:
    """Send a request and return which target answered."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    body = '{"model": "assist", "messages": [{"role": "user", "content": "hi"}]}'
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.headers["x-hotswap-target"]


def test_tail_tells_of_what_moved(gateway: tuple[int, str], run: Run) -> None:
    port, admin = gateway
    tailing = run("tail", HOTSWAP_ADMIN=admin)

    assert tailing.stdout is not None
    # The stream begins some time after the command does.
    while not select.select([tailing.stdout], [], [], 0.0)[0]:
        assert ask(port) == "good/m"
    assert ask(port) == "good/m"

    moved = (
        r"^\d\d:\d\d:\d\d assist (\w+)#1 broken/m: hard/server_error 500, error, moved on after \d"
    )
    request_id = until(tailing.stdout, moved)[1]
    until(tailing.stdout, rf"^\S+ assist {request_id}#2 good/m: answered after \d\.\d\d\d s$")
    tailing.send_signal(signal.SIGINT)
    assert tailing.wait(10) == 130


def test_a_wrong_admin_key_is_forbidden(gateway: tuple[int, str], run: Run) -> None:
    tailing = run("tail", HOTSWAP_ADMIN=gateway[1], HOTSWAP_ADMIN_KEY="hs-admin-wrong")

    _, said = tailing.communicate(timeout=10)

    assert tailing.returncode == 5
    assert said == f"hotswap: {gateway[1]} does not accept the admin key\n"


def test_without_a_gateway_tail_says_so(run: Run) -> None:
    tailing = run("tail", HOTSWAP_ADMIN="http://127.0.0.1:1", HOTSWAP_ADMIN_KEY="k")

    _, said = tailing.communicate(timeout=10)

    assert tailing.returncode == 4
    assert said.startswith("hotswap: no gateway answers at http://127.0.0.1:1: ")


def test_serve_names_every_mistake_of_its_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("servr: {}\nfallback: {chains: []}\n")
    serving = run("serve", "--config", "mine.yaml")

    _, said = serving.communicate(timeout=10)

    assert serving.returncode == 3
    assert "mine.yaml:1:1 servr:" in said
    assert "mine.yaml:2:" in said
    assert not (tmp_path / ".hotswap").exists()


@pytest.mark.timeout(60)
def test_the_demo_loses_nothing_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    demo = run("demo", "--seconds", "4")

    said, complaints = demo.communicate(timeout=50)

    assert complaints == ""
    assert demo.returncode == 0
    last = said.splitlines()[-1]
    found = re.fullmatch(
        r"(\d+) requests, (\d+) answered, (\d+) rescued, \d+ spliced, 0 lost", last
    )
    assert found is not None
    assert int(found[1]) == int(found[2]) > int(found[3]) > 0
    assert list(tmp_path.iterdir()) == []
    assert not any(str(tmp_path).encode() in _environment(pid) for pid in _processes())


def _processes() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _environment(process: Path) -> bytes:
    """Return what shows whether a process was started by this test."""
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
