"""`hotswap request`: what happened to one request, or which requests there were."""

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Annotated, Final

from cyclopts import Parameter
from msgspec import Struct
from msgspec.json import Decoder
from rich.console import RenderableType
from rich.text import Text

from ..clock import SystemClock
from ..keeper.requests import Outcome, RequestView
from ..ledger.record import AttemptRecord
from ..processes.exits import Exit
from .admin import find_admin
from .failing import CommandError
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import ago, show, show_json, span, table
from .telling import clock_time, fault_of, outcome_of

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_WORDS: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "answered by {target}",
    Outcome.RESCUED: "rescued by {target}",
    Outcome.LOST: "lost, the caller got an error",
    Outcome.REFUSED: "refused, through the caller's own fault",
    Outcome.LEFT: "left by its caller",
    Outcome.UNFINISHED: "not finished",
}
_STYLES: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "green",
    Outcome.RESCUED: "yellow",
    Outcome.LOST: "red",
}


Id = Annotated[
    str,
    Parameter(
        name="ID", show_default=False, help="As in the answer's header x-hotswap-request-id."
    ),
]
Chain = Annotated[str, Parameter(show_default=False, help="List only requests to this chain.")]
Target = Annotated[
    str, Parameter(show_default=False, help="List only requests with an attempt at this target.")
]
Moved = Annotated[
    bool,
    Parameter(negative=(), show_default=False, help="List only those with several attempts."),
]
Failed = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="List only those whose caller got an error through no fault of its own.",
    ),
]
Since = Annotated[
    str,
    Parameter(show_default=False, help="List only what ended in the last 90s, 15m, 2h or 7d."),
]
Limit = Annotated[int, Parameter(help="List at most so many, up to 1000.")]
After = Annotated[
    str, Parameter(show_default=False, help="List what follows the page that ends with this.")
]


class _Requests(Struct, frozen=True):
    at: float
    requests: list[RequestView]
    next: str | None


class _Request(Struct, frozen=True):
    at: float
    request: RequestView
    attempts: list[AttemptRecord]


_read_requests: Final = Decoder(_Requests).decode
_read_request: Final = Decoder(_Request).decode


def request(
    id_: Id = "",
    /,
    *,
    chain: Chain = "",
    target: Target = "",
    moved: Moved = False,
    failed: Failed = False,
    since: Since = "",
    limit: Limit = 20,
    after: After = "",
    config: ConfigFile = CONFIG_FILE,
    as_json: AsJson = False,
) -> None:
    """Tell what happened to a request, attempt by attempt; without an ID, list the newest."""
    began = _began(since) if since else None
    if id_ and (chain or target or moved or failed or since or after):
        raise CommandError(Exit.USAGE, "hotswap: an ID names one request, and filters many")
    admin = find_admin(config)
    if id_:
        body = admin.read("requests", id_)
    else:
        body = admin.read(
            "requests",
            chain=chain,
            target=target,
            moved="true" if moved else "",
            failed="true" if failed else "",
            since=began,
            limit=str(limit),
            after=after,
        )
    if as_json:
        show_json(body)
    elif id_:
        story = _read_request(body)
        show(story_parts(story.request, story.attempts, story.at))
    else:
        page = _read_requests(body)
        show(list_parts(page.requests, page.next, page.at))


def list_parts(
    views: Iterable[RequestView], following: str | None, at: float
) -> list[RenderableType]:
    """Lay out a page of requests, read at `at` (Unix seconds), and the cursor behind it."""
    rows = [
        (
            ago(at - view.started_at - view.seconds),
            view.id,
            view.chain,
            Text(view.outcome, style=_STYLES.get(view.outcome, "")),
            view.target or "none",
            str(view.attempts),
            span(view.seconds),
        )
        for view in views
    ]
    if not rows:
        return ["no request was found"]
    parts: list[RenderableType] = [
        table(("ended", "request#", "chain", "outcome", "target", "tries#", "took#"), rows)
    ]
    if following is not None:
        parts.append(f"earlier ones: --after {following}")
    return parts


def story_parts(
    view: RequestView, attempts: Sequence[AttemptRecord], at: float
) -> list[RenderableType]:
    """Tell one request, read at `at` (Unix seconds)."""
    said = _WORDS[view.outcome].format(target=view.target)
    words = Text(said, style=_STYLES.get(view.outcome, ""))
    rows = [
        (
            str(attempt.number) if attempt.number else "-",
            attempt.target or "none",
            attempt.credential or "-",
            f"+{attempt.started_at - view.started_at:.3f}",
            span(attempt.end_s),
            _course(attempt),
        )
        for attempt in attempts
    ]
    return [
        Text.assemble(f"{view.id}: ", words, f", {span(view.seconds)} in all"),
        Text(_circumstances(view, at)),
        table(("try#", "target", "key", "at#", "took#", "what"), rows),
        *(Text(line) for line in _remarks(view, attempts)),
    ]


def _began(since: str) -> float:
    """Return the Unix seconds of a time that is so long ago."""
    unit_s = _UNITS.get(since[-1:])
    try:
        length = float(since[:-1])
    except ValueError:
        length = -1.0
    if unit_s is None or not 0.0 <= length < inf:
        problem = f"hotswap: --since is {since!r}, not a time such as 90s, 15m, 2h or 7d"
        raise CommandError(Exit.USAGE, problem)
    return SystemClock.unix() - length * unit_s


def _circumstances(view: RequestView, at: float) -> str:
    streamed = ", streamed" if view.streamed else ""
    caller = f", caller {view.caller}" if view.caller else ""
    began = f"began {clock_time(view.started_at)}, {ago(at - view.started_at)}"
    return f"chain {view.chain}, {view.route} in {view.dialect}{streamed}{caller}, {began}"


def _course(attempt: AttemptRecord) -> str:
    """Say how an attempt went."""
    if not attempt.number:
        return f"nobody could be asked{f' ({attempt.detail})' if attempt.detail else ''}"
    parts = [f"{fault_of(attempt)}{outcome_of(attempt)}"]
    if attempt.switch_s is not None:
        parts.append(f"switched in {span(attempt.switch_s)}")
    if attempt.first_content_s is not None:
        parts.append(f"first content after {span(attempt.first_content_s)}")
    if attempt.splice_offset is not None:
        parts.append(f"went on after {attempt.splice_offset} characters")
    if attempt.hedged_s is not None:
        parts.append(f"sent beside the one before it after {span(attempt.hedged_s)}")
    if attempt.bar:
        parts.append(f"could not go on elsewhere: {attempt.bar}")
    return ", ".join(parts)


def _remarks(view: RequestView, attempts: Iterable[AttemptRecord]) -> list[str]:
    """Say what concerns the whole request."""
    skipped = [skip for attempt in attempts for skip in attempt.skipped]
    remarks = [f"left out  {'; '.join(skipped)}"] if skipped else []
    if view.usage is not None:
        cached = view.usage.cache_read_tokens
        inside = f" ({cached} of them cached)" if cached else ""
        guessed = ", estimated" if view.usage.estimated else ""
        remarks.append(
            f"tokens    {view.usage.input_tokens} in{inside}, {view.usage.output_tokens} out"
            + guessed
        )
    if view.cost_usd:
        remarks.append(f"cost      {view.cost_usd:.6f} USD")
    return remarks
