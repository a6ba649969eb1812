"""What Bifrost does by default, case by case, and what users get here instead.

The ids are those of the table of peers' defaults; `one` is the primary, `two` the healthy fallback.
"""

# ruff: noqa: N802 - the names begin with the row of the table

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import cast

import pytest

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import chain_of, chat, pair, serving
from hotswap.testing.step import Cut, Step

BY_ONE = "This answer was written by one."
BY_TWO = "This answer was written by two."
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def says(message: str, kind: str, code: str | None) -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
async def test_B1_a_5xx_goes_straight_to_the_fallback(status: int) -> None:
    async with pair(Step(status=status)) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        assert answer.first_byte_s < 0.1
        assert (p.one.requests, p.two.requests) == (1, 1)


async def test_B2_however_many_retries_are_set_the_chain_comes_first() -> None:
    async with pair(Step(status=503), retry={"max_attempts": 4, "base_s": 0.5}) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        assert answer.first_byte_s < 0.1
        assert p.one.requests == 1


@BOTH_MODES
async def test_B3_a_spare_key_takes_over_from_a_throttled_one_in_the_same_instant(
    *, stream: bool
) -> None:
    async with pair(keys=("sk-1", "sk-2")) as p:
        p.one.behave(Step(status=429, headers={"retry-after": "20"}), key="sk-1")
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.text() == BY_ONE
        assert answer.first_byte_s < 0.1
        assert [s.key for s in p.one.seen] == ["sk-1", "sk-2"]
        assert p.two.requests == 0


REFUSALS = {
    "401": Step(status=401),
    "402": Step(status=402),
    "403": Step(status=403),
    "429_quota": Step(
        status=429,
        body=says("You exceeded your quota.", "insufficient_quota", "insufficient_quota"),
    ),
}
EVERY_REFUSAL = pytest.mark.parametrize("refusal", list(REFUSALS.values()), ids=list(REFUSALS))


@EVERY_REFUSAL
@BOTH_MODES
async def test_B4_a_refused_key_is_replaced_by_the_next_one(refusal: Step, *, stream: bool) -> None:
    async with pair(keys=("sk-1", "sk-2")) as p:
        p.one.behave(refusal, key="sk-1")
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.text() == BY_ONE
        assert answer.first_byte_s < 0.1
        assert p.two.requests == 0


@EVERY_REFUSAL
async def test_B4_when_every_key_is_refused_the_next_target_is_asked(refusal: Step) -> None:
    async with pair(refusal, keys=("sk-1", "sk-2", "sk-3")) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.text() == BY_TWO
        assert [s.key for s in p.one.seen] == ["sk-1", "sk-2", "sk-3"]


@pytest.mark.parametrize(
    ("refusal", "times"),
    [
        (Step(status=401), 2),
        (Step(status=402), 1),
        (Step(status=403), 1),
        (REFUSALS["429_quota"], 1),
        (Step(status=429, headers={"retry-after": "20"}), 1),
    ],
    ids=["401", "402", "403", "429_quota", "429"],
)
async def test_B5_the_next_requests_remember_the_key(refusal: Step, times: int) -> None:
    """A refusal alone may be a hiccup of the provider's, so a 401 must come twice in a row."""
    async with pair(keys=("sk-1", "sk-2")) as p:
        p.one.behave(refusal, key="sk-1")
        for _ in range(5):
            assert (await p.gateway.post(chat("assist"))).text() == BY_ONE

        assert [s.key for s in p.one.seen].count("sk-1") == times
        assert p.two.requests == 0


@pytest.mark.parametrize("failures", [1, 3])
async def test_B5_how_many_refusals_disable_a_key_is_configurable(failures: int) -> None:
    triggers = [{"type": "auth", "failures": failures}]
    async with pair(keys=("sk-1", "sk-2"), triggers=triggers) as p:
        p.one.behave(Step(status=401), key="sk-1")
        for _ in range(5):
            assert (await p.gateway.post(chat("assist"))).text() == BY_ONE

        assert [s.key for s in p.one.seen].count("sk-1") == failures


@pytest.mark.parametrize(
    ("refusal", "owner"),
    [
        (Step(status=401), "one"),
        (Step(status=402), "one"),
        (REFUSALS["429_quota"], "one"),
        (Step(status=403), "one/m"),
        (Step(status=404), "one/m"),
        (Step(status=429, headers={"retry-after-ms": "200"}), "one/m"),
    ],
    ids=["401", "402", "429_quota", "403", "404", "429"],
)
async def test_B5_a_key_in_trouble_is_probed_when_its_time_is_over_and_comes_back(
    refusal: Step, owner: str
) -> None:
    """A key without money or a refused one is shut for every model, the others for this one."""
    health = {"breaker": {"auth_s": 0.2, "exhausted_s": 0.2, "gone_s": 0.2, "ramp_s": 0.1}}
    async with pair(keys=("sk-1", "sk-2"), health=health) as p:
        p.one.behave(refusal, key="sk-1")
        while not p.gateway.transitions:
            assert (await p.gateway.post(chat("assist"))).text() == BY_ONE
        p.one.behave(HEALTHY, key="sk-1")
        while not p.gateway.probes:
            assert (await p.gateway.post(chat("assist"))).text() == BY_ONE
        while (await p.gateway.post(chat("assist"))).status == 200:
            if p.gateway.transitions[-1].after == "closed":
                break

        (probe,) = p.gateway.probes
        assert (probe.target, probe.credential, probe.cause) == ("one/m", "main", "")
        assert {(t.target, t.credential) for t in p.gateway.transitions} == {(owner, "main")}
        assert p.gateway.transitions[-1].reason == "ramp_done"
        assert p.two.requests == 0


@BOTH_MODES
@pytest.mark.parametrize("status", [400, 422])
async def test_B6_a_bad_request_ends_the_chain_with_its_own_words(
    status: int, *, stream: bool
) -> None:
    body = says("Invalid value for 'temperature'.", "invalid_request_error", "invalid_value")
    async with pair(Step(status=status, body=body)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == status
        assert answer.error()["message"] == "Invalid value for 'temperature'."
        assert answer.error()["code"] == "invalid_value"
        assert p.two.requests == 0


TOO_LONG = [
    says(
        "This model's maximum context length is 8192 tokens.",
        "invalid_request_error",
        "context_length_exceeded",
    ),
    says("prompt is too long: 210000 tokens > 200000 maximum", "invalid_request_error", None),
    {"error": {"code": 400, "message": "the request exceeds the available context size"}},
]


@pytest.mark.parametrize("body", TOO_LONG)
async def test_B6_a_prompt_that_is_too_long_does_not_end_the_chain(body: object) -> None:
    async with pair(Step(status=400, body=body)) as p:
        assert (await p.gateway.post(chat("assist"))).text() == BY_TWO


DISGUISED = {
    "bad_key": says("API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", None),
    "empty_balance": says(
        "Your credit balance is too low to access the API.", "invalid_request_error", None
    ),
    "retired_model": says(
        "The model `m` has been decommissioned and is no longer supported.",
        "invalid_request_error",
        "model_decommissioned",
    ),
    "hard_limit": says(
        "Billing hard limit has been reached.",
        "invalid_request_error",
        "billing_hard_limit_reached",
    ),
    "bad_output": says(
        "Failed to call a function. See 'failed_generation'.",
        "invalid_request_error",
        "tool_use_failed",
    ),
}


@BOTH_MODES
@pytest.mark.parametrize("body", list(DISGUISED.values()), ids=list(DISGUISED))
async def test_B7_a_400_that_is_not_about_the_request_moves_on(
    body: object, *, stream: bool
) -> None:
    async with pair(Step(status=400, body=body)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)


SLOW = Step(text=("Far ", "too ", "slow ", "to ", "read."), gap_s=0.2)
PACE = {"first_tokens_per_s": 40.0, "first_tokens_s": 0.3}


async def test_B8_a_stream_that_begins_too_slowly_is_left_before_the_caller_sees_it() -> None:
    async with pair(SLOW, timeouts=PACE) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == (BY_TWO, True)
        reason = answer.headers["x-hotswap-reason"]
        assert reason.startswith("one/m too_slow (timeouts.first_tokens_per_s ")
        assert reason.endswith(" of 40)")


async def test_B8_a_fast_stream_waits_for_no_time_to_be_over() -> None:
    step = Step(text=("Fast enough to be read by anybody, ",) * 5, gap_s=0.005)
    async with pair(step, timeouts={**PACE, "first_tokens_s": 2.0}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == "Fast enough to be read by anybody, " * 5
        assert answer.first_byte_s < 0.5
        assert p.two.requests == 0


async def test_B8_a_short_answer_that_is_whole_need_not_show_its_pace() -> None:
    async with pair(Step(text=("Yes.",)), timeouts=PACE) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Yes.", True)
        assert p.two.requests == 0


async def test_B8_unless_asked_for_any_pace_is_accepted() -> None:
    async with pair(SLOW) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Far too slow to read.", True)
        assert p.two.requests == 0


async def test_B9_after_content_another_target_goes_on_and_does_not_begin_anew() -> None:
    step = Step(text=("Once ", "upon "), gap_s=0.005, cut=Cut.EOF, cut_after=3)
    async with pair(step) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("Once upon " + BY_TWO, True)


async def test_B9_after_content_nothing_begins_the_answer_anew_where_nothing_may_go_on() -> None:
    step = Step(text=("Once ", "upon "), gap_s=0.005, cut=Cut.EOF, cut_after=3)
    async with pair(step, stream={"splice": False}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == "Once upon "
        assert not answer.whole
        assert p.two.requests == 0


async def test_B10_when_all_fail_the_error_tells_of_every_attempt_in_order() -> None:
    async with (
        ScriptedProvider("one", Step(status=500)) as one,
        ScriptedProvider("two", Step(status=429, headers={"retry-after": "9"})) as two,
        ScriptedProvider("three", Step(status=401)) as three,
        serving(chain_of(one, two, three)) as gateway,
    ):
        answer = await gateway.post(chat("assist"))

        assert answer.status == 503
        told = cast("list[Mapping[str, object]]", answer.error()["attempts"])
        assert [(t["target"], t["cause"], t["status"]) for t in told] == [
            ("one/m", "hard", 500),
            ("two/m", "throttle", 429),
            ("three/m", "auth", 401),
        ]
        assert answer.headers["x-hotswap-attempts"] == "3"
        assert b"sk-test" not in answer.body


@pytest.mark.parametrize("max_attempts", [1, 3, 4])
@pytest.mark.parametrize("links", [1, 2, 3])
async def test_B11_a_request_makes_at_most_links_and_retries_less_one_attempts(
    links: int, max_attempts: int
) -> None:
    """With three links and four tries the peers' product would be twelve."""
    retry = {"max_attempts": max_attempts, "base_s": 0.01}
    async with AsyncExitStack() as stack:
        providers = [
            await stack.enter_async_context(ScriptedProvider(name, Step(status=500)))
            for name in ("one", "two", "three")[:links]
        ]
        gateway = await stack.enter_async_context(serving(chain_of(*providers, retry=retry)))
        answer = await gateway.post(chat("assist"))

        assert answer.status == 503
        assert answer.headers["x-hotswap-attempts"] == str(links + max_attempts - 1)
        assert [p.requests for p in providers] == [1] * (links - 1) + [max_attempts]


@BOTH_MODES
async def test_B11_one_deadline_holds_for_the_whole_chain(*, stream: bool) -> None:
    hang = Step(hang=True)
    async with pair(hang, hang, timeouts={"first_content_s": 0.2, "total_s": 0.3}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == 504
        assert answer.headers["x-should-retry"] == "false"
        assert 0.3 <= answer.end_s < 0.4
        assert (p.one.requests, p.two.requests) == (1, 1)


@pytest.mark.parametrize(
    ("step", "stream"),
    [
        (Step(hang=True), True),
        (Step(hang=True), False),
        (Step(first_content_s=5), True),
        (Step(drip_s=0.05), False),
        (Step(silent_after=0), False),
    ],
    ids=["hang_streamed", "hang", "late_content", "drip", "no_body"],
)
async def test_B11_the_callers_own_deadline_is_kept(step: Step, *, stream: bool) -> None:
    async with pair(step) as p:
        answer = await p.gateway.post(
            chat("assist", stream=stream), headers={"x-hotswap-deadline-ms": "200"}
        )

        assert answer.status == 504
        assert 0.2 <= answer.end_s < 0.3


async def test_B11_a_deadline_in_the_middle_of_a_stream_ends_it_loudly() -> None:
    words = tuple(f"w{number} " for number in range(100))
    async with pair(Step(text=words, gap_s=0.02)) as p:
        answer = await p.gateway.post(
            chat("assist", stream=True), headers={"x-hotswap-deadline-ms": "200"}
        )

        assert answer.text().startswith("w0 w1 ")
        assert not answer.whole
        assert answer.error()["code"] == "upstream_interrupted"
        assert 0.2 <= answer.end_s < 0.3


async def test_B12_in_an_outage_the_primary_is_not_paid_with_each_request() -> None:
    """Five failures open it; then probes, ever rarer, are all that it gets."""
    health = {"breaker": {"open_s": 0.1}}
    async with pair(Step(status=503), health=health) as p:
        while len(p.gateway.probes) < 2:
            assert (await p.gateway.post(chat("assist"))).text() == BY_TWO

        assert len([a for a in p.gateway.attempts if a.target == "one/m"]) == 5
        openings = [t.level for t in p.gateway.transitions if t.after == "open"]
        assert openings[:2] == [0, 1]
        assert p.two.requests > 20
