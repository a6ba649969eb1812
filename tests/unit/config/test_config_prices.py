"""What targets cost: by `models`, by the catalog file, by the library; never by a guess."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.core.plan import Ask, plan
from hotswap.core.settings import Health
from hotswap.core.standings import Standings
from hotswap.core.terms import Price
from hotswap.testing.clock import VirtualClock

from .conftest import Refuse

NIGHT = 1_795_471_200.0
"""2026-11-23 22:00 UTC."""
NEXT_YEAR = 1_799_000_000.0
"""2027-01-03."""
KEYS = {
    "OPENAI_API_KEY": "x",
    "DEEPSEEK_API_KEY": "x",
    "GEMINI_API_KEY": "x",
    "AZURE_OPENAI_API_KEY": "x",
}

PriceOf = Callable[..., Price | None]


@pytest.fixture
def price_of(tmp_path: Path) -> PriceOf:
    """Load a chain of one target, and what is said besides; return what the target costs."""

    def price_it(provider: str, model: str, *said: str, unix: float = NIGHT) -> Price | None:
        path = tmp_path / "hotswap.yaml"
        link = f"{{provider: {provider}, model: {model}}}"
        path.write_text(
            "\n".join((*said, f"fallback: {{chains: [{{name: a, models: [{link}]}}]}}"))
        )
        snapshot = load(path, KEYS, VirtualClock(unix=unix))
        alone = snapshot.chains[f"{provider}/{model}"].targets[0]
        assert alone.price == snapshot.chains["a"].targets[0].price
        return alone.price

    return price_it


def provider(entry: str) -> str:
    return f"providers: {{p: {{{entry}, keys: [{{id: a, secret: x}}]}}}}"


def test_a_known_model_costs_what_the_library_says(price_of: PriceOf) -> None:
    assert price_of("openai", "gpt-4o") == Price(2.5, 10.0)


def test_a_model_that_nobody_knows_has_no_price_rather_than_none_to_pay(price_of: PriceOf) -> None:
    assert price_of("openai", "gpt-of-my-own") is None


def test_of_tiers_the_one_of_a_short_prompt_counts(price_of: PriceOf) -> None:
    assert price_of("openai", "gpt-6-luna") == Price(0.1, 0.5)


def test_of_prices_by_the_hour_the_dearest_of_the_day_counts(price_of: PriceOf) -> None:
    assert price_of("deepseek", "deepseek-chat") == Price(0.27, 1.1)


def test_prices_are_those_of_the_day(price_of: PriceOf) -> None:
    assert price_of("google", "gemini-3.8-flash") == Price(0.75, 3.75)
    assert price_of("google", "gemini-3.8-flash", unix=NEXT_YEAR) == Price(1.5, 7.5)


def test_a_model_that_generates_nothing_sells_no_output(price_of: PriceOf) -> None:
    assert price_of("openai", "text-embedding-3-small") == Price(0.02, 0.0)


@pytest.mark.parametrize(
    ("entry", "model", "expected"),
    [
        ("kind: openai, base_url: 'https://eu.api.openai.com/v1'", "gpt-4o", Price(2.5, 10.0)),
        (
            "kind: azure, base_url: 'https://me.openai.azure.com/openai/v1'",
            "gpt-4o",
            Price(2.5, 10),
        ),
        ("base_url: 'https://api.x.ai/v1'", "grok-3", Price(3.0, 15.0)),
        ("base_url: 'https://api.x.ai/v1'", "gpt-4o", None),
        ("kind: openai, base_url: 'https://relay.example/v1'", "gpt-4o", Price(2.5, 10.0)),
        ("kind: mine, base_url: 'https://relay.example/v1'", "gpt-4o", None),
    ],
)
def test_who_is_at_an_address_sells_at_its_own_prices_and_else_the_kind_does(
    price_of: PriceOf, entry: str, model: str, expected: Price | None
) -> None:
    assert price_of("p", model, provider(entry)) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("kind: vllm", Price(0.0, 0.0)),
        ("kind: ollama, base_url: 'http://10.1.2.3:11434/v1'", Price(0.0, 0.0)),
        ("kind: vllm, base_url: 'http://gpu.internal/v1', allow_private: true", Price(0.0, 0.0)),
        ("kind: vllm, base_url: 'https://rented.example/v1'", None),
    ],
)
def test_a_server_of_ones_own_costs_nothing_and_a_rented_one_what_is_said(
    price_of: PriceOf, entry: str, expected: Price | None
) -> None:
    assert price_of("p", "gpt-4o", provider(entry)) == expected


def test_what_the_file_says_counts_most(price_of: PriceOf, tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text(
        '{"gpt-4o": {"input_cost_per_token": 7e-06, "output_cost_per_token": 8e-06}}'
    )
    catalog = "catalog_file: models.json"

    assert price_of("openai", "gpt-4o", catalog) == Price(7.0, 8.0)
    said = "models: {openai/gpt-4o: {price: {input: 1.5, output: 0}}}"
    assert price_of("openai", "gpt-4o", catalog, said) == Price(1.5, 0.0)
    said = "models: {p/mine: {price: {input: 0.2, output: 0.3}}}"
    assert price_of("p", "mine", provider("kind: vllm"), said) == Price(0.2, 0.3)


@pytest.mark.parametrize(
    "entry",
    [
        "{}",
        '{"input_cost_per_token": 7e-06}',
        '{"input_cost_per_token": "free", "output_cost_per_token": 1e-06}',
        '{"input_cost_per_token": -1, "output_cost_per_token": 1e-06}',
    ],
)
def test_a_catalog_that_names_no_price_leaves_the_known_one(
    price_of: PriceOf, tmp_path: Path, entry: str
) -> None:
    (tmp_path / "models.json").write_text(f'{{"gpt-4o": {entry}}}')

    assert price_of("openai", "gpt-4o", "catalog_file: models.json") == Price(2.5, 10.0)


def test_a_catalog_that_cannot_be_understood_is_one_mistake(
    refuse_text: Refuse, tmp_path: Path
) -> None:
    (tmp_path / "models.json").write_text('{"gpt-4o": {"input_cost_per_token": []}}')

    (line,) = refuse_text(
        "catalog_file: models.json\n"
        "fallback: {chains: [{name: a, models: [{provider: openai, model: gpt-4o}]}]}"
    )

    assert line.startswith("hotswap.yaml:1:15 catalog_file: says of gpt-4o what cannot be")


def test_another_price_is_another_configuration(tmp_path: Path) -> None:
    path = tmp_path / "hotswap.yaml"
    path.write_text(
        "fallback: {chains: [{name: a, models: [{provider: google, model: gemini-3.8-flash}]}]}"
    )

    digests = [load(path, KEYS, VirtualClock(unix=day)).digest for day in (NIGHT, NEXT_YEAR)]

    assert digests[0] != digests[1]


def test_a_long_prompt_and_a_long_answer_may_be_cheapest_at_different_targets(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hotswap.yaml"
    path.write_text(
        "models: {openai/mine: {price: {input: 0.1, output: 20}}}\n"
        "fallback: {chains: [{name: a, balance: cheapest, models: ["
        "{provider: openai, model: unheard-of}, {provider: openai, model: mine}, "
        "{provider: deepseek, model: deepseek-chat}]}]}"
    )
    snapshot = load(path, KEYS, VirtualClock(unix=NIGHT))
    chain = snapshot.chains["a"]
    standings = Standings(Health(), lambda: 0.5)
    standings.adopt(snapshot.providers, [chain], Health())

    def first(prompt_tokens: int) -> str:
        ask = Ask(prompt_tokens=prompt_tokens)
        return plan(chain, standings, 0.0, lambda: 0.5, ask=ask).targets[0].model

    assert first(100_000) == "mine"
    assert first(1_000) == "deepseek-chat"
