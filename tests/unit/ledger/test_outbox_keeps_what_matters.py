from msgspec.msgpack import Decoder

from hotswap.core.terms import Needs
from hotswap.ledger.outbox import Outbox
from hotswap.ledger.record import AttemptRecord, Transition
from hotswap.ledger.rows import AttemptEntry, Entry


def attempt(name: str, *, number: int = 1, answered: bool = True) -> AttemptRecord:
    return AttemptRecord(
        request_id=name,
        number=number,
        final=answered,
        answered=answered,
        chain="chat",
        config="c",
        caller="",
        dialect="openai",
        route="chat",
        streamed=False,
        needs=Needs(),
        target="openai/gpt-4o",
        credential="main",
        started_at=1.0,
    )


def transition(name: str) -> Transition:
    return Transition(1.0, name, "", "closed", "open", "failures")


read = Decoder(Entry).decode


def names(outbox: Outbox) -> list[str]:
    found: list[str] = []
    while batch := outbox.take():
        found += [
            entry.row.request_id if isinstance(entry, AttemptEntry) else entry.transition.target
            for entry in map(read, batch.entries)
        ]
    return found


def test_records_are_numbered_from_one_in_the_order_they_came() -> None:
    outbox = Outbox(10)
    outbox.add(attempt("a"))
    outbox.add(attempt("b"))
    first = outbox.take()
    outbox.add(attempt("c"))
    second = outbox.take()

    assert first is not None
    assert second is not None
    assert (first.first, len(first.entries)) == (1, 2)
    assert (second.first, len(second.entries)) == (3, 1)
    assert outbox.take() is None


def test_what_is_not_acknowledged_is_sent_again_under_its_number() -> None:
    outbox = Outbox(10)
    for name in "abc":
        outbox.add(attempt(name))
    outbox.take()
    outbox.ack(1)
    outbox.rewind()
    again = outbox.take()

    assert again is not None
    assert again.first == 2
    assert len(again.entries) == 2
    assert len(outbox) == 2


def test_an_acknowledgement_from_before_the_cut_still_counts() -> None:
    outbox = Outbox(10)
    for name in "abc":
        outbox.add(attempt(name))
    outbox.take()
    outbox.rewind()
    outbox.ack(3)

    assert len(outbox) == 0
    assert outbox.take() is None


def test_an_acknowledgement_of_what_was_never_sent_is_ignored() -> None:
    outbox = Outbox(10)
    outbox.add(attempt("a"))
    outbox.ack(7)

    assert names(outbox) == ["a"]


def test_a_full_outbox_drops_unmoved_successes_and_counts_them() -> None:
    outbox = Outbox(2)
    for name in "abc":
        outbox.add(attempt(name))

    assert outbox.dropped == 1
    assert names(outbox) == ["a", "b"]


def test_a_moved_request_takes_the_place_of_an_unmoved_success() -> None:
    outbox = Outbox(2)
    outbox.add(attempt("failed", answered=False))
    outbox.add(attempt("plain"))
    outbox.add(attempt("moved", number=2))

    assert outbox.dropped == 1
    assert names(outbox) == ["failed", "moved"]


def test_a_transition_takes_the_place_of_an_unmoved_success() -> None:
    outbox = Outbox(2)
    outbox.add(attempt("plain"))
    outbox.add(attempt("failed", answered=False))
    outbox.add(transition("openai/gpt-4o"))

    assert names(outbox) == ["openai/gpt-4o", "failed"]


def test_nothing_gives_way_where_everything_matters() -> None:
    outbox = Outbox(2)
    for name in "abc":
        outbox.add(attempt(name, answered=False))

    assert outbox.dropped == 1
    assert names(outbox) == ["a", "b"]


def test_a_success_that_was_sent_keeps_its_place_and_its_number() -> None:
    outbox = Outbox(2)
    outbox.add(attempt("sent"))
    outbox.take()
    outbox.rewind()
    outbox.add(attempt("plain"))
    outbox.add(attempt("moved", number=2))

    assert names(outbox) == ["sent", "moved"]


def test_room_that_an_acknowledgement_made_is_used_again() -> None:
    outbox = Outbox(2)
    outbox.add(attempt("a"))
    outbox.add(attempt("b"))
    outbox.take()
    outbox.add(attempt("late", answered=False))
    outbox.ack(1)
    outbox.add(attempt("c"))
    outbox.add(attempt("moved", number=2))
    outbox.rewind()

    assert outbox.dropped == 2
    assert names(outbox) == ["b", "moved"]


def test_the_batch_says_how_many_records_were_dropped() -> None:
    outbox = Outbox(1)
    outbox.add(attempt("a"))
    outbox.add(attempt("b"))
    batch = outbox.take()

    assert batch is not None
    assert batch.dropped == 1


def test_no_more_than_the_window_is_on_its_way() -> None:
    outbox = Outbox(3_000)
    for at in range(2_500):
        outbox.add(attempt(str(at)))

    assert len(names(outbox)) == 2_000
    assert not outbox.waiting

    outbox.ack(1)
    batch = outbox.take()

    assert batch is not None
    assert (batch.first, len(batch.entries)) == (2_001, 1)


def test_filling_a_full_outbox_looks_at_each_record_once() -> None:
    """20,000 displacements in an outbox of 20,000 take milliseconds, not minutes."""
    outbox = Outbox(20_000)
    for at in range(20_000):
        outbox.add(attempt(str(at)))
    moved = attempt("moved", number=2)
    for _ in range(20_100):
        outbox.add(moved)

    assert outbox.dropped == 20_100
    assert len(outbox) == 20_000
