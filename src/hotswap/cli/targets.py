"""`hotswap targets`: how every target and its keys stand, and what an operator may order."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from msgspec import Struct
from msgspec.json import Decoder
from rich.console import RenderableType
from rich.text import Text

from ..core.terms import Scope
from ..keeper.orders import Action
from ..keeper.pictures import CredentialView, PlaceView, TargetView
from ..keeper.standing import Standing
from ..processes.exits import Exit
from .admin import find_admin
from .failing import CommandError
from .measures import figures_parts, uses_lines
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import long, show, show_json, table
from .standings import state, why

app: Final = App(
    name="targets", help="Show how every target and its keys stand; drain, open, close, try them."
)

_COLUMNS: Final = ("target", "state", "for", "why", "tried#", "failed#")


class _Targets(Struct, frozen=True):
    at: float
    targets: list[TargetView]
    places: list[PlaceView]


class _Target(Struct, frozen=True):
    at: float
    target: TargetView


_read_targets: Final = Decoder(_Targets).decode
_read_target: Final = Decoder(_Target).decode

Name = Annotated[
    str,
    Parameter(
        show_default=False,
        help="One target, such as openai/gpt-4o, with all of its keys.",
    ),
]


Names = Annotated[
    str, Parameter(show_default=False, help="Targets, such as openai/gpt-4o; several are fine.")
]


@app.default
def targets(
    name: Name = "", /, *, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False
) -> None:
    """Show the targets of a running gateway: how they stand, since when, and why."""
    body = find_admin(config).read("targets", name)
    if as_json:
        show_json(body)
    elif name:
        one = _read_target(body)
        show(target_parts(one.target, one.at))
    else:
        all_ = _read_targets(body)
        show([targets_table(all_.targets, all_.at), *places_parts(all_.places, all_.at)])


@app.command
def drain(*names: Names, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> None:
    """Send nothing new to targets until they are undrained; what is under way there finishes.

    A drain outlasts restarts.
    """
    _order(Action.DRAIN, names, config, as_json=as_json)


@app.command
def undrain(*names: Names, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> None:
    """End a drain; what was open before is probed first."""
    _order(Action.UNDRAIN, names, config, as_json=as_json)


@app.command(name="open")
def open_(*names: Names, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> None:
    """Leave targets out as if they had failed; after some minutes a probe decides."""
    _order(Action.OPEN, names, config, as_json=as_json)


@app.command
def close(*names: Names, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> None:
    """Let targets serve again at once, whatever was held against them, a drain too."""
    _order(Action.CLOSE, names, config, as_json=as_json)


@app.command
def trial(*names: Names, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False) -> None:
    """Probe open targets now instead of later; those that answer come back."""
    _order(Action.TRIAL, names, config, as_json=as_json)


def _order(action: Action, names: Sequence[str], config: Path, *, as_json: bool) -> None:
    """Order `action` for all targets, or for none when a name is unknown."""
    if not all(names) or not names:
        raise CommandError(Exit.USAGE, f"hotswap: which targets? hotswap targets {action} NAME ...")
    admin = find_admin(config)
    for name in names:
        admin.read("targets", name)
    bodies = [admin.post("targets", name, action) for name in dict.fromkeys(names)]
    if as_json:
        for body in bodies:
            show_json(body)
        return
    told = [_read_target(body) for body in bodies]
    rows = [(one.target.id, *_cells(one.target.standing, one.at)) for one in told]
    show([table(("target", "state", "for", "why"), rows)])


def targets_table(views: Iterable[TargetView], at: float) -> RenderableType:
    """Lay out targets as they were at `at` (Unix seconds), with the keys that are in trouble."""
    rows: list[tuple[RenderableType, ...]] = []
    for view in views:
        counts = (str(view.attempts), str(view.failures))
        rows.append((view.id, *_cells(view.standing, at), *counts))
        rows += [
            (f"  {_key(key)}", *_cells(key.standing, at), "", "")
            for key in view.credentials
            if key.standing.state != "closed"
        ]
    return table(_COLUMNS, rows)


def target_parts(view: TargetView, at: float) -> list[RenderableType]:
    """Lay out one target as it was at `at` (Unix seconds), with all of its keys."""
    places = (("region", view.region), ("zone", view.zone), ("in", ", ".join(view.chains)))
    place = "".join(f", {word} {name}" for word, name in places if name)
    rows = [
        ("target", *_cells(view.standing, at)),
        *((_key(key), *_cells(key.standing, at)) for key in view.credentials),
    ]
    rows += [(above.name, *_cells(above.standing, at)) for above in view.places]
    return [
        Text(f"{view.id}: model {view.model} of {view.provider}{place}"),
        table(("what", "state", "for", "why"), rows),
        Text(f"tried {view.attempts} times, failed {view.failures} times since the gateway began"),
        *figures_parts(view.measured),
        *(Text(line) for line in uses_lines(view.limits)),
    ]


def places_parts(views: Sequence[PlaceView], at: float) -> list[RenderableType]:
    """Lay out the larger places in trouble as they were at `at` (Unix seconds); none: nothing."""
    if not views:
        return []
    rows = [
        (view.name, *_cells(view.standing, at), ", ".join(view.targets) or "none") for view in views
    ]
    return [Text(), table(("place", "state", "for", "why", "with"), rows)]


def _cells(standing: Standing, at: float) -> tuple[Text, str, str]:
    since = "" if standing.since is None else long(at - standing.since)
    return state(standing), since, why(standing, at)


def _key(key: CredentialView) -> str:
    """Name a key; what concerns one model only is said to."""
    return f"key {key.id}, here" if key.scope == Scope.ACCESS else f"key {key.id}"
