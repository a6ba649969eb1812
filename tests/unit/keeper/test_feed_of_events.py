import pytest

from hotswap.keeper.feed import Feed, Hello
from hotswap.ledger.live import RING, Live

HELLO = b'event: hello\ndata: {"reset":%b,"version":"1.2.3","digest":"one"}\n\n'


def feed(live: Live) -> Feed:
    return Feed(live, epoch="e", hello=lambda reset: Hello(reset, "1.2.3", "one"))


async def test_a_new_watcher_is_told_to_take_the_whole_picture() -> None:
    live = Live()
    live.publish("tick", {"n": 1})
    stream = feed(live).stream("")

    assert await anext(stream) == b"id: e-1\n" + HELLO % b"true"
    await stream.aclose()


async def test_a_watcher_that_comes_back_gets_what_it_missed() -> None:
    live = Live()
    for number in (1, 2, 3):
        live.publish("attempt", {"n": number})
    stream = feed(live).stream("e-1")

    assert await anext(stream) == b"id: e-1\n" + HELLO % b"false"
    assert await anext(stream) == (
        b'id: e-2\nevent: attempt\ndata: {"n":2}\n\nid: e-3\nevent: attempt\ndata: {"n":3}\n\n'
    )
    await stream.aclose()


@pytest.mark.parametrize("last_id", ["former-1", "e-", "e-x", "nonsense", "e-99", "e-\u0663"])
async def test_an_id_that_is_not_known_begins_anew(last_id: str) -> None:
    live = Live()
    live.publish("attempt", {"n": 1})
    stream = feed(live).stream(last_id)

    assert await anext(stream) == b"id: e-1\n" + HELLO % b"true"
    await stream.aclose()


async def test_a_slow_watcher_is_told_that_it_missed_something() -> None:
    live = Live()
    stream = feed(live).stream("")
    await anext(stream)
    for number in range(RING + 1):
        live.publish("attempt", {"n": number})

    assert await anext(stream) == b"id: e-2001\n" + HELLO % b"true"
    await stream.aclose()


async def test_a_slow_watcher_gets_the_newest_tick_alone() -> None:
    live = Live()
    stream = feed(live).stream("")
    await anext(stream)
    for number in (1, 2, 3):
        live.publish("tick", {"n": number})

    assert await anext(stream) == b'id: e-3\nevent: tick\ndata: {"n":3}\n\n'
    await stream.aclose()


async def test_open_streams_are_counted_until_they_end() -> None:
    live = Live()
    opened = feed(live)
    stream = opened.stream("")
    await anext(stream)
    assert opened.streams == 1
    await stream.aclose()

    assert opened.streams == 0
