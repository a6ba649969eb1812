import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.ledger.link import (
    MAX_FRAME,
    Ack,
    Ask,
    Batch,
    FrameError,
    Hello,
    Tick,
    Up,
    down_frames,
    up_frames,
    write_frame,
)
from hotswap.ledger.outbox import Outbox
from hotswap.ledger.record import Transition
from hotswap.ledger.rows import TransitionEntry, write_entry


def transition(name: str) -> Transition:
    return Transition(1.0, name, "", "closed", "open", "failures")


@settings(max_examples=30)
@given(st.data())
def test_any_cut_gives_the_same_messages(data: st.DataObject) -> None:
    messages: list[Up] = [
        Hello(1, "boot"),
        Batch(1, (write_entry(transition("a")), write_entry(transition("b")))),
        Ask("openai/gpt-4o", 15.0),
        Tick(3, 4, 0.5),
    ]
    stream = b"".join(map(write_frame, messages))
    frames, got, at = up_frames(), list[object](), 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        got += frames.feed(stream[at : at + size])
        at += size

    assert got == messages


@pytest.mark.parametrize(
    "stream",
    [
        (MAX_FRAME + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x04nope",
        b"\x00\x00\x00\x01\xc1",
        write_frame(Ack(1)),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["too long", "no message", "no msgpack", "the wrong direction", "a stranger"],
)
def test_what_is_not_the_protocol_is_refused(stream: bytes) -> None:
    with pytest.raises(FrameError):
        up_frames().feed(stream)


class Committed:
    """What a keeper has stored, by the rules of `Store.append`."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def take(self, batch: Batch) -> Ack:
        fresh = batch.entries[max(0, len(self.names) + 1 - batch.first) :]
        assert batch.first <= len(self.names) + 1
        self.names += [e.transition.target for e in fresh if isinstance(e, TransitionEntry)]
        return Ack(batch.first + len(batch.entries) - 1)


def connect(outbox: Outbox, keeper: Committed, up_limit: int, down_limit: int) -> None:
    """Let one connection live until so many bytes went up, and so many came down."""
    outbox.rewind()
    stream = b""
    while batch := outbox.take():
        stream += write_frame(batch)
    acks = b""
    for message in up_frames().feed(stream[:up_limit]):
        assert isinstance(message, Batch)
        acks += write_frame(keeper.take(message))
    for message in down_frames().feed(acks[:down_limit]):
        assert isinstance(message, Ack)
        outbox.ack(message.upto)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 900), st.integers(0, 60)), max_size=8))
def test_no_cut_loses_a_record_or_stores_one_twice(lives: list[tuple[int, int, int]]) -> None:
    outbox, keeper, added = Outbox(1_000), Committed(), list[str]()
    for records, up_limit, down_limit in lives:
        for _ in range(records):
            added.append(f"{len(added)}")
            outbox.add(transition(added[-1]))
        connect(outbox, keeper, up_limit, down_limit)

        assert keeper.names == added[: len(keeper.names)]
        assert len(outbox) >= len(added) - len(keeper.names)

    connect(outbox, keeper, 1_000_000, 1_000_000)

    assert keeper.names == added
    assert len(outbox) == 0
