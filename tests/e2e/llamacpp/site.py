"""A whole gateway over a real llama.cpp, with a scripted provider to fall back to."""

import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from msgspec import Struct
from openai.types.chat import ChatCompletionMessageParam

from hotswap.cli.demo.gateway import Gateway
from hotswap.clock import SystemClock
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

from .llama import LlamaServer
from .llama_server import Options

LOCAL: Final = "local/tiny"
SPARE: Final = "spare/m"
HELLO: Final[list[ChatCompletionMessageParam]] = [{"role": "user", "content": "Say hello."}]
SPARE_TEXT: Final = "The spare model answers this."
PATIENCE_S: Final = 10.0

CONFIG: Final = """
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", state_dir: state, workers: 2}}
store: "sqlite:records.db"
providers:
  local: {{kind: llamacpp, base_url: "{local}"{keys}}}
  stranger: {{kind: llamacpp, base_url: "{local}", keys: [{{id: old, secret: sk-old}}]}}
  spare: {{kind: openai, base_url: "{spare}", allow_private: true, keys: []}}
fallback:
  chains:
    - name: assist
      models: [{{provider: local, model: tiny}}, {{provider: spare, model: m}}]
      timeouts: {{{timeouts}}}
    - {{name: alone, models: [{{provider: local, model: tiny}}]}}
    - {{name: locked, models: [{{provider: stranger, model: tiny}}, {{provider: spare, model: m}}]}}
"""

Record = Mapping[str, object]


class Site(Struct, frozen=True):
    """Everything that runs."""

    llama: LlamaServer
    spare: ProviderProcess
    gateway: Gateway

    @property
    def base_url(self) -> str:
        """What an SDK takes."""
        return self.gateway.base_url

    def stored(self, request_id: str = "") -> list[Record]:
        """Return the stored attempts of a request, or of all, newest first."""
        said = self.gateway.admin.read("attempts", request_id=request_id, limit=1000)
        return cast("Mapping[str, list[Record]]", json.loads(said))["attempts"]

    def attempts(self, request_id: str) -> list[Record]:
        """Wait until the last attempt of a request is stored; return all in their order."""

        def whole() -> list[Record]:
            found = self.stored(request_id)
            return found[::-1] if any(record["final"] for record in found) else []

        return until(whole)

    def probes(self) -> list[Record]:
        """Return the stored probes, newest first."""
        return [record for record in self.stored() if record["route"] == "probe"]


def until(look: Callable[[], list[Record]], patience_s: float = PATIENCE_S) -> list[Record]:
    """Look again and again until something is seen: the store tells nobody."""
    clock = SystemClock()
    give_up_at = clock.now() + patience_s
    while not (seen := look()):
        assert clock.now() < give_up_at
        time.sleep(0.02)
    return seen


@contextmanager
def running(options: Options, folder: Path, timeouts: str = "") -> Generator[Site]:
    """Run it all.

    Args:
        options: Those of llama.cpp.
        folder: Takes every file.
        timeouts: Of the chain with a fallback, in YAML; empty: the defaults.
    """
    keys = f", keys: [{{id: main, secret: {options.key}}}]" if options.key else ""
    with (
        LlamaServer(options, folder) as llama,
        ProviderProcess("spare", Step(text=SPARE_TEXT)) as spare,
        Gateway(
            CONFIG.format(local=llama.base_url, spare=spare.base_url, keys=keys, timeouts=timeouts),
            folder,
        ) as gateway,
    ):
        yield Site(llama, spare, gateway)
