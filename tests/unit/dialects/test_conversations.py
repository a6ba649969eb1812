"""A conversation is known again by how it begins, whatever is said later."""

import json
from collections.abc import Mapping
from typing import Final

import pytest

from hotswap.dialects.registry import TRANSLATORS

PATHS: Final[Mapping[str, str]] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/c:generateContent",
}
EVERY_DIALECT = pytest.mark.parametrize("dialect", list(PATHS))

Said = list[tuple[str, object]]


def name(dialect: str, fields: Mapping[str, object]) -> bytes:
    speaks = TRANSLATORS[dialect]
    body = json.dumps({"model": "c", "max_tokens": 9, **fields}).encode()
    return speaks.conversation(speaks.peek(body, PATHS[dialect], ""))


def body(dialect: str, system: str, *turns: str) -> dict[str, object]:
    """Write turns of user and assistant by turns."""
    roles = ["user", "model" if dialect == "gemini" else "assistant"] * len(turns)
    match dialect:
        case "gemini":
            said = [{"role": r, "parts": [{"text": t}]} for r, t in zip(roles, turns, strict=False)]
            return {"systemInstruction": {"parts": [{"text": system}]}, "contents": said}
        case "anthropic":
            return {"system": system, "messages": _messages(roles, turns)}
        case "openai_responses":
            return {"instructions": system, "input": _messages(roles, turns)}
        case _:
            messages = [{"role": "system", "content": system}, *_messages(roles, turns)]
            return {"messages": messages}


def _messages(roles: list[str], turns: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"role": r, "content": t} for r, t in zip(roles, turns, strict=False)]


@EVERY_DIALECT
def test_later_turns_change_nothing(dialect: str) -> None:
    first = name(dialect, body(dialect, "Be brief.", "Hi"))
    later = name(dialect, body(dialect, "Be brief.", "Hi", "Hello!", "How are you?"))

    assert first == later != b""


@EVERY_DIALECT
def test_the_first_turn_and_the_system_prompt_tell_conversations_apart(dialect: str) -> None:
    names = {
        name(dialect, body(dialect, system, turn))
        for system in ("Be brief.", "Be kind.")
        for turn in ("Hi", "Hello")
    }

    assert len(names) == 4


@EVERY_DIALECT
def test_long_texts_are_told_apart_by_their_ends_and_their_length(dialect: str) -> None:
    long = "x" * 10_000
    names = {
        name(dialect, body(dialect, "", turn))
        for turn in (long, f"{long}x", f"a{long[1:]}", f"{long[1:]}b")
    }

    assert len(names) == 4


def test_a_marker_of_the_cache_moves_along_and_changes_nothing() -> None:
    marked = [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]
    first = {"system": "S", "messages": [{"role": "user", "content": marked}]}
    later = body("anthropic", "S", "Hi", "Hello!", "And?")

    assert name("anthropic", first) == name("anthropic", later)


def test_images_tell_conversations_apart() -> None:
    def asks(image: str) -> dict[str, object]:
        source = {"type": "base64", "media_type": "image/png", "data": image}
        parts = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
        return {"messages": [{"role": "user", "content": parts}]}

    assert name("anthropic", asks("iVBORw0KAA")) != name("anthropic", asks("iVBORw0KBB"))


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
def test_a_key_of_the_callers_own_counts_alone(dialect: str) -> None:
    one = {**body(dialect, "S", "Hi"), "prompt_cache_key": "k1"}
    two = {**body(dialect, "T", "Hello"), "prompt_cache_key": "k1"}
    none = {**body(dialect, "S", "Hi"), "prompt_cache_key": None}

    assert name(dialect, one) == name(dialect, two)
    assert name(dialect, none) == name(dialect, body(dialect, "S", "Hi"))


def test_a_conversation_that_lies_at_the_provider_is_its_own_name() -> None:
    one = {"conversation": "conv_1", "input": "Hi"}
    two = {"conversation": "conv_1", "input": "And then?"}

    assert name("openai_responses", one) == name("openai_responses", two)


def test_users_of_one_application_do_not_share_a_conversation() -> None:
    one = {**body("anthropic", "S", "Hi"), "metadata": {"user_id": "u1"}}
    two = {**body("anthropic", "S", "Hello"), "metadata": {"user_id": "u1"}}

    assert name("anthropic", one) != name("anthropic", two)


def test_what_cannot_be_read_has_no_name() -> None:
    assert name("anthropic", {"messages": [["user", "Hi"]]}) == b""
