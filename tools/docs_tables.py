"""Markdown tables, and the strings that stand below the members of an enum."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import cast


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def comments(owner: type[Enum]) -> Mapping[str, str]:
    """Return the string below each member that has one, on one line, by the member's name."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    told: dict[str, str] = {}
    for member, below in pairwise(cast("ast.ClassDef", body).body):
        match member, below:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                told[name] = " ".join(text.split())
            case _:
                pass
    return told
