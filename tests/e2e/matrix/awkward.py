"""Requests that no SDK would send by itself and that applications send all the same."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, cast

from msgspec import Struct

Fields = dict[str, object]
Said = tuple[str, str]
"""Role (system, user, assistant) and text."""


class Dialect(Struct, frozen=True):
    """How bodies of a caller's dialect are put together."""

    path: str
    """`%s` stands for the chain."""
    say: Callable[[Sequence[Said]], Fields]
    image: Callable[[str], Fields]
    """From base64."""
    called: Callable[[str, str], Fields]
    """A question, a call of `look_up` by an id and with arguments, and no result."""
    result: Callable[[str], Fields]
    """Of the call with an id: what is added to the conversation."""
    history: str
    """Name of the field that holds the conversation."""
    sampled: Callable[[float, float], Fields]
    stops: Callable[[Sequence[str]], Fields]


def _chat(said: Sequence[Said]) -> Fields:
    return {"messages": [{"role": role, "content": text} for role, text in said]}


def _chat_image(data: str) -> Fields:
    url = {"url": f"data:image/png;base64,{data}"}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]
    return {"messages": [{"role": "user", "content": content}]}


def _chat_called(id_: str, arguments: str) -> Fields:
    function = {"name": "look_up", "arguments": arguments}
    call = {"id": id_, "type": "function", "function": function}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    return {
        "messages": [
            {"role": "user", "content": "How warm is it?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        "tools": [tool],
    }


def _responses(said: Sequence[Said]) -> Fields:
    return {"input": [{"role": role, "content": text} for role, text in said]}


def _responses_image(data: str) -> Fields:
    url = f"data:image/png;base64,{data}"
    image = {"type": "input_image", "image_url": url, "detail": "auto"}
    content = [{"type": "input_text", "text": "What is this?"}, image]
    return {"input": [{"role": "user", "content": content}]}


def _responses_called(id_: str, arguments: str) -> Fields:
    call = {"type": "function_call", "call_id": id_, "name": "look_up", "arguments": arguments}
    tool = {
        "type": "function",
        "name": "look_up",
        "parameters": {"type": "object"},
        "strict": False,
    }
    return {"input": [{"role": "user", "content": "How warm is it?"}, call], "tools": [tool]}


def _anthropic(said: Sequence[Said]) -> Fields:
    return {"max_tokens": 512, **_chat(said)}


def _anthropic_image(data: str) -> Fields:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    return {"max_tokens": 512, "messages": [{"role": "user", "content": content}]}


def _anthropic_called(id_: str, arguments: str) -> Fields:
    block = {"type": "tool_use", "id": id_, "name": "look_up", "input": _object(arguments)}
    return {
        "max_tokens": 512,
        "messages": [
            {"role": "user", "content": "How warm is it?"},
            {"role": "assistant", "content": [block]},
        ],
        "tools": [{"name": "look_up", "input_schema": {"type": "object"}}],
    }


def _gemini(said: Sequence[Said]) -> Fields:
    roles = {"assistant": "model"}
    return {
        "contents": [
            {"role": roles.get(role, role), "parts": [{"text": text}]} for role, text in said
        ]
    }


def _gemini_image(data: str) -> Fields:
    blob = {"inlineData": {"mimeType": "image/png", "data": data}}
    return {"contents": [{"role": "user", "parts": [{"text": "What is this?"}, blob]}]}


def _gemini_called(id_: str, arguments: str) -> Fields:
    call = {"id": id_, "name": "look_up", "args": _object(arguments)}
    declared = {"name": "look_up", "parametersJsonSchema": {"type": "object"}}
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "How warm is it?"}]},
            {"role": "model", "parts": [{"functionCall": call}]},
        ],
        "tools": [{"functionDeclarations": [declared]}],
    }


def _gemini_result(id_: str) -> Fields:
    response = {"id": id_, "name": "look_up", "response": {"output": "17"}}
    return {"role": "user", "parts": [{"functionResponse": response}]}


def _object(arguments: str) -> object:
    """Return an object where the wire has one: broken text stays what it is."""
    try:
        return json.loads(arguments)
    except json.JSONDecodeError:
        return arguments


DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "openai chat": Dialect(
            "/v1/chat/completions",
            _chat,
            _chat_image,
            _chat_called,
            lambda id_: {"role": "tool", "tool_call_id": id_, "content": "17"},
            "messages",
            lambda temperature, top_p: {"temperature": temperature, "top_p": top_p},
            lambda stops: {"stop": stops},
        ),
        "openai responses": Dialect(
            "/v1/responses",
            _responses,
            _responses_image,
            _responses_called,
            lambda id_: {"type": "function_call_output", "call_id": id_, "output": "17"},
            "input",
            lambda temperature, top_p: {"temperature": temperature, "top_p": top_p},
            lambda _stops: {},
        ),
        "anthropic": Dialect(
            "/v1/messages",
            _anthropic,
            _anthropic_image,
            _anthropic_called,
            lambda id_: {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": id_, "content": "17"}],
            },
            "messages",
            lambda temperature, top_p: {"temperature": min(temperature, 1), "top_p": top_p},
            lambda stops: {"stop_sequences": stops},
        ),
        "google-genai": Dialect(
            "/v1beta/models/%s:generateContent",
            _gemini,
            _gemini_image,
            _gemini_called,
            _gemini_result,
            "contents",
            lambda temperature, top_p: {
                "generationConfig": {"temperature": temperature, "topP": top_p}
            },
            lambda stops: {"generationConfig": {"stopSequences": stops}},
        ),
    }
)
"""By the client whose requests they are."""

ODD_ID: Final = "call:1/é #" + "x" * 80
MANY: Final = ("one", "two", "three", "four", "five", "six")
LARGE: Final = "A" * (29 * 1024 * 1024)
"""Base64 of an image that nearly fills the largest body that is taken."""

HELLO: Final[Said] = ("user", "Say hello.")


def _and_result(dialect: Dialect, body: Fields, result: Fields) -> Fields:
    return {**body, dialect.history: [*_history(dialect, body), result]}


ODD: Final[Mapping[str, Callable[[Dialect], Fields]]] = MappingProxyType(
    {
        "adjacent roles": lambda d: d.say(
            [HELLO, HELLO, ("assistant", "Hello."), ("assistant", "Hi."), HELLO]
        ),
        "no tool result": lambda d: _and_result(
            d, d.called("call_1", "{}"), _history(d, d.say([HELLO]))[-1]
        ),
        "result of no call": lambda d: _and_result(d, d.say([HELLO]), d.result("call_9")),
        "call comes last": lambda d: d.called("call_1", "{}"),
        "empty text": lambda d: d.say([HELLO, ("assistant", ""), ("user", ""), HELLO]),
        "nothing but empty text": lambda d: d.say([("user", "")]),
        "assistant last": lambda d: d.say([HELLO, ("assistant", "Hello ")]),
        "assistant first": lambda d: d.say([("assistant", "Hello."), HELLO]),
        "system in the middle": lambda d: d.say(
            [HELLO, ("assistant", "Hello."), ("system", "Be brief."), HELLO]
        ),
        "system alone": lambda d: d.say([("system", "Say hello.")]),
        "odd tool id": lambda d: _and_result(d, d.called(ODD_ID, "{}"), d.result(ODD_ID)),
        "temperature and top_p": lambda d: {**d.say([HELLO]), **d.sampled(0.5, 0.9)},
        "temperature of 2": lambda d: {**d.say([HELLO]), **d.sampled(2, 1)},
        "six stop sequences": lambda d: {**d.say([HELLO]), **d.stops(MANY)},
        "unknown field": lambda d: {**d.say([HELLO]), "flavour": "salty"},
        "30 MiB": lambda d: d.image(LARGE),
    }
)
"""They mean something: a target answers, or is skipped and says what it lacks."""


def _history(dialect: Dialect, body: Fields) -> list[Fields]:
    return cast("list[Fields]", body[dialect.history])


BROKEN: Final[Mapping[str, Callable[[Dialect, str], bytes]]] = MappingProxyType(
    {
        "nothing": lambda _d, _m: b"",
        "no JSON": lambda _d, _m: b"hello",
        "a list": lambda _d, _m: b"[]",
        "cut off": lambda d, m: _body(d, m, d.say([HELLO]))[:-5],
        "deep lists": lambda d, m: _around(d, m, b"[" * 100_000),
        "deep objects": lambda d, m: _around(d, m, b'{"a":' * 100_000),
        "deep and closed": lambda d, m: _around(d, m, b"[" * 100_000 + b"]" * 100_000),
        "invalid UTF-8": lambda d, m: _body(d, m, d.say([HELLO])).replace(b"hello", b"\xff\xfe"),
        "history is a number": lambda d, m: _body(d, m, {**d.say([HELLO]), d.history: 5}),
        "history is null": lambda d, m: _body(d, m, {**d.say([HELLO]), d.history: None}),
        "turns are numbers": lambda d, m: _body(d, m, {**d.say([HELLO]), d.history: [1, 2]}),
        "no history": lambda d, m: _body(
            d, m, {name: value for name, value in d.say([HELLO]).items() if name != d.history}
        ),
        "tools are a text": lambda d, m: _body(d, m, {**d.say([HELLO]), "tools": "look_up"}),
        "broken arguments": lambda d, m: _body(
            d, m, _and_result(d, d.called("call_1", '{"city":'), d.result("call_1"))
        ),
    }
)
"""They mean nothing to a target of another dialect; `m` is the model that is asked for."""


def _body(dialect: Dialect, model: str, fields: Fields) -> bytes:
    return written(dialect, model, fields)


def _around(dialect: Dialect, model: str, value: bytes) -> bytes:
    whole = written(dialect, model, {dialect.history: "HERE"})
    return whole.replace(b'"HERE"', value)


def written(dialect: Dialect, model: str, fields: Fields) -> bytes:
    """Write a body; where the path names the model, the body does not."""
    named: Fields = {} if "%s" in dialect.path else {"model": model}
    return json.dumps({**named, **fields}).encode()
