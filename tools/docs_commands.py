"""The commands with their options, as the command line itself knows them."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App, Argument

from hotswap.cli.main import app

from .docs_tables import table


def commands() -> str:
    """Write a section for every command."""
    return "\n".join(_section(words, command) for words, command in _commands(app, "hotswap"))


def _commands(group: App, words: str) -> Iterator[tuple[str, App]]:
    """Yield the commands of a group, in their order, with the words that call them."""
    for name in group:
        if name.startswith("-"):
            continue
        command, called = group[name], f"{words} {name}"
        if command.default_command is not None:
            yield called, command
        yield from _commands(command, called)


def _section(words: str, command: App) -> str:
    arguments = list(command.assemble_argument_collection())
    places = "".join(f" [{argument.name}]" for argument in arguments if _is_place(argument))
    told = inspect.getdoc(command.default_command) or ""
    prose = "\n\n".join(map(_sentences, told.split("\n\n")))
    rows = [(f"`{_name(a)}`", _default(a), a.parameter.help or "-") for a in arguments]
    options = table(("argument", "default", "meaning"), rows) if rows else ""
    return f"### `{words}{places}`\n\n{prose}\n" + (f"\n{options}" if options else "")


def _sentences(paragraph: str) -> str:
    """Return a paragraph with one sentence per line."""
    return re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", " ".join(paragraph.split()))


def _is_place(argument: Argument) -> bool:
    return not argument.name.startswith("-")


def _name(argument: Argument) -> str:
    if _is_place(argument) or argument.hint is bool:
        return argument.name
    word = "FILE" if argument.hint is Path else argument.name.removeprefix("--").upper()
    return f"{argument.name} {word}"


def _default(argument: Argument) -> str:
    default = argument.field_info.default
    return f"`{default}`" if default and argument.show_default else "-"
