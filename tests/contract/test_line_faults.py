"""One table of faults, run streamed and not: the same cause, the same consequence."""

# ruff: noqa: N802 - some names begin with the row of the list of what must pass

import socket
from contextlib import AsyncExitStack
from typing import Final

import pytest
from msgspec import Struct

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import chain_of, chat, pair, serving
from hotswap.testing.step import Cut, Step

BY_TWO = "This answer was written by two."
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
LIMITS = {"first_content_s": 0.1, "silence_s": 0.1}


class Fault(Struct, frozen=True):
    """A fault and what it is taken for."""

    step: Step
    cause: str
    status: int = 503
    """What the caller gets when every target fails so."""
    detail: str = ""
    """Empty: not looked at."""


TABLE: Final = {
    "refused": Fault(Step(accept=Cut.RESET), "hard"),
    "reset": Fault(Step(drop=Cut.RESET), "hard"),
    "closed": Fault(Step(drop=Cut.EOF), "hard"),
    "no_http": Fault(Step(garbage=b"oops\r\n\r\n"), "hard"),
    "huge_head": Fault(Step(padding=400_000), "hard"),
    "hang": Fault(Step(hang=True), "hang", 504, "first_content"),
    "stall_after_head": Fault(Step(silent_after=0), "hang", 504),
    "late_head": Fault(Step(first_byte_s=5), "hang", 504, "first_content"),
    "429": Fault(Step(status=429), "throttle", 429, "rate_limit"),
    "429_quota": Fault(
        Step(status=429, body={"error": {"code": "insufficient_quota"}}),
        "exhausted",
        detail="quota_exhausted",
    ),
    "402": Fault(Step(status=402), "exhausted"),
    "401": Fault(Step(status=401), "auth", detail="auth"),
    "403": Fault(Step(status=403), "gone", detail="permission"),
    "404": Fault(Step(status=404), "gone", detail="not_found"),
    "500": Fault(Step(status=500), "hard", detail="server_error"),
    "502_html": Fault(Step(status=502, body="<html>Bad Gateway</html>"), "hard"),
    "503": Fault(Step(status=503), "hard", detail="overloaded"),
    "524": Fault(Step(status=524), "hard"),
    "529": Fault(Step(status=529), "hard", detail="overloaded"),
    "500_without_end": Fault(Step(status=500, cut=Cut.EOF, cut_after_bytes=3), "hard"),
    "empty": Fault(Step(empty=True), "quality", detail="empty"),
    "cut_body": Fault(Step(cut=Cut.EOF, cut_after_bytes=40), "hard"),
    "reset_body": Fault(Step(cut=Cut.RESET, cut_after_bytes=40), "hard"),
    "truncated_body": Fault(Step(cut=Cut.END, cut_after_bytes=40), "hard"),
    "html": Fault(Step(body="<html>Welcome</html>"), "hard"),
    "error_in_200": Fault(Step(body={"error": {"message": "no", "type": "server_error"}}), "hard"),
    "throttle_in_200": Fault(
        Step(body={"error": {"message": "no", "code": "rate_limit_exceeded"}}), "throttle", 429
    ),
}
NAMED = pytest.mark.parametrize("fault", list(TABLE.values()), ids=list(TABLE))


@NAMED
@BOTH_MODES
async def test_T3_a_fault_before_content_is_healed_by_the_next_target(
    fault: Fault, *, stream: bool
) -> None:
    async with pair(fault.step, timeouts=LIMITS) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text(), answer.whole) == (200, BY_TWO, True)
        first, second = p.gateway.attempts
        assert first.cause == fault.cause
        assert not fault.detail or first.detail == fault.detail
        assert (first.final, second.final, second.answered) == (False, True, True)


@NAMED
@BOTH_MODES
async def test_T3_a_fault_of_every_target_is_an_error_and_nothing_else(
    fault: Fault, *, stream: bool
) -> None:
    async with pair(fault.step, fault.step, timeouts=LIMITS, retry={"max_attempts": 1}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == fault.status
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["x-hotswap-attempts"] == "2"
        assert answer.error()["message"]
        assert [a.cause for a in p.gateway.attempts] == [fault.cause] * 2


@BOTH_MODES
async def test_T3_a_connection_that_is_never_accepted_costs_its_limit_once(*, stream: bool) -> None:
    """A full backlog drops what comes, as a firewall does."""
    async with ScriptedProvider("two") as two, AsyncExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)  # noqa: FBT003 - the standard library's signature
            filler.connect_ex(deaf.getsockname())
        one = ScriptedProvider("one", port=deaf.getsockname()[1])
        config = chain_of(one, two, timeouts={"connect_s": 0.2})
        gateway = await stack.enter_async_context(serving(config))
        answer = await gateway.post(chat("assist", stream=stream))

        assert answer.text() == BY_TWO
        assert 0.2 <= answer.first_byte_s < 0.3
        assert (gateway.attempts[0].cause, gateway.attempts[0].sent_s) == ("hard", None)


SOUND: Final = {
    "one_byte_at_a_time": Step(text="Grüße, 世界 🙂!", drip_s=0.0),
    "crlf": Step(text="Grüße, 世界 🙂!", crlf=True),
    "crlf_one_byte_at_a_time": Step(text="Grüße, 世界 🙂!", crlf=True, drip_s=0.0),
    "without_done": Step(text="Grüße, 世界 🙂!", no_done=True),
    "closed_after_the_finish": Step(
        text=("Grüße, ", "世界 🙂!"), cut=Cut.EOF, cut_after=4, gap_s=0.002
    ),
    "reset_after_the_finish": Step(
        text=("Grüße, ", "世界 🙂!"), cut=Cut.RESET, cut_after=4, gap_s=0.002
    ),
    "silent_after_the_finish": Step(text=("Grüße, ", "世界 🙂!"), silent_after=4),
    "pings_between": Step(text=("Grüße, ", "世界 🙂!"), gap_s=0.05, ping_s=0.01),
}


@pytest.mark.parametrize("step", list(SOUND.values()), ids=list(SOUND))
async def test_a_stream_that_is_whole_arrives_whole_however_it_comes(step: Step) -> None:
    async with pair(step, timeouts=LIMITS) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Grüße, 世界 🙂!", True)
        assert answer.events()[-1] == "[DONE]"
        assert answer.headers["x-hotswap-target"] == "one/m"
        assert p.gateway.attempts[0].answered


async def test_a_body_that_never_comes_is_ended_by_the_silence_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
    timeouts = {"first_content_s": 0.05, "silence_s": 0.2}
    async with pair(Step(raw=head, silent_after=0), timeouts=timeouts) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        first = p.gateway.attempts[0]
        assert (first.cause, first.detail) == ("hang", "silence")
        assert first.rule == "timeouts.silence_s"
