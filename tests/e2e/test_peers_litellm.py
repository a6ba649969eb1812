"""What LiteLLM does by default, case by case, and what users get here instead.

The ids are those of the table of peers' defaults; `one` is the primary, `two` the healthy fallback.
"""

# ruff: noqa: N802 - the names begin with the row of the table

from collections.abc import Mapping

import pytest

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import chain_of, chat, pair, serving
from hotswap.testing.step import Cut, Step

BY_TWO = "This answer was written by two."
BOTH_MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
CONTEXT = Step(
    status=400,
    body={
        "error": {
            "message": "This model's maximum context length is 8192 tokens.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
)
REFUSAL = Step(
    status=400,
    body={
        "error": {
            "message": "Your request was rejected by our safety system.",
            "type": "invalid_request_error",
            "param": None,
            "code": "content_policy_violation",
        }
    },
)


@BOTH_MODES
async def test_L1_a_rate_limit_costs_no_time_before_the_healthy_fallback(*, stream: bool) -> None:
    limited = Step(status=429, headers={"retry-after": "5"})
    async with pair(limited, Step(first_byte_s=0.05)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert 0.05 <= answer.first_byte_s < 0.15
        assert (p.one.requests, p.two.requests) == (1, 1)


async def test_L2_a_throttled_lone_primary_is_left_alone_until_its_reset() -> None:
    async with pair(Step(status=429, headers={"retry-after": "5"})) as p:
        answers = [await p.gateway.post(chat("assist")) for _ in range(4)]

        assert [a.text() for a in answers] == [BY_TWO] * 4
        assert (p.one.requests, p.two.requests) == (1, 4)
        assert answers[3].headers["x-hotswap-attempts"] == "1"


async def test_L3_a_long_retry_after_is_obeyed_not_replaced_by_a_guess() -> None:
    async with pair(Step(status=429, headers={"retry-after": "90"})) as p:
        await p.gateway.post(chat("assist"))

        opened = p.gateway.transitions[0]
        assert (opened.target, opened.credential, opened.reason) == ("one/m", "main", "throttled")
        assert opened.hinted
        assert opened.until is not None
        assert 90 <= opened.until - opened.at <= 99


async def test_L4_a_500_moves_on_at_once_and_opens_the_primary_when_it_repeats() -> None:
    async with pair(Step(status=500)) as p:
        answers = [await p.gateway.post(chat("assist")) for _ in range(6)]

        assert [a.text() for a in answers] == [BY_TWO] * 6
        assert answers[0].first_byte_s < 0.1
        assert (p.one.requests, p.two.requests) == (5, 6)


async def test_L5_a_lone_primary_that_keeps_failing_is_not_asked_again() -> None:
    async with pair(Step(status=503)) as p:
        for _ in range(7):
            assert (await p.gateway.post(chat("assist"))).text() == BY_TWO

        assert (p.one.requests, p.two.requests) == (5, 7)
        opened = p.gateway.transitions[0]
        assert (opened.target, opened.after, opened.rule) == ("one/m", "open", "breaker.failures")
        assert (opened.measured, opened.threshold) == (5, 5)


@pytest.mark.parametrize(
    ("status", "touched", "bench_s"), [(401, 2, 60.0), (404, 1, 300.0)], ids=["key", "model"]
)
async def test_L6_a_bad_key_or_a_missing_model_is_benched_for_minutes_not_seconds(
    status: int, touched: int, bench_s: float
) -> None:
    async with pair(Step(status=status)) as p:
        for _ in range(4):
            answer = await p.gateway.post(chat("assist"))
            assert answer.text() == BY_TWO
            assert answer.first_byte_s < 0.1

        assert p.one.requests == touched
        opened = p.gateway.transitions[0]
        assert opened.until is not None
        assert opened.until - opened.at == pytest.approx(bench_s, abs=0.01)


@pytest.mark.parametrize("status", [401, 403])
async def test_L7_a_403_that_refuses_the_key_equals_a_401(status: int) -> None:
    body = {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}
    async with pair(Step(status=status, body=body)) as p:
        for _ in range(4):
            answer = await p.gateway.post(chat("assist"))
            assert answer.text() == BY_TWO
            assert answer.first_byte_s < 0.1

        assert p.one.requests == 2
        assert [a.cause for a in p.gateway.attempts if a.target == "one/m"] == ["auth", "auth"]
        assert p.gateway.transitions[0].reason == "auth"


async def test_L7_a_bare_403_moves_on_at_once_and_is_remembered() -> None:
    async with pair(Step(status=403)) as p:
        for _ in range(3):
            assert (await p.gateway.post(chat("assist"))).text() == BY_TWO

        assert p.one.requests == 1


@BOTH_MODES
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_L8_a_bad_request_goes_back_to_the_caller_and_is_not_paid_twice(
    status: int, *, stream: bool
) -> None:
    body = {"error": {"message": "'messages' is wrong.", "type": "invalid_request_error"}}
    async with pair(Step(status=status, body=body)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == status
        assert answer.error()["message"] == "'messages' is wrong."
        assert answer.headers["x-should-retry"] == "false"
        assert (p.one.requests, p.two.requests) == (1, 0)


@BOTH_MODES
async def test_L9_a_prompt_too_long_for_the_first_target_is_answered_by_the_next(
    *, stream: bool
) -> None:
    async with pair(CONTEXT) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert not p.gateway.transitions


async def test_L9_a_prompt_too_long_for_every_target_is_a_400_that_says_so() -> None:
    async with pair(CONTEXT, CONTEXT) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 400
        assert answer.error()["code"] == "context_length_exceeded"
        assert (p.one.requests, p.two.requests) == (1, 1)


@pytest.mark.parametrize(
    "triggers",
    [
        [{"type": "rate_limit"}],
        [{"type": "error", "enabled": False}],
        [{"type": "all", "enabled": False}],
    ],
    ids=["others_listed", "error_off", "all_off"],
)
async def test_L10_no_list_of_triggers_keeps_a_long_prompt_from_the_next_target(
    triggers: object,
) -> None:
    async with pair(CONTEXT, triggers=triggers) as p:
        assert (await p.gateway.post(chat("assist"))).text() == BY_TWO


@pytest.mark.parametrize("triggers", [None, [{"type": "rate_limit"}], [{"type": "all"}]])
async def test_L11_a_content_policy_speaks_to_the_caller_whatever_triggers_are_listed(
    triggers: object,
) -> None:
    async with pair(REFUSAL, triggers=triggers) as p:
        answer = await p.gateway.post(chat("assist"))

        assert answer.status == 400
        assert answer.error()["code"] == "content_policy_violation"
        assert p.two.requests == 0


@BOTH_MODES
async def test_L12_an_empty_answer_is_none_and_the_next_target_is_asked(*, stream: bool) -> None:
    async with pair(Step(empty=True)) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert p.gateway.attempts[0].cause == "quality"


@BOTH_MODES
async def test_L12_an_answer_that_is_empty_everywhere_is_an_error(*, stream: bool) -> None:
    empty = Step(empty=True)
    async with pair(empty, empty, retry={"max_attempts": 1}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert answer.status == 503
        assert answer.error()["code"] == "chain_exhausted"


@pytest.mark.parametrize(
    ("step", "stream"),
    [
        (Step(hang=True), True),
        (Step(silent_after=1), True),
        (Step(silent_after=1, ping_s=0.02), True),
        (Step(hang=True), False),
    ],
    ids=["L13_no_head", "L13_role_only", "L13_pings_only", "L14_not_streamed"],
)
async def test_L13_L14_a_hang_costs_its_limit_once(step: Step, *, stream: bool) -> None:
    async with pair(step, timeouts={"first_content_s": 0.2}) as p:
        answer = await p.gateway.post(chat("assist", stream=stream))

        assert (answer.status, answer.text()) == (200, BY_TWO)
        assert 0.2 <= answer.first_byte_s < 0.3
        assert (p.one.requests, p.two.requests) == (1, 1)
        hung = p.gateway.attempts[0]
        assert (hung.cause, hung.detail, hung.threshold) == ("hang", "first_content", 0.2)


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("events", [0, 1], ids=["after_the_head", "after_the_role"])
async def test_L15_a_stream_that_dies_before_content_is_begun_elsewhere(
    cut: Cut, events: int
) -> None:
    async with pair(Step(cut=cut, cut_after=events)) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.status, answer.text(), answer.whole) == (200, BY_TWO, True)
        assert answer.first_byte_s < 0.1
        assert b'"id":"chatcmpl-one' not in answer.body


TEN_WORDS = tuple(f"w{number} " for number in range(10))


BREAKS = pytest.mark.parametrize(
    "step",
    [
        Step(text=TEN_WORDS, gap_s=0.01, cut=Cut.EOF, cut_after=4),
        Step(text=TEN_WORDS, gap_s=0.01, cut=Cut.RESET, cut_after=4),
        Step(text=TEN_WORDS, gap_s=0.01, error_after=4, error={"error": {"message": "no"}}),
        Step(text=TEN_WORDS[:3], gap_s=0.01, no_finish=True),
        Step(text=TEN_WORDS[:3], gap_s=0.01, no_finish=True, no_done=True),
        Step(text=TEN_WORDS, gap_s=0.01, garbage_after=4, garbage=b"data: {oops\n\n"),
        Step(text=TEN_WORDS, gap_s=0.01, silent_after=4),
    ],
    ids=[
        "L16_cut",
        "L18_reset",
        "L19_in_band_error",
        "L20_done_without_finish",
        "L20_clean_end_without_finish",
        "L19_garbage",
        "L21_silence",
    ],
)


@BREAKS
async def test_L16_to_L21_a_stream_that_breaks_after_content_goes_on_elsewhere(step: Step) -> None:
    """The words that came stay, and the next target adds its own."""
    async with pair(step, timeouts={"silence_s": 0.2}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("w0 w1 w2 " + BY_TWO, True)
        assert answer.end_s < 0.6
        assert [attempt.answered for attempt in p.gateway.attempts] == [False, True]


@BREAKS
async def test_L16_L18_L19_L20_L21_a_stream_that_breaks_after_content_ends_with_an_error(
    step: Step,
) -> None:
    """The words that came stay, an error follows them at once, and nothing looks like an end."""
    async with pair(step, timeouts={"silence_s": 0.2}, stream={"splice": False}) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert answer.text() == "w0 w1 w2 "
        assert answer.error()["code"] == "upstream_interrupted"
        assert "[DONE]" not in answer.events()
        assert not answer.whole
        assert answer.end_s < 0.4
        assert p.two.requests == 0
        (attempt,) = p.gateway.attempts
        assert (attempt.final, attempt.answered) == (True, False)


@pytest.mark.parametrize("no_done", [False, True], ids=["with_done", "without_done"])
async def test_L20_a_clean_end_without_finish_and_content_moves_on(*, no_done: bool) -> None:
    async with pair(Step(text=(), no_finish=True, no_done=no_done)) as p:
        assert (await p.gateway.post(chat("assist", stream=True))).text() == BY_TWO


async def test_L20_a_missing_done_after_the_finish_is_forgiven_and_added() -> None:
    async with pair(Step(text="All of it.", no_done=True)) as p:
        answer = await p.gateway.post(chat("assist", stream=True))

        assert (answer.text(), answer.whole) == ("All of it.", True)
        assert answer.events()[-1] == "[DONE]"
        assert p.two.requests == 0


async def test_L22_in_a_group_of_two_the_throttled_one_is_benched_for_its_retry_after() -> None:
    limited = Step(status=429, headers={"retry-after": "7"})
    async with (
        ScriptedProvider("one", limited) as one,
        ScriptedProvider("two", HEALTHY) as two,
        serving(chain_of(one, two, balance="weighted"), jitter=lambda: 0.25) as gateway,
    ):
        answers = [await gateway.post(chat("assist")) for _ in range(10)]

        assert [a.text() for a in answers] == [BY_TWO] * 10
        assert (one.requests, two.requests) == (1, 10)
        opened = gateway.transitions[0]
        assert opened.until is not None
        assert opened.until - opened.at == pytest.approx(7.175, abs=0.01)


@pytest.mark.parametrize(
    ("headers", "bench_s"),
    [
        ({"retry-after": "86400"}, 86_400.0),
        ({"retry-after": "1000000000"}, 86_400.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        (
            {
                "retry-after": "Fri, 27 Nov 2026 10:00:30 GMT",
                "date": "Fri, 27 Nov 2026 10:00:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Fri, 27 Nov 2026 10:00:00 GMT",
                "date": "Fri, 27 Nov 2026 10:00:30 GMT",
            },
            0,
        ),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "0"}, 0),
        ({}, 0),
    ],
    ids=["day", "aeon", "fraction", "ms", "date", "date_in_the_past", "negative", "zero", "none"],
)
async def test_L23_every_form_of_retry_after_benches_for_as_long_as_it_says(
    headers: Mapping[str, str], bench_s: float
) -> None:
    """At most a day; where nothing usable is said (0 here), for a drawn pause of up to 1 s."""
    async with (
        ScriptedProvider("one", Step(status=429, headers=headers)) as one,
        ScriptedProvider("two", HEALTHY) as two,
        serving(chain_of(one, two), jitter=lambda: 0.5) as gateway,
    ):
        answers = [await gateway.post(chat("assist")) for _ in range(2)]

        assert [a.text() for a in answers] == [BY_TWO] * 2
        assert one.requests == 1
        opened = gateway.transitions[0]
        assert opened.until is not None
        # The hint and half of the 10 % by which it is spread, or half of the base of 1 s.
        expected = min(bench_s * 1.05, 86_400.0) or 0.5
        assert opened.until - opened.at == pytest.approx(expected, abs=0.01)
        assert opened.hinted is (bench_s > 0)


async def test_L23_a_retry_after_of_a_day_is_ended_early_by_a_probe() -> None:
    health = {"breaker": {"hint_probe_s": 0.1, "ramp_s": 0.1}}
    async with pair(Step(status=429, headers={"retry-after": "86400"}), health=health) as p:
        await p.gateway.post(chat("assist"))
        p.one.behave(HEALTHY)
        await p.gateway.post(chat("assist"))
        await p.one.wait_for(lambda one: one.requests == 2, timeout_s=2)
        await p.gateway.until(lambda g: g.transitions[-1].after == "ramp")

        assert len(p.gateway.probes) == 1
