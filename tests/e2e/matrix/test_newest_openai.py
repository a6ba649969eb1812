"""OpenAI's newest models take tools by the Responses API only, and everything else by both."""

import pytest
from msgspec.structs import replace

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import serving
from hotswap.testing.strictness import all_of, strict

from .expected import expected_saw
from .grid import CLIENTS
from .scenes import WITH_TOOLS, Feature, Saw
from .script import STEPS

pytestmark = pytest.mark.slow

KEY = {"id": "main", "secret": "sk-test"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "feature", [Feature.TEXT, Feature.TOOL, Feature.TOOLS, Feature.RESULT, Feature.SCHEMA]
)
@pytest.mark.parametrize("client", [name for name in CLIENTS if name != "mistralai"])
async def test_a_request_with_tools_goes_to_responses(
    *, client: str, feature: Feature, stream: bool
) -> None:
    check = all_of(strict("openai_reasoning"), strict("responses"))
    async with ScriptedProvider("openai", STEPS[feature], check=check) as provider:
        account = {"base_url": provider.base_url, "allow_private": True, "keys": [KEY]}
        models = [{"provider": "openai", "model": "gpt-6.2-sol"}]
        config = {
            "providers": {"openai": account},
            "fallback": {"chains": [{"name": "newest", "models": models}]},
        }
        async with serving(config) as gateway:
            sdk = CLIENTS[client](f"http://127.0.0.1:{gateway.port}")
            saw = await sdk.ask(feature, "newest", stream=stream)
            await sdk.close()

    assert isinstance(saw, Saw)
    assert replace(saw, pieces=0) == expected_saw(client, "openai", feature, stream=stream)
    api = "/v1/responses" if feature in WITH_TOOLS else "/v1/chat/completions"
    assert [seen.path for seen in provider.seen] == [api]
    assert provider.refusals == []
