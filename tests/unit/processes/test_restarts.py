from hotswap.processes.restarts import Restarts


def test_the_first_death_costs_no_pause() -> None:
    restarts = proven(5.0)

    assert restarts.on_death(100.0) == 0.0


def test_the_pause_doubles_while_the_child_dies_again_within_ten_seconds() -> None:
    restarts = proven(5.0)
    pauses: list[float | None] = []

    for death in range(9):
        restarts.on_start(death * 10.0)
        pauses.append(restarts.on_death(death * 10.0 + 9.9))

    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_longer_life_forgets_the_series() -> None:
    restarts = proven(5.0)
    for _ in range(3):
        restarts.on_death(1.0)

    restarts.on_start(1.0)

    assert restarts.on_death(11.0) == 0.0
    restarts.on_start(11.0)
    assert restarts.on_death(12.0) == 0.1


def test_pauses_never_overflow() -> None:
    restarts = proven(1.5)
    for _ in range(2000):
        restarts.on_death(1.0)

    assert restarts.on_death(1.0) == 1.5


def test_five_deaths_within_thirty_seconds_before_it_was_ever_ready_are_hopeless() -> None:
    restarts = Restarts(5.0)

    assert [restarts.on_death(now) for now in (0.0, 7.0, 14.0, 21.0)] == [0.0] * 4
    assert restarts.on_death(30.0) is None


def test_five_deaths_in_more_than_thirty_seconds_are_not_hopeless() -> None:
    restarts = Restarts(5.0)

    deaths = [restarts.on_death(now) for now in (0.0, 11.0, 22.0, 33.0, 44.0, 55.0)]

    assert None not in deaths


def test_a_child_that_was_ready_once_is_never_hopeless() -> None:
    restarts = Restarts(5.0)
    restarts.on_start(0.0)
    for _ in range(4):
        restarts.on_death(1.0)

    restarts.on_ready()

    assert restarts.on_death(1.0) == 0.8
    assert None not in [restarts.on_death(1.0) for _ in range(10)]


def proven(longest_s: float) -> Restarts:
    """Restarts of a child that was ready, started at 0."""
    restarts = Restarts(longest_s)
    restarts.on_start(0.0)
    restarts.on_ready()
    return restarts
