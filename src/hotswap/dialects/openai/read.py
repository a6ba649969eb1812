"""Chat requests of OpenAI's dialect, read into neutral values."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Raw
from msgspec.json import Decoder

from ..api import Peek
from ..neutral import Reasoning, Request
from .content import present
from .fields import read_value, refused
from .read_tools import read_format, read_tool_choice, read_tools
from .read_turns import read_turns

EFFORTS: Final = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})

_READ: Final = frozenset(
    {
        "frequency_penalty",
        "function_call",
        "functions",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "modalities",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "random_seed",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "web_search_options",
    }
)
"""Fields that have a place among the neutral values; others are dropped by name."""

_NULL: Final = Raw(b"null")

_flag: Final[Callable[[Raw], bool | None]] = Decoder(bool | None).decode
_count: Final[Callable[[Raw], int | None]] = Decoder(int | None).decode
_number: Final[Callable[[Raw], float | None]] = Decoder(float | None).decode
_text: Final[Callable[[Raw], str | None]] = Decoder(str | None).decode
_texts: Final[Callable[[Raw], list[str] | None]] = Decoder(list[str] | None).decode
_stops: Final[Callable[[Raw], str | list[str] | None]] = Decoder(str | list[str] | None).decode


def read_request(request: Peek) -> Request:
    """Understand a caller of this dialect; raises `RefusedError` (400) that names the field."""
    fields = request.fields
    messages = fields.get("messages")
    if messages is None:
        raise refused("messages", "is missing")
    spoken = read_turns(messages)
    native = [*spoken.native]
    dropped = [name for name, raw in fields.items() if name not in _READ and present(raw)]
    tools = read_tools(fields, native)
    choice = read_tool_choice(fields, native)
    reasoning = _read_reasoning(fields, dropped)
    _look_for_native(fields, native)
    several = read_value(fields, "n", _count)
    return Request(
        turns=spoken.turns,
        stream=request.stream,
        usage_asked=request.usage_asked,
        tools=tools,
        tool_choice=choice,
        parallel=read_value(fields, "parallel_tool_calls", _flag),
        format=read_format(fields),
        max_tokens=_read_limit(fields),
        temperature=read_value(fields, "temperature", _number),
        top_p=read_value(fields, "top_p", _number),
        top_k=read_value(fields, "top_k", _count),
        # Quirk: Mistral's SDK calls it otherwise.
        seed=read_value(fields, "random_seed" if "random_seed" in fields else "seed", _count),
        presence_penalty=read_value(fields, "presence_penalty", _number),
        frequency_penalty=read_value(fields, "frequency_penalty", _number),
        stop=_read_stop(fields),
        n=1 if several is None else several,
        logprobs=read_value(fields, "logprobs", _flag) is True,
        top_logprobs=read_value(fields, "top_logprobs", _count),
        reasoning=reasoning,
        user=_read_text(fields, "user"),
        cache_key=_read_text(fields, "prompt_cache_key"),
        dropped=tuple(dropped),
        native=tuple(dict.fromkeys(native)),
    )


def _read_text(fields: Mapping[str, Raw], name: str) -> str:
    text = read_value(fields, name, _text)
    return text or ""


def _read_limit(fields: Mapping[str, Raw]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = read_value(fields, name, _count)
        if limit is None:
            continue
        if limit < 1:
            raise refused(name, "must be at least 1")
        return limit
    return None


def _read_stop(fields: Mapping[str, Raw]) -> tuple[str, ...]:
    stop = read_value(fields, "stop", _stops)
    if stop is None:
        return ()
    return tuple([text for text in ([stop] if isinstance(stop, str) else stop) if text])


def _read_reasoning(fields: Mapping[str, Raw], dropped: list[str]) -> Reasoning | None:
    effort = _read_text(fields, "reasoning_effort")
    if not effort:
        return None
    if effort not in EFFORTS:
        dropped.append("reasoning_effort")
        return None
    return Reasoning(effort)


def _look_for_native(fields: Mapping[str, Raw], native: list[str]) -> None:
    modalities = read_value(fields, "modalities", _texts) or ()
    if "audio" in modalities:
        native.append("audio_output")
    if "image" in modalities:
        native.append("image_output")
    if (searching := fields.get("web_search_options")) is not None and searching != _NULL:
        native.append("server_tools")
