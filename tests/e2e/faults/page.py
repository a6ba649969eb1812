"""The page `docs/faults.md`: what became of every fault before every SDK."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from tools.docs_tables import table

from .claims import CLAIMS
from .scenes import Scene
from .site import CLIENTS

Words = Mapping[str, Mapping[str, str]]
"""By scene and SDK."""

_region: Final = re.compile(
    r"(<!-- seen by tests/e2e/faults -->\n).*?(<!-- end of what was seen -->\n)", re.DOTALL
)


def page_of(text: str, scenes: Sequence[Scene], words: Words) -> str:
    """Return a page with what was seen in its place."""
    rows = {
        row: list(found)
        for row, found in groupby(sorted(scenes, key=_order), key=lambda scene: scene.row)
    }
    parts = [_part(row, rows.get(row, []), words) for row in CLAIMS]
    return _region.sub(lambda found: f"{found[1]}\n" + "\n".join(parts) + f"\n{found[2]}", text)


def _order(scene: Scene) -> int:
    return list(CLAIMS).index(scene.row)


def _part(row: str, scenes: Sequence[Scene], words: Words) -> str:
    claim = CLAIMS[row]
    name = row if row.startswith("T") else f"Row {row}"
    text = f"### {name}: {claim.title}\n\n" + "".join(f"{line}\n" for line in claim.passes)
    if scenes:
        shown = [
            (scene.fault, *(words[scene.name][client] for client in CLIENTS)) for scene in scenes
        ]
        text += "\n" + table(("fault", *CLIENTS), shown)
    if claim.elsewhere:
        text += "\n" + "".join(f"- {line}\n" for line in claim.elsewhere)
    return text.replace("\n\n\n", "\n\n")
