"""Writes `docs/headroom.md`: how far limits are used, and how seldom they are met."""

import platform
import time
from collections.abc import Iterator, Mapping
from typing import Final

from .cases import Case, Figures

ABOUT: Final = """\
# Headroom

Written by `make prove-headroom`; nothing here is edited by hand.
An account with hard limits of 600 requests and 100,000 tokens per minute is asked twice as much as
it can do, on the virtual clock; a second target beside it has room.
Plan, run, standings and the readers of headers and refusals are the product's own.
The first minute does not count: there may be no limit known yet.

Requests come at random moments and in random sizes; prompts are counted up to 15 % more or less
than estimated, and answers are from a fifth to three times as long as usual.
OpenAI's manner counts what an answer may be, the others what it is; Google's counts prompts.
Workers do not know of each other's requests, but of their number.

| known by | what tells of the limits |
| --- | --- |
| by hand | `limits` in the configuration; the provider says nothing. |
| openai | `x-ratelimit-*` headers of every answer, and the text of a 429. |
| anthropic | `anthropic-ratelimit-*` headers of every answer. |
| gemini | The quotas that a 429 names; nothing before. |
| retry_after | A 429 says how long to wait, and names no limit. |
| nothing | A 429 says nothing. |

| counted | how |
| --- | --- |
| fixed | Anew with each minute of the clock. |
| sliding | Over the last 60 seconds. |
| bucket | A token bucket that holds a minute's worth and fills evenly. |

*Met a 429*: of all requests. *Used*: of the limit that the load asks twice as much of, on the
average and in the worst minute. *Diverted*: of all requests, first sent to the other target.
*Ten seconds*: the most that began in ten seconds, against the limit's own rate, by requests.

A limit that nobody names has to be run into to be known, and is forgotten after a quarter of an
hour, since it may have changed: then the account is asked for everything again until it refuses.
Those cases are therefore played for half an hour.
"""
MOST_REFUSED: Final = 0.005
LEAST_USED: Final = 0.9
MOST_REFUSED_UNNAMED: Final = 0.01
"""Whoever looks for a limit has to meet it."""


def failures(figures: Mapping[Case, Figures]) -> Iterator[str]:
    """Yield what breaks the promise; how much is used, is promised of limits that are named."""
    for case, found in figures.items():
        if found.refused > (MOST_REFUSED if case.named else MOST_REFUSED_UNNAMED):
            yield f"{case}: {found.refused:.2%} met a 429"
        if case.named and found.used < LEAST_USED:
            yield f"{case}: only {found.used:.1%} used"


def page(figures: Mapping[Case, Figures], seeds: int, took_s: float) -> str:
    """Write the whole page."""
    requests = sum(found.requests for found in figures.values())
    named = [found for case, found in figures.items() if case.named and not case.others]
    unnamed = [found for case, found in figures.items() if not case.named]
    lines = [
        ABOUT,
        f"* Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
        f"* Python: {platform.python_implementation()} {platform.python_version()}",
        f"* Requests: {requests:,}, {seeds} seeds of each case, in {took_s:,.0f} s",
        f"* Limits that are set or named: {_said(named)}",
        f"* Limits that nobody names: {_said(unnamed)}",
    ]
    for title, workers, others in (
        ("One worker", 1, False),
        ("Two workers", 2, False),
        ("Somebody else uses 30 % of the account", 1, True),
    ):
        chosen = {
            case: found
            for case, found in figures.items()
            if case.workers == workers and bool(case.others) is others
        }
        lines += ["", f"## {title}", "", *_table(chosen)]
    return "\n".join(lines) + "\n"


def _said(figures: list[Figures]) -> str:
    refused = max(found.refused for found in figures)
    used = min(found.used for found in figures)
    return f"at most {refused:.2%} met a 429, at least {used:.1%} used"


def _table(figures: Mapping[Case, Figures]) -> Iterator[str]:
    yield (
        "| known by | counted | bound by | requests | met a 429 | used | worst minute | diverted"
        " | ten seconds |"
    )
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    order = sorted(figures, key=lambda case: (not case.by_hand, case.bound, case.tells))
    for case in order:
        found = figures[case]
        most = f"{found.most:.2f}" if case.bound == "requests" else ""
        yield (
            f"| {'by hand' if case.by_hand else case.tells} | {case.manner} | {case.bound}"
            f" | {found.requests:,} | {found.refused:.3%} | {found.used:.1%}"
            f" | {found.least_used:.1%} | {found.diverted:.1%} | {most} |"
        )
