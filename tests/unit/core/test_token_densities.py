"""Estimates of prompts follow what providers count."""

from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.tokens import Densities, Span


def taught(model: str, *counts: tuple[int, int]) -> Densities:
    densities = Densities()
    for estimated, counted in counts:
        densities.learn(model, estimated, counted)
    return densities


def test_before_anything_was_measured_the_span_is_wide() -> None:
    assert Densities().span("m", 1000) == Span(700.0, 1100.0)


def test_two_measurements_are_too_few() -> None:
    assert taught("m", (1000, 500), (1000, 500)).span("m", 1000) == Span(700.0, 1100.0)


def test_after_three_the_span_lies_around_what_was_counted() -> None:
    densities = taught("m", (1000, 500), (2000, 1000), (4000, 2000))

    assert densities.span("m", 1000) == Span(450.0, 550.0)


def test_the_first_measurements_are_averaged() -> None:
    densities = taught("m", (1000, 900), (1000, 1000), (1000, 1100))

    assert densities.span("m", 1000) == Span(900.0, 1100.0)


def test_later_measurements_move_the_mean_by_a_tenth() -> None:
    densities = taught("m", *([(1000, 1000)] * 20), (1000, 2000))

    assert densities.span("m", 1000) == Span(990.0, 1210.0)


def test_models_are_told_apart() -> None:
    densities = taught("m", *([(1000, 500)] * 3))

    assert densities.span("other", 1000) == Span(700.0, 1100.0)


def test_short_prompts_and_impossible_counts_teach_nothing() -> None:
    densities = taught("m", *([(99, 10)] * 5), *([(1000, 0)] * 5), *([(1000, 10_000)] * 5))

    assert densities.span("m", 1000) == Span(700.0, 1100.0)


def test_the_number_of_models_is_bounded() -> None:
    densities = taught("first", *([(1000, 500)] * 3))
    for number in range(1000):
        densities.learn(f"m{number}", 1000, 500)

    assert densities.span("first", 1000) == Span(700.0, 1100.0)


@given(st.floats(0.3, 4.0), st.lists(st.integers(100, 10**6), min_size=12, max_size=40))
def test_a_steady_density_is_learned_within_the_margin(ratio: float, sizes: list[int]) -> None:
    densities = taught("m", *((size, round(size * ratio)) for size in sizes))

    for size in sizes:
        span = densities.span("m", size)
        assert span.least <= size * ratio <= span.most


@given(st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9)), max_size=30))
def test_whatever_is_counted_the_span_stays_within_bounds(counts: list[tuple[int, int]]) -> None:
    span = taught("m", *counts).span("m", 1000)

    assert 180 <= span.least < span.most <= 5501
