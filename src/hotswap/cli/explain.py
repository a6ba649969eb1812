"""`hotswap explain`: what would happen to a request.

A running gateway says which targets it would ask now, in which order and why; what each of them
would be told, and what it cannot do, follows from the configuration. Without a gateway every
target is taken to be well.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import replace
from rich.console import RenderableType
from rich.text import Text

from ..clock import SystemClock
from ..config.load import load
from ..config.outcome import ConfigMistakes
from ..core.ask import Able, Ask
from ..core.capability import TIGHT, obstacle, words
from ..core.latency import Figures
from ..core.plan import Plan, Skip, look, plan
from ..core.standings import Standings
from ..core.terms import Needs, Target
from ..dialects.api import UnableError
from ..errors import RefusedError
from ..gateway.line import Line
from ..gateway.speech import say
from ..ledger.question import Question
from ..processes.exits import Exit
from .failing import CommandError
from .foreseen import Foreseen, foresee
from .measures import figures_words
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import show, table
from .telling import measure
from .unsent import DialectName, Wishes, incoming, unsent

BodyFile = Annotated[
    str,
    Parameter(
        name="--body",
        allow_leading_hyphen=True,
        help="File with the body of the request; `-` reads it from stdin.",
    ),
]
Dialect = Annotated[DialectName, Parameter(help="What the caller speaks.")]
Model = Annotated[
    str,
    Parameter(
        show_default=False,
        help="Chain, alias or target to ask, in place of the body's; `gemini` needs it.",
    ),
]


Order = Annotated[
    str,
    Parameter(
        show_default=False,
        help="Targets with commas between, as the caller's header `x-hotswap-order` names them.",
    ),
]
Caller = Annotated[
    str, Parameter(show_default=False, help="Id of the caller's key, whose zones hold.")
]
Offline = Annotated[
    bool,
    Parameter(
        negative=(), show_default=False, help="Ask no gateway, and take every target to be well."
    ),
]


class TargetPlan(Struct, frozen=True):
    """What would become of one target."""

    target: str
    turn: int
    """In which place it is asked, from 1; 0: it is left out."""
    reason: str
    """Why it is left out, or asked last; empty: neither."""
    dialect: str
    """What its provider speaks."""
    path: str = ""
    """Where the request goes at its provider; empty: nowhere."""
    notices: Sequence[str] = ()
    """Fields that it is not told, or told differently."""
    rule: str = ""
    """The setting that the reason follows from; empty: the reason says it all."""
    measured: float | None = None
    """In the unit of `threshold`."""
    threshold: float | None = None
    place: str = ""
    """The larger place that stands so; empty: the target itself does."""
    figures: Figures | None = None
    """What the gateway measures of it; null: nothing yet, or no gateway was asked."""


class Explanation(Struct, frozen=True):
    """What `hotswap explain --json` writes."""

    chain: str
    dialect: str
    """What the caller speaks."""
    streamed: bool
    needs: Sequence[str]
    prompt_tokens: int
    """Estimate."""
    targets: Sequence[TargetPlan]
    live: bool = False
    """A running gateway has said the order; else every target is taken to be well."""
    panic: bool = False
    """No target is eligible: those with a turn are the least bad, and each may be refused."""
    notes: Sequence[str] = ()
    """What else is to be known, one line each."""


def explain(
    *,
    body: BodyFile,
    dialect: Dialect = "openai_chat",
    model: Model = "",
    order: Order = "",
    caller: Caller = "",
    offline: Offline = False,
    config: ConfigFile = CONFIG_FILE,
    as_json: AsJson = False,
) -> Exit:
    """Show which targets a request would go to, in which order, and why the others are left out.

    A running gateway is asked for what it would do now; nothing is sent to any provider.
    Without one, it goes by the configuration, and takes every target to be well.
    Exits with 1 when no target can do what the request asks, or the request would be refused.
    """
    try:
        snapshot = load(config, os.environ)
    except ConfigMistakes as refused:
        raise CommandError(Exit.UNREADABLE, str(refused)) from refused
    asked = incoming(_read(body), dialect, model)
    try:
        line = unsent(snapshot, asked, Wishes(order, caller))
        found = "" if offline else foresee(config, _question(line))
        explanation = explained(line, found, dialect)
    except RefusedError as refused:
        problem = f"hotswap: the request is refused with {refused.status}: {refused.message}"
        raise CommandError(Exit.FAILED, problem) from refused
    if as_json:
        sys.stdout.write(f"{encode(explanation).decode()}\n")
    else:
        show(parts(explanation))
    able = any(target.turn for target in explanation.targets)
    return Exit.FINE if able else Exit.FAILED


def explained(line: Line, found: Foreseen | str, dialect: DialectName) -> Explanation:
    """Tell what would become of a request.

    Args:
        line: The request.
        found: What a gateway says; or why none was asked, empty: none should be.
        dialect: What the caller speaks.

    Raises:
        RefusedError: The gateway would refuse it.
    """
    request = line.request
    able = partial(obstacle, request.needs)
    planned = _planned(line, able) if isinstance(found, str) else _foreseen(line, found)
    told = [_told(line, target, able(target)) for target in planned.targets]
    told = [_amended(one, planned, found) for one in told]
    asked = [one for one in told if one.path]
    ordered = {target.id for target in planned.targets}
    left_out = [_left_out(line, skip) for skip in planned.skips if skip.target not in ordered]
    return Explanation(
        chain=line.chain.name,
        dialect=dialect,
        streamed=request.stream,
        needs=_names(request.needs),
        prompt_tokens=request.needs.prompt_tokens,
        targets=(
            *(replace(one, turn=turn) for turn, one in enumerate(asked, 1)),
            *(one for one in told if not one.path),
            *(_amended(one, planned, found) for one in left_out),
        ),
        live=not isinstance(found, str),
        panic=planned.panic,
        notes=_notes(line, planned, found),
    )


def parts(explanation: Explanation) -> list[RenderableType]:
    """Lay an explanation out."""
    needs = ", ".join(explanation.needs) or "text only"
    streamed = ", streamed" if explanation.streamed else ""
    rows = [
        (
            str(one.turn) if one.turn else "-",
            one.target,
            one.dialect,
            one.path,
            Text(_verdict(one), style="red" if not one.turn else "yellow" if one.reason else ""),
        )
        for one in explanation.targets
    ]
    return [
        Text(
            f"{explanation.chain}: {explanation.dialect}{streamed}, {needs},"
            f" about {explanation.prompt_tokens} tokens"
        ),
        table(("turn#", "target", "dialect", "path", "what"), rows),
        *(Text(note) for note in explanation.notes),
        *_measured(explanation.targets),
    ]


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        problem = f"hotswap: {name} cannot be read: {error.strerror}"
        raise CommandError(Exit.USAGE, problem) from error


def _question(line: Line) -> Question:
    return Question(
        line.request.model,
        line.request.needs,
        streamed=line.request.stream,
        one_model=line.route.one_model,
        order=line.options.order,
        caller=line.caller,
    )


def _planned(line: Line, able: Able) -> Plan:
    """Plan to the last target, with all of them in health."""
    snapshot, chain = line.plane.snapshot, line.chain
    standings = Standings(snapshot.health, _middle)
    standings.adopt(snapshot.providers, snapshot.chains.values(), snapshot.health)
    zones = next((key.zones for key in snapshot.keys if key.id == line.caller), ())
    ask = Ask(able, line.route.one_model, order=line.options.order, zones=zones)
    planned = plan(chain, standings, 0.0, _middle, ask=ask)
    rest = look(planned.rest, chain, standings, 0.0, _middle, ask=ask)
    return Plan((*planned.targets, *rest.targets), (*planned.skips, *rest.skips))


def _foreseen(line: Line, found: Foreseen) -> Plan:
    """Return a gateway's plan; it may serve by another configuration than the file's."""
    here = {target.id: target for target in line.chain.targets}
    told = found.explanation
    return Plan(
        [here[id_] for id_ in told.order if id_ in here],
        tuple(skip for skip in told.skips if skip.target in here),
        told.behind,
        panic=told.panic,
    )


def _notes(line: Line, planned: Plan, found: Foreseen | str) -> list[str]:
    if isinstance(found, str):
        reason = f"{found}; " if found else ""
        return [f"{reason}by the configuration alone, every target is taken to be well"]
    notes: list[str] = []
    if found.config != line.plane.digest:
        notes.append("the gateway serves by another configuration than this file's")
    if planned.panic:
        notes.append("no target is eligible: the least bad are asked, if they are let through")
    return notes


def _middle() -> float:
    return 0.5


def _told(line: Line, target: Target, lacks: str) -> TargetPlan:
    """Say a request to a target without sending it."""
    provider = line.plane.providers[target.provider]
    reason = "its window may be too small" if lacks == TIGHT else lacks
    try:
        outgoing, _ = say(line, target, provider, SystemClock())
    except UnableError as unable:
        return TargetPlan(target.id, 0, words(unable.need), provider.dialect)
    path = f"{provider.base_path}{outgoing.path}"
    return TargetPlan(target.id, 0, reason, provider.dialect, path, tuple(outgoing.notices))


def _left_out(line: Line, skip: Skip) -> TargetPlan:
    (target,) = (one for one in line.chain.targets if one.id == skip.target)
    dialect = line.plane.providers[target.provider].dialect
    return TargetPlan(skip.target, 0, skip.reason, dialect, rule=skip.rule)


def _amended(one: TargetPlan, planned: Plan, found: Foreseen | str) -> TargetPlan:
    """Add why a target is left out or asked later, and what is measured of it."""
    if isinstance(found, str):
        return one
    skip = next((s for s in (*planned.behind, *planned.skips) if s.target == one.target), None)
    figures = found.measured.get(one.target)
    if skip is None:
        return replace(one, figures=figures)
    return replace(
        one,
        reason=one.reason or skip.reason,
        rule=skip.rule,
        measured=skip.measured,
        threshold=skip.threshold,
        place=skip.scope,
        figures=figures,
    )


def _measured(targets: Sequence[TargetPlan]) -> list[RenderableType]:
    """Lay out what is measured of the targets; nothing: nothing."""
    rows = [(one.target, figures_words(one.figures)) for one in targets if one.figures is not None]
    return [Text(), table(("target", "measured now"), rows)] if rows else []


def _names(needs: Needs) -> list[str]:
    return [name for name in needs.__struct_fields__ if getattr(needs, name) is True]


def _verdict(one: TargetPlan) -> str:
    why = f"{one.reason}{measure(one.rule, one.measured, one.threshold)}"
    if one.place:
        why += f", as all of {one.place}"
    if not one.turn:
        return f"left out: {why}"
    parts = ["asked first" if one.turn == 1 else "asked next"]
    if one.reason:
        parts[0] = f"asked first, though {why}" if one.turn == 1 else f"asked last: {why}"
    if one.notices:
        parts.append(f"without {', '.join(one.notices)}")
    return "; ".join(parts)
