"""How the admin listener answers: JSON that nobody stores, and errors with a code."""

from collections.abc import Iterable
from typing import Final, cast

from msgspec import convert
from msgspec.json import Encoder
from starlette.requests import Request
from starlette.responses import Response

from ..errors import RefusedError
from .gate import refusal

ROOT: Final = "/admin/api/v1"
_NAMED: Final = 50
"""Names that an answer lists at most."""

_encode: Final = Encoder().encode


def reply(value: object) -> Response:
    """Answer with `value` as JSON."""
    return Response(
        _encode(value), media_type="application/json", headers={"cache-control": "no-store"}
    )


def name_of(request: Request, name: str) -> str:
    """Return a part of the request's path."""
    return convert(request.path_params[name], str)


def unknown(kind: str, name: str, known: Iterable[str]) -> RefusedError:
    """Say that nothing has this name, and which names there are."""
    names = list(known)
    listed = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    problem = f"There is no {kind} {name!r}; there are: {listed}."
    return RefusedError(404, f"no_such_{kind}", problem)


async def on_missing(_: Request, __: Exception) -> Response:
    """Answer for a path that is none."""
    return refusal(404, "not_found", f"There is nothing here; the endpoints are under {ROOT}.")


async def on_method(_: Request, __: Exception) -> Response:
    """Answer for a method that the path does not know."""
    problem = "GET reads; POST is for orders and questions only."
    return refusal(405, "method_not_allowed", problem)


async def on_refused(_: Request, error: Exception) -> Response:
    """Answer for what was asked wrongly."""
    refused = cast("RefusedError", error)
    return refusal(refused.status, refused.code, refused.message, param=refused.param)


async def on_store(_: Request, error: Exception) -> Response:
    """Answer for a store that fails."""
    return refusal(503, "store_unavailable", str(error))
