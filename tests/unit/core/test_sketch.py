import random

import pytest

from hotswap.core.sketch import Sketch, Usual


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_quantiles_are_within_five_percent(share: float) -> None:
    rng = random.Random(7)  # noqa: S311 - a seeded sample
    seen = [rng.lognormvariate(0.0, 1.0) for _ in range(2000)]
    sketch = Sketch(30.0)
    for seconds in seen:
        sketch.add(0.0, seconds)

    assert sketch.quantile(share) == pytest.approx(sorted(seen)[int(share * 2000) - 1], rel=0.05)


def test_an_empty_sketch_knows_no_quantile() -> None:
    assert Sketch(30.0).quantile(0.5) is None


def test_what_is_out_of_range_counts_as_the_nearest_bound() -> None:
    sketch = Sketch(30.0)
    sketch.add(0.0, 0.0)
    assert sketch.quantile(1.0) == pytest.approx(0.001, rel=0.05)

    sketch.add(0.0, 1e9)
    assert sketch.quantile(1.0) == pytest.approx(1000.0, rel=0.05)


def test_a_duration_is_remembered_for_one_to_two_spans() -> None:
    sketch = Sketch(30.0)
    sketch.add(0.0, 1.0)
    sketch.add(31.0, 2.0)
    assert sketch.count == 2

    sketch.forget(61.0)

    assert sketch.count == 1
    assert sketch.quantile(0.5) == pytest.approx(2.0, rel=0.05)


def test_after_two_silent_spans_nothing_is_remembered() -> None:
    sketch = Sketch(30.0)
    sketch.add(0.0, 1.0)

    sketch.forget(60.0)

    assert sketch.count == 0


def test_with_little_traffic_the_old_durations_stay() -> None:
    sketch = Sketch(300.0, 50)
    for n in range(40):
        sketch.add(n * 1000.0, 1.0)

    assert sketch.count == 40


def test_without_a_span_the_sketch_forgets_by_count() -> None:
    sketch = Sketch(0.0, 500)
    for _ in range(2000):
        sketch.add(0.0, 1.0)

    assert 500 <= sketch.count <= 1000


def test_what_is_usual_is_unknown_before_enough_samples() -> None:
    usual = Usual(0.95, Sketch(300.0, 50))
    for _ in range(19):
        usual.add(0.0, 1.0)
    assert usual.value_s(20) is None

    usual.add(0.0, 1.0)

    assert usual.value_s(20) == pytest.approx(1.0, rel=0.05)


def test_what_is_usual_follows_the_measurements() -> None:
    usual = Usual(0.95, Sketch(300.0, 50))
    for _ in range(20):
        usual.add(0.0, 1.0)
    assert usual.value_s(20) == pytest.approx(1.0, rel=0.05)

    for _ in range(20):
        usual.add(0.0, 4.0)

    assert usual.value_s(20) == pytest.approx(4.0, rel=0.05)


def test_several_quantiles_are_found_in_one_pass() -> None:
    sketch = Sketch(60.0)
    assert sketch.quantiles((0.5, 0.99)) == []
    for n in range(1, 101):
        sketch.add(0.0, n / 10.0)

    assert sketch.quantiles((0.5, 0.95, 0.99)) == pytest.approx([5.0, 9.5, 9.9], rel=0.05)
    assert sketch.quantiles((0.0, 1.0)) == pytest.approx([0.1, 10.0], rel=0.05)


def test_several_quantiles_may_be_one_duration() -> None:
    sketch = Sketch(60.0)
    sketch.add(0.0, 2.0)

    assert sketch.quantiles((0.5, 0.95, 0.99)) == pytest.approx([2.0, 2.0, 2.0], rel=0.05)
