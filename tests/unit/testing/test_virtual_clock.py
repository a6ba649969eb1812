import pytest

from hotswap.testing.clock import VirtualClock


def test_time_moves_only_by_hand() -> None:
    clock = VirtualClock(now=5.0, unix=1_000.0)

    before = clock.now(), clock.unix()
    clock.advance(2.5)
    clock.move_to(9.0)

    assert before == (5.0, 1_005.0)
    assert (clock.now(), clock.unix()) == (9.0, 1_009.0)


def test_the_wall_clock_jumps_without_the_monotonic_one() -> None:
    clock = VirtualClock(unix=7_200.0)

    clock.jump_unix(-3_600.0)

    assert (clock.now(), clock.unix()) == (0.0, 3_600.0)


def test_time_never_goes_back() -> None:
    clock = VirtualClock(now=2.0)

    with pytest.raises(ValueError, match=r"the clock is at 2.0 s and can not go back to 1.5 s"):
        clock.move_to(1.5)
    with pytest.raises(ValueError, match="can not go back"):
        clock.advance(-0.1)
    assert clock.now() == 2.0
