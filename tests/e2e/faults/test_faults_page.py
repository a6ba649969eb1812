"""The page of faults says what was seen.

`FAULTS_WRITE=1 pytest -m slow tests/e2e/faults` writes it.
"""

import os
import re
from pathlib import Path
from typing import Final

import pytest

from .claims import CLAIMS
from .page import page_of
from .site import CLIENTS
from .stages import SCENES, Theatre

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "faults.md"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_shows_what_was_seen(theatre: Theatre) -> None:
    words = {
        name: {client: await theatre.word(name, client) for client in CLIENTS} for name in SCENES
    }
    before = PAGE.read_text()
    after = page_of(before, [scene for _, scene in SCENES.values()], words)
    if os.environ.get("FAULTS_WRITE") == "1":
        PAGE.write_text(after)
        before = after

    assert before == after, "run FAULTS_WRITE=1 .venv/bin/pytest -m slow tests/e2e/faults"
    assert theatre.refusals() == []


def test_every_fault_belongs_to_a_row() -> None:
    assert {scene.row for _, scene in SCENES.values()} <= set(CLAIMS)


def test_what_is_said_to_be_elsewhere_is_there() -> None:
    named = {
        path
        for claim in CLAIMS.values()
        for line in claim.elsewhere
        for path in re.findall(r"`(tests/[^`]+)`", line)
    }

    assert len(named) >= 7
    assert [path for path in named if not (ROOT / path).is_file()] == []
