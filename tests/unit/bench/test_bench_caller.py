"""The bench's own callers know when an answer is whole, and whether it is good."""

import asyncio
from itertools import pairwise

from bench.caller import Caller, chat_request
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
STREAM = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"10\r\ndata: {}\n\ndata:  \r\n8\r\n[DONE]\n\n\r\n0\r\n\r\n"
)
MESSAGES = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b'33\r\nevent: message_stop\ndata: {"type":"message_stop"}\n\n\r\n0\r\n\r\n'
)
CUT_SHORT = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\ndata: {}\n\n\r\n0\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport to nowhere."""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""

    @override
    def abort(self) -> None:
        """Close at once."""


def judged(answers: bytes, cuts: set[int], requests: int = 1) -> list[bool]:
    """Return the verdict on each answer, which comes cut at these places."""
    verdicts: list[bool] = []

    def on_answer(caller: Caller, good: bool) -> None:  # noqa: FBT001 - an answer's one value
        verdicts.append(good)
        if len(verdicts) < requests:
            caller.ask(b"again")

    caller = Caller(on_answer)
    caller.connection_made(Wire())
    caller.ask(b"first")
    places = [0, *sorted(cut % len(answers) for cut in cuts), len(answers)]
    for start, end in pairwise(places):
        caller.data_received(answers[start:end])
    return verdicts


@settings(max_examples=30)
@given(st.sets(st.integers(0, 200), max_size=6))
def test_an_answer_is_whole_however_the_network_cuts_it(cuts: set[int]) -> None:
    assert judged(PLAIN, cuts) == [True]
    assert judged(REFUSED, cuts) == [False]
    assert judged(STREAM, cuts) == [True]
    assert judged(MESSAGES, cuts) == [True]
    assert judged(CUT_SHORT, cuts) == [False]


def test_a_caller_may_ask_again_as_soon_as_it_is_answered() -> None:
    cut = {len(PLAIN), len(PLAIN) + len(STREAM)}

    assert judged(PLAIN + STREAM + REFUSED, cut, requests=3) == [True, True, False]


def test_a_lost_connection_is_no_good_answer_and_silence_about_who_left() -> None:
    verdicts: list[bool] = []
    lost, left = (Caller(lambda _, good: verdicts.append(good)) for _ in range(2))
    for caller in (lost, left):
        caller.connection_made(Wire())
        caller.ask(b"request")

    lost.connection_lost(None)
    left.leave()
    left.connection_lost(None)

    assert verdicts == [False]
    assert (lost.lost, left.lost) == (True, True)


def test_a_stream_is_asked_for_as_its_api_wants_it() -> None:
    chat = chat_request("http://127.0.0.1:1/chain/v1/chat/completions", "m", stream=True)
    messages = chat_request("http://127.0.0.1:1/v1/messages", "m", stream=True)

    assert chat.endswith(b',"stream":true,"stream_options":{"include_usage":false}}')
    assert messages.startswith(b"POST /v1/messages HTTP/1.1\r\n")
    assert messages.endswith(b',"stream":true,"max_tokens":500}')
