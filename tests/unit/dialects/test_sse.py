"""The splitter of server-sent events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.dialects.sse import MAX_EVENT_BYTES, Event, Splitter

ENDS = [b"\n", b"\r", b"\r\n"]
LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data:  y",
        b"data",
        b": ping",
        b"event: error",
        b"event: a",
        b"id: 1",
        b"",
        b"a",
    ]
)


def fed(stream: bytes, cuts: list[int]) -> list[Event]:
    splitter = Splitter()
    edges = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    events = [event for piece in pieces for event in splitter.feed(piece)]
    return [*events, *([rest] if (rest := splitter.rest()) else [])]


@given(st.lists(st.tuples(LINES, st.sampled_from(ENDS)), max_size=24), st.data())
def test_any_cut_gives_the_same_events(lines: list[tuple[bytes, bytes]], data: st.DataObject):
    stream = b"".join(line + end for line, end in lines)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))

    assert fed(stream, cuts) == fed(stream, [])


@pytest.mark.parametrize("end", ENDS)
def test_every_line_end_ends_an_event_at_once(end: bytes):
    splitter = Splitter()

    events = splitter.feed(b"data: {}" + end + end)

    assert events == [Event(b"data: {}\n\n", b"{}")]


def test_several_events_of_one_read_come_in_order():
    events = Splitter().feed(b"data: 1\n\ndata: 2\n\ndata: 3\n\ndata: ")

    assert [event.payload for event in events] == [b"1", b"2", b"3"]


def test_the_space_after_the_colon_is_optional():
    assert Splitter().feed(b"data:{}\n\n") == [Event(b"data:{}\n\n", b"{}")]


def test_data_lines_are_joined_and_the_name_is_read():
    events = Splitter().feed(b"event: error\ndata: a\ndata: b\n\n")

    assert events == [Event(b"event: error\ndata: a\ndata: b\n\n", b"a\nb", b"error")]


@pytest.mark.parametrize("before", [b"", b"data: {}\n\n"])
def test_a_named_event_is_the_same_alone_and_among_others(before: bytes):
    named = b"event: message_stop\ndata: {}\n\n"

    assert Splitter().feed(before + named)[-1] == Event(named, b"{}", b"message_stop")


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        (b"event:  a\ndata:  b\n\n", Event(b"event:  a\ndata:  b\n\n", b" b", b" a")),
        (b"event: \ndata: \n\n", Event(b"event: \ndata: \n\n", b"")),
        (b"event: a\ndata:b\n\n", Event(b"event: a\ndata:b\n\n", b"b", b"a")),
        (b"event: a\n: c\ndata: b\n\n", Event(b"event: a\ndata: b\n\n", b"b", b"a")),
        (b"data: b\nevent: a\n\n", Event(b"data: b\nevent: a\n\n", b"b", b"a")),
        (b"event: a\nevent: b\n\n", None),
        (b"event: a\n\n", None),
    ],
)
def test_an_odd_form_of_a_named_event_reads_as_its_lines_say(stream: bytes, event: Event | None):
    assert Splitter().feed(stream) == ([event] if event else [])


@pytest.mark.parametrize("size", [0, 1])
def test_a_named_event_is_too_large_from_the_same_size_on(size: int):
    frame = len(b"event: a\ndata: \n\n")
    splitter = Splitter()

    events = splitter.feed(b"event: a\ndata: " + b"x" * (MAX_EVENT_BYTES - frame + size) + b"\n\n")

    assert (len(events), splitter.too_large) == (1 - size, size == 1)


def test_comments_are_dropped_alone_and_within_an_event():
    events = Splitter().feed(b": OPENROUTER PROCESSING\n\n: ping\ndata: {}\n\n")

    assert events == [Event(b"data: {}\n\n", b"{}")]


def test_events_without_data_are_dropped():
    assert Splitter().feed(b"retry: 3000\n\nid: 4\n\n\n\n") == []


def test_only_cr_and_lf_end_a_line():
    payload = "data: \u2028\u0085\x0b\x0c".encode()

    assert Splitter().feed(payload + b"\n\n") == [Event(payload + b"\n\n", payload[6:])]


@pytest.mark.parametrize("block", [b'{"error":{}}', b'[{"error":{}}]', b"<html></html>"])
def test_a_block_that_is_no_event_counts_as_an_error(block: bytes):
    assert Splitter().feed(block + b"\n\n") == [Event(b"data: " + block + b"\n\n", block, b"error")]


def test_quirk_llamacpp_an_error_line_is_an_error():
    events = Splitter().feed(b'error: {"code":500}\n\n')

    assert events == [Event(b'error: {"code":500}\n\n', b'{"code":500}', b"error")]


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n"])
def test_the_last_blank_line_may_be_missing(tail: bytes):
    splitter = Splitter()

    assert splitter.feed(tail) == []
    assert splitter.rest() == Event(b"data: [DONE]\n\n", b"[DONE]")
    assert splitter.rest() is None


@pytest.mark.parametrize("step", [MAX_EVENT_BYTES // 4, 4 * MAX_EVENT_BYTES])
def test_an_event_that_is_too_large_ends_it_after_those_before(step: int):
    stream = b"data: 1\n\ndata: " + b"x" * MAX_EVENT_BYTES + b"\n\ndata: 2\n\n"
    splitter = Splitter()

    events = [
        e for at in range(0, len(stream), step) for e in splitter.feed(stream[at : at + step])
    ]

    assert [event.payload for event in events] == [b"1"]
    assert splitter.too_large
    assert splitter.feed(b"data: 3\n\n") == []
    assert splitter.rest() is None
