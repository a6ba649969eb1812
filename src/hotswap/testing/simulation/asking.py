"""The requests of the simulated callers, in each dialect's own form."""

from typing import Final

from msgspec.json import encode

from ...server.api import Incoming
from .scenario import Shape, Wish
from .texts import marker

CALLER_KEY: Final = "caller-hush-0"
"""What callers send; it may never reach a provider, nor come back."""
LIMIT: Final = 16_000
"""Far beyond the longest answer, for the dialect that insists on a limit."""
_SCHEMA: Final = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
_ARGUMENTS: Final = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "deep": {"type": "object"}},
    "required": ["word"],
}
_ABOUT: Final = "Looks up a word."
_SYSTEM: Final = "You are a storyteller. Answer in JSON where you are asked to."
Fields = dict[str, object]


def incoming(wish: Wish, now: float) -> Incoming:
    """Write the request of `wish` as the server hands it to the line."""
    fields, path, query = _WRITERS[wish.dialect](wish)
    headers = {
        b"host": b"gateway.sim",
        b"authorization": b"Bearer " + CALLER_KEY.encode(),
        b"content-type": b"application/json",
        b"traceparent": b"00-%032x-%016x-01" % (wish.number + 1, wish.number + 1),
    }
    if wish.deadline_ms is not None:
        headers[b"x-hotswap-deadline-ms"] = b"%d" % wish.deadline_ms
    if not wish.splice:
        headers[b"x-hotswap-splice"] = b"off"
    if not wish.fallback:
        headers[b"x-hotswap-fallback"] = b"off"
    if wish.order:
        headers[b"x-hotswap-order"] = ", ".join(wish.order).encode()
    return Incoming("POST", path, query, headers, encode(fields), "10.0.0.1", now)


def _prompt(wish: Wish) -> str:
    return f"Tell me {marker(wish.number)}, please."


def _chat(wish: Wish) -> tuple[Fields, str, str]:
    fields: Fields = {
        "model": wish.chain,
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _prompt(wish)},
        ],
        "stream": wish.stream,
    }
    if wish.stream and wish.number % 2:
        fields["stream_options"] = {"include_usage": True}
    if wish.max_tokens is not None:
        fields["max_tokens"] = wish.max_tokens
    if wish.stop:
        fields["stop"] = [wish.stop]
    if wish.shape is Shape.JSON:
        schema = {"name": "answer", "schema": _SCHEMA, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if wish.calls:
        function = {"name": "look_up", "description": _ABOUT, "parameters": _ARGUMENTS}
        fields["tools"] = [{"type": "function", "function": function}]
    return fields, "/v1/chat/completions", ""


def _responses(wish: Wish) -> tuple[Fields, str, str]:
    fields: Fields = {
        "model": wish.chain,
        "instructions": _SYSTEM,
        "input": _prompt(wish),
        "stream": wish.stream,
        "store": False,
    }
    if wish.max_tokens is not None:
        fields["max_output_tokens"] = wish.max_tokens
    if wish.shape is Shape.JSON:
        text = {"type": "json_schema", "name": "answer", "schema": _SCHEMA, "strict": True}
        fields["text"] = {"format": text}
    if wish.calls:
        tool = {"type": "function", "name": "look_up", "description": _ABOUT}
        fields["tools"] = [{**tool, "parameters": _ARGUMENTS, "strict": False}]
    return fields, "/v1/responses", ""


def _messages(wish: Wish) -> tuple[Fields, str, str]:
    fields: Fields = {
        "model": wish.chain,
        "system": _SYSTEM,
        "messages": [{"role": "user", "content": _prompt(wish)}],
        "max_tokens": LIMIT if wish.max_tokens is None else wish.max_tokens,
        "stream": wish.stream,
    }
    if wish.stop:
        fields["stop_sequences"] = [wish.stop]
    if wish.shape is Shape.JSON:
        fields["output_config"] = {"format": {"type": "json_schema", "schema": _SCHEMA}}
    if wish.calls:
        tool = {"name": "look_up", "description": _ABOUT, "input_schema": _ARGUMENTS}
        fields["tools"] = [tool]
    return fields, "/v1/messages", ""


def _gemini(wish: Wish) -> tuple[Fields, str, str]:
    config: Fields = {}
    if wish.max_tokens is not None:
        config["maxOutputTokens"] = wish.max_tokens
    if wish.stop:
        config["stopSequences"] = [wish.stop]
    if wish.shape is Shape.JSON:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = _SCHEMA
    fields: Fields = {
        "systemInstruction": {"parts": [{"text": _SYSTEM}]},
        "contents": [{"role": "user", "parts": [{"text": _prompt(wish)}]}],
        "generationConfig": config,
    }
    if wish.calls:
        tool = {"name": "look_up", "description": _ABOUT, "parametersJsonSchema": _ARGUMENTS}
        fields["tools"] = [{"functionDeclarations": [tool]}]
    action = "streamGenerateContent" if wish.stream else "generateContent"
    query = "alt=sse" if wish.stream and not wish.array else ""
    return fields, f"/v1beta/models/{wish.chain}:{action}", query


_WRITERS: Final = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _messages,
    "gemini": _gemini,
}
DIALECTS: Final = tuple(_WRITERS)
"""What callers and providers speak."""
