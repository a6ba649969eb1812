"""The admin API's parameters and answers, as its code knows them."""

from collections.abc import Mapping
from typing import Final

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from hotswap.config.describe import field_docs
from hotswap.core.latency import Figures, Quantiles
from hotswap.core.meter import Use
from hotswap.core.plan import Skip
from hotswap.gateway.foresight import Foresight
from hotswap.keeper.api import Health, WorkerHealth
from hotswap.keeper.pictures import ChainTarget, ChainView, CredentialView, PlaceView, TargetView
from hotswap.keeper.queries import AttemptsQuery, RequestsQuery, TransitionsQuery
from hotswap.keeper.requests import Outcome, RequestView
from hotswap.keeper.standing import Overlay, Standing
from hotswap.ledger.question import Question
from hotswap.ledger.record import AttemptRecord, Transition

from .docs_tables import comments, table

_QUERIES: Final[Mapping[str, type[Struct]]] = {
    "requests": RequestsQuery,
    "attempts": AttemptsQuery,
    "transitions": TransitionsQuery,
}
_ANSWERS: Final[Mapping[str, type[Struct]]] = {
    "A chain": ChainView,
    "A target of a chain": ChainTarget,
    "A target": TargetView,
    "A credential of a target": CredentialView,
    "A standing": Standing,
    "An overlay of a standing": Overlay,
    "A larger place": PlaceView,
    "What is measured of a target": Figures,
    "Quantiles": Quantiles,
    "How much of a limit is used": Use,
    "A question": Question,
    "An explanation": Foresight,
    "A target that is left out or asked later": Skip,
    "A request": RequestView,
    "An attempt": AttemptRecord,
    "A transition": Transition,
    "The health": Health,
    "A worker": WorkerHealth,
}


def queries() -> str:
    """Write the parameters of every endpoint that takes some."""
    return "\n".join(
        f"`{name}` takes:\n\n"
        + table(("parameter", "default", "meaning"), map(_parameter, _told(query)))
        for name, query in _QUERIES.items()
    )


def answers() -> str:
    """Write the fields of everything that is answered."""
    return "\n".join(
        f"### {name}\n\n" + table(("field", "meaning"), [(f"`{f}`", t) for f, t, _ in _told(kind)])
        for name, kind in _ANSWERS.items()
    )


def outcomes() -> str:
    """Write what the outcome of a request means."""
    told = comments(Outcome)
    return table(("outcome", "the caller got"), [(f"`{o.value}`", told[o.name]) for o in Outcome])


def _told(kind: type[Struct]) -> list[tuple[str, str, object]]:
    """Return name, meaning and default of every field; a name may say it all."""
    docs = field_docs(kind)
    return [
        (field.name, docs.get(field.name, "-").replace("None", "null"), field.default)
        for field in fields(kind)
    ]


def _parameter(told: tuple[str, str, object]) -> tuple[str, str, str]:
    name, meaning, default = told
    given = default not in {None, NODEFAULT, "", False}
    return (f"`{name}`", f"`{default}`" if given else "-", meaning)
