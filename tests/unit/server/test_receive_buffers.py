import tracemalloc

from hotswap.server.buffers import Body, Intake


def test_a_body_that_trickles_in_costs_little_more_than_its_size() -> None:
    body = Body()

    tracemalloc.start()
    for i in range(20_000):
        body.add(b"%05d" % i)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert body.size == 100_000
    assert held < 200_000


def test_parts_are_joined_in_their_order() -> None:
    body = Body()

    for part in (b"a" * 5_000, b"b", b"c" * 5_000, b"d", b"e" * 70_000, b"f"):
        body.add(part)

    assert body.join() == b"a" * 5_000 + b"b" + b"c" * 5_000 + b"d" + b"e" * 70_000 + b"f"


def test_what_is_taken_does_not_come_again() -> None:
    intake = Intake()

    intake.feed(b"abcd")
    first = intake.take(1)
    intake.feed(b"ef")
    rest = intake.take(2), intake.take(9), intake.take(1)

    assert (first, rest) == (b"a", (b"bc", b"def", b""))
    assert len(intake) == 0


def test_an_end_that_comes_in_two_parts_is_found() -> None:
    intake = Intake()

    intake.feed(b"xa\r")
    intake.take(1)
    early = intake.take_until(b"\r\n")
    intake.feed(b"\nb\r\n")

    assert early is None
    assert [intake.take_until(b"\r\n") for _ in range(3)] == [b"a\r\n", b"b\r\n", None]
