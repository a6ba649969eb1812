"""`hotswap targets`: how every target and its keys stand."""

from collections.abc import Iterable
from typing import Annotated, Final

from cyclopts import Parameter
from msgspec import Struct
from msgspec.json import Decoder
from rich.console import RenderableType
from rich.text import Text

from ..core.terms import Scope
from ..keeper.standing import Standing
from ..keeper.views import CredentialView, TargetView
from .admin import find_admin
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import long, show, show_json, table
from .standings import state, why

_COLUMNS: Final = ("target", "state", "for", "why", "tried#", "failed#")


class _Targets(Struct, frozen=True):
    at: float
    targets: list[TargetView]


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
        show([targets_table(all_.targets, all_.at)])


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
    return [
        Text(f"{view.id}: model {view.model} of {view.provider}{place}"),
        table(("what", "state", "for", "why"), rows),
        Text(f"tried {view.attempts} times, failed {view.failures} times since the gateway began"),
    ]


def _cells(standing: Standing, at: float) -> tuple[Text, str, str]:
    since = "" if standing.since is None else long(at - standing.since)
    return state(standing), since, why(standing, at)


def _key(key: CredentialView) -> str:
    """Name a key; what concerns one model only is said to."""
    return f"key {key.id}, here" if key.scope == Scope.ACCESS else f"key {key.id}"
