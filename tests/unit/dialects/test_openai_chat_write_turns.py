"""Conversations, written as messages of OpenAI's chat."""

from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from hotswap.core.abilities import UNKNOWN, Abilities, Prefill
from hotswap.core.terms import Target
from hotswap.dialects.api import Outgoing, UnableError
from hotswap.dialects.neutral import (
    Audio,
    Call,
    File,
    Image,
    Part,
    Reasoning,
    Refusal,
    Request,
    Result,
    Role,
    Text,
    Thinking,
    Turn,
    Video,
)
from hotswap.dialects.openai.write import write_request

HI = Turn(Role.USER, (Text("Hi"),))
PLAIN = Request(turns=(HI,))
IMAGE = Image("image/png", "AAAA")

Object = dict[str, object]


def write(
    request: Request,
    kind: str = "openai",
    abilities: Abilities = UNKNOWN,
    overrides: bytes = b"",
) -> Outgoing:
    target = Target("p/gpt-9", "p", "gpt-9", abilities=abilities, overrides=overrides)
    return write_request(request, target, kind)


def fields(request: Request, kind: str = "openai", abilities: Abilities = UNKNOWN) -> Object:
    return msgspec.json.decode(write(request, kind, abilities).body, type=dict[str, object])


def messages(*turns: Turn, kind: str = "openai") -> list[Object]:
    return cast("list[Object]", fields(Request(turns=turns), kind)["messages"])


def unable(request: Request, kind: str = "openai", abilities: Abilities = UNKNOWN) -> str:
    with pytest.raises(UnableError) as caught:
        write(request, kind, abilities)
    return caught.value.need


def user(*parts: Part) -> Turn:
    return Turn(Role.USER, parts)


def assistant(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def call(call_id: str = "a", name: str = "f") -> Call:
    return Call(call_id, name, '{"x":1}')


def wire_call(call_id: str = "a", name: str = "f") -> Object:
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": '{"x":1}'},
    }


def result(call_id: str = "a", *parts: Text | Image | Audio | File | Video) -> Result:
    return Result(call_id, parts or (Text("17"),))


def test_system_turns_stay_where_they_are():
    assert messages(
        Turn(Role.SYSTEM, (Text("Be brief."),)),
        HI,
        assistant(Text("Hello")),
        Turn(Role.SYSTEM, (Text("Be long."),)),
        HI,
    ) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "system", "content": "Be long."},
        {"role": "user", "content": "Hi"},
    ]


def test_several_texts_are_a_list_and_thinking_is_dropped():
    assert messages(
        user(Text("a"), Text("b")),
        assistant(Thinking("Hm", "sig"), Text("c")),
        assistant(Thinking("Hm")),
        HI,
    ) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        },
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "Hi"},
    ]


def test_quirk_deepseek_takes_one_string_and_wants_reasoning_content():
    assert messages(user(Text("a"), Text("b")), assistant(Text("c")), HI, kind="deepseek") == [
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c", "reasoning_content": ""},
        {"role": "user", "content": "Hi"},
    ]


def test_calls_and_results_are_written():
    assert messages(
        HI,
        assistant(Text("Well."), call("a"), call("b")),
        user(result("a"), result("b"), Text("?")),
    )[1:] == [
        {"role": "assistant", "content": "Well.", "tool_calls": [wire_call("a"), wire_call("b")]},
        {"role": "tool", "tool_call_id": "a", "content": "17"},
        {"role": "tool", "tool_call_id": "b", "content": "17"},
        {"role": "user", "content": "?"},
    ]


def test_images_of_results_go_into_the_next_message_of_the_user():
    written = messages(
        HI,
        assistant(call("a"), call("b")),
        user(result("a", IMAGE)),
        user(result("b", Text("18"), IMAGE)),
        assistant(Text("Nice.")),
        HI,
    )

    wire = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert written[2:5] == [
        {"role": "tool", "tool_call_id": "a", "content": "The result follows."},
        {"role": "tool", "tool_call_id": "b", "content": "18"},
        {"role": "user", "content": [wire, wire]},
    ]


def test_what_the_user_says_stands_behind_the_images_of_results():
    written = messages(HI, assistant(call()), user(result("a", IMAGE), Text("What is it?")))

    assert written[3] == {
        "role": "user",
        "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "text", "text": "What is it?"},
        ],
    }


@pytest.mark.parametrize(
    ("text", "said"), [("no such city", "Error: no such city"), ("Error 5", "Error 5")]
)
def test_a_failed_result_says_so(text: str, said: str):
    failed = Result("a", (Text(text),), failed=True)

    assert messages(HI, assistant(call()), user(failed))[2]["content"] == said


def test_a_missing_result_is_stated_and_a_foreign_one_becomes_text():
    assert messages(HI, assistant(call()), user(result("x", Text("18")))) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [wire_call()]},
        {"role": "tool", "tool_call_id": "a", "content": "Error: The tool returned nothing."},
        {"role": "user", "content": "18"},
    ]


def test_a_system_turn_between_call_and_result_comes_behind_them():
    late = Turn(Role.SYSTEM, (Text("Be brief."),))

    assert [m["role"] for m in messages(HI, assistant(call()), late, user(result()))] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]


def test_a_signature_goes_only_where_google_may_listen():
    signed = assistant(Call("a", "f", "{}", "sig"))

    there = messages(HI, signed, user(result()), kind="compatible")[1]["tool_calls"]
    elsewhere = messages(HI, signed, user(result()))[1]["tool_calls"]

    assert there == [
        {
            "id": "a",
            "type": "function",
            "function": {"name": "f", "arguments": "{}"},
            "extra_content": {"google": {"thought_signature": "sig"}},
        }
    ]
    assert elsewhere == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]


def test_quirk_mistral_wants_alternating_roles_and_an_answer_before_the_user():
    turns = (
        Turn(Role.SYSTEM, (Text("Be brief."),)),
        Turn(Role.SYSTEM, (Text("Be kind."),)),
        HI,
        user(Text("You?")),
        assistant(call("toolu_0123456789")),
        user(result("toolu_0123456789"), Text("Well?")),
    )

    written = messages(*turns, kind="mistral")

    assert written == [
        {"role": "system", "content": "Be brief.\n\nBe kind."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "You?"}],
        },
        {"role": "assistant", "content": None, "tool_calls": [wire_call("MzfryK39D")]},
        {"role": "tool", "tool_call_id": "MzfryK39D", "content": "17"},
        {"role": "assistant", "content": "OK."},
        {"role": "user", "content": "Well?"},
    ]


def test_quirk_mistral_ids_of_nine_characters_stay():
    written = messages(HI, assistant(call("abcDEF123")), user(result("abcDEF123")), kind="mistral")

    assert written[2]["tool_call_id"] == "abcDEF123"


def test_quirk_openai_ids_have_forty_characters_at_most():
    written = messages(HI, assistant(call("x" * 41)), user(result("x" * 41)))

    assert len(str(written[2]["tool_call_id"])) == 40
    assert cast("list[Object]", written[1]["tool_calls"])[0]["id"] == written[2]["tool_call_id"]


def test_quirk_groq_refuses_names_of_messages():
    named = replace(PLAIN, turns=(Turn(Role.USER, (Text("Hi"),), "ann"),))

    assert fields(named)["messages"] == [{"role": "user", "content": "Hi", "name": "ann"}]
    assert fields(named, "groq")["messages"] == [{"role": "user", "content": "Hi"}]
    assert write(named, "groq").notices == ("name",)


def test_a_refusal_is_text_where_nobody_knows_refusals():
    turns = (HI, assistant(Refusal("No.")), HI)

    assert messages(*turns)[1]["content"] == [{"type": "refusal", "refusal": "No."}]
    assert messages(*turns, kind="vllm")[1]["content"] == [{"type": "text", "text": "No."}]


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (
            Image("image/png", "AAAA", detail="low"),
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"},
            },
        ),
        (
            Image(url="https://x.example/"),
            {"type": "image_url", "image_url": {"url": "https://x.example/"}},
        ),
        (
            Audio("audio/x-wav", "AAAA"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ),
        (
            Audio("audio/mpeg", "AAAA"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ),
        (
            File(data="AAAA"),
            {
                "type": "file",
                "file": {
                    "filename": "document.pdf",
                    "file_data": "data:application/pdf;base64,AAAA",
                },
            },
        ),
    ],
)
def test_every_kind_of_part_is_written(part: Part, wire: Object):
    assert messages(user(part, Text("?")))[0]["content"] == [wire, {"type": "text", "text": "?"}]


@pytest.mark.parametrize(
    ("part", "kind", "need"),
    [
        (Video("video/mp4", "AAAA"), "openai", "video"),
        (Audio("audio/ogg", "AAAA"), "openai", "audio"),
        (Audio("audio/wav", "AAAA"), "groq", "audio"),
        (File(data="AAAA"), "vllm", "files"),
        (File(url="https://x.example/a.pdf"), "openai", "files"),
        (Image(url="gs://bucket/a.png"), "openai", "images"),
        (Image(url="https://x.example/"), "ollama", "images"),
    ],
)
def test_a_part_that_a_kind_cannot_take_is_named(part: Part, kind: str, need: str):
    assert unable(Request(turns=(user(part),)), kind) == need


@pytest.mark.parametrize(
    ("part", "abilities", "need"),
    [
        (IMAGE, Abilities(images=False), "images"),
        (Result("a", (IMAGE,)), Abilities(images=False), "images"),
        (Audio("audio/wav", "AAAA"), Abilities(audio=False), "audio"),
        (File(data="AAAA"), Abilities(files=False), "files"),
    ],
)
def test_a_part_that_a_model_cannot_take_is_named(part: Part, abilities: Abilities, need: str):
    assert unable(Request(turns=(user(part),)), "openai", abilities) == need


def test_an_answer_that_was_begun_is_continued_in_the_way_of_each_ability():
    begun = Request(turns=(HI, assistant(Text("The"))))
    plain = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The"}]
    flagged = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "The", "prefix": True},
    ]

    assert fields(begun, "mistral", Abilities(prefill=Prefill.PREFIX_FLAG))["messages"] == flagged
    assert fields(begun, "openai", Abilities(prefill=Prefill.PREFIX_FLAG))["messages"] == flagged
    assert fields(begun, "vllm", Abilities(prefill=Prefill.TEMPLATE_FLAG)) == {
        "model": "gpt-9",
        "messages": plain,
        "continue_final_message": True,
        "add_generation_prompt": False,
    }
    for kind in ("groq", "ollama", "openrouter", "anything"):
        assert fields(begun, kind, Abilities(prefill=Prefill.NATIVE)) == {
            "model": "gpt-9",
            "messages": plain,
        }


@pytest.mark.parametrize("kind", ["groq", "llamacpp", "mistral", "ollama", "openrouter", "vllm"])
def test_a_target_that_was_found_not_to_continue_is_not_asked_to_whatever_its_kind(kind: str):
    begun = Request(turns=(HI, assistant(Text("The"))))

    assert unable(begun, kind, Abilities(prefill=Prefill.NO)) == "prefill"


def test_quirk_llamacpp_thinks_or_continues():
    begun = Request(turns=(HI, assistant(Text("The"))), reasoning=Reasoning("high"))

    asked = fields(begun, "llamacpp", Abilities(prefill=Prefill.NATIVE))

    assert asked["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "The"},
    ]
    assert asked["chat_template_kwargs"] == {"enable_thinking": False}
    assert "reasoning_effort" not in asked


def test_cache_marks_travel_only_where_they_are_passed_on():
    marked = user(Text("Hi", cached=True))

    assert messages(marked, kind="openrouter")[0]["content"] == [
        {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    ]
    assert messages(marked)[0]["content"] == "Hi"


def test_quirk_mistral_wants_a_message_besides_the_system_prompt():
    system = Turn(Role.SYSTEM, (Text("Be brief."),))

    assert unable(Request(turns=(system, user(Text("")))), "mistral") == "first_turn"
    assert messages(system) == [{"role": "system", "content": "Be brief."}]
