"""Writes `docs/cuts.md`: what a run over all cuts showed."""

import platform
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from .judge import BAD, Verdict
from .sweep import Result, Row

ABOUT: Final = """\
# Cuts

Written by `make prove-cuts`; nothing here is edited by hand.
Every stream breaks after every byte, and the caller is owed the rest or an error.
The gateway's own line and dialects run in memory, between one caller and two targets.
The first target breaks off; the second one is well, and goes on in a manner of its own.
Answers of 1, 3, 20 and 120 tokens are cut after each byte, those of 4,000 tokens after some.
Who goes on, how, and how the bytes arrive is drawn anew for each cut, and by the day for each run.
The texts are prose in four languages, Markdown with code, Chinese, Japanese and emoji.
No twelve characters come twice in one of them.
Streams end by a reset, a closed connection, a clean end, or an error in the provider's forms.
The caller's bytes are read by a strict reader of each dialect that shares no code with the product.

| manner | what the next target says |
| --- | --- |
| exact | What is missing, to the character. |
| tail | The last 12 to 399 characters again, then what is missing. |
| word | The broken word from its beginning; not in code, and not where words double (`doubled`). |
| restart | The whole answer from its beginning. |
| preamble | First a phrase of the published list (`core/preambles.py`); then any of the above. |

Some targets say 20 tokens a second, some 100, some all of it at once.

| verdict | what the caller has |
| --- | --- |
| unharmed | A whole answer: nothing that matters was cut off. |
| anew | A whole answer of the next target; nothing had come of the first one. |
| healed | A whole answer of both, equal to the model's text. |
| raised | A beginning, and an error that its SDK raises. |
| raised, finished | All of the answer and its finish; then an error came, and the SDK raises. |
| unclear | One character had come (`o`, `###`) and was repeated; it stands twice, as in `oolong`. |
| silent | Less than the answer, and nothing tells. |
| wrong | Other characters than the model's. |
| bug | Something that no SDK reads, or an exception. |
"""
_COLUMNS: Final = tuple(Verdict)


def figures(result: Result, number: int, took_s: float, processes: int) -> Iterator[str]:
    """Say in lines what the run showed."""
    healed, raised = _plain(result, Verdict.HEALED), _plain(result, Verdict.RAISED)
    share = healed / (healed + raised) if healed + raised else 1.0
    yield f"Cuts: {result.count():,}, run {number}, in {took_s:,.0f} s with {processes} processes"
    yield f"Silent truncations: {result.count(Verdict.SILENT):,}"
    wrong, bugs = result.count(Verdict.WRONG), result.count(Verdict.BUG)
    yield f"Wrong texts and calls: {wrong:,}; bugs: {bugs:,}"
    yield f"Repeats of a single character that were left: {result.count(Verdict.UNCLEAR):,}"
    yield f"Plain text, cut after content: healed {healed:,}, raised {raised:,} ({share:.3%})"


def _plain(result: Result, verdict: Verdict) -> int:
    return sum(n for row, n in result.rows.items() if row[4] == verdict and row[3] != "tool calls")


def page(result: Result, number: int, took_s: float, processes: int) -> str:
    """Write the whole page."""
    lines = [ABOUT, f"* Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}"]
    lines.append(f"* Commit: {_git('rev-parse', '--short=12', 'HEAD')}{_changed()}")
    lines.append(f"* Python: {platform.python_implementation()} {platform.python_version()}")
    lines += [f"* {line}" for line in figures(result, number, took_s, processes)]
    lines += ["", "## By caller and first target", ""]
    lines += _table(result, "caller | first target", lambda row: f"{row[0]} | {row[1]}")
    lines += ["", "## By caller, next target and its manner", ""]
    lines += _table(
        result, "caller | next target | manner", lambda row: f"{row[0]} | {row[2]} | {row[3]}"
    )
    if result.told:
        lines += ["", "## Failures", "", *(f"    {line}" for line in result.told[:40])]
    return "\n".join(lines) + "\n"


def _table(result: Result, head: str, group: Callable[[Row], str]) -> Iterator[str]:
    counts: dict[str, Counter[str]] = {}
    for row, n in sorted(result.rows.items()):
        counts.setdefault(group(row), Counter())[row[4]] += n
    shown = [v for v in _COLUMNS if v in BAD or result.count(v)]
    yield f"| {head} | cuts | {' | '.join(shown)} |"
    yield "|" + " --- |" * (head.count("|") + 1) + " ---: |" * (len(shown) + 1)
    for name, of in counts.items():
        yield f"| {name} | {of.total():,} | {' | '.join(f'{of[v]:,}' for v in shown)} |"


def _changed() -> str:
    return " with changes" if _git("status", "--porcelain", "--", "src") else ""


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    folder = Path(__file__).parent
    done = subprocess.run([git, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip()
