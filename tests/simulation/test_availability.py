"""A short replay of published outages: what is promised of thirty days holds in proportion."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hotswap.testing.outages.chains import STORIES, VARIANTS
from hotswap.testing.outages.page import page
from hotswap.testing.outages.prove import Part, Proof, play, prove
from hotswap.testing.outages.published import VENDORS
from hotswap.testing.outages.replay import replay, story_of, troubles_of
from hotswap.testing.outages.tally import Minutes, Tally, Times, Worst
from hotswap.testing.outages.trouble import Kind

COMMAND = (sys.executable, "-m", "hotswap.testing.outages")


@pytest.mark.slow
def test_three_vendors_with_many_troubles_answer_nearly_everything() -> None:
    """Each chain, with twenty times as many troubles as published, each as long."""
    whole = Tally()
    for seed in range(len(STORIES)):
        whole.add(play(Part(seed, days=0.75, dense=20.0)).tally)

    assert whole.requests == 5 * 25_920
    assert whole.outages >= 20
    assert whole.partial.count >= 10_000
    assert whole.share >= 0.999
    assert whole.most_probes == 1
    assert whole.partial.calls / whole.partial.requests <= 1.25
    assert whole.partial.over / whole.partial.count <= 0.01


def test_the_same_seed_gives_the_same_numbers() -> None:
    assert figures(replay(4, 0.01)) == figures(replay(4, 0.01))


def test_another_seed_gives_other_numbers() -> None:
    assert figures(replay(4, 0.01)) != figures(replay(9, 0.01))


@pytest.mark.slow
def test_a_story_does_not_depend_on_the_order_of_hashes() -> None:
    told = [
        subprocess.run(  # noqa: S603 - fixed words
            [*COMMAND, "--seed=4", "--days=0.5"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert told[0] == told[1]
    assert told[0].startswith("seed 4: two regions, streamed, 0.5 days, 17,280 requests\n")


@pytest.mark.slow
def test_a_run_writes_its_figures(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    short = ("--days=0.02", "--seeds=5", "--worth-days=0.01", "--processes=1", "--write")

    subprocess.run([*COMMAND, *short], cwd=tmp_path, capture_output=True, check=False)  # noqa: S603 - fixed words

    written = (tmp_path / "docs" / "availability.md").read_text()
    for story in STORIES:
        assert f"| {story.name} | 691 |" in written
    for variant in VARIANTS[1:]:
        assert f"| {variant} | 1,730 |" in written
    assert "* Requests: 3,455 of 5 seeds from 0 on, 0.02 days each" in written


def test_the_troubles_of_a_seed_last_as_published() -> None:
    minutes = {vendor.name: [0.0, 0] for vendor in VENDORS}
    days = 20_000.0
    for trouble in troubles_of(0, days):
        if trouble.outage and trouble.end - trouble.begin != 3 * 3600.0:
            minutes[trouble.vendor][0] += (trouble.end - trouble.begin) / 60.0
            minutes[trouble.vendor][1] += 1

    lost = {name: total / (days * 1440.0) for name, (total, _) in minutes.items()}
    assert lost["openai"] == pytest.approx(1 - 0.99578, rel=0.15)
    assert lost["anthropic"] == pytest.approx(1 - 0.99722, rel=0.25)
    assert lost["mistral"] == pytest.approx(1 - 0.9952, rel=0.15)


def test_only_the_chain_with_two_regions_has_outages_of_one() -> None:
    kinds = {trouble.region for seed in (0, 1, 2, 3) for trouble in troubles_of(seed, 300.0)}
    regional = {trouble.region for trouble in troubles_of(4, 300.0)}

    assert kinds == {""}
    assert regional == {"", "eu", "us"}
    assert {trouble.kind for trouble in troubles_of(4, 300.0)} == set(Kind)


def test_a_broken_promise_is_told_with_how_to_see_it_again() -> None:
    proof = prove(0.001, range(1), 1, lambda _: None)
    tally = Tally(
        requests=1000,
        answered=990,
        most_probes=2,
        single=Minutes(count=40, over=3, calls=1000, requests=960, worst=Worst(1.75, 90.0, 7)),
        dark=Minutes(worst=Worst(3.25, 120.0, 5)),
    )
    proof.hold(Part(5, 30.0), tally)

    again = "python -m hotswap.testing.outages --seed=5 --days=30"
    assert proof.failures[-3:] == [
        f"seed 5: 2 probes of a target at a time; {again}",
        (
            "seed 5: 3 minutes of 40 with more than 1.5 calls per request, 1.75 in the minute to"
            f" 90 s; {again}"
        ),
        (
            "seed 5: 3.25 calls per request in the minute to 120 s, in which nobody took anything;"
            f" {again}"
        ),
    ]


def test_fewer_calls_are_promised_of_streams_where_each_vendor_has_one_target() -> None:
    assert [story.name for story in STORIES if story.bounded] == [
        "priority, streamed",
        "weighted, streamed",
        "least_latency, streamed",
    ]


def test_the_page_does_not_hide_what_was_broken() -> None:
    tally = Tally(requests=1000, answered=990, single=Minutes(count=40, over=3))
    broken = ["seed 7: something"]
    written = page(Proof(1.0, range(1), {"a chain": tally}, broken, {}, 0.0))

    assert "| a chain | 1,000 | 0 | 10 | 99.0000% |" in written
    assert "3 of 40 minutes had more than 1.5" in written
    assert written.endswith("## Broken promises\n\n* seed 7: something\n")


def test_times_are_kept_to_two_percent() -> None:
    times = Times()
    for milliseconds in range(1, 1001):
        times.add(milliseconds / 1000.0)

    assert times.quantile(0.5) == pytest.approx(0.5, rel=0.02)
    assert times.quantile(0.95) == pytest.approx(0.95, rel=0.02)


def test_each_seed_plays_the_next_chain() -> None:
    names = [story_of(seed).name for seed in range(6)]

    assert names[5] == names[0]
    assert len(set(names)) == 5


def figures(tally: Tally) -> tuple[object, ...]:
    return (
        tally.requests,
        tally.answered,
        tally.attempts,
        tally.probes,
        tally.moved,
        dict(tally.carried),
        dict(tally.first.buckets),
    )
