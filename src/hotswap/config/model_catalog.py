"""Reads a user's file of models in LiteLLM's JSON form, for the models that our tables lack."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from ..core.abilities import Abilities, Prefill, Thinks
from ..core.terms import Price
from ..errors import ConfigError

_PREFIXES: Final[Mapping[str, str]] = MappingProxyType({"google": "gemini", "vllm": "hosted_vllm"})
"""What stands before the names of models there, where it is not the kind's own name."""


class Entry(Struct, frozen=True):
    """What the file says of one model; None: nothing."""

    max_input_tokens: int | float | str | None = None
    max_output_tokens: int | float | str | None = None
    supports_vision: bool | None = None
    supports_audio_input: bool | None = None
    supports_video_input: bool | None = None
    supports_pdf_input: bool | None = None
    supports_function_calling: bool | None = None
    supports_tool_choice: bool | None = None
    supports_response_schema: bool | None = None
    supports_assistant_prefill: bool | None = None
    supports_reasoning: bool | None = None
    input_cost_per_token: int | float | str | None = None
    output_cost_per_token: int | float | str | None = None


_decode: Final = Decoder(dict[str, Raw]).decode
_decode_entry: Final = Decoder(Entry).decode


class ModelCatalog:
    """The models of a file, read when they are asked for."""

    __slots__ = ("_entries",)

    def __init__(self, content: bytes = b"{}") -> None:
        """Index the models; raises `DecodeError` for what is no JSON object."""
        self._entries = _decode(content)

    def apply(self, kind: str, model: str, abilities: Abilities, continues: Prefill) -> Abilities:
        """Return `abilities` with what the file says of a model instead.

        Args:
            kind: Of the provider.
            model: As the provider calls it.
            abilities: What is known so far.
            continues: How the provider is asked to continue an answer.

        Raises:
            ValidationError: The model's entry has another form.
        """
        entry = self._entry(kind, model)
        return abilities if entry is None else _told(entry, abilities, continues)

    def price(self, kind: str, model: str) -> Price | None:
        """Return what the file says that a model costs; None: nothing.

        Raises:
            ValidationError: The model's entry has another form.
        """
        entry = self._entry(kind, model)
        if entry is None:
            return None
        sent, made = _usd(entry.input_cost_per_token), _usd(entry.output_cost_per_token)
        return None if sent is None or made is None else Price(sent, made)

    def _entry(self, kind: str, model: str) -> Entry | None:
        names = (f"{_PREFIXES.get(kind, kind)}/{model}", model)
        raw = next((self._entries[name] for name in names if name in self._entries), None)
        return None if raw is None else _decode_entry(raw)


def read_catalog(path: Path) -> ModelCatalog:
    """Read a file; raises `ConfigError`."""
    hint = 'it should be JSON such as {"gpt-4o": {"max_input_tokens": 128000}}'
    try:
        return ModelCatalog(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError("catalog_file", f"cannot be read: {reason}", hint) from None


def _told(entry: Entry, known: Abilities, continues: Prefill) -> Abilities:
    tools = _or(entry.supports_function_calling, known.tools)
    prefill, thinks = known.prefill, known.thinks
    if entry.supports_assistant_prefill is not None:
        prefill = continues if entry.supports_assistant_prefill else Prefill.NO
    if entry.supports_reasoning is False:
        thinks = Thinks.NO
    elif entry.supports_reasoning and thinks is Thinks.NO:
        thinks = Thinks.EFFORT
    return replace(
        known,
        context=_tokens(entry.max_input_tokens) or known.context,
        max_output=_tokens(entry.max_output_tokens) or known.max_output,
        images=_or(entry.supports_vision, known.images),
        audio=_or(entry.supports_audio_input, known.audio),
        video=_or(entry.supports_video_input, known.video),
        files=_or(entry.supports_pdf_input, known.files),
        tools=tools,
        forced_tool=tools and _or(entry.supports_tool_choice, known.forced_tool),
        json_schema=_or(entry.supports_response_schema, known.json_schema),
        prefill=prefill,
        thinks=thinks,
    )


def _or(told: bool | None, known: bool) -> bool:  # noqa: FBT001 - both are answers, not switches
    return known if told is None else told


def _tokens(told: float | str | None) -> int:
    """Return a number of tokens; 0 where none is named."""
    return int(told) if isinstance(told, int | float) and 0 < told < 10**9 else 0


def _usd(told: float | str | None) -> float | None:
    """Return a price per token as one per million tokens; None where none is named."""
    return told * 1e6 if isinstance(told, int | float) and 0 <= told < 1 else None
