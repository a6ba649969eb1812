"""What the tests of the documentation share: its blocks, and the way to its generators."""

import re
import sys
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

# The generators belong to the checkout, not to the package.
sys.path.insert(0, str(ROOT))

_block = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(Struct, frozen=True):
    """A piece of code in a page."""

    page: Path
    line: int
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(DOCS)}:{self.line}"


def blocks(language: str) -> list[Block]:
    """Return every block of a language, in the order of the pages."""
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[2])
        for page, text in ((page, page.read_text()) for page in PAGES)
        for found in _block.finditer(text)
        if found[1] == language
    ]
