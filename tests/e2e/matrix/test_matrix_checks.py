"""The SDKs' types judge strictly: what they do not name is wrong, at any depth."""

import json

import pytest

from hotswap.testing.step import Seen

from .sdk_types import JUDGES, typed

pytestmark = pytest.mark.slow

USER: dict[str, object] = {"role": "user", "content": "Hi"}
CHAT: dict[str, object] = {"model": "m", "messages": [USER]}
BODIES: dict[str, tuple[dict[str, object], str, str]] = {
    "responses": ({"model": "m", "input": [USER]}, "input", "content"),
    "anthropic": ({**CHAT, "max_tokens": 9}, "messages", "content"),
    "gemini": ({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, "contents", "role"),
}
"""By kind: a body, its conversation, and a text field of a turn. Others are a chat."""


def judged(kind: str, body: object) -> str:
    raw = json.dumps(body).encode()
    found = typed(kind)(Seen(1, 1, "POST", "/", {}, raw, 0.0))
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("kind", JUDGES)
def test_a_plain_request_is_right(kind: str) -> None:
    body, _, _ = BODIES.get(kind, (CHAT, "", ""))

    assert judged(kind, body) == ""


@pytest.mark.parametrize("kind", JUDGES)
def test_an_unknown_field_is_wrong(kind: str) -> None:
    body, _, _ = BODIES.get(kind, (CHAT, "", ""))

    assert "flavour: Extra inputs are not permitted" in judged(kind, {**body, "flavour": 1})


@pytest.mark.parametrize("kind", JUDGES)
def test_an_unknown_field_of_a_turn_is_wrong(kind: str) -> None:
    body, history, _ = BODIES.get(kind, (CHAT, "messages", "content"))
    (turn,) = json.loads(json.dumps(body[history]))

    words = judged(kind, {**body, history: [{**turn, "flavour": 1}]})

    assert "flavour: Extra inputs are not permitted" in words


@pytest.mark.parametrize("kind", JUDGES)
def test_nothing_is_coerced(kind: str) -> None:
    body, history, text = BODIES.get(kind, (CHAT, "messages", "content"))
    (turn,) = json.loads(json.dumps(body[history]))

    assert "should be a valid string" in judged(kind, {**body, history: [{**turn, text: 7}]})
