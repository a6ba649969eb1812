"""The examples load, and the published JSON Schema is the one in force."""

import json
from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.config.schema import json_schema
from hotswap.core.terms import Triggers

ROOT = Path(__file__).parents[3]
KEYS = {"OPENAI_API_KEY": "x", "MISTRAL_API_KEY": "x"}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_an_example_loads(path: Path):
    assert load(path, KEYS).listed


def test_the_five_chains_are_those_of_the_demo():
    snapshot = load(ROOT / "examples" / "five-chains.yaml", KEYS)

    assert snapshot.listed == (
        "complex-reasoning",
        "long-form",
        "multimodal",
        "high-volume",
        "self-hosted",
    )
    long_form = snapshot.chains["long-form"].triggers.latency
    assert long_form is not None
    assert long_form.threshold_ms == 5000
    assert snapshot.chains["multimodal"].triggers == Triggers()
    assert [target.id for target in snapshot.chains["self-hosted"].targets] == [
        "local/llama-3-70b",
        "mistral/mistral-large-4",
        "openai/gpt-6-luna",
    ]
    assert snapshot.providers["local"].endpoint.allow_private


def test_the_published_schema_is_current():
    published = (ROOT / "docs" / "hotswap.schema.json").read_text()

    assert published == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_the_schema_bounds_and_describes_what_the_settings_say():
    schema = json.dumps(json_schema())

    assert '"title": "Timeouts"' in schema
    assert "DNS, TCP and TLS of a new connection" in schema
    assert '"exclusiveMinimum": 0' in schema
    assert '"enum": ["hard", "hang", "throttle", "quality"]' in schema
    assert '"pattern": "^[0-9a-fA-F]{64}$"' in schema
