"""Every Python block of the documentation runs, and does what the page says."""

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from hotswap.testing.provider import ScriptedProvider, StartProvider
from hotswap.testing.serving import serving, snapshot_of
from hotswap.testing.step import Step

from .conftest import DOCS, Block, blocks

pytest_plugins = ["hotswap.testing.pytest_plugin"]

PYTHON = blocks("python")
TESTS = [block for block in PYTHON if "async def test_" in block.text]
PROGRAMS = [block for block in PYTHON if "from openai import" in block.text]
ADDRESS = "http://127.0.0.1:8100/v1"


def test_every_block_is_a_test_a_program_or_the_name_of_the_plug_in() -> None:
    rest = [block.text for block in PYTHON if block not in TESTS and block not in PROGRAMS]

    assert rest == ['pytest_plugins = ["hotswap.testing.pytest_plugin"]\n']
    assert len(TESTS) >= 5
    assert len(PROGRAMS) == 2


@pytest.mark.parametrize("block", TESTS, ids=lambda block: block.name)
async def test_a_test_of_the_documentation_passes(
    block: Block,
    scripted_provider: StartProvider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for shown in blocks("yaml"):
        if shown.page == block.page:
            (tmp_path / "hotswap.yaml").write_text(shown.text)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block.text, block.name, "exec"), names)  # noqa: S102 - the page's own code

    for name, value in names.items():
        if name.startswith("test_"):
            test = cast("Callable[..., Awaitable[None]]", value)
            asked = inspect.signature(test).parameters
            await test(**({"scripted_provider": scripted_provider} if asked else {}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "printed"),
    list(zip(PROGRAMS, ("Hello there.\nmistral/mistral-large-4\n", "Hello there."), strict=True)),
    ids=[block.name for block in PROGRAMS],
)
async def test_a_program_gets_its_answer_from_the_fallback(block: Block, printed: str) -> None:
    async with (
        ScriptedProvider("openai", Step(status=503)) as openai,
        ScriptedProvider("mistral", Step(text="Hello there.")) as mistral,
        serving(snapshot_of(_quick_start(openai, mistral))) as gateway,
    ):
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", block.text.replace(ADDRESS, gateway.base_url)),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await program.communicate()

    assert block.page == DOCS / "quick-start.md"
    assert output.decode() == printed


def _quick_start(openai: ScriptedProvider, mistral: ScriptedProvider) -> dict[str, object]:
    """Return the page's chain, without what is not scripted here."""
    providers = {
        one.name: {"base_url": one.base_url, "allow_private": True} for one in (openai, mistral)
    }
    models = [
        {"provider": "openai", "model": "gpt-6.2-sol"},
        {"provider": "mistral", "model": "mistral-large-4"},
    ]
    return {
        "providers": providers,
        "fallback": {"chains": [{"name": "assist", "models": models}]},
    }
