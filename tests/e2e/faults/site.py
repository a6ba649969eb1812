"""A gateway in processes of its own, before a scripted provider, asked by every SDK."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from msgspec.json import encode

from hotswap.ledger.record import AttemptRecord, Transition
from hotswap.testing.gateway import GatewayProcess
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Answers, Check, Seen, Step

from .asking import Ask, Client, Got, What
from .cells import OWN, Cell, Place, settings
from .client_anthropic import Anthropic
from .client_gemini import Gemini
from .client_mistral import MistralChat
from .client_openai_chat import OpenAIChat
from .client_openai_responses import OpenAIResponses
from .feed import Feed
from .servers import unreachable

SDKS: Final = MappingProxyType(
    {
        "openai chat": OpenAIChat,
        "openai responses": OpenAIResponses,
        "anthropic": Anthropic,
        "google-genai": Gemini,
        "mistralai": MistralChat,
    }
)
CLIENTS: Final = tuple(OWN)
HEALTH: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "breaker": {
            "open_s": 0.4,
            "open_max_s": 2,
            "ramp_s": 1,
            "settle_s": 1,
            "auth_s": 30,
            "exhausted_s": 30,
        },
        "silence": {"floor_s": 0.25, "quiet_s": 0.25},
        "places": {"endpoint_targets": 1000, "model_targets": 1000, "provider_regions": 1000},
    }
)
"""The defaults, about twelve times as fast.

All cells share one host, so what is wrong with it can not be told from what is wrong with a cell.
"""


class Site:
    """The running parts."""

    def __init__(self) -> None:
        self.provider = ScriptedProvider("scripted")
        self.feed = Feed()
        self.clients: Mapping[str, Client] = {}
        self._checks: dict[str, Check] = {}
        self._places: Mapping[Cell, Place] = {}
        self._servers: Mapping[str, str] = {}
        self._gateway: GatewayProcess | None = None
        self._stack = AsyncExitStack()

    def _check(self, seen: Seen) -> str | Step:
        """Hold every request against the rules of the API that its target speaks."""
        check = self._checks.get(seen.key)
        return check(seen) if check is not None else ""

    async def start(
        self,
        folder: Path,
        places: Sequence[Place],
        health: Mapping[str, object],
        access: Mapping[str, object],
    ) -> Self:
        """Start everything.

        Args:
            folder: Where the gateway keeps its files.
            places: The chains.
            health: The section `fallback.health`.
            access: The section `access`.
        """
        await self._stack.enter_async_context(self.provider)
        self._servers = await self._stack.enter_async_context(unreachable(folder))
        self.provider.check = self._check
        self._places = {place.cell: place for place in places}
        for place in places:
            for number, link in enumerate(place.links):
                for key in range(link.keys):
                    if link.check is not None:
                        self._checks[place.cell.secret(number, key)] = link.check
                    self.behave(place.cell, number, link.answers, key=key)
        gateway = await GatewayProcess.serve(folder, self.written(places, health, access))
        self._stack.push_async_callback(gateway.quit)
        self._gateway = gateway
        port = await gateway.listens()
        key = (folder / "state" / "admin.key").read_text().strip()
        await self.feed.follow(gateway.admin_port, key)
        self._stack.push_async_callback(self.feed.close)
        clients: dict[str, Client] = {}
        for name, sdk in SDKS.items():
            clients[name] = sdk(f"http://127.0.0.1:{port}")
            self._stack.push_async_callback(clients[name].close)
        self.clients = clients
        return self

    def written(
        self,
        places: Sequence[Place],
        health: Mapping[str, object],
        access: Mapping[str, object],
    ) -> str:
        """Write the configuration; JSON is YAML as well, and read faster."""
        config = settings(places, {**self._servers, "": self.provider.root_url})
        ports = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}
        config["server"] = {**ports, "state_dir": "state"}
        config["access"] = dict(access)
        config["store"] = "sqlite:records.db"
        chains = config["fallback"]
        assert isinstance(chains, dict)
        config["fallback"] = {**chains, "health": dict(health)}
        return encode(config).decode()

    async def close(self) -> None:
        """End everything."""
        await self._stack.aclose()

    @property
    def gateway(self) -> GatewayProcess:
        """The processes."""
        assert self._gateway is not None
        return self._gateway

    # Asking

    async def ask(
        self,
        cell: Cell,
        what: What = What.TEXT,
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> Got:
        """Make a cell's request with its SDK; `fields` are further ones of `Ask`."""
        got = Got()
        ask = Ask(cell.chain, cell.streamed, what=what, headers=headers or {}, **fields)
        await self.clients[cell.client].ask(ask, got)
        return got

    # The provider

    def behave(self, cell: Cell, link: int, answers: Step | Answers, *, key: int = 0) -> None:
        """Say what a target of a cell does from now on."""
        secret = cell.secret(link, key)
        if isinstance(answers, Step):
            self.provider.behave(answers, key=secret)
        else:
            self.provider.answer(secret, answers)

    def seen(self, cell: Cell, link: int, *, key: int = 0) -> list[Seen]:
        """Return the requests that came to a target, oldest first; probes are among them."""
        secret = cell.secret(link, key)
        return [seen for seen in self.provider.seen if seen.key == secret]

    # The records

    async def attempts(self, cell: Cell, requests: int = 1) -> list[AttemptRecord]:
        """Return the attempts for a cell, once so many of its requests are over."""
        attempts = self.feed.attempts[cell.chain]
        await self.feed.until(lambda: sum(a.final for a in attempts) >= requests)
        return attempts

    def target(self, cell: Cell, link: int) -> str:
        """Return the id of a cell's target."""
        return f"{cell.account(link)}/{self._places[cell].links[link].called}"

    def transitions(self, cell: Cell, link: int) -> list[Transition]:
        """Return the changes of standing of a target, and of its provider's keys."""
        told = self.feed.transitions
        both = [*told[self.target(cell, link)], *told[cell.account(link)]]
        return sorted(both, key=lambda transition: transition.at)
