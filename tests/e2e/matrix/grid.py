"""Every cell of the matrix: one request of one client to one kind of target."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from hotswap.testing.provider import Check, ScriptedProvider
from hotswap.testing.serving import Answer, Serving, serving
from hotswap.testing.step import Step
from hotswap.testing.strictness import all_of, strict

from .client_anthropic import Anthropic
from .client_gemini import Gemini
from .client_mistral import MistralChat
from .client_openai_chat import OpenAIChat
from .client_openai_responses import OpenAIResponses
from .expected import REFUSED, expected_heard, expected_saw, ways, word_of
from .scenes import Client, Feature, Heard, Refused, Saw
from .script import step_of
from .sdk_types import typed
from .targets import KINDS, settings

CLIENTS: Final = {
    "openai chat": OpenAIChat,
    "openai responses": OpenAIResponses,
    "anthropic": Anthropic,
    "google-genai": Gemini,
    "mistralai": MistralChat,
}


class Asked(Struct, frozen=True):
    """What became of one request."""

    saw: Saw | Refused
    heard: tuple[Heard, ...]
    """What the provider understood, once for each request that it got."""


def check_of(target: str) -> Check:
    """Return what a kind of target demands: the types of its SDK, and the rules of its API."""
    rules = KINDS[target].rules
    return all_of(typed(target), strict(rules)) if rules else typed(target)


class Grid:
    """The running parts."""

    def __init__(
        self,
        gateway: Serving,
        providers: Mapping[str, ScriptedProvider],
        clients: Mapping[str, Client],
    ) -> None:
        self.gateway = gateway
        self.providers = providers
        self.clients = clients
        self._proven: dict[tuple[str, str, Feature], str] = {}

    async def prove(self, client: str, target: str, feature: Feature) -> str:
        """Prove that a cell works, or is refused as it must be; return what the page shows."""
        cell = (client, target, feature)
        if cell not in self._proven:
            for stream in ways(*cell):
                asked = await self.ask(*cell, stream=stream)
                assert self.providers[target].refusals == []
                if need := REFUSED.get((target, feature)):
                    assert isinstance(asked.saw, Refused)
                    assert asked.saw.status == 400
                    assert f"{target}/{KINDS[target].model} no {need}" in asked.saw.message
                    assert asked.heard == ()
                else:
                    assert _told(asked.saw, feature) == expected_saw(*cell, stream=stream)
                    assert asked.heard == (expected_heard(target, feature),)
            self._proven[cell] = word_of(*cell)
        return self._proven[cell]

    async def ask(self, client: str, target: str, feature: Feature, *, stream: bool) -> Asked:
        """Make a cell's request."""
        provider, kind = self.providers[target], KINDS[target]
        provider.behave(step_of(target, feature, stream=stream))
        provider.forget()
        saw = await self.clients[client].ask(feature, target, stream=stream)
        return Asked(saw, tuple(kind.hear(seen.body) for seen in provider.seen))

    async def post(self, target: str, path: str, body: bytes, *, lenient: bool) -> Answer:
        """Send a body as it is; a lenient target takes anything."""
        provider = self.providers[target]
        provider.behave(Step(text="Hello there."))
        provider.forget()
        provider.refusals.clear()
        check, provider.check = provider.check, None if lenient else provider.check
        try:
            return await self.gateway.post(body, path=path)
        finally:
            provider.check = check


def _told(saw: Saw | Refused, feature: Feature) -> Saw | Refused:
    """Leave out the number of pieces where it is not the matter."""
    if isinstance(saw, Refused) or feature is Feature.STREAM:
        return saw
    return replace(saw, pieces=0)


@asynccontextmanager
async def running() -> AsyncGenerator[Grid]:
    """Run one gateway before one scripted provider for each kind of target, and all clients."""
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(name, check=check_of(name)))
            for name in KINDS
        }
        gateway = await stack.enter_async_context(serving(settings(providers)))
        root = gateway.base_url.removesuffix("/v1")
        clients: dict[str, Client] = {}
        for name, sdk in CLIENTS.items():
            clients[name] = sdk(root)
            stack.push_async_callback(clients[name].close)
        yield Grid(gateway, providers, clients)
