"""Events of a call are kept back in order, within bounds."""

from hotswap.dialects.holding import HELD_MAX, Hold


def test_nothing_is_kept_before_a_call_begins() -> None:
    hold = Hold(wanted=True)
    assert hold.keep(b"text") == b"text"
    assert not hold.on
    assert hold.release() == b""


def test_everything_from_the_call_on_comes_at_the_end_in_order() -> None:
    hold = Hold(wanted=True)
    hold.begin()
    assert hold.on
    assert hold.keep(b"call ") == b""
    hold.begin()
    assert hold.keep(b"text ") == b""
    assert hold.keep(b"finish") == b""
    assert hold.release() == b"call text finish"
    assert not hold.on
    assert hold.keep(b"after") == b"after"


def test_calls_that_nobody_wants_held_pass_live() -> None:
    hold = Hold(wanted=False)
    hold.begin()
    assert not hold.on
    assert hold.keep(b"call") == b"call"


def test_a_call_of_exactly_the_bound_is_held() -> None:
    hold = Hold(wanted=True)
    hold.begin()
    assert hold.keep(b"x" * HELD_MAX) == b""
    assert hold.on


def test_beyond_the_bound_all_goes_out_and_the_rest_passes_live() -> None:
    hold = Hold(wanted=True)
    hold.begin()
    assert hold.keep(b"x" * HELD_MAX) == b""
    assert hold.keep(b"y") == b"x" * HELD_MAX + b"y"
    assert not hold.on
    hold.begin()
    assert not hold.on
    assert hold.keep(b"z") == b"z"
