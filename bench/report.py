"""The figures as one table, and the page that keeps them."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from .figures import Figures


class Row(Struct, frozen=True, gc=False, kw_only=True):
    """One measure and what is wanted of it."""

    key: str
    title: str
    goal: float | None = None
    """In the measure's own unit; None: only shown."""
    ratio: float | None = None
    """Of nginx in the same run; reaching it is as good as reaching `goal`."""
    more: bool = False
    """More is better."""
    digits: int = 2


def _switch(fault: str) -> tuple[Row, ...]:
    """Return the rows of the switch times after one kind of fault."""
    return (
        Row(key=f"{fault}_switch_p50", title="same, 200 requests/s: own time to switch p50 ms"),
        Row(key=f"{fault}_switch_p99", title="same: p99 ms", goal=5),
    )


def _splice(manner: str, title: str) -> tuple[Row, ...]:
    """Return the rows of the splices whose target goes on in one manner."""
    return (
        Row(key=f"splice_{manner}_p50", title=f"splice, {title}: own share p50 ms"),
        Row(key=f"splice_{manner}_p99", title="same: p99 ms", goal=20),
        Row(key=f"splice_{manner}_whole_p99", title="same: after the target's first word, p99 ms",
            goal=300),
    )  # fmt: skip


ROWS: Final = (
    Row(key="small_rps", title="1 KiB, 64 connections: requests/s", goal=12_000, ratio=0.33,
        more=True, digits=0),
    Row(key="small_cpu", title="same: CPU µs per request", goal=85, ratio=3.5, digits=1),
    Row(key="small_busiest", title="same: of it the worker's", goal=75, digits=1),
    Row(key="small_p99", title="same: p99 ms", goal=15),
    Row(key="one_p50", title="1 KiB, one connection: p50 ms"),
    Row(key="one_added", title="same: added p50 ms", goal=0.33, ratio=1.8),
    Row(key="big_rps", title="100 KiB, 64 connections: requests/s", goal=3_300, more=True,
        digits=0),
    Row(key="big_cpu", title="same: CPU µs per request", goal=300, digits=1),
    Row(key="stream_cpu", title="200 streams: CPU µs per event", goal=40, ratio=2, digits=1),
    Row(key="stream_busiest", title="same: of it the worker's", digits=1),
    Row(key="stream_first_p50", title="same: first event p50 ms", goal=2),
    Row(key="stream_first_p99", title="same: first event p99 ms", goal=12),
    Row(key="slow_first_p50", title="1,000 slow streams: first event p50 ms"),
    Row(key="slow_first_p99", title="same: first event p99 ms", goal=20),
    Row(key="limited_added", title="primary says 429: added p50 ms", goal=0.45),
    Row(key="limited_rps", title="same, 64 connections: requests/s", goal=10_000, more=True,
        digits=0),
    *_switch("limited"),
    Row(key="failing_added", title="primary says 500: added p50 ms", goal=0.45),
    Row(key="failing_rps", title="same, 64 connections: requests/s", goal=6_000, more=True,
        digits=0),
    *_switch("failing"),
    Row(key="closing_added", title="primary closes: added p50 ms", goal=0.5),
    Row(key="closing_rps", title="same, 64 connections: requests/s", goal=6_000, more=True,
        digits=0),
    *_switch("closing"),
    Row(key="refused_added", title="primary refuses connections: added p50 ms"),
    *_switch("refused"),
    *_splice("asked", "by instruction"),
    *_splice("native", "by prefill"),
    *_splice("tail", "the tail repeated"),
    *_splice("restart", "begun anew"),
    Row(key="splice_switch_p50", title="all of them: from the break to the request, own p50 ms"),
    Row(key="splice_switch_p99", title="same: p99 ms", goal=5),
    Row(key="passed_request", title="13 kB with tools, passed on: worker's CPU µs per request",
        digits=1),
    Row(key="translated_request", title="same, to a target of another dialect: µs more", goal=60,
        digits=1),
    Row(key="translated_event", title="stream of another dialect: µs more per event", goal=15,
        digits=1),
    Row(key="named_stream_cpu", title="200 streams of Anthropic's Messages: CPU µs per event",
        goal=40, digits=1),
    Row(key="translated_stream_cpu", title="same, for callers of OpenAI's chat: CPU µs per event",
        goal=55, digits=1),
    Row(key="decision_plain", title="decision on 6 targets, of which the first is fine: CPU µs",
        goal=8, digits=1),
    Row(key="decision_all", title="same, with weights, all triggers and known limits", goal=8,
        digits=1),
    Row(key="decision_load", title="same, by least_latency", goal=8, digits=1),
    Row(key="decision_open", title="same, in tiers, the first one open", goal=8, digits=1),
    Row(key="decision_behind", title="same, the first one in its ramp", goal=8, digits=1),
    Row(key="balance_shares", title="shares of weights 6:3:1: points off at the most", goal=2),
    Row(key="balance_weighted_p99", title="bimodal pair, weighted: p99 s"),
    Row(key="balance_least_p99", title="same, least_latency: p99 s", goal=1),
    Row(key="growth_targets", title="200 targets in 50 chains against 3 in 1: worker's CPU, % more",
        goal=5, digits=1),
    Row(key="growth_keys", title="10,000 callers' keys against 1: worker's CPU, % more", goal=5,
        digits=1),
    Row(key="workers_full", title="2 workers against 1, 64 connections: CPU of the tree, ratio",
        goal=1.1),
    Row(key="workers_paced", title="same, 4,000 requests/s: CPU of the tree, ratio"),
    Row(key="spread_64", title="same: of 64 connections, % at the fuller worker", digits=0),
    Row(key="spread_400", title="same: of 400 connections", goal=60, digits=0),
    Row(key="rss", title="memory of the tree, MiB: idle", goal=80, digits=0),
    Row(key="stream_rss", title="same: 200 streams", digits=0),
    Row(key="slow_rss", title="same: 1,000 slow streams", goal=110, digits=0),
    Row(key="flat_warm", title="same: after 20,000 requests", digits=1),
    Row(key="flat_growth", title="growth from there until 200,000 requests, MiB", goal=3,
        digits=1),
    Row(key="start", title="start to first answer, s", goal=0.6),
)  # fmt: skip

HEAD: Final = "| | direct | nginx | hotswap | to direct | to nginx | wanted | reached |"
RULE: Final = "|---|---:|---:|---:|---:|---:|---:|---|"
ABOUT: Final = """\
# Benchmarks

Written by `make bench`; nothing here is edited by hand.
Load and scripted upstreams share one core, the gateway has another one to itself.
hotswap's modules are compiled before, as they are wherever it has started once.
Requests carry the headers of an official SDK, answers the headers of a real provider.
nginx is a plain reverse proxy with kept-alive upstream connections and \
stands for what the work costs in C.
CPU is that of the whole process tree.
With a failing primary both targets are asked for every request: the breakers are set never to open.
After a 429 hotswap leaves the primary alone for as long as it was told to.
The time to switch is taken from the gateway's own records: from a classified failure until the \
request to the next target is written.
There each request after a 429 goes to a target that was not asked before.
At a splice the first target has said ten words and resets; the second one says one every 5 ms.
40 streams a second are read, 200 in all in each manner; those that are not whole count as failed.
The reader's wait is the gateway's own from the write of the word that settles the seam, and in \
all from the first word; who begins anew says ten words before.
Events are those of the provider; state for splices and holding back calls are on in all streams.
Slow streams are begun within a second and speak twice a second; memory is the largest seen \
meanwhile, and pages that processes share count in each.
Memory that is flat grows by no more than 3 MiB: what the allocator may leave in use by chance, \
and 17 bytes per request.
A caller of OpenAI's chat is served by a target of Anthropic's dialect, and by one of its own: the \
same request and the same text in turn, through the same gateway.
A decision is a plan over the standing of the targets, as it is made for every request; it is \
measured, like the shares and the pair, in the process of the bench, on virtual time.
One target of the bimodal pair takes 2 s for every twentieth answer, all others come within 0.3 s.
More targets, more keys and more workers are compared with a plain gateway that runs at the same \
time and is asked in turn, 8 to 16 times each; two workers share the gateway's core.
At less than full load two workers cost more than one, as each serves fewer requests per wake-up.
The kernel draws a worker for each connection, so chance decides more among fewer of them.
Figures are medians over interleaved rounds; a ratio is the median of the ratios of each round.
Machines differ and swing, so trust the ratios more than the figures.
A goal is reached by its figure or by its ratio to nginx; where the time of the others goes: \
[profile](profile.md).
"""


def table(figures: Figures) -> str:
    """Write the figures as a Markdown table."""
    measured = [row for row in ROWS if figures.middle("hotswap", row.key) is not None]
    return "\n".join([HEAD, RULE, *(_line(row, figures) for row in measured or ROWS)])


def page(figures: Figures, machine: Sequence[str], failures: Sequence[str]) -> str:
    """Write the page for the documentation."""
    facts = "\n".join(f"* {fact}" for fact in machine)
    notes = "".join(f"* {failure}\n" for failure in failures)
    return f"{ABOUT}\n{facts}\n\n{table(figures)}\n" + (f"\n{notes}" if notes else "")


def failures(figures: Figures) -> list[str]:
    """Say where requests failed."""
    return [
        f"Failed requests: {share:.2%} ({place})."
        for place, share in sorted(figures.failed.items())
    ]


def _line(row: Row, figures: Figures) -> str:
    ours = figures.middle("hotswap", row.key)
    cells = [row.title]
    # The CPU and the memory of no gateway are none, not zero.
    cells += [_number(figures.middle(g, row.key) or None, row.digits) for g in ("direct", "nginx")]
    cells.append(_number(ours, row.digits))
    to_nginx = figures.ratio("hotswap", "nginx", row.key)
    cells.append(_ratio(figures.ratio("hotswap", "direct", row.key)))
    cells.append(_ratio(to_nginx))
    cells.append(_wanted(row))
    cells.append(_reached(row, ours, to_nginx))
    return f"| {' | '.join(cells)} |"


def _reached(row: Row, ours: float | None, ratio: float | None) -> str:
    if ours is None or row.goal is None:
        return ""
    good = _within(ours, row.goal, more=row.more)
    if row.ratio is not None and ratio is not None:
        good = good or _within(ratio, row.ratio, more=row.more)
    return "yes" if good else "no"


def _within(value: float, goal: float, *, more: bool) -> bool:
    return value >= goal if more else value <= goal


def _wanted(row: Row) -> str:
    if row.goal is None:
        return ""
    goal = f"{row.goal:,g}"
    return goal if row.ratio is None else f"{goal} or {row.ratio:g}x"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"
