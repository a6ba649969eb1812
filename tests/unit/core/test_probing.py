"""The right to make the one probe of an opening."""

from hotswap.core.probing import Probing
from hotswap.core.settings import BreakerSettings

SETTINGS = BreakerSettings()


def probing() -> Probing:
    return Probing(SETTINGS, lambda: 0.0)


def test_an_opening_is_probed_when_it_is_over() -> None:
    made = probing()
    made.rest(10.0, hinted=False)

    assert not made.is_free(1e9, over=False)
    assert made.is_free(10.0, over=True)


def test_a_long_hint_is_looked_at_from_time_to_time() -> None:
    made = probing()
    made.rest(10.0, hinted=True)

    assert not made.is_free(10.0 + SETTINGS.hint_probe_s - 0.1, over=False)
    assert made.is_free(10.0 + SETTINGS.hint_probe_s, over=False)


def test_in_doubt_a_probe_goes_early_for_as_long_as_a_first_opening() -> None:
    made = probing()
    made.doubt(10.0)
    made.rest(10.0, hinted=False)
    assert made.is_free(10.5, over=False)

    made.rest(10.0 + SETTINGS.open_s, hinted=False)
    assert not made.is_free(1e9, over=False)


def test_a_lease_belongs_to_one_generation_and_lasts_for_its_time() -> None:
    made = probing()
    made.wanted = True
    made.take(10.0, 5.0, 3)

    assert not made.wanted
    assert [made.belongs_to(3, at) for at in (9.9, 10.0)] == [False, True]
    assert not made.belongs_to(4, 10.0)
    assert [made.is_free(at, over=True) for at in (14.9, 15.0)] == [False, True]


def test_a_probe_that_showed_nothing_is_made_again_after_a_rest() -> None:
    made = probing()
    made.take(10.0, 5.0, 3)
    made.end_without_result(12.0)

    assert made.wanted
    assert not made.belongs_to(3, 11.0)
    assert [made.is_free(at, over=True) for at in (11.9, 12.0)] == [False, True]
