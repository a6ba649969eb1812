"""`hotswap simulate` as a script or a pipeline runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

CHAINS = Path(__file__).parents[3] / "examples" / "five-chains.yaml"
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")


def simulate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "hotswap.cli.main", "simulate", "--config", str(CHAINS), *words],
        env={**os.environ, **dict.fromkeys(KEYS, "sk")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_chains_over_three_companies_lose_nothing_with_one_of_them() -> None:
    done = simulate("--chain=complex-reasoning", "--chain=multimodal", "--kill=anthropic")

    assert done.returncode == 0
    assert all(": warning: chain " in line for line in done.stderr.splitlines())
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [
        ["complex-reasoning", "100.00%"],
        ["multimodal", "100.00%"],
    ]


def test_a_chain_that_loses_all_of_its_companies_fails_the_pipeline() -> None:
    done = simulate("--chain=long-form", "--kill=anthropic", "--kill=openai", "--minutes=1")

    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split()[:3] == ["long-form", "0.00%", "60"]


def test_what_serves_imports_nothing_of_what_simulates() -> None:
    serving = "import sys, hotswap.processes.supervisor, hotswap.processes.worker, hotswap.app"
    told = "print([name for name in sys.modules if name.startswith('hotswap.testing')])"

    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-c", f"{serving}\n{told}"], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
