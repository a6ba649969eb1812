from hotswap.core.backoff import RetryBudget, equal_jitter, full_jitter, no_jitter
from hotswap.core.settings import RetryBudget as RetryBudgetSettings


def half() -> float:
    return 0.5


def test_full_jitter_spans_from_nothing_to_the_grown_pause() -> None:
    assert full_jitter(0.05, 0, 1.0, lambda: 0.0) == 0.0
    assert full_jitter(0.05, 0, 1.0, half) == 0.025
    assert full_jitter(0.05, 3, 1.0, half) == 0.2


def test_equal_jitter_keeps_at_least_half_of_the_grown_pause() -> None:
    assert equal_jitter(5.0, 0, 300.0, lambda: 0.0) == 2.5
    assert equal_jitter(5.0, 2, 300.0, lambda: 0.0) == 10.0
    assert equal_jitter(5.0, 2, 300.0, half) == 15.0


def test_a_pause_stops_growing_at_its_cap() -> None:
    assert no_jitter(5.0, 6, 300.0, half) == 300.0
    assert full_jitter(5.0, 5000, 300.0, half) == 150.0


def test_little_traffic_may_retry_from_the_reserve() -> None:
    budget = RetryBudget(RetryBudgetSettings(share=0.1, reserve=3.0, window_s=10.0))

    assert [budget.take(0.0) for _ in range(4)] == [True, True, True, False]


def test_retries_are_a_share_of_the_attempts_and_the_reserve() -> None:
    budget = RetryBudget(RetryBudgetSettings(share=0.1, reserve=3.0, window_s=10.0))
    for _ in range(100):
        budget.started(0.0)

    assert sum(budget.take(0.5) for _ in range(50)) == 13


def test_a_spent_budget_is_whole_again_after_its_window() -> None:
    budget = RetryBudget(RetryBudgetSettings(share=0.1, reserve=1.0, window_s=10.0))
    assert budget.take(0.0)
    assert not budget.take(8.0)

    assert budget.take(10.0)


def test_a_new_share_counts_what_has_happened_so_far() -> None:
    budget = RetryBudget(RetryBudgetSettings(share=0.1, reserve=0.0, window_s=10.0))
    for _ in range(100):
        budget.started(0.0)
    assert budget.take(0.0)

    budget.adopt(RetryBudgetSettings(share=0.2, reserve=0.0, window_s=10.0))

    assert sum(budget.take(0.5) for _ in range(50)) == 19


def test_a_window_of_another_length_begins_empty() -> None:
    budget = RetryBudget(RetryBudgetSettings(share=0.1, reserve=1.0, window_s=10.0))
    assert [budget.take(0.0) for _ in range(2)] == [True, False]

    budget.adopt(RetryBudgetSettings(share=0.1, reserve=1.0, window_s=60.0))

    assert [budget.take(at) for at in (1.0, 50.0, 61.0)] == [True, False, True]
