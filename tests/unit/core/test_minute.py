"""What went within the last minute."""

from hotswap.core.minute import Minute


def test_a_correction_leaves_with_what_it_corrects() -> None:
    minute = Minute()
    minute.add(0.0, 10_000.0)
    minute.correct(0.0, -9_000.0, 30.0)

    assert minute.total_at(30.0) == 1_000.0
    minute.add(62.0, 500.0)
    assert minute.total_at(62.0) == 500.0


def test_what_has_left_is_corrected_no_more() -> None:
    minute = Minute()
    minute.add(0.0, 10_000.0)
    minute.add(90.0, 7.0)

    minute.correct(0.0, -9_000.0, 90.0)

    assert minute.total_at(90.0) == 7.0


def test_a_correction_within_the_same_second_counts_at_once() -> None:
    minute = Minute()
    minute.add(5.1, 10.0)
    minute.correct(5.1, -4.0, 5.9)

    assert minute.total_at(5.9) == 6.0
    assert minute.total_at(66.0) == 0.0
