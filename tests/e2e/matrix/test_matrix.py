"""Every client to every kind of target, feature by feature, and the page that says so.

`MATRIX_WRITE=1 pytest -m slow tests/e2e/matrix` writes the page.
"""

import os
from pathlib import Path
from typing import Final

import pytest
from tools.docs_matrix import Word, page_of

from .grid import CLIENTS, Grid
from .scenes import Feature
from .targets import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

PAGE: Final = Path(__file__).parents[3] / "docs" / "matrix.md"


@pytest.mark.parametrize("feature", Feature)
@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_cell_works_or_names_what_is_missing(
    grid: Grid, client: str, target: str, feature: Feature
) -> None:
    await grid.prove(client, target, feature)


@pytest.mark.timeout(120)
async def test_the_page_shows_what_was_seen(grid: Grid) -> None:
    words: dict[str, dict[str, dict[str, Word]]] = {
        client: {
            feature.value: {
                KINDS[target].title: await grid.prove(client, target, feature) for target in KINDS
            }
            for feature in Feature
        }
        for client in CLIENTS
    }
    before = PAGE.read_text()
    after = page_of(before, words)
    if os.environ.get("MATRIX_WRITE") == "1":
        PAGE.write_text(after)
        before = after

    assert before == after, "run MATRIX_WRITE=1 .venv/bin/pytest -m slow tests/e2e/matrix"
