"""Requests as operators ask for them, put together from their attempts."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from ..core.terms import Cause, Usage
from ..ledger.record import AttemptRecord
from ..ledger.rows import read_attempt
from ..store.api import Search, Store

SCAN: Final = 500
"""Rows that are read at once at most."""
SCANNED: Final = 10_000
"""Rows after which a search is content with what it has found."""
ATTEMPTS: Final = 1_000
"""Attempts of one request at most; no configuration comes near."""

_LEFT_IN_A_PAUSE: Final = "client_closed"
"""Detail of a request that ended between its attempts."""
_CALLERS: Final = frozenset({Cause.CALLER, Cause.POLICY})


class Outcome(StrEnum):
    """What the caller got."""

    ANSWERED = "answered"
    """A whole answer from the first attempt."""
    RESCUED = "rescued"
    """A whole answer from a later attempt."""
    LOST = "lost"
    """An error, through no fault of the caller's."""
    REFUSED = "refused"
    """An error that the caller caused."""
    LEFT = "left"
    """Nothing: it did not wait."""
    UNFINISHED = "unfinished"
    """Nothing yet, or its worker died."""


class RequestView(Struct, frozen=True):
    """One request."""

    id: str
    outcome: Outcome
    chain: str
    caller: str
    """Id of the caller's key; empty: none was needed."""
    dialect: str
    route: str
    """`chat` or `embeddings`."""
    streamed: bool
    attempts: int
    """0: no target could be asked."""
    target: str
    """Of the last attempt; empty: there was none."""
    cause: str
    """Why the last attempt failed; empty: it went well."""
    detail: str
    started_at: float
    """Unix seconds when the first attempt began."""
    seconds: float
    """From then to the end of the last attempt."""
    first_content_s: float | None
    """From then to the first content of the last attempt; None: there was none."""
    usage: Usage | None
    """Of all attempts together; None: nothing was used."""
    cost_usd: float | None
    """Of all attempts together; None: the price is unknown."""


class Wanted(Struct, frozen=True):
    """Which requests to find; what is empty does not restrict."""

    chain: str = ""
    target: str = ""
    """Any attempt was made there."""
    moved: bool = False
    """More than one attempt was made."""
    failed: bool = False
    """The outcome is `lost`."""
    since: float | None = None
    """Unix seconds: only what ended then or later."""
    limit: int = 20
    after: int | None = None
    """`Found.next` of the page before."""


class Found(Struct, frozen=True):
    """Requests, newest first."""

    requests: tuple[RequestView, ...]
    next: int | None
    """Gives the following page, also when this one is not full; None: nothing is left."""


async def find_requests(store: Store, wanted: Wanted) -> Found:
    """Search the requests, the one that ended last first; raises `StoreError`.

    A page ends early when 10,000 attempts were looked at, so that a rare find does not make the
    store read all it has.
    """
    found: list[RequestView] = []
    after, size, scanned = wanted.after, min(wanted.limit, SCAN), 0
    while scanned < SCANNED:
        page = await store.attempts(
            Search(
                chain=wanted.chain,
                target=wanted.target,
                since=wanted.since,
                limit=size,
                after=after,
            )
        )
        for row, body in zip(page.ids, page.bodies, strict=True):
            view = await _view(store, read_attempt(body), wanted)
            if view is not None:
                found.append(view)
                if len(found) == wanted.limit:
                    return Found(tuple(found), row)
        if page.next is None:
            return Found(tuple(found), None)
        after, scanned = page.next, scanned + size
        size = min(2 * size, SCAN)
    return Found(tuple(found), after)


async def attempts_of(store: Store, request_id: str) -> list[AttemptRecord]:
    """Return the attempts of a request in their order; raises `StoreError`."""
    page = await store.attempts(Search(request_id=request_id, limit=ATTEMPTS))
    # A request that found nobody to ask, perhaps after attempts, ends with number 0.
    return sorted(map(read_attempt, page.bodies), key=lambda a: (not a.number, a.number))


def view_request(attempts: Sequence[AttemptRecord]) -> RequestView:
    """Sum a request up.

    Args:
        attempts: At least one, in their order.
    """
    first, last = attempts[0], attempts[-1]
    before_s = last.started_at - first.started_at
    made = [attempt for attempt in attempts if attempt.number]
    return RequestView(
        id=last.request_id,
        outcome=_outcome(last),
        chain=last.chain,
        caller=last.caller,
        dialect=last.dialect,
        route=last.route,
        streamed=last.streamed,
        attempts=len(made),
        target=made[-1].target if made else "",
        cause=last.cause,
        detail=last.detail,
        started_at=first.started_at,
        seconds=before_s + last.end_s,
        first_content_s=(None if last.first_content_s is None else before_s + last.first_content_s),
        usage=_usage(attempts),
        cost_usd=_cost_usd(attempts),
    )


async def _view(store: Store, record: AttemptRecord, wanted: Wanted) -> RequestView | None:
    """Sum up the request that a row stands for; None: it is not wanted, or another row is it."""
    if not record.request_id or (record.final and _is_unwanted(record, wanted)):
        return None
    if not wanted.target and not record.final:
        return None
    attempts = [record]
    if not record.final or record.number != 1:
        attempts = await attempts_of(store, record.request_id) or attempts  # it may be pruned
    if wanted.target and record != _last_at(attempts, wanted.target):
        return None
    view = view_request(attempts)
    lacking = (wanted.moved and view.attempts < 2) or (
        wanted.failed and view.outcome is not Outcome.LOST
    )
    return None if lacking else view


def _is_unwanted(last: AttemptRecord, wanted: Wanted) -> bool:
    """Say what the last attempt alone tells, to spare reading the others."""
    return (wanted.failed and last.answered) or (wanted.moved and last.number == 1)


def _last_at(attempts: Iterable[AttemptRecord], target: str) -> AttemptRecord:
    """Return the attempt by which a search for `target` finds the request, once."""
    *_, last = (attempt for attempt in attempts if attempt.target == target)
    return last


def _outcome(last: AttemptRecord) -> Outcome:
    if not last.final:
        return Outcome.UNFINISHED
    if last.answered:
        return Outcome.ANSWERED if last.number == 1 else Outcome.RESCUED
    if last.cause == Cause.CANCEL or last.detail == _LEFT_IN_A_PAUSE:
        return Outcome.LEFT
    return Outcome.REFUSED if last.cause in _CALLERS else Outcome.LOST


def _usage(attempts: Iterable[AttemptRecord]) -> Usage | None:
    used = [attempt.usage for attempt in attempts if attempt.usage is not None]
    if not used:
        return None
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in used),
        output_tokens=sum(usage.output_tokens for usage in used),
        cache_read_tokens=sum(usage.cache_read_tokens for usage in used),
        cache_write_tokens=sum(usage.cache_write_tokens for usage in used),
        reasoning_tokens=sum(usage.reasoning_tokens for usage in used),
        estimated=any(usage.estimated for usage in used),
    )


def _cost_usd(attempts: Iterable[AttemptRecord]) -> float | None:
    total = 0.0
    for attempt in attempts:
        if attempt.usage is None:
            continue
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
    return total
