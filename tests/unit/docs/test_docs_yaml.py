"""Every YAML block of the documentation is a configuration that loads."""

from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.testing.certificates import Certificates, make_certificates

from .conftest import Block, blocks

KEYS: dict[str, str] = dict.fromkeys(
    ("OPENAI_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY", "GROQ_API_KEY"), "sk-test"
)
CHAIN = "\nfallback: {chains: [{name: any, models: [{provider: openai, model: m}]}]}\n"
"""Completes a block that shows other sections only."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def folder(tmp_path: Path, made: Certificates) -> Path:
    """Hold the files that configurations name."""
    (tmp_path / "fullchain.pem").symlink_to(made.good)
    (tmp_path / "privkey.pem").symlink_to(made.key)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/openai-spare").write_text("sk-file\n")
    return tmp_path


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.name)
def test_a_configuration_loads(block: Block, folder: Path) -> None:
    path = folder / "hotswap.yaml"
    path.write_text(block.text if "fallback:" in block.text else block.text + CHAIN)

    snapshot = load(path, KEYS)

    assert snapshot.listed
    assert [chain for chain in snapshot.chains.values() if not chain.targets] == []


def test_the_second_key_of_the_example_is_read_from_its_file(folder: Path) -> None:
    (block,) = (block for block in blocks("yaml") if "secrets/openai-spare" in block.text)
    path = folder / "hotswap.yaml"
    path.write_text(block.text)

    keys = load(path, KEYS).providers["openai-eu"].credentials

    assert [(key.id, key.secret) for key in keys] == [("main", "sk-test"), ("spare", "sk-file")]
