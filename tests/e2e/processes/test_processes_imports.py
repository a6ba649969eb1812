"""What only the loader needs is imported by nobody who stays."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("genai_prices", "httpx2", "pydantic", "yaml")
"""Parsers, and the table of prices with what it brings along."""


def imported(module: str) -> list[str]:
    """Return what of the heavy modules a fresh interpreter has after an import."""
    script = f"import sys, {module}; print(*({set(HEAVY)!r} & sys.modules.keys()))"
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-c", script],
        capture_output=True,
        check=True,
        text=True,
    )
    return sorted(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "hotswap",
        "hotswap.processes.__main__",
        "hotswap.processes.worker",
        "hotswap.processes.keeper",
        "hotswap.cli.main",
    ],
)
def test_who_stays_imports_neither_parsers_nor_prices(module: str) -> None:
    assert imported(module) == []


def test_the_loader_imports_them() -> None:
    assert imported("hotswap.processes.loader") == sorted(HEAVY)
