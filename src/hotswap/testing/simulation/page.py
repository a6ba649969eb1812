"""Writes `docs/simulation.md`: what a run over many seeds showed."""

import platform
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .prove import Proof
from .rest import ALL_DOWN, PARTIAL, PER_TARGET, WINDOW_S
from .watch import LATE_S

ABOUT: Final = """\
# Simulation

Written by `make prove-simulation`; nothing here is edited by hand.
Each seed draws a story: targets of four dialects, a chain, callers, and what goes wrong when.
Providers share vendors, regions and hosts, which go down as a whole; operators drain targets.
The gateway's own line, standings, probes and dialects run in virtual time.
Providers are in memory, and so are the callers: they read at their own pace, and some leave.
Every answer is known beforehand: a character that is lost, repeated or altered is seen.
Troubles strike while connecting, before the head, and at any byte; each attempt draws its own.
The promises are checked at every visit to a provider, at every record, at the end of every answer.
`python -m hotswap.testing.simulation --seed=N` plays a seed again, line by line.
One that breaks a promise is made small before.

| promise | what is checked |
| --- | --- |
| I1 | Each request has exactly one end; nothing hangs, nothing follows the end. |
| I2 | Only a whole answer ends cleanly; others end with an error in the stream and a cut. |
| I2 | No part of a tool call or of a structured answer is delivered where they are held. |
| I3 | The text is the model's to the character: all of it, or its beginning before an error. |
| I3 | Whoever goes on with an answer is told just what the caller has of it. |
| I5 | At most one probe of a target, and of a key of it, at a time. |
| I6 | At most links + `max_attempts` - 1 attempts, but for other keys and other ways of asking. |
| I6 | Further tries at a target stay within its retry budget. |
| I7 | No target and no key that is shut is asked while another one is eligible. |
| I7 | No target is asked below a model, host, region or vendor that is shut, likewise. |
| I7 | No disabled key is asked at all, and nothing that an operator drained. |
| I7 | No request goes to another zone than its key's, nor beyond the order of its caller. |
| I8 | One record per attempt, one of them the last; it tells what the caller saw. |
| I8 | Transitions follow from each other. |
| I9 | No secret is in any answer, record or transition; no caller's key reaches a provider. |
| I10 | After the last trouble every target closes within 300 s and a ramp; traffic trickles. |
| I11 | Calls in any {window:g} s: {most:g} per request, {partial:g} with a target that is well. |
| I11 | Beyond that {slack:g} calls for each target of the chain: with few requests they are most. |
| I12 | At the end no call, attempt, pause or task is left. |
| I12 | A slow reader never has more waiting than its window and two pieces. |
| deadline | No request outlasts its deadline by more than {late:g} s. |
| bug | Nothing is caught that nobody expected. |

Budgets (I4) and the audit chain are not built yet; records stand in for the chain.
"""


def page(proof: Proof) -> str:
    """Write the whole page."""
    return "\n".join(_lines(proof)) + "\n"


def figures(proof: Proof) -> Iterator[str]:
    """Say in lines what the run showed."""
    tally = proof.tally
    cuts = tally.healed / tally.cuts if tally.cuts else 1.0
    yield f"Requests: {tally.requests:,} of {proof.seeds:,} seeds, from {proof.first} on"
    yield f"Stories that broke a promise: {len(proof.failures)}"
    yield f"Calls to providers: {tally.calls:,}, and {tally.probes:,} probes"
    yield f"Virtual time: {tally.virtual_s / 86400:,.1f} days"
    yield (
        f"Time: {proof.wall_s:,.0f} s in {proof.processes} processes; per core "
        f"{proof.seeds / proof.cpu_s:,.0f} seeds and {tally.requests / proof.cpu_s:,.0f} requests "
        "a second"
    )
    yield (
        f"Plain-text streams cut after content with a healthy target left: {tally.cuts:,}, "
        f"healed {tally.healed:,} ({cuts:.2%})"
    )
    most = ", ".join(f"{mib:.0f}" for mib in proof.rss_mib)
    yield f"Most memory of a process after each tenth of the run, MiB: {most}"


def _lines(proof: Proof) -> Iterator[str]:
    yield ABOUT.format(
        window=WINDOW_S, most=ALL_DOWN, partial=PARTIAL, slack=PER_TARGET, late=LATE_S
    )
    yield from (f"* {line}" for line in _machine())
    yield ""
    yield from (f"* {line}" for line in figures(proof))
    yield ""
    yield from _table("outcome", "requests", proof.tally.outcomes)
    yield from _table("trouble", "calls", proof.tally.troubles)
    yield from _table("how a target went on", "calls", proof.tally.manners)
    yield from (f"    {line}" for failure in proof.failures[:10] for line in failure.split("\n"))


def _table(what: str, of: str, counts: Counter[str]) -> Iterator[str]:
    total = sum(counts.values()) or 1
    yield f"| {what} | {of} | share |"
    yield "| --- | ---: | ---: |"
    for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"| {name} | {count:,} | {count / total:.2%} |"
    yield ""


def _machine() -> Iterator[str]:
    yield f"Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}"
    yield f"Commit: {_git('rev-parse', '--short=12', 'HEAD')}{_changed()}"
    yield f"Python: {platform.python_implementation()} {platform.python_version()}"


def _changed() -> str:
    return " with changes" if _git("status", "--porcelain", "--", "src") else ""


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    folder = Path(__file__).parent
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip()
