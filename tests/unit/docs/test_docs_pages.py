"""Generated regions are current, links lead somewhere, and prose has one sentence per line."""

import re
from pathlib import Path

import pytest
from tools.docs import REGIONS, SCHEMA, schema, written
from tools.docs_settings import reference

from hotswap.config.schema import json_schema

from .conftest import DOCS, PAGES

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))

_link = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
_fence = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_sentences = re.compile(r"[a-z0-9)`][.!?] +[A-Z]")


def prose(page: Path) -> str:
    """Return a page without its code."""
    return _fence.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """Return what a link into a page may name: its headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_a_page_says_what_the_code_says(page: Path) -> None:
    text = page.read_text()

    assert written(text) == text, "run `make docs`"


def test_the_schema_is_the_one_in_force() -> None:
    assert SCHEMA.read_text() == schema(), "run `make docs`"


def test_every_region_stands_in_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)

    assert [name for name in REGIONS if f"tools/docs.py: {name} -->" not in text] == []


def test_every_key_of_the_configuration_is_explained() -> None:
    rows = [row for row in reference(json_schema()).splitlines() if row.startswith("| `")]

    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in _link.findall(prose(page)):
        there = (page.parent / path).resolve() if path else page
        assert there.is_file(), path
        if anchor:
            assert anchor in anchors(there)


def test_the_index_leads_to_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    missing = [page for page in PAGES if f"({page.relative_to(DOCS)})" not in index]

    assert [page.name for page in missing if page.name not in {"README.md", "benchmarks.md"}] == []


@every_page
def test_a_line_of_prose_is_one_sentence(page: Path) -> None:
    """The number of a list's item is none, and a table's cell may have several."""
    lines = [line for line in prose(page).splitlines() if not re.match(r"\||\d+\. ", line)]

    assert [line for line in lines if _sentences.search(line)] == []
