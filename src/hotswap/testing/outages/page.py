"""Writes `docs/availability.md`: what a replay over many seeds showed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..origin import origin
from .chains import EVERYTHING, STORIES
from .fate import CONTENT_MEDIAN_S
from .prove import ANSWERED, DENSE, Proof
from .published import (
    BASE_ERRORS,
    BREAKS,
    PARTIAL_LEAST,
    PARTIAL_MOST,
    RATE_LIMITED,
    SEAM_FAILS,
    SHOCK_HITS,
    VENDORS,
)
from .replay import RATE
from .tally import Minutes, Tally
from .world import DELAYED_S, MOST_CALLS, MOST_CALLS_IN_VAIN

ABOUT: Final = """\
# Availability

Written by `make prove-availability`; nothing here is edited by hand.
Outages are replayed on a virtual clock, uncompressed: an outage of an hour lasts an hour.
The product's own plan, run, standings, keys and probes decide; nothing is sent anywhere.
Each seed draws {days:g} days of troubles for three vendors, and one of the chains serves them.
`python -m hotswap.testing.outages --seed=N --days={days:g}` tells a seed's troubles and losses.

* {rate:g} requests a second come, one in each slot of {slot:g} s at a random moment of it.
  With arrivals by chance some minutes would hold so few that the five failures before an opening
  were more than half of them, whatever a gateway does.
* Outages are drawn by the table below; their lengths are lognormal by median and mean.
* A partial outage strikes {least:.0%} to {most:.0%} of the calls, 30 % on average as the study
  weighs it; a major one strikes all.
* Half of the outages are errors; in 20 % calls hang, in 15 % connections fail, in 15 % answers are
  8 times slower.
* Lesser incidents fail 5 % of the calls, or make answers 3 times slower.
* Three times a year a shock of 3 h strikes each vendor with probability {hits:g}, wholly.
* {base:.0%} of all calls fail in any weather; {limited:.0%} of these are rate limits, half of them
  with a time; the accounts' own limits, which answers name, are far away.
* One in {breaks:,.0f} streams breaks after content; {seam:.2%} of those cannot go on elsewhere, as
  `docs/simulation.md` measured it.
* A key is refused for half an hour every 60 days.
* First content comes after {content:g} s (median; p95 1.2 s), an answer takes 5 s more (p99 20 s);
  the second vendor is a quarter slower than that, the third a fifth faster.
* Half of the outages of a vendor with two regions stay in one of them.
* Every chain has all triggers: `latency` with a threshold of 4 s (30 s for whole answers), and
  `error_rate` over five minutes and by ten results, since with little traffic twenty take a minute.
* No request is hedged.

What lesser incidents do, the kinds, refused keys, hints and regions are not published, but chosen.
"""


def page(proof: Proof) -> str:
    """Write the whole page."""
    return "\n".join(_lines(proof)) + "\n"


def figures(proof: Proof) -> Iterator[str]:
    """Say in lines what the run showed."""
    whole = proof.whole
    yield (
        f"Requests: {whole.requests:,} of {len(proof.seeds)} seeds from {proof.seeds.start} on, "
        f"{proof.days:g} days each, with {whole.outages} outages"
    )
    yield f"Answered: {whole.share:.4%}; {ANSWERED:.2%} of each chain's are promised"
    yield from (_minutes_of(what, of) for what, of in _by_vendors(proof) if of.count)
    yield f"Probes of one target at a time: {whole.most_probes} at most"
    yield (
        f"Time: {proof.wall_s:,.0f} s in {proof.processes} processes, {proof.cpu_s:,.0f} s of "
        "processors"
    )
    yield f"Promises broken: {len(proof.failures)}"


def _by_vendors(proof: Proof) -> Iterator[tuple[str, Minutes]]:
    """Yield minutes by how many vendors are out, and by whether few calls are promised then."""
    bounded = {story.name for story in STORIES if story.bounded}
    one, more = Tally(), Tally()
    for name, tally in proof.chains.items():
        (one if name in bounded else more).add(tally)
    one_target = "one target of each vendor, streamed"
    yield f"one vendor out ({one_target})", one.single
    yield f"two vendors out ({one_target})", one.several
    yield "some vendors out (whole answers, or several targets of a vendor)", more.partial
    both = Tally()
    both.add(one)
    both.add(more)
    yield "all vendors out for some time", both.dark


def _minutes_of(what: str, minutes: Minutes) -> str:
    return (
        f"Calls per request in minutes with {what}: {minutes.mean:.3f}, in the"
        f" worst one {minutes.worst.calls:.3f}; {minutes.over:,} of {minutes.count:,} minutes had"
        f" more than {MOST_CALLS:g}"
    )


def _lines(proof: Proof) -> Iterator[str]:
    yield ABOUT.format(
        days=proof.days,
        rate=RATE,
        slot=1 / RATE,
        least=PARTIAL_LEAST,
        most=PARTIAL_MOST,
        hits=SHOCK_HITS,
        base=BASE_ERRORS,
        limited=RATE_LIMITED,
        breaks=1 / BREAKS,
        seam=SEAM_FAILS,
        content=CONTENT_MEDIAN_S,
    )
    yield from _sources()
    yield from (f"* {line}" for line in origin())
    yield ""
    yield from (f"* {line}" for line in figures(proof))
    yield ""
    yield from tables(proof)
    yield from worth(proof)
    if proof.failures:
        yield "## Broken promises"
        yield ""
        yield from (f"* {line}" for line in proof.failures)


def _sources() -> Iterator[str]:
    columns = ("vendor", "outages a day#", "median min#", "mean#", "p90#", "p90 published#")
    rows: list[Sequence[str]] = []
    for vendor in VENDORS:
        lasting = vendor.outage
        rows.append(
            (
                vendor.name,
                f"{vendor.outages_per_day:.3f}",
                f"{lasting.median_s / 60:.0f}",
                f"{lasting.mean_s / 60:.0f}",
                f"{lasting.p90_s / 60:.0f}",
                f"{vendor.p90_s / 60:.0f}" if vendor.p90_s is not None else "",
                f"{vendor.major:.1%}",
                vendor.source,
            )
        )
    yield from _table((*columns, "major#", "of"), rows)


def tables(proof: Proof) -> Iterator[str]:
    """Say in tables what became of each chain."""
    yield from _table(
        (
            "chain",
            "requests#",
            "outages#",
            "lost#",
            "answered#",
            "moved#",
            "spliced#",
            "delayed > 2 s#",
            "longest without an answer#",
        ),
        [_answers(name, tally) for name, tally in proof.chains.items()],
    )
    yield "Moved: answered after a failed attempt."
    yield f"Delayed: the attempt that answered began more than {DELAYED_S:g} s after the request."
    yield ""
    yield from _table(
        (
            "chain",
            "vendors out",
            "minutes#",
            "calls per request#",
            "most#",
            "most without probes#",
            "minutes above 1.5#",
            "without probes#",
        ),
        [row for name, tally in proof.chains.items() for row in _calls(name, tally)],
    )
    yield "One minute ends with each slot, so they overlap; 24 requests come in each."
    yield "One counts if a vendor is out at some time of it; all of them are if for some time each"
    yield "fails every call, or has named a time until which it takes none."
    yield (
        f"At most {MOST_CALLS:g} calls per request are promised while some vendors are out, of"
        " streamed answers where each vendor has one target:"
        " the five failures before one opens are many among 24 requests, three targets of one"
        " vendor have three times as many when it goes down, and of whole answers everything is"
        " under way that came within their limit of 30 s, before the first of them can be missed."
    )
    yield f"While all of them are out it is {MOST_CALLS_IN_VAIN:g}."
    yield ""
    yield from _table(
        (
            "chain",
            "openings of targets#",
            "median#",
            "p90#",
            "longest#",
            "first content p50#",
            "p95#",
            "p99#",
            "probes at a time#",
        ),
        [_times(name, tally) for name, tally in proof.chains.items()],
    )
    lost = sorted(proof.whole.lost.items(), key=lambda pair: (-pair[1], pair[0]))
    if lost:
        yield from _table(("lost by", "requests#"), [(why, f"{count:,}") for why, count in lost])


def _answers(name: str, tally: Tally) -> Sequence[str]:
    of = tally.requests
    return (
        name,
        f"{of:,}",
        f"{tally.outages}",
        f"{of - tally.answered:,}",
        f"{tally.share:.4%}",
        f"{tally.moved / of:.2%}",
        f"{tally.spliced / of:.3%}",
        f"{tally.delayed / of:.3%}",
        f"{tally.streak_s:g} s",
    )


def _calls(name: str, tally: Tally) -> Iterator[Sequence[str]]:
    outs = (
        ("none", tally.calm),
        ("one", tally.single),
        ("two", tally.several),
        ("all", tally.dark),
    )
    for out, minutes in outs:
        if minutes.count:
            yield (
                name,
                out,
                f"{minutes.count:,}",
                f"{minutes.mean:.3f}",
                f"{minutes.worst.calls:.3f}",
                f"{minutes.worst_without.calls:.3f}",
                f"{minutes.over:,}",
                f"{minutes.over_without:,}",
            )


def _times(name: str, tally: Tally) -> Sequence[str]:
    opened, first = tally.opened, tally.first
    return (
        name,
        f"{opened.count:,}",
        f"{opened.quantile(0.5):.0f} s",
        f"{opened.quantile(0.9):.0f} s",
        f"{tally.longest_open_s:.0f} s",
        *(f"{first.quantile(share):.2f} s" for share in (0.5, 0.95, 0.99)),
        f"{tally.most_probes}",
    )


def worth(proof: Proof) -> Iterator[str]:
    """Say in a table what is lost with each thing that is switched off."""
    if not proof.worth:
        return
    yield "## What each trigger is worth"
    yield ""
    yield (
        f"Every chain for {proof.worth_days:g} days with {DENSE:g} times as many troubles, each as"
        " long as published, and one thing switched off."
    )
    yield ""
    yield from _table(
        (
            "off",
            "requests#",
            "answered#",
            "lost#",
            "calls per request#",
            "in partial outage#",
            "most#",
            "delayed > 2 s#",
            "first content p99#",
            "longest without an answer#",
        ),
        [_off(off, tally) for off, tally in proof.worth.items()],
    )


def _off(off: str, tally: Tally) -> Sequence[str]:
    of = tally.requests
    return (
        "nothing" if off == EVERYTHING else off,
        f"{of:,}",
        f"{tally.share:.4%}",
        f"{of - tally.answered:,}",
        f"{(tally.attempts + tally.probes) / of:.4f}",
        f"{tally.partial.mean:.3f}",
        f"{tally.partial.worst.calls:.3f}",
        f"{tally.delayed / of:.3%}",
        f"{tally.first.quantile(0.99):.2f} s",
        f"{tally.streak_s:g} s",
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a table; columns whose names end with `#` hold numbers."""
    yield f"| {' | '.join(column.removesuffix('#') for column in columns)} |"
    yield f"| {' | '.join('---:' if column.endswith('#') else '---' for column in columns)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
