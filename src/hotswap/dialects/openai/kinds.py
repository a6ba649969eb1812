"""How the servers that speak OpenAI's dialect differ from OpenAI, as a table."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

_NO_RENAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NOTHING: Final[frozenset[str]] = frozenset()


class Effort(StrEnum):
    """Where a kind of server is told how much to think."""

    FIELD = "reasoning_effort"
    THINKING = "thinking"
    """`thinking.type` switches, `reasoning_effort` says how much."""
    OBJECT = "reasoning"
    """`reasoning.effort`, or `reasoning.max_tokens`."""
    TEMPLATE = "chat_template_kwargs"
    """`enable_thinking` switches, `reasoning_effort` says how much."""


class Kind(Struct, frozen=True):
    """The quirks of one kind of server."""

    stream_options: bool = True
    """Understands `stream_options`; others send usage anyway and may refuse the field."""
    obfuscation: bool = False
    """Pads streams unless `include_obfuscation` is false."""
    renames: Mapping[str, str] = _NO_RENAMES
    """Fields that go by another name."""
    developer: bool = True
    """Knows the role `developer`; others know `system`."""
    key_header: bytes = b"authorization: Bearer "
    takes: frozenset[str] = _NOTHING
    """All fields that it takes, because it refuses the others; empty: it ignores others."""
    lacks: frozenset[str] = _NOTHING
    """Fields that only colour the answer and that it refuses or ignores: they are left out."""
    new_limit: bool = False
    """Its reasoning models refuse `max_tokens` and take `max_completion_tokens`."""
    drops: frozenset[str] = _NOTHING
    """Fields of OpenAI that only colour the answer and that it answers with a 400: they are left
    out of bodies that pass."""
    temperature_max: float = 2.0
    stops_max: int = 0
    """Stop sequences that it takes; 0: any number."""
    required: str = "required"
    """Its word for a tool choice of any tool."""
    tool_choice: bool = True
    """Obeys `tool_choice`; others ignore it."""
    allowed_tools: bool = False
    """Knows the tool choice `allowed_tools`; elsewhere the other tools are left out."""
    strict_tools: bool = True
    """Knows `strict` in the definition of a tool."""
    plain_names: bool = True
    """Refuses names of tools beyond 64 letters, digits, `_` and `-`."""
    schema: bool = True
    """Knows the response format `json_schema`."""
    json_word: bool = False
    """Refuses the format `json_object` where no message speaks of JSON."""
    call_id_max: int = 0
    """Characters of a call's id; 0: any number."""
    call_id_exact: bool = False
    """Ids of calls have exactly `call_id_max` letters and digits."""
    settled: bool = False
    """Wants roles that alternate, system messages first, an answer between a result and a user."""
    text_parts: bool = True
    """Takes a list of texts as a message's content; others take one string."""
    refusal_parts: bool = False
    """Knows refusals in the history."""
    empty_reasoning: bool = False
    """Wants `reasoning_content` on every message of the assistant."""
    cache_marks: bool = False
    """Passes `cache_control` on to providers that cache by marks."""
    image_urls: bool = True
    """Fetches images by their address; others want the bytes."""
    audio: bool = False
    files: bool = False
    signatures: bool = False
    """May be Google's own server, which wants the thought signatures of calls back."""
    effort: Effort = Effort.FIELD
    thinks_or_continues: bool = False
    """Refuses to continue an answer that was begun where its template lets the model think."""


_OLD_LIMIT: Final = MappingProxyType({"max_completion_tokens": "max_tokens"})
_MISTRAL_NAMES: Final = MappingProxyType(
    {"max_completion_tokens": "max_tokens", "seed": "random_seed"}
)
_TOP_K: Final = frozenset({"top_k"})

OPENAI: Final = Kind(
    obfuscation=True,
    new_limit=True,
    lacks=_TOP_K,
    stops_max=4,
    allowed_tools=True,
    json_word=True,
    call_id_max=40,
    refusal_parts=True,
    audio=True,
    files=True,
)

KINDS: Final[Mapping[str, Kind]] = {
    "openai": OPENAI,
    "azure": replace(OPENAI, key_header=b"api-key: "),
    "deepseek": Kind(
        renames=_OLD_LIMIT,
        developer=False,
        lacks=frozenset({"top_k", "seed", "parallel_tool_calls", "prompt_cache_key"}),
        stops_max=16,
        strict_tools=False,
        schema=False,
        json_word=True,
        text_parts=False,
        empty_reasoning=True,
        effort=Effort.THINKING,
    ),
    "groq": Kind(
        drops=frozenset({"logit_bias", "top_logprobs"}),
        lacks=frozenset({"top_k", "name", "prompt_cache_key"}),
        stops_max=4,
        strict_tools=False,
        json_word=True,
    ),
    "llamacpp": Kind(
        renames=_OLD_LIMIT,
        developer=False,
        lacks=frozenset({"prompt_cache_key"}),
        strict_tools=False,
        plain_names=False,
        audio=True,
        effort=Effort.TEMPLATE,
        thinks_or_continues=True,
    ),
    "mistral": Kind(
        stream_options=False,
        renames=_MISTRAL_NAMES,
        developer=False,
        takes=frozenset(
            {
                "frequency_penalty",
                "max_tokens",
                "messages",
                "metadata",
                "model",
                "n",
                "parallel_tool_calls",
                "prediction",
                "presence_penalty",
                "prompt_cache_key",
                "random_seed",
                "reasoning_effort",
                "response_format",
                "safe_prompt",
                "stop",
                "stream",
                "temperature",
                "tool_choice",
                "tools",
                "top_k",
                "top_p",
            }
        ),
        drops=frozenset(
            {
                "logit_bias",
                "prompt_cache_retention",
                "safety_identifier",
                "service_tier",
                "store",
                "top_logprobs",
                "user",
                "verbosity",
            }
        ),
        lacks=frozenset({"name"}),
        temperature_max=1.0,
        required="any",
        call_id_max=9,
        call_id_exact=True,
        settled=True,
    ),
    "ollama": Kind(
        renames=_OLD_LIMIT,
        developer=False,
        lacks=frozenset({"top_k", "parallel_tool_calls", "prompt_cache_key"}),
        tool_choice=False,
        strict_tools=False,
        plain_names=False,
        image_urls=False,
    ),
    "openrouter": Kind(
        lacks=frozenset({"top_k", "prompt_cache_key"}),
        stops_max=4,
        json_word=True,
        plain_names=False,
        cache_marks=True,
        audio=True,
        files=True,
        effort=Effort.OBJECT,
    ),
    "vllm": Kind(
        renames=_OLD_LIMIT,
        developer=False,
        lacks=frozenset({"prompt_cache_key"}),
        strict_tools=False,
        plain_names=False,
        audio=True,
        effort=Effort.TEMPLATE,
    ),
}

STRANGERS: Final = frozenset({name for name, kind in KINDS.items() if kind.settled})
"""Kinds to which no chat passes as it came. Quirk: Mistral refuses forms that OpenAI takes, and
OpenAI's SDKs do not understand its calls, which have no type, and its thoughts, which are content.
"""

_UNKNOWN: Final = Kind(
    lacks=frozenset({"top_k", "prompt_cache_key"}),
    audio=True,
    signatures=True,
)


def kind_named(name: str) -> Kind:
    """Return the quirks of a kind; an unknown one is taken for OpenAI without its extras."""
    return KINDS.get(name, _UNKNOWN)
