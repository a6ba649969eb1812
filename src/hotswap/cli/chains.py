"""`hotswap chains`: which targets would be asked now, and why the others would not."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from cyclopts import Parameter
from msgspec import Struct
from msgspec.json import Decoder
from rich.console import RenderableType
from rich.text import Text

from ..core.settings import Exhausted, Hedging, Retry, Streaming, Timeouts
from ..keeper.pictures import ChainTarget, ChainView, Turn
from .admin import find_admin
from .options import CONFIG_FILE, AsJson, ConfigFile
from .showing import show, show_json, table
from .standings import turn


class _Chains(Struct, frozen=True):
    at: float
    chains: list[ChainView]


class _Chain(Struct, frozen=True):
    at: float
    chain: ChainView


_read_chains: Final = Decoder(_Chains).decode
_read_chain: Final = Decoder(_Chain).decode

Name = Annotated[
    str,
    Parameter(
        show_default=False,
        help="One chain, by its name or an alias, with its triggers, timeouts and retries.",
    ),
]


def chains(
    name: Name = "", /, *, config: ConfigFile = CONFIG_FILE, as_json: AsJson = False
) -> None:
    """Show the chains of a running gateway, and what each target would do now."""
    body = find_admin(config).read("chains", name)
    if as_json:
        show_json(body)
    elif name:
        one = _read_chain(body)
        show(chain_parts(one.chain, one.at))
    else:
        all_ = _read_chains(body)
        show([chains_table(all_.chains, all_.at)])


def chains_table(views: Iterable[ChainView], at: float) -> RenderableType:
    """Lay out chains as they were at `at` (Unix seconds)."""
    rows: list[tuple[RenderableType, ...]] = []
    for view in views:
        name = ", ".join((view.name, *view.aliases))
        for target, first in _targets(view):
            rows.append((name, str(target.priority), target.id, turn(target, at, first=first)))
            name = ""
    return table(("chain", "prio#", "target", "now"), rows)


def chain_parts(view: ChainView, at: float) -> list[RenderableType]:
    """Lay out one chain as it was at `at` (Unix seconds)."""
    aliases = f", also {', '.join(view.aliases)}" if view.aliases else ""
    share = f"{view.eligible} of {len(view.targets)} targets would be asked"
    if not view.eligible:
        share = "every target is left out, so the least bad ones are tried"
    rows = [
        (str(target.priority), f"{target.weight:g}", target.id, turn(target, at, first=first))
        for target, first in _targets(view)
    ]
    return [
        Text(f"{view.name}{aliases}: {share}"),
        table(("prio#", "weight#", "target", "now"), rows),
        Text(f"balance   {_balance(view)}"),
        Text(f"triggers  {_triggers(view.triggers)}"),
        Text(f"timeouts  {_timeouts(view.timeouts)}"),
        Text(f"retry     {_retry(view.retry)}"),
        Text(f"streams   {_streams(view.stream)}"),
        Text(f"hedge     {_hedge(view.hedge)}"),
        Text(f"exhausted {_exhausted(view.on_exhausted)}"),
    ]


def _targets(view: ChainView) -> list[tuple[ChainTarget, bool]]:
    """Return each target, and whether a request would come to it first."""
    best = [target for target in view.targets if target.turn is Turn.ELIGIBLE]
    first = best[0].priority if best else None
    return [
        (target, target.turn is Turn.ELIGIBLE and target.priority == first)
        for target in view.targets
    ]


def _balance(view: ChainView) -> str:
    """Say who is asked first among equals."""
    if view.sticky is None:
        return view.balance
    return f"{view.balance}, and a conversation stays for {view.sticky.ttl_s:g} s"


def _exhausted(rule: Exhausted) -> str:
    """Say what becomes of a request when no target is left."""
    if rule.least_bad:
        return "the least bad target is asked"
    return f"wait for {rule.wait_s:g} s" if rule.wait_s else "an error"


def _triggers(triggers: Mapping[str, Mapping[str, object]]) -> str:
    shown: list[str] = []
    for name, parameters in triggers.items():
        given = [f"{key} {value}" for key, value in parameters.items() if value is not None]
        shown.append(f"{name} ({', '.join(given)})" if given else name)
    return "; ".join(shown) or "none"


def _timeouts(timeouts: Timeouts) -> str:
    limits = {
        "connect": timeouts.connect_s,
        "first content": timeouts.first_content_s,
        "silence": timeouts.silence_s,
        "total": timeouts.total_s,
    }
    return "; ".join(
        f"{name} {'learned' if limit is None else f'{limit:g} s'}" for name, limit in limits.items()
    )


def _retry(retry: Retry) -> str:
    return (
        f"{retry.max_attempts} tries at the last target, {retry.backoff} from {retry.base_s:g} s"
        f" up to {retry.max_s:g} s, on {', '.join(retry.on)}"
    )


def _streams(stream: Streaming) -> str:
    """Say what becomes of broken answers."""
    goes_on = f"go on elsewhere up to {stream.max_splices} times"
    broken = goes_on if stream.splice and stream.max_splices else "end with an error"
    return f"broken ones {broken}, calls {stream.tool_calls}, JSON {stream.structured}"


def _hedge(hedge: Hedging | None) -> str:
    """Say when a request is sent twice."""
    if hedge is None:
        return "never"
    after = hedge.after if isinstance(hedge.after, str) else f"{hedge.after:g} s"
    return f"after {after} without content, {hedge.max_share:.0%} of requests"
