"""What Portkey's open-source gateway does by default, and what users get here instead.

The ids are those of the table of peers' defaults; `one` is the primary, `two` the healthy fallback.
"""

# ruff: noqa: N802 - the names begin with the row of the table

import pytest

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import chain_of, chat, pair, serving
from hotswap.testing.step import Cut, Step, ToolCall

BY_TWO = "This answer was written by two."
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
THREE_WORDS = ("w0 ", "w1 ", "w2 ")


@BOTH_MODES
@pytest.mark.parametrize(
    "status", [401, 402, 403, 404, 408, 429, 500, 502, 503, 504, 524, 529, 599]
)
async def test_P1_whatever_speaks_of_the_target_moves_on_at_once(
    status: int, *, stream: bool
) -> None:
    async with pair(Step(status=status)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert answer.first_byte_s < 0.1
        assert (p.one.requests, p.two.requests) == (1, 1)


async def test_P1_a_400_that_blames_the_request_is_paid_once() -> None:
    async with pair(Step(status=400)) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 400
        assert (p.one.requests, p.two.requests) == (1, 0)


@pytest.mark.parametrize("status", [500, 503])
@BOTH_MODES
async def test_P2_a_trigger_that_is_off_is_obeyed_and_its_error_goes_back(
    status: int, *, stream: bool
) -> None:
    triggers = [{"type": "rate_limit"}, {"type": "error", "enabled": False}]
    async with pair(Step(status=status), triggers=triggers) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == 503
        assert answer.headers["x-should-retry"] == "false"
        assert "one/m" in str(answer.error()["message"])
        assert (p.one.requests, p.two.requests) == (1, 0)


async def test_P2_a_rate_limit_goes_back_as_429_where_its_trigger_is_not_listed() -> None:
    async with pair(Step(status=429), triggers=[{"type": "error"}]) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 429
        assert p.two.requests == 0


async def test_P2_listing_the_rate_limit_does_not_switch_errors_off() -> None:
    async with pair(Step(status=500), triggers=[{"type": "rate_limit"}]) as p:
        assert (await p.gateway.post(chat("assist"))).text() == BY_TWO


@pytest.mark.parametrize("status", [429, 500])
async def test_P3_retries_do_not_come_before_a_healthy_target(status: int) -> None:
    async with pair(Step(status=status), retry={"max_attempts": 3}) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        assert answer.first_byte_s < 0.1
        assert (p.one.requests, p.two.requests) == (1, 1)


async def test_P3_only_the_last_target_is_tried_again_and_with_jitter() -> None:
    retry = {"max_attempts": 3, "base_s": 0.1}
    async with (
        ScriptedProvider("one", Step(status=500)) as one,
        ScriptedProvider("two", Step(status=500)) as two,
        serving(chain_of(one, two, retry=retry), jitter=lambda: 0.5) as gateway,
    ):
        two.script(Step(status=500), Step(status=500), HEALTHY)
        answer = await gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        assert (one.requests, two.requests) == (1, 3)
        first, second, third = (seen.at for seen in two.seen)
        assert 0.05 <= second - first < 0.1
        assert 0.1 <= third - second < 0.15


@BOTH_MODES
async def test_P4_a_retry_after_is_obeyed_unasked_and_nobody_sleeps_it(*, stream: bool) -> None:
    async with pair(Step(status=429, headers={"retry-after": "30"})) as p:
        for _ in range(3):
            answer = await p.gateway.post(chat("assist", stream=stream))
            assert answer.text() == BY_TWO
            assert answer.first_byte_s < 0.1

        assert p.one.requests == 1


@BOTH_MODES
@pytest.mark.parametrize(
    ("timeouts", "triggers"),
    [
        ({"first_content_s": 0.2}, None),
        (None, [{"type": "latency", "threshold_ms": 200}]),
        ({"first_content_s": 5}, [{"type": "latency", "threshold_ms": 200}]),
        ({"first_content_s": 0.2}, [{"type": "latency", "threshold_ms": 5000}]),
    ],
    ids=["limit", "latency", "smaller_latency", "smaller_limit"],
)
async def test_P5_a_hang_moves_on_when_its_limit_is_over(
    timeouts: object, triggers: object, *, stream: bool
) -> None:
    async with pair(Step(hang=True), timeouts=timeouts, triggers=triggers) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert 0.2 <= answer.first_byte_s < 0.3
        await p.one.wait_closed_early(timeout_s=1)


@BOTH_MODES
async def test_P6_a_stall_after_the_headers_is_no_different_from_a_hang(*, stream: bool) -> None:
    limits = {"first_content_s": 0.2, "silence_s": 0.2}
    async with pair(Step(silent_after=0), timeouts=limits) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert 0.2 <= answer.first_byte_s < 0.3


@pytest.mark.parametrize("cut", [Cut.EOF, Cut.RESET, Cut.END])
async def test_P6_a_body_that_is_cut_is_fetched_elsewhere(cut: Cut) -> None:
    async with pair(Step(cut=cut, cut_after_bytes=40)) as p:
        assert (await p.gateway.post(chat("assist"))).text() == BY_TWO


async def test_P6_a_stall_after_content_goes_on_elsewhere() -> None:
    step = Step(text=THREE_WORDS, silent_after=2)
    async with pair(step, timeouts={"silence_s": 0.2}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("w0 " + BY_TWO, True)
        assert 0.2 <= answer.end_s < 0.6


async def test_P6_a_stall_after_content_ends_loudly_where_nothing_may_go_on() -> None:
    step = Step(text=THREE_WORDS, silent_after=2)
    async with pair(step, timeouts={"silence_s": 0.2}, stream={"splice": False}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("w0 ", False)
        assert answer.error()["code"] == "upstream_interrupted"
        assert 0.2 <= answer.end_s < 0.4


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("words", [1, 2, 3])
async def test_P7_a_stream_cut_after_content_goes_on_elsewhere(cut: Cut, words: int) -> None:
    async with pair(Step(text=THREE_WORDS, gap_s=0.005, cut=cut, cut_after=1 + words)) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("".join(THREE_WORDS[:words]) + BY_TWO, True)


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("words", [1, 2, 3])
async def test_P7_a_stream_cut_after_content_never_ends_like_a_good_one(
    cut: Cut, words: int
) -> None:
    step = Step(text=THREE_WORDS, gap_s=0.005, cut=cut, cut_after=1 + words)
    async with pair(step, stream={"splice": False}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == "".join(THREE_WORDS[:words])
        assert answer.error()["type"]
        assert "[DONE]" not in answer.events()
        assert not answer.whole


@pytest.mark.parametrize("draw", [0.1, 0.5, 0.9])
async def test_P8_when_the_balanced_choice_fails_the_other_one_is_chosen(draw: float) -> None:
    async with (
        ScriptedProvider("one", Step(status=500)) as one,
        ScriptedProvider("two", HEALTHY) as two,
        ScriptedProvider("three", Step(status=503)) as three,
        serving(chain_of(one, two, three, balance="weighted"), jitter=lambda: draw) as gateway,
    ):
        assert (await gateway.post(chat("assist"))).text() == BY_TWO


ODD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    b'{"choices":null}',
    b'{"choices":{}}',
    b'{"choices":[]}',
    b'{"choices":[null]}',
    b'{"choices":[{"index":"zero"}]}',
    b'{"choices":[{"index":0,"message":[],"finish_reason":"stop"}]}',
    b'{"choices":[{"index":0,"message":{"content":null},"finish_reason":"stop"}]}',
    b'{"choices":[{"index":0,"message":{"content":"\xff\xfe"},"finish_reason":"stop"}]}',
    b'{"choices":[{"index":0,"message":{"content":"cut',
    b"[" * 100_000,
    b"<!DOCTYPE html><html><body>Sign in to the hotel network</body></html>",
    b'{"error":{"message":"boom","type":"server_error"}}',
]


@BOTH_MODES
@pytest.mark.parametrize("body", ODD_BODIES)
async def test_P9_no_answer_is_so_odd_that_it_ends_the_chain(body: bytes, *, stream: bool) -> None:
    async with pair(Step(body=body)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)


@pytest.mark.parametrize("body", ODD_BODIES)
async def test_P9_no_stream_is_so_odd_that_it_ends_the_chain(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % (
        len(body) + 8
    )
    async with pair(Step(raw=b"%bdata: %b\n\n" % (head, body))) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.status, answer.text()) == (200, BY_TWO)


@BOTH_MODES
@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HTTP/1.1 200\r\ncontent-length: nine\r\n\r\n{}",
        b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["tls", "bad_length", "status_999", "no_content", "redirect", "bad_chunk"],
)
async def test_P9_nothing_below_the_body_ends_the_chain_either(raw: bytes, *, stream: bool) -> None:
    async with pair(Step(raw=raw, cut=Cut.EOF)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)


@pytest.mark.parametrize(
    "step",
    [
        Step(status=500),
        Step(drop=Cut.RESET),
        Step(drop=Cut.EOF),
        Step(garbage=b"HELLO\r\n"),
        Step(cut=Cut.RESET, cut_after=0),
    ],
    ids=["500", "reset", "eof", "garbage", "cut"],
)
@BOTH_MODES
async def test_P10_repeated_failures_are_remembered(step: Step, *, stream: bool) -> None:
    async with pair(step) as p:
        for _ in range(20):
            assert (await p.gateway.post(chat("assist", stream=stream))).text() == BY_TWO

        assert [a.target for a in p.gateway.attempts].count("one/m") == 5


async def test_P10_a_primary_that_refuses_connections_is_remembered() -> None:
    async with pair() as p:
        await p.one.stop()
        for _ in range(20):
            assert (await p.gateway.post(chat("assist"))).text() == BY_TWO

        assert [a.target for a in p.gateway.attempts].count("one/m") == 5


@pytest.mark.parametrize(
    "step",
    [Step(empty=True), Step(text=""), Step(text="", finish_reason="length"), Step(text=())],
    ids=["no_pieces", "blank", "cut_off", "none"],
)
@BOTH_MODES
async def test_P11_an_empty_200_moves_on(step: Step, *, stream: bool) -> None:
    async with pair(step) as p:
        assert (await p.gateway.post(chat("assist", stream=stream))).text() == BY_TWO


@BOTH_MODES
async def test_P11_a_tool_call_without_text_is_not_empty(*, stream: bool) -> None:
    async with pair(Step(tools=(ToolCall("look_up", '{"city": "Oslo"}'),))) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.headers["x-hotswap-target"] == "one/m"
        assert b"look_up" in answer.body
