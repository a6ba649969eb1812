from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.window import Ring


def test_an_event_counts_until_its_slice_has_left_the_window() -> None:
    ring = Ring(30.0)
    ring.add(4.0)

    assert ring.total_at(4.0) == 1
    assert ring.total_at(32.9) == 1
    assert ring.total_at(33.0) == 0


def test_a_burst_counts_in_full() -> None:
    ring = Ring(30.0)
    for _ in range(1000):
        ring.add(100.0)

    assert ring.total_at(126.0) == 1000


def test_a_long_silence_empties_the_window() -> None:
    ring = Ring(30.0)
    ring.add(0.0)
    ring.add(29.0)

    assert ring.total_at(1e6) == 0


def test_a_cleared_ring_is_empty_and_goes_on() -> None:
    ring = Ring(30.0)
    ring.add(1.0)
    ring.add(10.0)
    ring.clear()
    ring.add(11.0)

    assert ring.total_at(11.0) == 1


def test_a_clock_that_goes_back_loses_nothing() -> None:
    ring = Ring(30.0)
    ring.add(100.0)
    ring.add(40.0)

    assert ring.total_at(100.0) == 2


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 60))
def test_the_total_is_that_of_the_slices_in_view(tenths: Sequence[int], later: int) -> None:
    times = sorted(t / 10 for t in tenths)
    now = (times[-1] if times else 0.0) + later
    ring = Ring(30.0)
    for time in times:
        ring.add(time)

    assert ring.total_at(now) == sum(time // 3.0 > now // 3.0 - 10 for time in times)


def test_the_newest_slices_can_be_counted_alone() -> None:
    ring = Ring(120.0)
    for second in range(120):
        ring.add(float(second))

    assert ring.total_at(119.0) == 120
    assert ring.last_at(119.0, 60.0) == 60
    assert ring.last_at(119.0, 12.0) == 12
    assert ring.last_at(119.0, 1000.0) == 120
    assert ring.last_at(180.0, 60.0) == 0
