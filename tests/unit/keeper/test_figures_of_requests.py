from hotswap.keeper.figures import Figures, pulse
from hotswap.ledger.link import Tick
from hotswap.ledger.rows import AttemptEntry
from hotswap.store.api import AttemptRow


def attempt(
    *,
    number: int = 1,
    final: bool = True,
    answered: bool = True,
    cause: str = "",
    request_id: str = "r",
    target: str = "a/x",
) -> AttemptEntry:
    row = AttemptRow(1.0, request_id, "chat", target, b"")
    return AttemptEntry(row, number, final, answered, cause)


def test_a_request_that_moved_counts_once_and_its_attempts_each() -> None:
    figures = Figures()
    figures.count([attempt(final=False, answered=False, cause="hard")])
    figures.count([attempt(number=2, target="b/y")])

    assert (figures.requests, figures.answered, figures.moved, figures.lost) == (1, 1, 1, 0)
    assert figures.attempts == 2
    assert (figures.targets["a/x"].attempts, figures.targets["a/x"].failures) == (1, 1)
    assert (figures.targets["b/y"].attempts, figures.targets["b/y"].failures) == (1, 0)


def test_a_request_without_any_attempt_is_lost() -> None:
    figures = Figures()
    figures.count([attempt(number=0, answered=False, cause="exhausted", target="")])

    assert (figures.requests, figures.lost, figures.attempts) == (1, 1, 0)


def test_what_the_caller_caused_is_neither_lost_nor_a_failure() -> None:
    figures = Figures()
    figures.count(
        [attempt(answered=False, cause="caller"), attempt(answered=False, cause="cancel")]
    )

    assert (figures.requests, figures.answered, figures.lost) == (2, 0, 0)
    assert figures.targets["a/x"].failures == 0


def test_probes_are_no_requests() -> None:
    figures = Figures()
    figures.count([attempt(request_id="", answered=False)])

    assert (figures.requests, figures.attempts) == (0, 0)


def test_the_pulse_sums_over_workers_and_names_the_latest() -> None:
    drawn = pulse(
        Figures(),
        [Tick(3, 10, 0.001), Tick(4, 20, 0.05)],
        at=1_700_000_000.0,
        dropped=5,
        unstored=6,
    )

    assert (drawn.workers, drawn.in_flight, drawn.connections) == (2, 7, 30)
    assert (drawn.lag_s, drawn.dropped, drawn.unstored) == (0.05, 5, 6)
