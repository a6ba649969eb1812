"""How commands write to a terminal, and to a pipe: there without colours, boxes and wrapped lines.

Whatever is timed is told from now, as a person at the terminal sees it.
"""

import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from rich.box import SIMPLE
from rich.console import Console, RenderableType
from rich.table import Table

PIPE_WIDTH: Final = 1000
"""Whoever reads a pipe wants whole lines."""
_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
_FROM: Final = 2.0
"""A larger unit is used from twice its length on: `90 s` says more than `1 min`."""


def show(parts: Iterable[RenderableType]) -> None:
    """Write to stdout, one part below the other."""
    out = Console(highlight=False, markup=False, emoji=False)
    if out.is_terminal:
        out.print(*parts, sep="\n")
    else:
        sys.stdout.write(plain(parts, PIPE_WIDTH))


def plain(parts: Iterable[RenderableType], width: int) -> str:
    """Return what a pipe gets, in lines of at most `width` characters."""
    text = StringIO()
    out = Console(file=text, width=width, highlight=False, markup=False, emoji=False)
    for part in parts:
        if isinstance(part, Table):
            part.box = None
        out.print(part)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def table(columns: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """Lay rows out; a column whose name ends with `#` holds numbers or ids, which stay whole."""
    made = Table(box=SIMPLE, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        whole = column.endswith("#")
        made.add_column(
            column.removesuffix("#"),
            justify="right" if whole else "left",
            no_wrap=whole,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*row)
    return made


def show_json(body: bytes) -> None:
    """Pass on what the gateway answered."""
    sys.stdout.write(f"{body.decode()}\n")


def span(seconds: float) -> str:
    """Tell what was measured in the unit that says enough: `0.4 ms`, `0.25 s`, `12 s`, `3 h`."""
    if seconds < 0.0095:
        return f"{max(0.0, seconds) * 1000:.1f} ms"
    if seconds < 9.95:
        return f"{seconds:.2f} s"
    for unit_s, name in _UNITS:
        if seconds >= _FROM * unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s"


def ago(seconds: float) -> str:
    """Tell how long ago something was."""
    return f"{long(seconds)} ago" if seconds >= 1.0 else "now"


def ahead(seconds: float) -> str:
    """Tell in how long something will be."""
    return f"in {long(seconds)}" if seconds >= 1.0 else "now"


def long(seconds: float) -> str:
    """Tell how long something has been or will be, to the second at best."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 10 else span(whole)


def address(host: str, port: int) -> str:
    """Write host and port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
