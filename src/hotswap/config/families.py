"""What is known of families of models, as tables: the first row with a fitting name counts.

A name fits where its words follow each other: `gpt-5.2` fits `openai/gpt-5.2-2026-01-01`, and does
not fit `gpt-5-2025-08-07`. What is not said is taken to be able, and a window of 0 tokens is not
known. `Prefill.NATIVE` says that the model continues an answer; how it is asked is its host's.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..core.abilities import Abilities, Prefill, Thinks


class Family(Struct, frozen=True):
    """Models that are able alike."""

    names: tuple[str, ...]
    abilities: Abilities


_K: Final = 1000
_M: Final = 1_000_000
_MI: Final = 1024 * 1024

_CLASSIC: Final = ("low", "medium", "high")
_FROM_NONE: Final = ("none", *_CLASSIC)
_TO_XHIGH: Final = (*_FROM_NONE, "xhigh")
_TO_MAX: Final = (*_CLASSIC, "xhigh", "max")

_GPT: Final = Abilities(
    context=128 * _K, max_output=16_384, audio=False, video=False, thinks=Thinks.NO
)
_OLD_GPT: Final = replace(_GPT, max_output=4096, json_schema=False)
_BLIND_GPT: Final = replace(_OLD_GPT, images=False, files=False)
_THINKER: Final = Abilities(
    audio=False,
    video=False,
    logprobs=False,
    sampling=False,
    stop=False,
    efforts=_CLASSIC,
    thinking_off=False,
)
"""OpenAI refuses what steers the choice of tokens where a model reasons."""
_O: Final = replace(_THINKER, context=200 * _K, max_output=100 * _K)
_GPT_5: Final = replace(_THINKER, context=400 * _K, max_output=128 * _K)
_GPT_5_4: Final = replace(_THINKER, efforts=_TO_XHIGH, thinking_off=True)

OPENAI: Final = (
    Family(
        ("gpt-6", "gpt-5.6", "gpt-5.7", "gpt-5.8", "gpt-5.9"),
        replace(_GPT_5_4, responses_tools=True),
    ),
    Family(("gpt-5.4", "gpt-5.5"), _GPT_5_4),
    Family(("gpt-5.2", "gpt-5.3"), replace(_GPT_5, efforts=_TO_XHIGH, thinking_off=True)),
    Family(("gpt-5.1-codex-max",), replace(_GPT_5, efforts=(*_CLASSIC, "xhigh"))),
    Family(("gpt-5.1-codex", "gpt-5-codex"), _GPT_5),
    Family(("gpt-5.1-chat", "gpt-5-chat"), _GPT),
    Family(("gpt-5.1",), replace(_GPT_5, efforts=_FROM_NONE, thinking_off=True)),
    Family(("gpt-5-pro",), replace(_GPT_5, max_output=272 * _K, efforts=("high",))),
    Family(("gpt-5",), replace(_GPT_5, efforts=("minimal", *_CLASSIC))),
    Family(("o3-mini",), replace(_O, images=False, files=False)),
    Family(("o4-mini", "o3"), _O),
    Family(("o1",), replace(_O, stop=True)),
    Family(("gpt-4.1",), replace(_GPT, context=1_047_576, max_output=32_768)),
    Family(("gpt-4.5",), _GPT),
    Family(
        ("gpt-4o-audio", "gpt-4o-mini-audio", "gpt-audio"),
        replace(_GPT, images=False, audio=True, files=False, json_schema=False),
    ),
    Family(("gpt-4o-2024-05-13",), _OLD_GPT),
    Family(("chatgpt-4o",), replace(_GPT, tools=False, forced_tool=False)),
    Family(("gpt-4o",), _GPT),
    Family(("gpt-4-turbo-preview", "gpt-4-1106", "gpt-4-0125"), _BLIND_GPT),
    Family(("gpt-4-turbo",), _OLD_GPT),
    Family(("gpt-4-32k",), replace(_BLIND_GPT, context=32_768, json_object=False)),
    Family(("gpt-4",), replace(_BLIND_GPT, context=8192, json_object=False)),
    Family(("gpt-3.5-turbo", "gpt-35-turbo"), replace(_BLIND_GPT, context=16_385)),
)

_CLAUDE: Final = Abilities(
    context=_M,
    max_output=128 * _K,
    audio=False,
    video=False,
    sampling=False,
    thinks=Thinks.ADAPTIVE,
    efforts=_TO_MAX,
)
_CLAUDE_4_5: Final = Abilities(
    context=200 * _K,
    max_output=64 * _K,
    audio=False,
    video=False,
    thinks=Thinks.BUDGET,
    prefill=Prefill.NATIVE,
)
_CLAUDE_4: Final = replace(_CLAUDE_4_5, json_schema=False)
_CLAUDE_3: Final = replace(_CLAUDE_4, max_output=4096, thinks=Thinks.NO)

CLAUDE: Final = (
    Family(
        ("sonnet-5.5", "opus-5.5", "fable-5.1", "fable-5.2", "mythos-5.1", "mythos-5.2"),
        replace(_CLAUDE, thinking_off=False, forced_tool=False),
    ),
    Family(("haiku-5.5",), _CLAUDE),
    Family(("fable-5", "mythos-5"), replace(_CLAUDE, thinking_off=False)),
    Family(("opus-5", "sonnet-5", "opus-4.8", "opus-4.7"), _CLAUDE),
    Family(("sonnet-4.6", "opus-4.6"), replace(_CLAUDE, sampling=True, efforts=(*_CLASSIC, "max"))),
    Family(("sonnet-4.5", "opus-4.5", "haiku-4.5"), _CLAUDE_4_5),
    Family(("opus-4", "claude-4-opus"), replace(_CLAUDE_4, max_output=32 * _K)),
    Family(("sonnet-4", "claude-4-sonnet", "claude-3.7"), _CLAUDE_4),
    Family(("claude-3.5",), replace(_CLAUDE_3, max_output=8192)),
    Family(("claude-3",), _CLAUDE_3),
    Family(
        ("claude-2", "claude-instant"),
        replace(
            _CLAUDE_3,
            context=100 * _K,
            images=False,
            files=False,
            tools=False,
            forced_tool=False,
        ),
    ),
)
NEWEST_CLAUDE: Final = Abilities(
    audio=False, video=False, sampling=False, thinks=Thinks.ADAPTIVE, efforts=_TO_MAX
)
"""Stands for a model of Anthropic's that no row names: it is newer than the table."""

_GEMINI_2: Final = Abilities(context=_MI, max_output=8192, thinks=Thinks.NO, prefill=Prefill.NATIVE)
_GEMINI_2_5: Final = replace(_GEMINI_2, max_output=65_536, thinks=Thinks.BUDGET)
_GEMINI_3: Final = replace(
    _GEMINI_2_5,
    thinks=Thinks.EFFORT,
    efforts=("minimal", *_CLASSIC),
    thinking_off=False,
)
_GEMINI_3_6: Final = replace(
    _GEMINI_3,
    context=0,
    max_output=0,
    sampling=False,
    efforts=("minimal", *_CLASSIC, "xhigh"),
    prefill=Prefill.NO,
)

GEMINI: Final = (
    Family(("gemini-3.6", "gemini-3.7", "gemini-3.8"), _GEMINI_3_6),
    Family(("gemini-3.5-flash-lite",), replace(_GEMINI_3, prefill=Prefill.NO)),
    Family(("gemini-3.5",), _GEMINI_3),
    Family(("gemini-3.1-pro",), replace(_GEMINI_3, efforts=_CLASSIC)),
    Family(("gemini-3-pro",), replace(_GEMINI_3, efforts=("low", "high"))),
    Family(("gemini-3-flash", "gemini-3.1"), _GEMINI_3),
    Family(("gemini-2.5-pro",), replace(_GEMINI_2_5, thinking_off=False)),
    Family(("gemini-2.5",), _GEMINI_2_5),
    Family(("gemini-2",), _GEMINI_2),
    Family(("gemini-1.5-pro",), replace(_GEMINI_2, context=2 * _MI)),
    Family(("gemini-1.5",), _GEMINI_2),
)
NEWEST_GEMINI: Final = replace(_GEMINI_3_6, efforts=())
"""Stands for a model of Google's that no row names."""

_TEXT: Final = Abilities(
    images=False,
    audio=False,
    video=False,
    files=False,
    thinks=Thinks.NO,
    prefill=Prefill.NATIVE,
)
_SIGHT: Final = replace(_TEXT, images=True)
_WIDE_TEXT: Final = replace(_TEXT, context=131_072)
_WIDE_SIGHT: Final = replace(_SIGHT, context=131_072)

MISTRAL: Final = (
    Family(
        ("mistral-medium-3.5", "mistral-small-4"),
        replace(_SIGHT, thinks=Thinks.EFFORT, efforts=("none", "high")),
    ),
    Family(("mistral-large-2402", "mistral-large-2407", "mistral-large-2411"), _WIDE_TEXT),
    Family(("pixtral", "mistral-small-3.1", "mistral-small-3.2", "mistral-medium-3"), _WIDE_SIGHT),
    Family(("mistral-large", "mistral-medium", "mistral-small", "magistral", "ministral"), _SIGHT),
    Family(("codestral", "devstral", "mistral-nemo"), _TEXT),
    Family(("mixtral-8x22b",), replace(_TEXT, context=65_536)),
    Family(("mixtral", "mistral-7b", "mistral-tiny"), replace(_TEXT, context=32_768)),
)

DEEPSEEK: Final = (
    Family(("deepseek-flash", "deepseek-v4-pro"), replace(_TEXT, thinks=Thinks.SWITCH)),
    Family(
        ("deepseek-reasoner", "deepseek-r1"),
        replace(_WIDE_TEXT, thinks=Thinks.SWITCH, thinking_off=False),
    ),
    Family(("deepseek-chat", "deepseek-v3"), _WIDE_TEXT),
)

_GPT_OSS: Final = replace(
    _WIDE_TEXT, thinks=Thinks.EFFORT, efforts=_CLASSIC, thinking_off=False, prefill=Prefill.NO
)

OPEN: Final = (
    Family(("gpt-oss",), _GPT_OSS),
    Family(("llama-4", "llama4"), _SIGHT),
    Family(("llama-3.2-11b-vision", "llama-3.2-90b-vision", "llama3.2-vision"), _WIDE_SIGHT),
    Family(("llama-3.1", "llama3.1", "llama-3.2", "llama3.2", "llama-3.3", "llama3.3"), _WIDE_TEXT),
    Family(("qwen2.5-vl", "qwen3-vl", "qwen2-vl"), _SIGHT),
    Family(("qwen2.5", "qwen-2.5"), _WIDE_TEXT),
    Family(("qwen3", "qwen-3"), replace(_TEXT, thinks=Thinks.SWITCH)),
    Family(("gemma2", "gemma-2"), replace(_TEXT, context=8192)),
    Family(("gemma3", "gemma-3"), _WIDE_SIGHT),
    Family(("kimi-k2",), _TEXT),
)

_GROQ_TEXT: Final = replace(_WIDE_TEXT, json_schema=False)

GROQ: Final = (
    Family(("gpt-oss",), _GPT_OSS),
    Family(("llama-4",), _WIDE_SIGHT),
    Family(("llama-3.1", "llama-3.3"), _GROQ_TEXT),
    Family(("qwen3",), replace(_GROQ_TEXT, thinks=Thinks.SWITCH)),
    Family(("kimi-k2",), _TEXT),
)
