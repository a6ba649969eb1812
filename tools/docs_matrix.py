"""The tables of `docs/matrix.md`: which client can ask what of which target.

They are no region of `make docs`: what they say is seen by a test that runs every SDK through a
gateway, and that test writes them.
"""

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from .docs_tables import table

Word: TypeAlias = str
"""What a cell shows, such as `yes`."""
Cells: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Word]]]
"""By client, feature and target."""

_region: Final = re.compile(
    r"(<!-- seen by tests/e2e/matrix -->\n).*?(<!-- end of what was seen -->\n)", re.DOTALL
)


def page_of(text: str, cells: Cells) -> str:
    """Return a page with the tables of `cells` in their place."""
    tables = "\n".join(f"### {client}\n\n{_table(rows)}" for client, rows in cells.items())
    return _region.sub(lambda found: f"{found[1]}\n{tables}\n{found[2]}", text)


def _table(rows: Mapping[str, Mapping[str, Word]]) -> str:
    targets = list(next(iter(rows.values())))
    lines = [(feature, *(words[target] for target in targets)) for feature, words in rows.items()]
    return table(("", *targets), lines)
