"""What the demo shows on a terminal while it runs."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .chains import CHAINS, PROVIDERS
from .chaos import FAULTS, HEAL, QUIT, Providers
from .score import Score, Tally


def picture(score: Score, providers: Providers, chosen: str) -> RenderableType:
    """Return the whole picture: counts, providers, targets, chains, keys, newest switches."""
    return Group(
        Text(score.total.line(), style="bold red" if score.total.lost else "bold green"),
        _providers(score, providers, chosen),
        _chains(score),
        Text(_legend(), style="dim"),
        Text("\n".join(score.lines), no_wrap=True, overflow="ellipsis"),
    )


def _providers(score: Score, providers: Providers, chosen: str) -> Table:
    table = Table("", "provider", "suffers from", "target", "standing", "attempts", "failed")
    for number, name in enumerate(PROVIDERS, 1):
        fault = providers.faults.get(name)
        key = score.standing.get(name, "closed")
        head = [
            Text(f"{number} <" if name == chosen else f"{number}"),
            Text(name if key == "closed" else f"{name} (key: {key})"),
            Text(fault.name, style="red") if fault else Text("-"),
        ]
        for target in sorted(t for t in score.attempts if t.startswith(f"{name}/")):
            standing = score.standing.get(target, "closed")
            table.add_row(
                *head,
                target.removeprefix(f"{name}/"),
                Text(standing, style="green" if standing in {"closed", "clear"} else "red"),
                str(score.attempts[target]),
                str(score.failures[target]),
            )
            head = [Text()] * len(head)
        if head[0]:
            table.add_row(*head)
    return table


def _chains(score: Score) -> Table:
    table = Table("chain", "requests", "answered", "rescued", "spliced", "lost")
    for name in CHAINS:
        tally = score.chains.get(name, Tally())
        answers = (tally.requests, tally.answered, tally.rescued, tally.spliced, tally.lost)
        table.add_row(name, *map(str, answers))
    return table


def _legend() -> str:
    faults = "  ".join(f"{fault.key} {fault.name}" for fault in FAULTS.values())
    return f"1-{len(PROVIDERS)} choose a provider  {faults}  {HEAL} heal  {QUIT} quit"
