"""What a new configuration leaves out, and for how long."""

from hotswap.core.leaving import Leaving

A, B = "health of a", "health of b"


def leaving() -> Leaving[str]:
    """Make one that goes by a configuration of `a` and `b`, whose requests last 10 and 20 s."""
    made: Leaving[str] = Leaving()
    made.adopt({}, {"a": 10.0, "b": 20.0}, 0.0)
    return made


def test_what_is_left_out_stays_for_as_long_as_a_request_may_last_and_a_minute() -> None:
    for now, left in ((179.9, {"b": B}), (180.0, {})):
        made = leaving()

        made.adopt({"b": B}, {"a": 10.0}, 100.0)
        assert made.things == {"b": B}
        made.adopt({}, {"a": 10.0}, now)

        assert made.things == left


def test_a_request_that_began_while_more_time_was_allowed_counts() -> None:
    made = leaving()

    made.adopt({}, {"a": 1.0, "b": 1.0}, 100.0)
    made.adopt({"b": B}, {"a": 1.0}, 101.0)
    made.adopt({}, {"a": 1.0}, 179.9)
    assert made.things == {"b": B}
    made.adopt({}, {"a": 1.0}, 180.0)

    assert made.things == {}


def test_what_comes_back_is_left_out_no_longer() -> None:
    made = leaving()

    made.adopt({"b": B}, {"a": 10.0}, 100.0)
    made.adopt({}, {"a": 10.0, "b": 20.0}, 110.0)

    assert made.things == {}


def test_what_replaces_it_and_leaves_is_kept_instead() -> None:
    made = leaving()

    made.adopt({"b": B}, {"a": 10.0}, 100.0)
    made.adopt({}, {"a": 10.0, "b": 20.0}, 110.0)
    made.adopt({"b": "another"}, {"a": 10.0}, 120.0)

    assert made.things == {"b": "another"}


def test_what_was_replaced_is_not_kept() -> None:
    made = leaving()

    made.adopt({"a": A}, {"a": 10.0, "b": 20.0}, 100.0)

    assert made.things == {}
