"""What a soak takes for growth, and what not."""

from bench.mix import Result
from bench.pace import Tally
from bench.soak_report import Soak, faults, page
from bench.trend import Sample, Watch, trend

MINUTE_S = 60.0


def sizes(*mib: float) -> list[Sample]:
    """Return one sample a minute."""
    return [Sample(number * MINUTE_S, size, 20) for number, size in enumerate(mib)]


def soak(samples: list[Sample], *, failed: int = 0, kept: int = 0) -> Soak:
    """Return a run of one worker whose warm-up is two minutes."""
    watch = Watch(0)
    watch.names, watch.samples, watch.base = {7: "worker 0"}, {7: samples}, {7: 20}
    result = Result(240.0, {"plain": Tally(good=480_000, failed=failed, left=12)}, 1.0, 2.0)
    return Soak(2000.0, 2 * MINUTE_S, result, watch, {7: kept} if kept else {}, 2**20)


def test_the_slope_is_in_mib_per_hour_after_the_warm_up() -> None:
    its = trend(sizes(10.0, 30.0, 40.0, 40.5, 41.0, 41.5), 2 * MINUTE_S)

    assert round(its.slope, 6) == 30.0
    assert round(its.growth_mib, 6) == 1.5
    assert (its.start_mib, its.end_mib, its.most_mib) == (10.0, 41.5, 41.5)


def test_memory_that_grows_in_the_warm_up_only_is_flat() -> None:
    assert faults(soak(sizes(10.0, 30.0, 40.0, 40.2, 40.1, 40.2))) == []


def test_memory_that_goes_on_growing_is_a_fault() -> None:
    growing = soak(sizes(10.0, 30.0, 40.0, 41.0, 42.0, 43.0))

    assert faults(growing) == ["worker 0 grew by 3.0 MiB after the warm-up."]


def test_failed_requests_and_open_descriptors_are_faults() -> None:
    flat = sizes(10.0, 40.0, 40.0, 40.0)

    assert faults(soak(flat, failed=3, kept=2)) == [
        "worker 0 keeps 2 descriptors.",
        "3 requests failed (plain).",
    ]


def test_a_process_that_came_later_is_a_fault() -> None:
    run = soak(sizes(10.0, 40.0, 40.0, 40.0))
    run.watch.names[8] = "worker 0 (came later)"
    run.watch.samples[8] = sizes(10.0, 40.0, 40.0, 40.0)

    assert faults(run) == ["worker 0 (came later) was not there all the time."]


def test_the_page_says_what_was_measured_and_what_was_wrong() -> None:
    text = page(soak(sizes(10.0, 40.0, 40.0, 40.0)), ["Date: today"], [])

    assert "* Date: today\n" in text
    assert "* 480,012 requests in 240 s: 2,000 of 2,000 a second\n" in text
    assert "| worker 0 | 10.0 | 40.0 | 40.0 | +0.00 | 20 | 20 | 20 |\n" in text
    assert "| plain | 480,000 | 0 | 12 |\n" in text
    assert text.endswith("* Nothing grew, nothing failed.\n")
