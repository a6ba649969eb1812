"""Requests that real providers take, and those that they refuse."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from hotswap.testing.provider import StartProvider
from hotswap.testing.step import Seen
from hotswap.testing.strictness import all_of, strict

pytest_plugins = ["hotswap.testing.pytest_plugin"]

Json = Mapping[str, object]
CHAT = "/v1/chat/completions"
GEMINI = "/v1beta/models/m:generateContent"
PATHS = {
    "anthropic": "/v1/messages",
    "gemini": GEMINI,
    "groq": CHAT,
    "mistral": CHAT,
    "openai": CHAT,
    "openai_reasoning": CHAT,
    "responses": "/v1/responses",
}
SCHEMA: Json = {"type": "object", "properties": {"max_len": {"type": "string"}}}

CLAUDE_CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
CLAUDE_RESULT: Json = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "17"}
CLAUDE: Json = {
    "model": "m",
    "max_tokens": 9,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": "How warm is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "I look."}, CLAUDE_CALL]},
        {"role": "user", "content": [CLAUDE_RESULT, {"type": "text", "text": "Well?"}]},
    ],
    "tools": [{"name": "look", "input_schema": SCHEMA}],
    "tool_choice": {"type": "auto"},
}

GEMINI_CALL: Json = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "c2ln"}
GEMINI_RESULT: Json = {"functionResponse": {"name": "look", "response": {"output": "17"}}}
GOOGLE: Json = {
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "How warm is it?"}]},
        {"role": "model", "parts": [{"text": "I look."}, GEMINI_CALL]},
        {"role": "user", "parts": [GEMINI_RESULT]},
    ],
    "tools": [{"functionDeclarations": [{"name": "look", "parameters_json_schema": SCHEMA}]}],
    "generationConfig": {"maxOutputTokens": 9, "thinkingConfig": {"include_thoughts": True}},
}

CALL: Json = {
    "id": "abcdefgh1",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}
OPENAI: Json = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How warm is it?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": "17"},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
}

INPUT: list[Json] = [
    {"role": "user", "content": [{"type": "input_text", "text": "How warm is it?"}]},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "17"},
]
RESPONSES: Json = {
    "model": "m",
    "instructions": "Be brief.",
    "input": INPUT,
    "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}],
    "store": False,
}

GOOD: Mapping[str, Json] = {
    "anthropic": CLAUDE,
    "gemini": GOOGLE,
    "groq": OPENAI,
    "mistral": OPENAI,
    "openai": OPENAI,
    "openai_reasoning": OPENAI,
    "responses": RESPONSES,
}


def seen(kind: str, body: object, *, version: str = "2026-10-21", path: str = "") -> Seen:
    headers = {"anthropic-version": version} if version else {}
    return Seen(1, 1, "POST", path or PATHS[kind], headers, json.dumps(body).encode(), 0.0)


def said(kind: str, changes: Json) -> str:
    found = strict(kind)(seen(kind, {**GOOD[kind], **changes}))
    return found if isinstance(found, str) else json.dumps(found.body, default=str)


@pytest.mark.parametrize("kind", GOOD)
def test_a_conversation_with_tools_is_taken(kind: str) -> None:
    assert said(kind, {}) == ""


@pytest.mark.parametrize("kind", GOOD)
def test_paths_of_other_apis_pass(kind: str) -> None:
    assert strict(kind)(seen(kind, [], path="/v1/embeddings")) == ""


@pytest.mark.parametrize("kind", GOOD)
def test_what_has_the_wrong_shape_is_refused(kind: str) -> None:
    field = {"gemini": "contents", "responses": "tools"}.get(kind, "messages")

    assert said(kind, {field: 7}) != ""


def user(*blocks: object) -> Json:
    return {"role": "user", "content": [*blocks]}


def assistant(*blocks: object) -> Json:
    return {"role": "assistant", "content": [*blocks]}


WORDS: Json = {"type": "text", "text": "Hi"}
HI = user(WORDS)


NOT_CLAUDE: list[tuple[Json, str]] = [
    ({"seed": 1}, "seed: Extra inputs are not permitted"),
    ({"temperature": 1.0}, "temperature: sampling parameters are not supported"),
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"max_tokens": -1}, "greater than or equal to 0"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking.budget_tokens"),
    ({"stop_sequences": ["\n"]}, "non-whitespace"),
    ({"tools": []}, "tool_choice: may only be specified"),
    ({"tools": [{"name": "a.b", "input_schema": SCHEMA}]}, "tools.0.name"),
    ({"tools": [{"name": "a"}]}, "tools.0.input_schema: Field required"),
    ({"tools": [{"name": "a", "input_schema": {}}]}, "tools.0.input_schema.type"),
    ({"messages": []}, "at least one message"),
    ({"messages": [assistant({"type": "text", "text": "Hi"})]}, "first message must use"),
    ({"messages": [{"role": "tool", "content": "17"}]}, "messages.0.role"),
    ({"messages": [user()]}, "non-empty content"),
    ({"messages": [user({"type": "text", "text": ""})]}, "text content blocks"),
    ({"system": [{"type": "text", "text": " "}]}, "system: text content blocks"),
    ({"messages": [HI, assistant(CLAUDE_CALL), HI]}, "without `tool_result` blocks"),
    (
        {"messages": [HI, assistant(CLAUDE_CALL), user(WORDS, CLAUDE_RESULT)]},
        "without `tool_result` blocks",
    ),
    ({"messages": [HI, assistant(CLAUDE_CALL)]}, "without `tool_result` blocks"),
    ({"messages": [user(CLAUDE_RESULT)]}, "unexpected `tool_use_id`"),
    ({"messages": [HI, assistant(CLAUDE_CALL, CLAUDE_CALL)]}, "must be unique"),
    ({"messages": [user(CLAUDE_CALL)]}, "only be in `assistant`"),
    ({"messages": [HI, assistant(CLAUDE_RESULT)]}, "only be in `user`"),
    ({"messages": [HI, assistant({**CLAUDE_CALL, "id": "a b"})]}, "tool_use.id"),
    ({"messages": [HI, assistant({"type": "thinking"})]}, "thinking.signature"),
    ({"messages": [HI, assistant({"type": "text", "text": "I"})]}, "assistant message prefill"),
]


@pytest.mark.parametrize(("changes", "words"), NOT_CLAUDE)
def test_anthropic_refuses(changes: Json, words: str) -> None:
    assert words in said("anthropic", changes)


def test_anthropic_s_older_version_takes_sampling_but_not_above_one() -> None:
    check = strict("anthropic")

    warm = check(seen("anthropic", {**CLAUDE, "temperature": 1.0}, version="2023-06-01"))
    hot = check(seen("anthropic", {**CLAUDE, "temperature": 1.5}, version="2023-06-01"))

    assert (warm, hot) == ("", "temperature: range: 0..1")


def test_anthropic_wants_a_version_and_counts_without_a_limit() -> None:
    counted = {name: value for name, value in CLAUDE.items() if name != "max_tokens"}
    path = "/v1/messages/count_tokens"

    assert "header is required" in str(strict("anthropic")(seen("anthropic", CLAUDE, version="")))
    assert strict("anthropic")(seen("anthropic", counted, path=path)) == ""
    assert "max_tokens" in str(strict("anthropic")(seen("anthropic", CLAUDE, path=path)))


def test_older_models_continue_what_the_request_begins() -> None:
    claude = {**CLAUDE, "messages": [HI, assistant({"type": "text", "text": "I"})]}
    contents = [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "I"}]},
    ]

    assert strict("anthropic", prefill=True)(seen("anthropic", claude)) == ""
    assert strict("gemini", prefill=True)(seen("gemini", {**GOOGLE, "contents": contents})) == ""


def turns(*parts: list[Json]) -> Json:
    """Return contents of alternating roles."""
    return {
        "contents": [
            {"role": "model" if at % 2 else "user", "parts": each} for at, each in enumerate(parts)
        ]
    }


TEXT: Json = {"text": "Hi"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, 'Unknown name "seed"'),
        ({"generationConfig": {"max_tokens": 9}}, 'Unknown name "max_tokens"'),
        ({"generationConfig": {"temperature": 3}}, "temperature must be"),
        ({"generationConfig": {"responseJsonSchema": SCHEMA}}, "response_mime_type"),
        (
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": {"properties": {"a": {"const": 1}}},
                }
            },
            'Unknown name "const" in schema',
        ),
        ({"tools": [{"functionDeclarations": [{"name": "1a"}]}]}, "Invalid function name"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"role": "assistant", "parts": [TEXT]}]}, "valid role"),
        ({"contents": [{"parts": [TEXT]}, {"parts": [TEXT]}]}, "alternate"),
        ({"contents": [{"role": "model", "parts": [TEXT]}]}, "alternate"),
        (turns([TEXT], [TEXT], []), "must not be empty"),
        (turns([{"text": ""}]), "must have a text parameter"),
        (turns([TEXT], [GEMINI_CALL, GEMINI_CALL], [GEMINI_RESULT]), "number of function response"),
        (turns([TEXT], [GEMINI_CALL], [TEXT]), "number of function response"),
        (turns([GEMINI_RESULT]), "immediately after a function call"),
        (
            turns([TEXT], [GEMINI_CALL], [{"functionResponse": {"name": "b", "response": {}}}]),
            "order of calls",
        ),
        (turns([TEXT], [{"functionCall": {"name": "look"}}], [GEMINI_RESULT]), "thought_signature"),
        (turns([TEXT], [TEXT]), "last turn"),
    ],
)
def test_gemini_refuses(changes: Json, words: str) -> None:
    assert words in said("gemini", changes)


ASK: Json = {"role": "user", "content": "Hi"}
CALLED: Json = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWERED: Json = {"role": "tool", "tool_call_id": "abcdefgh1", "content": "17"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"top_k": 1}, "Unrecognized request argument supplied: top_k"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "at the same time"),
        ({"stream_options": {}}, "only allowed when 'stream'"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "array too long"),
        ({"temperature": 2.5}, "between 0 and 2"),
        ({"tool_choice": "auto", "tools": []}, "'tool_choice' is only allowed"),
        ({"tools": [{"type": "function", "name": "look"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "does not match"),
        ({"messages": []}, "empty array"),
        ({"messages": [{"role": "model", "content": "Hi"}]}, "Invalid value: 'model'"),
        ({"messages": [{"role": "user", "content": None}]}, "got null"),
        ({"messages": [ASK, CALLED]}, "must be followed by tool messages"),
        ({"messages": [ASK, CALLED, ASK]}, "must be followed by tool messages"),
        ({"messages": [ASK, ANSWERED]}, "must be a response to a preceding"),
        (
            {
                "messages": [
                    {
                        "role": "assistant",
                        "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{"}}],
                    }
                ]
            },
            "expected an object in JSON",
        ),
    ],
)
def test_openai_refuses(changes: Json, words: str) -> None:
    assert words in said("openai", changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": 1}, "'max_tokens' is not supported with this model"),
        ({"temperature": 0.2}, "'temperature' is not supported with this model"),
        ({"logprobs": True}, "unsupported_parameter"),
        ({"temperature": 1, "top_p": 1.0}, ""),
        ({"seed": 1, "top_k": 1}, "Unrecognized request argument supplied: top_k"),
    ],
)
def test_openai_s_reasoning_models_refuse(changes: Json, words: str) -> None:
    found = strict("openai_reasoning")(seen("openai_reasoning", {**OPENAI, **changes}))

    assert words in repr(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logit_bias": {}}, "property 'logit_bias' is unsupported"),
        ({"n": 2}, "at most 1"),
        ({"messages": [{**ASK, "name": "Ada"}]}, "property 'name' is unsupported"),
        ({"messages": [ASK, CALLED]}, "must be followed by tool messages"),
    ],
)
def test_groq_refuses(changes: Json, words: str) -> None:
    assert words in said("groq", changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, '["body", "seed"]'),
        ({"stream_options": {}}, "extra_forbidden"),
        ({"messages": [{**ASK, "name": "Ada"}]}, '["body", "messages", "0", "name"]'),
        ({"messages": [{**ASK, "role": "developer"}]}, "does not match any of the expected tags"),
        ({"temperature": 1.5}, "less than or equal to 1"),
        ({"messages": [{"role": "system", "content": "Be brief."}]}, "at least one message"),
        ({"messages": [ASK, ASK]}, "Unexpected role 'user' after role 'user'"),
        ({"messages": [ASK, {"role": "assistant", "content": "I"}]}, "Expected last role"),
        ({"messages": [ASK, {"role": "assistant", "content": "I", "prefix": True}]}, ""),
        ({"messages": [ASK, {**CALLED, "tool_calls": [{**CALL, "id": "call_1"}]}, ASK]}, "call_1"),
        ({"messages": [ASK, CALLED, ASK]}, "Not the same number"),
    ],
)
def test_mistral_refuses(changes: Json, words: str) -> None:
    found = said("mistral", changes)

    assert words in found
    assert bool(words) == bool(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stop": "."}, "Unknown parameter: 'stop'."),
        ({"n": 1}, "Unknown parameter: 'n'."),
        ({"seed": 1}, "Unknown parameter: 'seed'."),
        ({"max_output_tokens": 9}, "below minimum"),
        ({"tools": [{"type": "function", "function": {"name": "look"}}]}, "'tools[0].name'"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "'text.format.name'"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "'text.format.schema'"),
        ({"input": [{"type": "tool_result"}]}, "'input[0].type'"),
        ({"input": [{"role": "tool", "content": "17"}]}, "'input[0].role'"),
        ({"input": [{"role": "user", "content": [{"type": "text"}]}]}, "'input[0].content'"),
        ({"input": INPUT[:2]}, "No tool output found"),
        ({"input": INPUT[2:]}, "No tool call found"),
    ],
)
def test_responses_refuse(changes: Json, words: str) -> None:
    assert words in said("responses", changes)


def test_the_first_of_several_checks_speaks() -> None:
    check = all_of(strict("openai"), lambda _: "second", lambda _: "third")

    assert check(seen("openai", OPENAI)) == "second"
    assert check(seen("openai", {**OPENAI, "top_k": 1})) != "second"


async def post(port: int, body: object) -> int:
    """Send a chat request and return the status of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    payload = json.dumps(body).encode()
    writer.write(b"POST %b HTTP/1.1\r\nconnection: close\r\n" % CHAT.encode())
    writer.write(b"content-length: %d\r\n\r\n%b" % (len(payload), payload))
    answer = await reader.read()
    writer.close()
    return int(answer[9:12])


async def test_refusals_are_answered_and_remembered(scripted_provider: StartProvider) -> None:
    provider = await scripted_provider("mistral", check=strict("mistral"))

    statuses = [await post(provider.port, body) for body in ({"seed": 1}, OPENAI)]

    assert statuses == [422, 200]
    (refusal,) = provider.refusals
    assert json.loads(refusal)["detail"][0]["loc"] == ["body", "seed"]
