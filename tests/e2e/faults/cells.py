"""The cells of the fault table, and the chains that they are played with.

Every cell has a chain, targets and keys of its own, so that no standing mixes with another's. The
keys tell the scripted provider which target of which cell is meant.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from hotswap.testing.step import Answers, Check, Step
from hotswap.testing.strictness import strict


class Way(StrEnum):
    """How the answer is asked for."""

    WHOLE = "whole"
    STREAMED = "streamed"


BOTH: Final = (Way.WHOLE, Way.STREAMED)
STREAMED: Final = (Way.STREAMED,)
WHOLE: Final = (Way.WHOLE,)


class Dialect(Struct, frozen=True):
    """One API that targets speak."""

    kind: str
    model: str
    rules: str = ""
    """Those of `hotswap.testing.strictness` that requests must keep; empty: none."""
    api: str = "chat"
    versioned: bool = True
    """Base URLs end in a version."""


DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "openai": Dialect("openai", "gpt-4o", "openai"),
        "responses": Dialect("openai", "gpt-6.2-sol", "responses", api="responses"),
        "anthropic": Dialect("anthropic", "claude-sonnet-5", "anthropic", versioned=False),
        "gemini": Dialect("google", "gemini-3.6-flash", "gemini", versioned=False),
        "mistral": Dialect("mistral", "mistral-medium-3-5", "mistral"),
        "vllm": Dialect("vllm", "llama-3-70b"),
    }
)
OWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "openai chat": "openai",
        "openai responses": "responses",
        "anthropic": "anthropic",
        "google-genai": "gemini",
        "mistralai": "mistral",
    }
)
"""By SDK: the dialect of its own company. Its stream passes as it is."""
OTHER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "openai chat": "anthropic",
        "openai responses": "gemini",
        "anthropic": "openai",
        "google-genai": "responses",
        "mistralai": "anthropic",
    }
)
"""By SDK: a dialect that is translated for it."""


PREFILLED: Final = frozenset({"claude-3-5-sonnet", "gemini-2.5-flash", "mistral-medium-3-5"})
"""Models that go on with an answer which a request begins."""


class Cell(Struct, frozen=True):
    """One play of one scene."""

    scene: str
    """Its name."""
    client: str
    way: Way

    @property
    def chain(self) -> str:
        """The name of its chain."""
        return f"{self.scene}-{OWN[self.client]}-{self.way}"

    @property
    def streamed(self) -> bool:
        """The answer is asked for as a stream."""
        return self.way is Way.STREAMED

    @property
    def own(self) -> str:
        """The dialect of the caller."""
        return OWN[self.client]

    @property
    def other(self) -> str:
        """Another dialect."""
        return OTHER[self.client]

    def account(self, link: int) -> str:
        """Return the provider of the n-th link of the chain, from 0."""
        return f"{self.chain}-{link}"

    def secret(self, link: int, key: int = 0) -> str:
        """Return the secret of the n-th key of a link's provider."""
        return f"sk-{self.chain}-{link}-{key}"


class Link(Struct, frozen=True, kw_only=True):
    """One target of a cell's chain, with a provider of its own."""

    answers: Step | Answers = Step()
    dialect: str
    model: str = ""
    """Empty: the usual one of the dialect."""
    server: str = ""
    """One of `servers.unreachable`; empty: the scripted provider."""
    keys: int = 1
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    """Further ones of the provider."""
    known: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the section `models` says of the target."""

    @property
    def check(self) -> Check | None:
        """The rules of its API; None: it has none."""
        rules = DIALECTS[self.dialect].rules
        return strict(rules, prefill=self.called in PREFILLED) if rules else None

    @property
    def called(self) -> str:
        """The model's name."""
        return self.model or DIALECTS[self.dialect].model


class Place(Struct, frozen=True):
    """What the configuration says for one cell."""

    cell: Cell
    links: Sequence[Link]
    chain: Mapping[str, object]
    """Settings of the chain."""


def settings(places: Sequence[Place], servers: Mapping[str, str]) -> dict[str, object]:
    """Return the sections `providers`, `models` and `fallback`.

    Args:
        places: The chains.
        servers: URLs by what links call them.
    """
    providers: dict[str, object] = {}
    models: dict[str, object] = {}
    chains: list[object] = []
    for place in places:
        cell = place.cell
        targets: list[object] = []
        for number, link in enumerate(place.links):
            account = cell.account(number)
            providers[account] = _provider(cell, number, link, servers)
            targets.append({"provider": account, "model": link.called})
            if link.known:
                models[f"{account}/{link.called}"] = dict(link.known)
        chains.append({"name": cell.chain, "models": targets, **place.chain})
    return {"providers": providers, "models": models, "fallback": {"chains": chains}}


def _provider(cell: Cell, number: int, link: Link, servers: Mapping[str, str]) -> dict[str, object]:
    dialect = DIALECTS[link.dialect]
    version = "/v1" if dialect.versioned else ""
    return {
        "kind": dialect.kind,
        "api": dialect.api,
        "base_url": servers[link.server] + version,
        "allow_private": True,
        "keys": [
            {"id": f"key-{key}", "secret": cell.secret(number, key)} for key in range(link.keys)
        ],
        **link.settings,
    }
