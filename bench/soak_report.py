"""What a soak showed: its tables, its page, and what went wrong."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from .mix import Result
from .trend import Trend, Watch, trend

GROWTH_MIB: Final = 2.0
"""What a process may grow by after the warm-up: two arenas of the interpreter's allocator, for a
burst of requests after a pause of the machine. A full run has 2.4 million requests in that time:
100 bytes that stayed behind only where a caller leaves would be more."""
ABOUT: Final = """\
# Soak

Written by `make prove-soak`; nothing here is edited by hand.
Two workers serve a mixed load at a steady pace; all cores are shared with callers and providers.
Memory and open descriptors of every process are read each 10 s.
The slope is that of a line by least squares through the time after the warm-up.
The run fails when such a line rises by more than 2 MiB, which is two arenas of the interpreter's \
allocator and less than one byte per request in a full run.
It fails as well when a descriptor that was not open before the load is still open 90 s after it, \
when a process ends, or when a request fails that no caller left.
The chain behind `primary says 429` has a primary that serves five requests per second: it is \
throttled, probed and ramped up again and again.
The records in the file of the store grow by design, and with them the kernel's cache of that \
file, which belongs to no process.
"""


class Soak(Struct, frozen=True):
    """One whole run."""

    rate: float
    warm_s: float
    result: Result
    watch: Watch
    left_over: Mapping[int, int]
    """By process, the descriptors that were open at the end and not before the load."""
    store_bytes: int


def report(soak: Soak) -> str:
    """Write the tables."""
    return "\n\n".join([_summary(soak), _processes(soak), _requests(soak.result)])


def page(soak: Soak, machine: Sequence[str], wrong: Sequence[str]) -> str:
    """Write the page for the documentation."""
    facts = "\n".join(f"* {fact}" for fact in machine)
    verdict = "\n".join(f"* {fault}" for fault in wrong or ["Nothing grew, nothing failed."])
    return f"{ABOUT}\n{facts}\n\n{report(soak)}\n\n{verdict}\n"


def faults(soak: Soak) -> list[str]:
    """Say everything that should not have been."""
    names = soak.watch.names
    found = [
        f"{names[pid]} grew by {its.growth_mib:.1f} MiB after the warm-up."
        for pid, its in _trends(soak).items()
        if its.growth_mib > GROWTH_MIB
    ]
    found += [f"{names[pid]} keeps {count} descriptors." for pid, count in soak.left_over.items()]
    found += [
        f"{names[pid]} was not there all the time."
        for pid in names
        if pid not in _trends(soak) or pid not in soak.watch.base
    ]
    found += [
        f"{tally.failed:,} requests failed ({kind})."
        for kind, tally in soak.result.tallies.items()
        if tally.failed
    ]
    return found


def _trends(soak: Soak) -> dict[int, Trend]:
    """Return the trend of each process that was there until the end."""
    samples = soak.watch.samples
    last = max(its[-1].at for its in samples.values())
    return {
        pid: trend(its, soak.warm_s)
        for pid, its in samples.items()
        if its[-1].at == last and its[0].at < soak.warm_s
    }


def _summary(soak: Soak) -> str:
    result = soak.result
    count = sum(t.good + t.failed + t.left for t in result.tallies.values())
    rate = count / result.seconds
    p50, p99 = result.p50_ms, result.p99_ms
    facts = (
        f"{count:,} requests in {result.seconds:,.0f} s: {rate:,.0f} of {soak.rate:,.0f} a second",
        f"Warm-up: {soak.warm_s:.0f} s",
        f"Plain requests, from when they were due: p50 {p50:.1f} ms, p99 {p99:.1f} ms",
        f"The store's file: {soak.store_bytes / 2**20:,.0f} MiB",
    )
    return "\n".join(f"* {fact}" for fact in facts)


def _processes(soak: Soak) -> str:
    rows = [
        "| process | MiB at first | at last | most | MiB per hour | open before | most | after |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for pid, its in _trends(soak).items():
        base = soak.watch.base.get(pid, 0)
        most = max(sample.descriptors for sample in soak.watch.samples[pid])
        after = base + soak.left_over.get(pid, 0)
        rows.append(
            f"| {soak.watch.names[pid]} | {its.start_mib:.1f} | {its.end_mib:.1f} "
            f"| {its.most_mib:.1f} | {its.slope:+.2f} | {base} | {most} | {after} |"
        )
    return "\n".join(rows)


def _requests(result: Result) -> str:
    rows = ["| requests | good | failed | caller left |", "|---|---:|---:|---:|"]
    rows += [
        f"| {kind} | {tally.good:,} | {tally.failed:,} | {tally.left:,} |"
        for kind, tally in sorted(result.tallies.items(), key=lambda pair: -pair[1].good)
    ]
    return "\n".join(rows)
