from collections.abc import Iterable

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.testing.moves import (
    Hang,
    Leave,
    Move,
    Pause,
    chunked,
    cut_after,
    sliced,
    with_pings,
)
from hotswap.testing.step import Cut

PIECES = st.lists(st.binary(min_size=1, max_size=9), max_size=6)


def read_chunked(body: bytes) -> bytes:
    """Return what an independent parser makes of a chunked body; raises where it is broken."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + body)
    client.receive_data(b"")
    found = b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            found += bytes(event.data)
    return found


@given(PIECES)
def test_chunked_pieces_are_read_back(pieces: list[bytes]) -> None:
    assert read_chunked(b"".join(only_bytes(chunked(pieces)))) == b"".join(pieces)


@given(PIECES, st.integers(0, 60))
def test_a_cut_lets_exactly_so_many_bytes_pass(pieces: list[bytes], size: int) -> None:
    whole = b"".join(pieces)

    moves = list(cut_after(pieces, size, Cut.RESET))

    assert b"".join(only_bytes(moves)) == whole[:size]
    assert (moves[-1:] == [Leave(Cut.RESET)]) is (size <= len(whole) and pieces != [])


@given(PIECES, st.integers(1, 12))
def test_slices_are_the_same_bytes_with_a_pause_after_each(pieces: list[bytes], size: int) -> None:
    moves = list(sliced(pieces, size, 0.5))

    assert b"".join(only_bytes(moves)) == b"".join(pieces)
    assert all(len(move) <= size for move in only_bytes(moves))
    assert moves[1::2] == [Pause(0.5)] * (len(moves) // 2)


def test_a_clean_cut_of_a_chunked_body_ends_its_framing() -> None:
    moves: list[Move] = [b"abc", Leave(Cut.END), b"never"]

    assert list(chunked(moves)) == [b"3\r\nabc\r\n", b"0\r\n\r\n"]


@pytest.mark.parametrize("cut", [Cut.EOF, Cut.RESET])
def test_another_cut_of_a_chunked_body_leaves_it_open(cut: Cut) -> None:
    framed = list(chunked([b"abc", Leave(cut)]))

    assert framed[:2] == [b"3\r\nabc\r\n", Leave(cut)]
    with pytest.raises(h11.RemoteProtocolError):
        read_chunked(framed[0] if isinstance(framed[0], bytes) else b"")


def test_pings_fill_a_pause_without_making_it_longer() -> None:
    moves: list[Move] = [b"a", Pause(2.5), b"b"]

    assert list(with_pings(moves, b":", 1.0)) == [
        b"a",
        Pause(1.0),
        b":",
        Pause(1.0),
        b":",
        Pause(0.5),
        b"b",
    ]


def test_pings_go_on_while_an_answer_hangs() -> None:
    moves = with_pings([b"a", Hang(), b"never"], b":", 1.0)

    assert [next(moves) for _ in range(5)] == [b"a", Pause(1.0), b":", Pause(1.0), b":"]


def only_bytes(moves: Iterable[Move]) -> list[bytes]:
    """Return the bytes among `moves`."""
    return [move for move in moves if isinstance(move, bytes)]
