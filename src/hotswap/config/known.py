"""What is known of a model at a provider before anybody says more."""

import re
from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..core.abilities import UNKNOWN, Abilities, Prefill
from .families import (
    CLAUDE,
    DEEPSEEK,
    GEMINI,
    GROQ,
    MISTRAL,
    NEWEST_CLAUDE,
    NEWEST_GEMINI,
    OPEN,
    OPENAI,
    Family,
)


class Host(Struct, frozen=True):
    """What a kind of provider does, whatever the model."""

    takes: Abilities = UNKNOWN
    """What its servers and its API let through; how it is asked to continue an answer."""
    families: tuple[Family, ...] = ()
    """The models that are found there."""
    others: Abilities = Abilities(prefill=Prefill.NATIVE)
    """Stands for models that no family names."""


_EVERY: Final = (*OPENAI, *CLAUDE, *GEMINI, *DEEPSEEK, *MISTRAL, *OPEN)
_SELF_HOSTED: Final = (*DEEPSEEK, *MISTRAL, *OPEN)
_CHAT: Final = Abilities(video=False)
"""OpenAI's dialect has no word for moving pictures."""

HOSTS: Final[Mapping[str, Host]] = MappingProxyType(
    {
        "openai": Host(_CHAT, OPENAI),
        "azure": Host(_CHAT, OPENAI),
        "anthropic": Host(
            Abilities(
                audio=False,
                video=False,
                json_object=False,
                several=False,
                logprobs=False,
                prefill=Prefill.NATIVE,
            ),
            CLAUDE,
            NEWEST_CLAUDE,
        ),
        "google": Host(Abilities(prefill=Prefill.NATIVE), GEMINI, NEWEST_GEMINI),
        "mistral": Host(
            replace(_CHAT, audio=False, files=False, logprobs=False, prefill=Prefill.PREFIX_FLAG),
            MISTRAL,
        ),
        "openrouter": Host(replace(_CHAT, prefill=Prefill.NATIVE), _EVERY),
        "groq": Host(
            replace(
                _CHAT,
                audio=False,
                files=False,
                several=False,
                logprobs=False,
                prefill=Prefill.NATIVE,
            ),
            GROQ,
            Abilities(images=False, prefill=Prefill.NATIVE),
        ),
        "deepseek": Host(
            replace(_CHAT, audio=False, files=False, json_schema=False, several=False),
            DEEPSEEK,
            Abilities(images=False),
        ),
        "vllm": Host(replace(_CHAT, files=False, prefill=Prefill.TEMPLATE_FLAG), _SELF_HOSTED),
        "ollama": Host(
            replace(
                _CHAT,
                audio=False,
                files=False,
                forced_tool=False,
                several=False,
                prefill=Prefill.NATIVE,
            ),
            _SELF_HOSTED,
        ),
        "llamacpp": Host(replace(_CHAT, files=False, prefill=Prefill.NATIVE), _SELF_HOSTED),
    }
)
_ELSEWHERE: Final = Host(replace(_CHAT, prefill=Prefill.NATIVE), _EVERY)
"""A kind that nobody knows speaks OpenAI's dialect and may host anything."""

_RESPONSES: Final = Abilities(several=False, stop=False)
"""The Responses API has no words for further choices and for stop sequences."""

_ABLE: Final = (
    "images",
    "audio",
    "video",
    "files",
    "tools",
    "forced_tool",
    "json_object",
    "json_schema",
    "several",
    "logprobs",
    "sampling",
    "stop",
)
"""What takes a model and a host that can do it."""


def known_abilities(kind: str, dialect: str, model: str) -> Abilities:
    """Return what `model` can do at a provider of `kind` that is spoken to in `dialect`."""
    host = HOSTS.get(kind, _ELSEWHERE)
    found = _both(host.takes, family_of(host.families, model) or host.others)
    return _both(_RESPONSES, found) if dialect == "openai_responses" else found


def way_to_continue(kind: str) -> Prefill:
    """Return how a model at a provider of `kind` is asked to continue an answer, if it can."""
    if kind == "deepseek":
        return Prefill.PREFIX_FLAG  # only below the base URL that ends in /beta
    told = HOSTS.get(kind, _ELSEWHERE).takes.prefill
    return Prefill.NATIVE if told is Prefill.NO else told


def family_of(families: tuple[Family, ...], model: str) -> Abilities | None:
    """Return what the first family with a fitting name can do; None: no name fits."""
    words = _words(model)
    names = chain.from_iterable(((name, one.abilities) for name in one.names) for one in families)
    return next((abilities for name, abilities in names if _words(name) in words), None)


def _words(name: str) -> str:
    """Return the words of a name, each between two dashes."""
    return f"-{re.sub(r'[^a-z0-9]+', '-', name.lower())}-"


def _both(host: Abilities, model: Abilities) -> Abilities:
    """Return what a model can do through its host."""
    able = {name: getattr(host, name) and getattr(model, name) for name in _ABLE}
    continues = host.prefill if model.prefill is not Prefill.NO else Prefill.NO
    return replace(model, prefill=continues, **able)
