"""`hotswap explain`: what would happen to a request, by the configuration alone."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

from cyclopts import Parameter
from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode
from msgspec.structs import replace
from rich.console import RenderableType
from rich.text import Text
from typing_extensions import override

from ..clock import SystemClock
from ..config.load import load
from ..config.outcome import ConfigMistakes
from ..config.snapshot import Snapshot
from ..core.capability import TIGHT, obstacle, words
from ..core.plan import Able, Ask, Plan, Skip, look, plan
from ..core.standings import Standings
from ..core.terms import Needs, Target
from ..dialects.api import UnableError
from ..errors import RefusedError
from ..gateway.line import Line
from ..gateway.options import Options
from ..gateway.plane import Plane
from ..gateway.routes import CHAT, route_of
from ..gateway.speech import say
from ..processes.exits import Exit
from ..server.api import Exchange, Incoming
from .failing import CommandError
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import show, table

DialectName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "openai_embeddings"]

_PATHS: Final[Mapping[str, str]] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "openai_embeddings": "/v1/embeddings",
}

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


_decode_fields: Final = Decoder(dict[str, Raw]).decode


def explain(
    *,
    body: BodyFile,
    dialect: Dialect = "openai_chat",
    model: Model = "",
    config: ConfigFile = CONFIG_FILE,
    as_json: AsJson = False,
) -> Exit:
    """Show which targets a request would go to, in which order, and why the others are left out.

    It goes by the configuration and by what is known of models, and takes every target to be well.
    Exits with 1 when no target can do what the request asks, or the request would be refused.
    """
    try:
        snapshot = load(config, os.environ)
    except ConfigMistakes as refused:
        raise CommandError(Exit.UNREADABLE, str(refused)) from refused
    try:
        explanation = explained(snapshot, _read(body), dialect, model)
    except RefusedError as refused:
        problem = f"hotswap: the request is refused with {refused.status}: {refused.message}"
        raise CommandError(Exit.FAILED, problem) from refused
    if as_json:
        sys.stdout.write(f"{encode(explanation).decode()}\n")
    else:
        show(parts(explanation))
    able = any(target.turn for target in explanation.targets)
    return Exit.FINE if able else Exit.FAILED


def explained(
    snapshot: Snapshot, body: bytes, dialect: DialectName, model: str = ""
) -> Explanation:
    """Plan a request.

    Args:
        snapshot: The configuration.
        body: Of the request.
        dialect: What the caller speaks.
        model: Replaces the body's; empty: the body says it.

    Raises:
        RefusedError: The gateway would refuse it.
        CommandError: Nothing names the model.
    """
    line = _line(snapshot, _incoming(body, dialect, model))
    request = line.request
    able = partial(obstacle, request.needs)
    planned = _planned(snapshot, line, able)
    told = [_told(line, target, able(target)) for target in planned.targets]
    asked = [one for one in told if one.path]
    return Explanation(
        chain=line.chain.name,
        dialect=dialect,
        streamed=request.stream,
        needs=_names(request.needs),
        prompt_tokens=request.needs.prompt_tokens,
        targets=(
            *(replace(one, turn=turn) for turn, one in enumerate(asked, 1)),
            *(one for one in told if not one.path),
            *(_left_out(line, skip) for skip in planned.skips),
        ),
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
    ]


class _Unsent(Exchange):
    """An exchange with nobody."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.on_leave = self.on_pause = self.on_resume = None

    @property
    @override
    def gone(self) -> bool:
        return True

    @override
    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        return

    @override
    def start(self, status: int, headers: bytes) -> None:
        return

    @override
    def write(self, data: bytes) -> None:
        return

    @override
    def finish(self) -> None:
        return

    @override
    def abort(self) -> None:
        return


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        problem = f"hotswap: {name} cannot be read: {error.strerror}"
        raise CommandError(Exit.USAGE, problem) from error


def _incoming(body: bytes, dialect: DialectName, model: str) -> Incoming:
    if dialect != "gemini":
        path = _PATHS[dialect]
        body = _asking_for(model, body) if model else body
    elif model:
        path = f"/v1beta/models/{quote(model, safe='/')}:generateContent"
    else:
        raise CommandError(Exit.USAGE, "hotswap: gemini names the model in its path: say --model")
    return Incoming("POST", path, "", {}, body, "", 0.0)


def _asking_for(model: str, body: bytes) -> bytes:
    """Return the body with another model; what is no JSON object stays as it is."""
    try:
        fields = _decode_fields(body)
    except DecodeError:
        return body
    return encode({**fields, "model": model})


def _line(snapshot: Snapshot, incoming: Incoming) -> Line:
    route = route_of(incoming.path) or CHAT
    plane = Plane(snapshot)
    request = route.dialect.peek(incoming.body, incoming.path, incoming.query)
    return Line(
        _Unsent(incoming),
        plane,
        route,
        caller="",
        request=request,
        chain=plane.chain(request.model),
        options=Options(),
        request_id="",
        skips=(),
    )


def _planned(snapshot: Snapshot, line: Line, able: Able) -> Plan:
    """Plan to the last target, with all of them in health."""
    standings = Standings(snapshot.health, _middle)
    standings.adopt(snapshot.providers, snapshot.chains.values(), snapshot.health)
    chain = line.chain
    ask = Ask(able, line.route.one_model)
    planned = plan(chain, standings, 0.0, _middle, ask=ask)
    rest = look(planned.rest, chain, standings, 0.0, _middle, ask=ask)
    return Plan((*planned.targets, *rest.targets), (*planned.skips, *rest.skips))


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
    return TargetPlan(skip.target, 0, skip.reason, line.plane.providers[target.provider].dialect)


def _names(needs: Needs) -> list[str]:
    return [name for name in needs.__struct_fields__ if getattr(needs, name) is True]


def _verdict(one: TargetPlan) -> str:
    if not one.turn:
        return f"left out: {one.reason}"
    parts = ["asked first" if one.turn == 1 else "asked next"]
    if one.reason:
        parts[0] = f"asked last: {one.reason}"
    if one.notices:
        parts.append(f"without {', '.join(one.notices)}")
    return "; ".join(parts)
