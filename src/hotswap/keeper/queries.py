"""What a request to the admin listener may ask for, checked with the wrong parameter named."""

from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct, ValidationError, convert, structs
from starlette.requests import Request

from ..errors import RefusedError
from ..store.api import Search
from .requests import Wanted

MOST: Final = 1_000
"""Records of one answer."""
PAGE_OF_REQUESTS: Final = 20
PAGE_OF_RECORDS: Final = 100

Limit = Annotated[int, Meta(ge=1, le=MOST)]
After = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]

_Query = TypeVar("_Query", bound=Struct)


class NoQuery(Struct, frozen=True):
    """For what takes no parameters."""


class RequestsQuery(Struct, frozen=True):
    """Parameters of `requests`."""

    chain: str = ""
    """Only requests to this chain, by its own name."""
    target: str = ""
    """Only requests with an attempt at this target."""
    moved: bool = False
    """Only requests with more than one attempt."""
    failed: bool = False
    """Only requests whose outcome is `lost`."""
    since: float | None = None
    """Unix seconds: only what ended then or later."""
    limit: Limit = PAGE_OF_REQUESTS
    """Length of the page."""
    after: After | None = None
    """The `next` of the page before."""

    def wanted(self) -> Wanted:
        """Return what is to be found."""
        return Wanted(**structs.asdict(self))


class AttemptsQuery(Struct, frozen=True):
    """Parameters of `attempts`."""

    request_id: str = ""
    """Only attempts of this request."""
    chain: str = ""
    """Only attempts for this chain, by its own name."""
    target: str = ""
    """Only attempts at this target."""
    since: float | None = None
    """Unix seconds: only what ended then or later."""
    limit: Limit = PAGE_OF_RECORDS
    """Length of the page."""
    after: After | None = None
    """The `next` of the page before."""

    def search(self) -> Search:
        """Return what the store is asked for."""
        return Search(**structs.asdict(self))


class TransitionsQuery(Struct, frozen=True):
    """Parameters of `transitions`."""

    since: float | None = None
    """Unix seconds: only what changed then or later."""
    limit: Limit = PAGE_OF_RECORDS
    """At most so many."""


def read_query(request: Request, kind: type[_Query]) -> _Query:
    """Return the query of a request.

    Raises:
        RefusedError: A parameter is unknown, or its value makes no sense.
    """
    given = dict(request.query_params)
    known = kind.__struct_fields__
    for name in given:
        if name not in known:
            problem = f"`{name}` is no parameter here; there are: {', '.join(known) or 'none'}."
            raise RefusedError(400, "bad_query", problem, param=name)
    try:
        return convert(given, kind, strict=False)
    except ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        name = place.removesuffix("`")
        raise RefusedError(400, "bad_query", f"`{name}`: {problem}.", param=name) from error
