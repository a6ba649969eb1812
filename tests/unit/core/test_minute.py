"""What went within the last minute."""

from hotswap.core.minute import Minute


def tokens_at(minute: Minute, now: float) -> float:
    return minute.last_at(now)[1]


def test_a_correction_leaves_with_what_it_corrects() -> None:
    minute = Minute()
    minute.add(0.0, 9_000.0, 1_000.0)
    minute.correct(0.0, 30.0, input_=-8_500.0, output=-500.0)

    assert minute.last_at(30.0) == (1.0, 1_000.0, 500.0, 500.0)
    minute.add(62.0, 500.0, 0.0)
    assert minute.last_at(62.0) == (1.0, 500.0, 500.0, 0.0)


def test_what_has_left_is_corrected_no_more() -> None:
    minute = Minute()
    minute.add(0.0, 10_000.0, 0.0)
    minute.add(90.0, 7.0, 0.0)

    minute.correct(0.0, 90.0, input_=-9_000.0, output=0.0)

    assert tokens_at(minute, 90.0) == 7.0


def test_a_correction_within_the_same_second_counts_at_once() -> None:
    minute = Minute()
    minute.add(5.1, 10.0, 0.0)
    minute.correct(5.1, 5.9, input_=-4.0, output=0.0)

    assert tokens_at(minute, 5.9) == 6.0
    assert tokens_at(minute, 66.0) == 0.0


def test_a_refund_takes_the_request_back_too() -> None:
    minute = Minute()
    minute.add(5.0, 10.0, 2.0)
    minute.add(7.0, 10.0, 2.0)
    minute.correct(5.0, 8.0, input_=-10.0, output=-2.0, requests=-1.0)

    assert minute.last_at(8.0) == minute.so_far() == (1.0, 12.0, 10.0, 2.0)
    assert minute.last_at(66.0) == (1.0, 12.0, 10.0, 2.0)
