"""What OpenAI's chat refuses, and those who take less of it."""

import re
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from ..openai_form import ErrorForm
from ..step import Seen, Step
from .rules import first_wrong, unknown_field

KNOWN: Final = frozenset(
    {
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model"),
        *("moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "user", "verbosity", "web_search_options"),
    }
)
"""Fields of a request."""
ROLES: Final = frozenset({"assistant", "developer", "function", "system", "tool", "user"})
NOT_REASONING: Final = (
    *("max_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty"),
    *("logprobs", "top_logprobs", "logit_bias"),
)
"""What a reasoning model refuses, unless it is the default."""
DEFAULT: Final = b"1"
"""The value of `temperature` and `top_p` that a reasoning model takes."""
NOT_GROQ: Final = ("logprobs", "logit_bias", "top_logprobs")
_fits_name: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch


class _Function(Struct):
    name: str
    arguments: str = ""


class _Call(Struct):
    id: str
    function: _Function
    type: str = "function"


class _Message(Struct):
    role: str
    content: object = None
    name: str | None = None
    tool_calls: list[_Call] = []
    tool_call_id: str = ""


class _Declared(Struct):
    name: str


class _Tool(Struct):
    type: str
    function: _Declared | None = None


class _Body(Struct):
    model: str
    messages: list[_Message]
    n: int | None = None
    stream: bool = False
    stream_options: object = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: list[_Tool] = []
    tool_choice: object = None
    stop: str | list[str] | None = None
    temperature: float | None = None


_decode: Final = Decoder(_Body).decode
_decode_fields: Final = Decoder(dict[str, msgspec.Raw]).decode
_check_json: Final = Decoder(dict[str, object]).decode


def find(seen: Seen, _prefill: bool) -> str:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request to OpenAI; it takes an assistant's message at the end."""
    if not _is_chat(seen):
        return ""
    name = unknown_field(seen.body, KNOWN)
    if name:
        return f"Unrecognized request argument supplied: {name}"
    return first_wrong(_decode(seen.body), _RULES)


def find_reasoning(seen: Seen, prefill: bool) -> str | Step:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request to one of OpenAI's reasoning models."""
    if not _is_chat(seen):
        return ""
    fields = _decode_fields(seen.body)
    for name in NOT_REASONING:
        value = bytes(fields.get(name, msgspec.Raw(DEFAULT)))
        if value not in {DEFAULT, b"null", b"1.0"} or (name == "max_tokens" and name in fields):
            words = f"Unsupported parameter: '{name}' is not supported with this model."
            form = ErrorForm(words, "invalid_request_error", "unsupported_parameter", name)
            return Step(status=400, body={"error": form})
    return find(seen, prefill)


def find_groq(seen: Seen, _prefill: bool) -> str:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request to Groq."""
    if not _is_chat(seen):
        return ""
    fields = _decode_fields(seen.body)
    for name in NOT_GROQ:
        if name in fields:
            return f"property '{name}' is unsupported"
    body = _decode(seen.body)
    if body.n not in {None, 1}:
        return "'n' : number must be at most 1"
    for at, message in enumerate(body.messages):
        if message.name is not None:
            return f"'messages.{at}' : property 'name' is unsupported"
    return first_wrong(body, _RULES)


def _is_chat(seen: Seen) -> bool:
    return seen.path.partition("?")[0].endswith("/chat/completions")


def _limits(body: _Body) -> str:
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    if body.stream_options is not None and not body.stream:
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if isinstance(body.stop, list) and len(body.stop) > 4:
        return "Invalid 'stop': array too long. Expected an array with maximum length 4."
    if body.temperature is not None and not 0 <= body.temperature <= 2:
        return "Invalid 'temperature': expected a value between 0 and 2."
    return ""


def _tools(body: _Body) -> str:
    if body.tool_choice is not None and not body.tools:
        return "'tool_choice' is only allowed when 'tools' are specified."
    for at, tool in enumerate(body.tools):
        if tool.type == "function" and tool.function is None:
            return f"Missing required parameter: 'tools[{at}].function'."
        if tool.function is not None and not _fits_name(tool.function.name):
            return f"Invalid 'tools[{at}].function.name': string does not match pattern."
    return ""


def _roles(body: _Body) -> str:
    if not body.messages:
        return "Invalid 'messages': empty array."
    for at, message in enumerate(body.messages):
        if message.role not in ROLES:
            return f"Invalid value: '{message.role}' for 'messages[{at}].role'."
        if message.role != "assistant" and message.content is None:
            return f"Invalid value for 'content' of 'messages[{at}]': expected a string, got null."
    return ""


def _calls(body: _Body) -> str:
    for call in (call for message in body.messages for call in message.tool_calls):
        if not _fits_name(call.function.name):
            return "Invalid 'messages.tool_calls.function.name': string does not match pattern."
        try:
            _check_json(call.function.arguments)
        except msgspec.DecodeError:
            return f"Invalid 'arguments' of call '{call.id}': expected an object in JSON."
    return ""


def _results(body: _Body) -> str:
    waiting: set[str] = set()
    for message in (*body.messages, _Message("user")):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                return (
                    "Messages with role 'tool' must be a response to a preceding message with "
                    "'tool_calls'."
                )
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            return (
                "An assistant message with 'tool_calls' must be followed by tool messages "
                f"responding to each 'tool_call_id': {', '.join(sorted(waiting))}"
            )
        waiting = {call.id for call in message.tool_calls}
    return ""


_RULES: Final = (_limits, _tools, _roles, _calls, _results)
