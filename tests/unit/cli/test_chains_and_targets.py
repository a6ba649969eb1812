"""What `hotswap chains` and `hotswap targets` write, for what the admin API says."""

from msgspec.structs import replace
from rich.console import RenderableType

from hotswap.cli.chains import chain_parts, chains_table
from hotswap.cli.showing import plain
from hotswap.cli.targets import places_parts, target_parts, targets_table
from hotswap.core.latency import Figures, Quantiles
from hotswap.core.meter import Use
from hotswap.core.settings import Exhausted, Hedging, Retry, Sticky, Streaming, Timeouts
from hotswap.core.terms import Balance, Scope
from hotswap.keeper.pictures import (
    ChainTarget,
    ChainView,
    CredentialView,
    PlaceView,
    TargetView,
    Turn,
)
from hotswap.keeper.standing import CLOSED, Overlay, Standing

AT = 1000.0
THROTTLED = Standing("open", "throttled", since=AT - 2.0, until=AT + 58.0, hinted=True)
OPEN = Standing("open", "failures", "breaker.failures", 5.0, 5.0, since=AT - 130.0, until=AT + 4.0)

CHAIN = ChainView(
    name="assist",
    aliases=("gpt-4o",),
    targets=(
        ChainTarget("a/large", 1, 1.0, Turn.LEFT_OUT, "open", AT + 4.0),
        ChainTarget("b/large", 1, 2.0, Turn.ELIGIBLE, "", None),
        ChainTarget("c/large", 2, 1.0, Turn.ELIGIBLE, "", None),
        ChainTarget("d/large", 3, 1.0, Turn.LAST, "ramp", AT + 20.0),
        ChainTarget("e/large", 4, 1.0, Turn.LAST, "suspect", None),
        ChainTarget("f/large", 5, 1.0, Turn.LEFT_OUT, "half_open", None),
        ChainTarget("g/large", 6, 1.0, Turn.LEFT_OUT, "gone", AT + 0.2),
    ),
    eligible=4,
    triggers={"error": {}, "latency": {"threshold_ms": 500.0, "learned": None}},
    timeouts=Timeouts(first_content_s=2.5),
    retry=Retry(on=("hard",)),
    stream=Streaming(),
    hedge=None,
)
TARGET = TargetView(
    id="a/large",
    provider="a",
    model="large",
    region="eu-west",
    zone="",
    chains=("assist", "batch"),
    standing=OPEN,
    credentials=(
        CredentialView("main", Scope.CREDENTIAL, CLOSED),
        CredentialView("spare", Scope.ACCESS, THROTTLED),
    ),
    attempts=120,
    failures=7,
)


def lines(*parts: RenderableType, width: int = 1000) -> list[str]:
    return plain(parts, width).splitlines()


def words(shown: list[str]) -> list[str]:
    """Return lines without what separates their columns."""
    return [" ".join(line.split()) for line in shown]


def test_chains_say_what_each_target_would_do_now() -> None:
    other = replace(CHAIN, name="batch", aliases=(), targets=CHAIN.targets[:1])

    assert lines(chains_table([CHAIN, other], AT)) == [
        "chain          prio target  now",
        "assist, gpt-4o    1 a/large left out: open, tried again in 4 s",
        "                  1 b/large asked first",
        "                  2 c/large eligible",
        "                  3 d/large asked last: ramp, all traffic in 20 s",
        "                  4 e/large asked last: suspect",
        "                  5 f/large left out: half_open, waits for its probe",
        "                  6 g/large left out: gone, tried again now",
        "batch             1 a/large left out: open, tried again in 4 s",
    ]


def test_targets_of_equal_priority_are_both_asked_first() -> None:
    both = (CHAIN.targets[1], replace(CHAIN.targets[1], id="z/large"))

    shown = lines(chains_table([replace(CHAIN, targets=both)], AT))

    assert [line.endswith("asked first") for line in shown] == [False, True, True]


def test_one_chain_is_told_with_what_it_goes_by() -> None:
    head, _, first, *_, balance, triggers, timeouts, retry, streams, hedge, exhausted = lines(
        *chain_parts(CHAIN, AT)
    )

    assert head == "assist, also gpt-4o: 4 of 7 targets would be asked"
    assert first.split()[:3] == ["1", "1", "a/large"]
    assert triggers == "triggers  error; latency (threshold_ms 500.0)"
    assert timeouts == ("timeouts  connect 2 s; first content 2.5 s; silence learned; total 600 s")
    assert retry == (
        "retry     3 tries at the last target, exponential from 0.05 s up to 1 s, on hard"
    )
    assert streams == "streams   broken ones go on elsewhere up to 2 times, calls hold, JSON hold"
    assert hedge == "hedge     never"
    assert balance == "balance   priority"
    assert exhausted == "exhausted an error"


def test_a_chain_that_does_otherwise_says_so() -> None:
    chain = replace(
        CHAIN,
        stream=Streaming(splice=False),
        hedge=Hedging(after=1.5),
        balance=Balance.LEAST_BUSY,
        sticky=Sticky(),
        on_exhausted=Exhausted(wait_s=2.0),
    )

    *_, balance, _, _, _, streams, hedge, exhausted = lines(*chain_parts(chain, AT))

    assert balance == "balance   least_busy, and a conversation stays for 300 s"
    assert exhausted == "exhausted wait for 2 s"

    assert streams == "streams   broken ones end with an error, calls hold, JSON hold"
    assert hedge == "hedge     after 1.5 s without content, 5% of requests"


def test_a_chain_without_anybody_to_ask_says_what_is_done_then() -> None:
    head, *_ = lines(*chain_parts(replace(CHAIN, eligible=0), AT))

    assert head.endswith(": every target is left out, so the least bad ones are tried")


def test_targets_are_told_with_the_keys_in_trouble() -> None:
    fine = replace(TARGET, id="b/large", standing=CLOSED, credentials=(), attempts=0, failures=0)

    assert words(lines(targets_table([TARGET, fine], AT))) == [
        "target state for why tried failed",
        "a/large open 2 min failures, breaker.failures 5 of 5; tried again in 4 s 120 7",
        "key spare, here open 2 s throttled; tried again in 58 s as it said",
        "b/large closed 0 0",
    ]


def test_overlays_ramps_and_probes_are_told() -> None:
    slow = Standing(overlays=(Overlay("suspect", AT - 1.0, "latency.threshold_ms", 700.0, 500.0),))
    ramp = Standing("ramp", "failures", since=AT - 10.0, until=AT + 20.0)
    due = Standing("half_open", "silence", since=AT)
    views = [replace(TARGET, standing=one, credentials=()) for one in (slow, ramp, due)]

    shown = lines(targets_table(views, AT))[1:]

    assert words(shown) == [
        "a/large closed, suspect suspect, latency.threshold_ms 700 of 500 120 7",
        "a/large ramp 10 s failures; all traffic in 20 s 120 7",
        "a/large half_open 0 s silence; waits for its probe 120 7",
    ]


def test_one_target_is_told_with_all_of_its_keys() -> None:
    assert lines(*target_parts(TARGET, AT)) == [
        "a/large: model large of a, region eu-west, in assist, batch",
        "what            state  for   why",
        "target          open   2 min failures, breaker.failures 5 of 5; tried again in 4 s",
        "key main        closed",
        "key spare, here open   2 s   throttled; tried again in 58 s as it said",
        "tried 120 times, failed 7 times since the gateway began",
    ]


def test_a_drained_target_names_the_operator() -> None:
    drained = replace(TARGET, standing=Standing("drained", "operator", since=AT - 90.0))

    assert words(lines(targets_table([drained], AT)))[1] == "a/large drained 90 s operator 120 7"


def test_larger_places_in_trouble_are_told_with_their_targets() -> None:
    region = PlaceView("region a.com eu-west", "region", OPEN, ("a/large", "a/small"))
    place, *_ = words(lines(*places_parts([region], AT))[2:])

    assert places_parts([], AT) == []
    assert place == (
        "region a.com eu-west open 2 min failures, breaker.failures 5 of 5; tried again in 4 s"
        " a/large, a/small"
    )


def test_a_target_that_a_place_bars_names_it() -> None:
    bars = (
        ChainTarget("a/large", 1, 1.0, Turn.LEFT_OUT, "open", AT + 4.0, "region a.com eu-west"),
        ChainTarget("b/large", 2, 1.0, Turn.LAST, "ramp", AT + 20.0, "endpoint b.com:443"),
        ChainTarget("c/large", 3, 1.0, Turn.LEFT_OUT, "drained", None),
    )

    shown = words(lines(chains_table([replace(CHAIN, aliases=(), targets=bars)], AT)))[1:]

    assert shown == [
        "assist 1 a/large left out: open of region a.com eu-west, tried again in 4 s",
        "2 b/large asked last: ramp of endpoint b.com:443, all traffic in 20 s",
        "3 c/large left out: drained",
    ]


def test_one_target_is_told_with_its_places_and_what_is_measured() -> None:
    figures = Figures(
        streamed=Quantiles(0.4, 0.9, 1.3),
        whole=None,
        gap_p95_s=0.21,
        total_p95_s=6.8,
        peak_s=0.66,
        in_flight=3,
        attempts=41,
        failed_share=0.0244,
        first_content_limit_s=3.0,
        whole_limit_s=300.0,
        silence_limit_s=8.0,
    )
    region = PlaceView("region a.com eu-west", "region", OPEN, ("a/large",))
    uses = (
        Use("main", "requests", 412.0, 600.0, 0.71),
        Use("spare", "tokens", 1200.0, None, None),
    )
    view = replace(TARGET, places=(region,), measured=figures, limits=uses)
    shown = words(lines(*target_parts(view, AT)))

    assert shown[5] == (
        "region a.com eu-west open 2 min failures, breaker.failures 5 of 5; tried again in 4 s"
    )
    assert shown[7:] == [
        "now 3 in flight, 41 begun in the last minute, 2.4% of them failed",
        "streams first content p50 0.40 s, p95 0.90 s, p99 1.30 s",
        "times longest pause p95 0.21 s; whole stream p95 6.80 s; peak 0.66 s",
        "limits first content 3.00 s streamed, 5 min whole; silence 8.00 s",
        (
            "key main: 412 of 600 requests used in the last minute, 69%;"
            " 71% of the requests used as the provider says"
        ),
        "key spare: 1200 tokens used in the last minute",
    ]


def test_everything_fits_a_terminal_of_80_columns() -> None:
    long = "self-hosted/meta-llama/Llama-4-Scout-17B-16E-Instruct-FP8"
    chain = replace(CHAIN, targets=tuple(replace(t, id=long) for t in CHAIN.targets))
    target = replace(TARGET, id=long)

    for part in (
        chains_table([chain], AT),
        *chain_parts(chain, AT),
        targets_table([target], AT),
        *target_parts(target, AT),
    ):
        assert max(map(len, lines(part, width=80))) <= 80
