"""What is known of each target: by our tables, then the user's file of models, then `models`."""

from collections.abc import Mapping
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Final

from msgspec import ValidationError
from msgspec.structs import replace

from ..core.abilities import Abilities, Prefill, Thinks
from ..core.terms import Provider
from ..errors import ConfigError
from .findings import Findings, suggest
from .known import known_abilities, way_to_continue
from .model_catalog import ModelCatalog, read_catalog
from .prices import Prices
from .schema import Ability, ConfigFile, ModelFile, RequireFile

_SAME: Final[Mapping[str, str]] = MappingProxyType({"vision": "images"})


class Knowledge:
    """Says what models can do and cost; what is wrong with the file goes to the findings."""

    def __init__(self, file: ConfigFile, folder: FilePath, findings: Findings, unix: float) -> None:
        """Take what the file says of models.

        Args:
            file: As it is written.
            folder: A relative `catalog_file` is below it.
            findings: Take what is wrong.
            unix: Unix seconds; prices are those of the day.
        """
        self._models = file.models
        self._findings = findings
        self._catalog = self._read_catalog(file.catalog_file, folder)
        self.price_of = Prices(file.models, self._catalog, unix).price_of
        """Says what a target costs."""
        named = {f"{one.provider}/{one.model}" for c in file.fallback.chains for one in c.models}
        for name, entry in file.models.items():
            self._check(name, entry, named)

    def abilities(self, provider: Provider, model: str) -> Abilities:
        """Return what `model` of `provider` can do."""
        found = known_abilities(provider.kind, provider.dialect, model)
        continues = way_to_continue(provider.kind)
        try:
            found = self._catalog.apply(provider.kind, model, found, continues)
        except ValidationError as error:
            problem = f"says of {model} what cannot be understood: {error}"
            self._findings.mistake(("catalog_file",), problem)
        entry = self._models.get(f"{provider.name}/{model}")
        return found if entry is None else _told(entry, found, continues)

    def _read_catalog(self, name: str | None, folder: FilePath) -> ModelCatalog:
        if not name:
            return ModelCatalog()
        try:
            return read_catalog(folder / name)
        except ConfigError as error:
            self._findings.mistake(("catalog_file",), error.problem, error.hint)
            return ModelCatalog()

    def _check(self, name: str, entry: ModelFile, named: set[str]) -> None:
        findings = self._findings
        able = {_plain(word) for word in entry.can}
        for at, word in enumerate(entry.cannot):
            if _plain(word) in able:
                findings.mistake(("models", name, "cannot", at), f'"{word}" is under `can` as well')
        if name not in named:
            hint = suggest(name, named)
            said = f" ({hint})" if hint else ""
            findings.warnings.append(f"models {name}: no chain has this target{said}")


def lacks(ability: Ability, abilities: Abilities) -> bool:
    """Say whether a target is without an ability, by its name in the file."""
    match ability:
        case "prefill":
            return abilities.prefill is Prefill.NO
        case "reasoning":
            return abilities.thinks is Thinks.NO
        case _:
            return not getattr(abilities, _plain(ability))


def shortfall(provider: Provider, abilities: Abilities, require: RequireFile) -> str:
    """Say what a target is without that its chain requires; empty: nothing.

    A window that nobody knows is taken to be large enough, a place that nobody knows for wrong.
    """
    for word in require.can:
        if lacks(word, abilities):
            return f"no {word}"
    if require.context is not None and 0 < abilities.context < require.context:
        return f"a context of {abilities.context} tokens"
    if require.regions and provider.region not in require.regions:
        return f"region {provider.region}" if provider.region else "no region is known of it"
    if require.zones and provider.zone not in require.zones:
        return f"zone {provider.zone}" if provider.zone else "no zone is known of it"
    return ""


def _plain(word: str) -> str:
    return _SAME.get(word, word)


def _told(entry: ModelFile, known: Abilities, continues: Prefill) -> Abilities:
    """Return what is known with what the file says instead."""
    found = replace(
        known,
        context=entry.context or known.context,
        max_output=entry.max_output or known.max_output,
    )
    for word in entry.can:
        if lacks(word, found):
            found = _with(found, word, continues, able=True)
    for word in entry.cannot:
        found = _with(found, word, continues, able=False)
    return found


def _with(known: Abilities, word: Ability, continues: Prefill, *, able: bool) -> Abilities:
    match word:
        case "prefill":
            return replace(known, prefill=continues if able else Prefill.NO)
        case "reasoning":
            return replace(known, thinks=Thinks.EFFORT if able else Thinks.NO)
        case "tools" if not able:
            return replace(known, tools=False, forced_tool=False)
        case "forced_tool" if able:
            return replace(known, tools=True, forced_tool=True)
        case _:
            return replace(known, **{_plain(word): able})
