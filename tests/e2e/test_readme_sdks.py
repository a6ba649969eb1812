"""The programs of the README run as they stand there, but for the port."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import chain_of, serving
from hotswap.testing.step import Step

pytestmark = pytest.mark.slow

README: Final = Path(__file__).parents[2] / "README.md"
PROGRAMS: Final = re.findall(
    r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE
)
ADDRESS: Final = "http://127.0.0.1:8100"


def test_every_sdk_has_its_program() -> None:
    assert [program.split()[1] for program in PROGRAMS] == ["openai", "anthropic", "google"]


@pytest.mark.parametrize("program", PROGRAMS, ids=["openai", "anthropic", "google"])
async def test_a_program_of_the_readme_prints_the_fallbacks_answer(program: str) -> None:
    async with (
        ScriptedProvider("one", Step(status=503)) as one,
        ScriptedProvider("two", Step(text="Hello there.")) as two,
        serving(chain_of(one, two)) as gateway,
    ):
        address = f"http://127.0.0.1:{gateway.port}"
        assert ADDRESS in program
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program.replace(ADDRESS, address)),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await running.communicate()

    assert output.decode() == "Hello there.\n"
    assert (one.requests, two.requests) == (1, 1)
