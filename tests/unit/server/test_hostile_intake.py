"""What bytes that come one by one, and bodies that come in part, may cost and hold."""

import pytest

from hotswap.errors import RefusedError
from hotswap.server.buffers import Intake
from hotswap.server.limits import BODIES_BYTES, BODY_STEP_BYTES, Bodies, Gathering
from hotswap.server.reader import Reader

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_only_what_is_new_is_searched_for_bad_line_ends() -> None:
    """A search of everything for each byte would cost a second of CPU for one head."""
    intake = Intake()
    found: list[bool] = []

    for piece in (b"GET / HTTP/1.1\n", b"\n", b"aaa", b"a", b"\n\r", b"\n"):
        intake.feed(piece)
        assert intake.take_until(b"\r\n\r\n") is None
        found.append(intake.brought(b"\n\n") or intake.brought(b"\n\r\n"))

    assert found == [False, True, True, False, False, True]


def test_a_body_makes_progress_in_steps() -> None:
    gathering = Gathering(Bodies())
    step = BODY_STEP_BYTES

    grown = [gathering.grow(size) for size in (1, step - 1, step, step + 1, 3 * step, 4 * step)]

    assert grown == [False, False, True, False, True, True]


def test_bodies_are_counted_over_all_connections_until_they_are_forgotten() -> None:
    bodies = Bodies()
    first, second = Gathering(bodies), Gathering(bodies)

    first.grow(BODIES_BYTES - 5)
    second.grow(5)
    before = second.too_much
    second.grow(6)
    after = second.too_much
    first.forget()
    first.forget()

    assert (before, after, second.too_much) == (False, True, False)
    assert bodies.size == 6


def test_a_reader_that_goes_on_keeps_what_is_left_and_else_nothing() -> None:
    reader = Reader(max_header_bytes=1000, max_body_bytes=1000)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    reader.feed(request * 2)

    assert reader.read() is not None
    assert reader.goes_on()
    assert (reader.body, reader.pending) == (b"abc", len(request))
    assert reader.read() is not None
    assert not reader.goes_on()
    assert (reader.body, reader.pending) == (b"", 0)
    reader.feed(request)
    assert reader.read() is not None


@pytest.mark.parametrize(
    ("size", "number", "refused"), [(1, 320, False), (1, 330, True), (100, 1_000, False)]
)
def test_framing_may_not_outweigh_the_data_for_long(
    size: int, number: int, *, refused: bool
) -> None:
    chunk = b"%x;%b\r\n%b\r\n" % (size, b"a" * 200, bytes(size))
    reader = Reader(max_header_bytes=1000, max_body_bytes=1 << 20)
    reader.feed(CHUNKED + chunk * number + b"0\r\n\r\n")

    if refused:
        with pytest.raises(RefusedError, match="The chunks hold too little data"):
            reader.read()
    else:
        assert reader.read() is not None
        assert len(reader.body) == size * number
