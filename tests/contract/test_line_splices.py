"""An answer that breaks off after content goes on at the next target, in every dialect."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final, cast

import pytest

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Answer, Serving, serving
from hotswap.testing.step import Cut, Step, ToolCall

WORDS: Final = ("The three", " largest lakes", " are Superior, Vic", "toria and Huron.")
WHOLE: Final = "The three largest lakes are Superior, Victoria and Huron."
REST: Final = "toria and Huron."
STOPPED: Final = (
    "anthropic",
    Step(text=("All is", " said"), gap_s=0.002, cut=Cut.EOF, cut_after=6),
)
FINISHING: Final = (
    "openai",
    Step(text=("All is", " said"), gap_s=0.002, cut=Cut.EOF, cut_after_bytes=700),
)
"""The words have ended, and the provider has shown it; the finish reason has not come."""
SAID: Final = Step(text="All is said.", no_finish=True, no_done=True, gap_s=0.002)
BROKEN: Final = Step(text=WORDS, cut=Cut.EOF, cut_after=4)
CHAT: Final = {
    "model": "assist",
    "stream": True,
    "messages": [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "Name the largest lakes."},
    ],
}


class Site:
    """Two or three providers of OpenAI's dialect, and the gateway before them."""

    def __init__(self, gateway: Serving, *providers: ScriptedProvider) -> None:
        self.gateway = gateway
        self.one, self.two = providers[0], providers[1]
        self.three = providers[2]

    async def ask(self, headers: Mapping[str, str] | None = None, **fields: object) -> Answer:
        return await self.gateway.post({**CHAT, **fields}, headers=headers or {})


@asynccontextmanager
async def site(
    kind: str = "openai", /, *, first: str = "openai", **settings: object
) -> AsyncGenerator[Site]:
    names = ("one", "two", "three")
    async with (
        ScriptedProvider("one", BROKEN) as one,
        ScriptedProvider("two", Step(text=REST)) as two,
        ScriptedProvider("three", Step(text=REST)) as three,
    ):
        providers = dict(zip(names, (one, two, three), strict=True))
        kinds = {"one": first, "two": kind}
        config = {
            "providers": {
                name: {
                    "kind": kinds.get(name, "openai"),
                    "base_url": (
                        provider.root_url if kinds.get(name) == "anthropic" else provider.base_url
                    ),
                    "allow_private": True,
                    "keys": [{"id": "main", "secret": "sk-test"}],
                }
                for name, provider in providers.items()
            },
            "fallback": {
                "chains": [
                    {
                        "name": "assist",
                        "models": [{"provider": name, "model": "m"} for name in names],
                        **settings,
                    }
                ]
            },
        }
        async with serving(config) as gateway:
            yield Site(gateway, one, two, three)


def text_of(answer: Answer) -> str:
    return "".join(
        cast("str", choice["delta"].get("content") or "")
        for chunk in chunks(answer)
        for choice in cast("list[dict[str, dict[str, object]]]", chunk.get("choices", []))
    )


def chunks(answer: Answer) -> list[dict[str, object]]:
    return [json.loads(one) for one in answer.events() if one != "[DONE]"]


def sent(provider: ScriptedProvider, at: int = 0) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(provider.seen[at].body))


async def test_the_next_target_goes_on_by_instruction_and_the_system_prompt_is_untouched():
    async with site() as s:
        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == WHOLE
        messages = cast("list[dict[str, str]]", sent(s.two)["messages"])
        assert messages[:2] == CHAT["messages"]
        assert messages[2] == {
            "role": "assistant",
            "content": "The three largest lakes are Superior, Vic",
        }
        assert [message["role"] for message in messages[3:]] == ["user"]


async def test_a_target_that_continues_natively_gets_no_instruction():
    async with site("vllm") as s:
        answer = await s.ask()

        body = sent(s.two)
        assert text_of(answer) == WHOLE
        assert body["continue_final_message"] is True
        assert cast("list[dict[str, str]]", body["messages"])[-1]["role"] == "assistant"


async def test_a_native_target_goes_before_one_of_higher_priority():
    async with site(
        "vllm",
        models=[
            {"provider": "one", "model": "m", "priority": 1},
            {"provider": "three", "model": "m", "priority": 2},
            {"provider": "two", "model": "m", "priority": 3},
        ],
    ) as s:
        answer = await s.ask()

        assert text_of(answer) == WHOLE
        assert (s.two.requests, s.three.requests) == (1, 0)


async def test_one_envelope_from_end_to_end():
    async with site() as s:
        answer = await s.ask(stream_options={"include_usage": True})

        found = chunks(answer)
        assert len({chunk["id"] for chunk in found}) == 1
        assert len({chunk["model"] for chunk in found}) == 1
        roles = [c for c in found if c["choices"] and "role" in delta_of(c)]
        assert len(roles) == 1
        usage = cast("dict[str, int]", found[-1]["usage"])
        assert usage["prompt_tokens"] > 0
        assert usage["completion_tokens"] >= len(WHOLE) // 6
        assert answer.events()[-1] == "[DONE]"


def delta_of(chunk: dict[str, object]) -> dict[str, object]:
    choices = cast("list[dict[str, dict[str, object]]]", chunk["choices"])
    return choices[0]["delta"]


async def test_the_seam_is_told_in_a_comment_and_in_the_records():
    async with site() as s:
        answer = await s.ask()

        assert b"\n\n: hotswap attempt 2: two/m goes on after 41 characters\n\n" in answer.body
        first, second = s.gateway.attempts
        assert (first.answered, first.final, first.bar) == (False, False, "")
        assert first.usage is not None
        assert first.usage.estimated
        assert (second.answered, second.final, second.splice_offset) == (True, True, 41)


@pytest.mark.parametrize(
    "broken",
    [
        Step(text=WORDS, cut=Cut.RESET, cut_after=4),
        Step(text=WORDS, cut=Cut.END, cut_after=4),
        Step(text=WORDS, error="overloaded", error_after=4, gap_s=0.002),
        Step(text=WORDS, garbage=b'data: {"choices": [{"del\n\n', garbage_after=4, gap_s=0.002),
        Step(text=WORDS[:3], no_finish=True, gap_s=0.002),
        Step(text=WORDS[:3], no_finish=True, no_done=True, gap_s=0.002),
        Step(text=WORDS, silent_after=4),
        Step(text=WORDS[:3], finish_reason="error", gap_s=0.002),
    ],
    ids=["reset", "end", "error", "garbage", "no_finish", "nothing", "silent", "finish_error"],
)
async def test_every_wrong_end_is_healed(broken: Step):
    async with site(timeouts={"silence_s": 0.1}) as s:
        s.one.behave(broken)

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == WHOLE


@pytest.mark.parametrize(
    "rest",
    [
        REST,
        "Victoria and Huron.",
        WHOLE,
        "Sure: Victoria and Huron.",
        "are Superior, Victoria and Huron.",
    ],
    ids=["rest", "word", "restart", "preamble", "tail"],
)
async def test_however_the_next_target_goes_on_the_text_is_the_same(rest: str):
    async with site() as s:
        s.two.behave(Step(text=rest))

        assert text_of(await s.ask()) == WHOLE


async def test_two_breaks_are_healed_and_a_third_one_is_told():
    async with site() as s:
        s.two.behave(Step(text=("toria", " and"), cut=Cut.EOF, cut_after=3))
        s.three.behave(Step(text=" Huron."))

        assert text_of(await s.ask()) == WHOLE

    async with site(stream={"max_splices": 1}) as s:
        s.two.behave(Step(text=("toria", " and"), cut=Cut.EOF, cut_after=3))

        answer = await s.ask()

        assert not answer.whole
        assert s.three.requests == 0
        assert s.gateway.attempts[-1].bar == "max_splices"


async def test_a_refused_prefill_is_asked_again_by_instruction_at_the_same_target():
    words = "This model does not support assistant message prefill."
    refusal = Step(status=400, body={"error": {"message": words, "type": "invalid_request_error"}})
    async with site("vllm") as s:
        s.two.script(refusal)

        first = await s.ask()
        again = await s.ask()

        assert text_of(first) == text_of(again) == WHOLE
        roles = [
            cast("list[dict[str, str]]", sent(s.two, at)["messages"])[-1]["role"] for at in range(3)
        ]
        assert roles == ["assistant", "user", "user"]


async def test_a_native_target_that_begins_anew_is_not_taken_for_one_any_more():
    async with site("vllm") as s:
        s.two.behave(Step(text=WHOLE))

        first = await s.ask()
        again = await s.ask()

        assert text_of(first) == text_of(again) == WHOLE
        last = [
            cast("list[dict[str, str]]", sent(s.two, at)["messages"])[-1]["role"] for at in range(2)
        ]
        assert last == ["assistant", "user"]


async def test_a_target_that_goes_another_way_is_left_for_the_next():
    async with site() as s:
        s.two.behave(
            Step(text="The three largest lakes are Superior and, as some say, Tanganyika.")
        )

        assert text_of(await s.ask()) == WHOLE
        assert s.gateway.attempts[1].detail == "began_anew"


async def test_two_targets_that_have_nothing_to_add_end_an_answer_that_ends_a_sentence():
    async with site() as s:
        s.one.behave(SAID)
        s.two.behave(Step(empty=True))
        s.three.behave(Step(empty=True))

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == "All is said."
        assert [one.detail for one in s.gateway.attempts] == ["truncated", "empty", ""]


async def test_one_target_that_has_nothing_to_add_is_not_believed_while_another_can_be_asked():
    async with site() as s:
        s.one.behave(SAID)
        s.two.behave(Step(empty=True))
        s.three.behave(Step(text=" But not all is done."))

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == "All is said. But not all is done."


async def test_the_last_target_that_has_nothing_to_add_is_believed():
    async with site() as s:
        s.one.behave(SAID)
        s.two.behave(Step(status=500))
        s.three.behave(Step(empty=True))

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == "All is said."


@pytest.mark.parametrize(
    ("tries", "details"), [(2, ["truncated", "empty"]), (3, ["truncated", "empty", ""])]
)
async def test_a_target_that_broke_off_is_believed_when_it_says_nothing_twice(
    tries: int, details: list[str]
):
    alone = [{"provider": "one", "model": "m"}]
    async with site(models=alone, retry={"max_attempts": tries, "base_s": 0.001}) as s:
        s.one.script(SAID)
        s.one.behave(Step(empty=True))

        answer = await s.ask()

        assert [one.detail for one in s.gateway.attempts] == details
        assert text_of(answer) == "All is said."
        assert bool(answer.error()) == (tries == 2)


@pytest.mark.parametrize("broken", [STOPPED, FINISHING], ids=["anthropic", "openai"])
async def test_words_that_are_known_to_be_whole_need_no_full_stop(broken: tuple[str, Step]):
    kind, step = broken
    async with site(first=kind) as s:
        s.one.behave(step)
        s.two.behave(Step(empty=True))

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == "All is said"


WORDLESS: Final = {
    "nothing": Step(empty=True),
    "thoughts": Step(empty=True, thinking="Is there more to say?"),
    "thoughts to the limit": Step(empty=True, thinking="Is there more?", finish_reason="length"),
    "a blank": Step(text=" "),
    "lines": Step(text=("\n", "\n\n")),
    "an announcement": Step(text="Sure, here is the rest:\n\n"),
}


@pytest.mark.parametrize("said", WORDLESS)
async def test_half_an_answer_is_not_ended_by_a_target_that_says_nothing(said: str):
    async with site() as s:
        s.two.behave(WORDLESS[said])

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer).split() == WHOLE.split()
        assert [one.target for one in s.gateway.attempts] == ["one/m", "two/m", "three/m"]
        assert s.gateway.attempts[1].detail == "empty"


@pytest.mark.parametrize("said", WORDLESS)
async def test_the_caller_is_told_where_nobody_says_more(said: str):
    async with site() as s:
        s.two.behave(WORDLESS[said])
        s.three.behave(WORDLESS[said])

        answer = await s.ask()

        assert answer.error()
        assert text_of(answer).strip() == WHOLE.removesuffix(REST)


@pytest.mark.parametrize("said", WORDLESS)
async def test_two_targets_without_a_word_end_an_answer_that_ends_a_sentence(said: str):
    async with site() as s:
        s.one.behave(SAID)
        s.two.behave(WORDLESS[said])
        s.three.behave(WORDLESS[said])

        answer = await s.ask()

        assert answer.whole
        assert not answer.error()
        assert text_of(answer).strip() == "All is said."


async def test_silence_about_fewer_words_counts_no_more():
    async with site(retry={"max_attempts": 4, "base_s": 0.001}) as s:
        s.one.script(SAID)
        s.one.behave(Step(empty=True))
        s.two.behave(Step(empty=True))
        s.three.script(Step(text=" Or nearly all.", no_finish=True, no_done=True))
        s.three.behave(Step(empty=True))

        answer = await s.ask()

        assert [(one.target, one.detail) for one in s.gateway.attempts] == [
            ("one/m", "truncated"),
            ("two/m", "empty"),
            ("three/m", "truncated"),
            ("three/m", "empty"),
            ("three/m", ""),
        ]
        assert text_of(answer) == "All is said. Or nearly all."


async def test_a_target_that_says_just_what_the_caller_has_shows_that_it_was_all():
    async with site() as s:
        s.two.behave(Step(text="The three largest lakes are Superior, Vic"))

        answer = await s.ask()

        assert answer.whole
        assert text_of(answer) == WHOLE.removesuffix(REST)


@pytest.mark.parametrize(
    ("settings", "headers", "fields", "bar"),
    [
        ({}, {"x-hotswap-splice": "off"}, {}, "off"),
        ({"stream": {"splice": False}}, {}, {}, "off"),
        ({"stream": {"max_splices": 0}}, {}, {}, "max_splices"),
        ({"stream": {"max_tokens": 3}}, {}, {}, "too_long"),
        ({}, {}, {"n": 2}, "several"),
        ({}, {}, {"logprobs": True}, "logprobs"),
        (
            {"stream": {"structured": "live"}},
            {},
            {"response_format": {"type": "json_object"}},
            "structured",
        ),
    ],
    ids=["header", "chain", "none", "long", "n", "logprobs", "structured"],
)
async def test_what_cannot_go_on_ends_with_an_error_and_says_why(
    settings: Mapping[str, Mapping[str, object]],
    headers: Mapping[str, str],
    fields: Mapping[str, object],
    bar: str,
):
    async with site(stream=settings.get("stream", {})) as s:
        answer = await s.ask(headers, **fields)

        assert not answer.whole
        assert "upstream_interrupted" in answer.events()[-1]
        assert s.two.requests == 0
        assert s.gateway.attempts[-1].bar == bar


async def test_a_call_that_breaks_off_is_made_anew_as_a_whole():
    call = ToolCall("weather", '{"city":"Oslo"}')
    async with site() as s:
        s.one.behave(Step(text=("Let me", " look. "), tools=(call,), cut=Cut.EOF, cut_after=5))
        s.two.behave(Step(text="", tools=(call,)))

        answer = await s.ask(tools=[{"type": "function", "function": {"name": "weather"}}])

        calls = [c for chunk in chunks(answer) for c in calls_in(chunk)]
        arguments = "".join(str(function_of(c).get("arguments", "")) for c in calls)
        names = [name for c in calls if (name := function_of(c).get("name"))]
        assert text_of(answer) == "Let me look. "
        assert (names, arguments) == (["weather"], '{"city":"Oslo"}')
        assert answer.whole


def calls_in(chunk: dict[str, object]) -> list[dict[str, object]]:
    if not chunk.get("choices"):
        return []
    return cast("list[dict[str, object]]", delta_of(chunk).get("tool_calls", []))


def function_of(call: dict[str, object]) -> dict[str, object]:
    return cast("dict[str, object]", call["function"])


async def test_live_calls_pass_as_they_come_and_a_break_in_one_is_an_error():
    call = ToolCall("weather", '{"city":"Oslo"}')
    async with site(stream={"tool_calls": "live"}) as s:
        s.one.behave(Step(tools=(call,), cut=Cut.EOF, cut_after=3))

        answer = await s.ask(tools=[{"type": "function", "function": {"name": "weather"}}])

        assert not answer.whole
        assert s.gateway.attempts[-1].bar == "tool_calls"


async def test_json_is_held_until_it_is_whole_and_made_anew_when_it_breaks():
    whole = '{"lakes": ["Superior", "Victoria"]}'
    async with site() as s:
        s.one.behave(Step(text=('{"lakes": ["Sup', 'erior"'), cut=Cut.EOF, cut_after=3))
        s.two.behave(Step(text=whole))

        answer = await s.ask(response_format={"type": "json_object"})

        assert text_of(answer) == whole
        assert answer.headers["x-hotswap-target"] == "two/m"
        assert sent(s.two)["messages"] == CHAT["messages"]


async def test_only_reasoning_was_shown_so_the_answer_begins_anew():
    async with site() as s:
        s.one.behave(Step(thinking=("Hm,", " lakes"), text=WORDS, cut=Cut.EOF, cut_after=3))
        s.two.behave(Step(text=WHOLE))

        answer = await s.ask()

        assert text_of(answer) == WHOLE
        assert sent(s.two)["messages"] == CHAT["messages"]


async def test_the_limit_of_tokens_is_what_the_first_target_left():
    async with site() as s:
        await s.ask(max_tokens=100)

        assert sent(s.two)["max_completion_tokens"] == 94


async def test_a_stop_sequence_over_the_seam_ends_the_answer():
    async with site() as s:
        answer = await s.ask(stop=["Victoria"])

        assert text_of(answer) == "The three largest lakes are Superior, Vic"
        assert answer.whole


async def test_the_deadline_holds_over_all_splices():
    async with site(timeouts={"silence_s": 5}) as s:
        s.two.behave(Step(text=REST, first_content_s=30))

        answer = await s.ask({"x-hotswap-deadline-ms": "200"})

        assert not answer.whole
        assert answer.end_s < 1


async def test_all_targets_are_gone_after_the_break():
    async with site() as s:
        s.two.behave(Step(status=500))
        s.three.behave(Step(drop=Cut.RESET))

        answer = await s.ask()

        assert not answer.whole
        assert text_of(answer) == "The three largest lakes are Superior, Vic"
        assert '"error"' in answer.events()[-1]


async def test_an_odd_wish_is_refused():
    async with site() as s:
        s.one.behave(HEALTHY)

        answer = await s.ask({"x-hotswap-splice": "maybe"})

        assert answer.status == 400
