"""What the tests of the configuration share: loading a text."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.config.outcome import ConfigMistakes
from hotswap.config.snapshot import Snapshot

KEYS = {"OPENAI_API_KEY": "sk-test-openai", "MISTRAL_API_KEY": "test-mistral"}

Load = Callable[..., Snapshot]
Refuse = Callable[..., list[str]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Load a text as `hotswap.yaml`, with keys for openai and mistral in the environment."""

    def load_it(text: str, environ: Mapping[str, str] = KEYS) -> Snapshot:
        path = tmp_path / "hotswap.yaml"
        path.write_text(text)
        return load(path, environ)

    return load_it


@pytest.fixture
def refuse_text(tmp_path: Path, load_text: Load) -> Refuse:
    """Load a text that is refused and return the lines of its mistakes, folders left out."""

    def refuse_it(text: str, environ: Mapping[str, str] = KEYS) -> list[str]:
        with pytest.raises(ConfigMistakes) as refused:
            load_text(text, environ)
        return [str(one).replace(f"{tmp_path}/", "") for one in refused.value.mistakes]

    return refuse_it
