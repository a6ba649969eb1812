"""`hotswap simulate` tells what becomes of chains when something fails, without a gateway."""

from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.json import decode

from hotswap.cli.main import main
from hotswap.testing.outages.drill import Drilled

CONFIG = """
providers:
  oa: {kind: openai, region: eu-west, zone: eu, keys: [{id: a, secret: s3cret}]}
  far: {kind: openai, region: us-east, keys: [{id: a, secret: s3cret}]}
  claude: {kind: anthropic, limits: {rpm: 30}, keys: [{id: a, secret: s3cret}]}
  here: {kind: vllm, base_url: "http://127.0.0.1:9000/v1", keys: []}
fallback:
  chains:
    - name: assist
      aliases: [gpt-4o]
      models:
        - {provider: oa, model: gpt-4o}
        - {provider: claude, model: claude-opus-5-5}
        - {provider: here, model: small}
    - name: thin
      models: [{provider: oa, model: gpt-4o}, {provider: claude, model: claude-opus-5-5}]
    - name: lone
      models: [{provider: far, model: gpt-4o}]
"""


class Simulated(Struct):
    """What `hotswap simulate --json` wrote, as far as these tests read it."""

    ok: bool
    kill: list[str]
    slow: dict[str, float]
    throttle: list[str]
    chains: list[Drilled]
    warnings: list[str]


class Simulate:
    """Runs the command over two simulated minutes, if it does not say otherwise."""

    def __init__(self, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._config, self._capsys = config, capsys
        self.code = -1
        self.err = ""

    def __call__(self, *words: str) -> str:
        minutes = () if "--minutes" in words else ("--minutes", "2")
        self.code = main(["simulate", "--config", str(self._config), *minutes, *words])
        out, self.err = self._capsys.readouterr()
        return out

    def told(self, *words: str) -> Simulated:
        return decode(self("--json", *words), type=Simulated)

    def chain(self, *words: str) -> Drilled:
        """Play the chain `assist` alone."""
        (chain,) = self.told("--chain", "assist", *words).chains
        return chain


@pytest.fixture
def simulate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Simulate:
    path = tmp_path / "hotswap.yaml"
    path.write_text(CONFIG)
    return Simulate(path, capsys)


def test_all_is_answered_by_the_first_target_where_all_is_well(simulate: Simulate) -> None:
    chain = simulate.chain()

    assert simulate.code == 0
    assert (chain.requests, chain.answered, chain.lost, chain.moved) == (120, 120, 0, 0)
    assert chain.shares == {"oa/gpt-4o": 1.0, "claude/claude-opus-5-5": 0.0, "here/small": 0.0}
    assert (chain.links, chain.links_left, chain.vendors_left) == (3, 3, 3)
    assert (chain.added_p50_s, chain.added_p95_s) == (0.0, 0.0)


def test_others_stand_in_for_a_provider_that_is_killed(simulate: Simulate) -> None:
    chain = simulate.chain("--kill", "oa")

    assert simulate.code == 0
    assert (chain.answered, chain.lost) == (120, 0)
    assert 5 <= chain.moved <= 40
    assert chain.shares["oa/gpt-4o"] == 0.0
    assert (chain.links_left, chain.vendors_left) == (2, 2)


def test_a_fallback_takes_no_more_than_its_limits(simulate: Simulate) -> None:
    simulated = simulate.told("--chain", "thin", "--kill", "oa", "--minutes", "5")

    (chain,) = simulated.chains
    assert simulate.code == 1
    assert not simulated.ok
    assert chain.shares == {"oa/gpt-4o": 0.0, "claude/claude-opus-5-5": 1.0}
    assert 130 <= chain.answered <= 150
    assert chain.lost == 300 - chain.answered == sum(chain.lost_by.values())


def test_a_loss_within_bounds_is_no_failure(simulate: Simulate) -> None:
    words = ("--chain", "thin", "--kill", "oa", "--minutes", "5")
    simulate(*words, "--max-lost", "0.6")
    assert simulate.code == 0

    simulate(*words, "--max-lost", "0.4")
    assert simulate.code == 1


def test_a_chain_without_any_target_left_loses_all(simulate: Simulate) -> None:
    written = simulate("--chain", "lone", "--kill", "far")

    lines = [" ".join(line.split()) for line in written.splitlines()]

    assert simulate.code == 1
    assert lines[0] == "chain answered lost moved left p50 later p95 later answered by"
    assert lines[1] == "lone 0.00% 120 0.00% 0 of 1, 0 vendors - -"
    assert any(line.startswith("lone: ") and " lost by " in line for line in lines[2:])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--rate", "1e9"), "Must be <= 10000"),
        (("--minutes", "inf"), "Must be <= 44640"),
        (("--rate", "0.001", "--minutes", "1"), "are 0 requests; it takes 1 to 10,000,000"),
        (("--rate", "9999", "--minutes", "9999"), "are 5,998,800,060 requests; it takes 1 to"),
    ],
)
def test_what_would_take_for_ever_is_refused(
    simulate: Simulate, words: tuple[str, ...], problem: str
) -> None:
    simulate(*words)

    assert simulate.code == 2
    assert simulate.err.startswith("hotswap: ")
    assert problem in simulate.err


def test_a_throttled_target_is_left_at_once(simulate: Simulate) -> None:
    chain = simulate.chain("--throttle", "oa/gpt-4o")

    assert chain.lost == 0
    assert chain.shares["oa/gpt-4o"] == 0.0
    assert chain.moved <= 10


def test_a_slow_target_shows_in_the_time_to_first_content(simulate: Simulate) -> None:
    (chain,) = simulate.told("--chain", "lone", "--slow", "far=4").chains

    assert chain.lost == 0
    assert chain.added_p50_s == pytest.approx(3 * 0.5, abs=0.3)
    assert (chain.links_left, chain.vendors_left) == (1, 1)


def test_slow_means_ten_times_where_nothing_is_said(simulate: Simulate) -> None:
    tenfold = simulate.told("--chain", "lone", "--slow", "far=10")

    assert simulate.told("--chain", "lone", "--slow", "far") == tenfold
    assert tenfold.slow == {"far/gpt-4o": 10.0}


def test_of_two_words_on_how_slow_a_target_is_the_slower_counts(simulate: Simulate) -> None:
    told = simulate.told("--chain", "lone", "--slow", "far=30", "--slow", "us-east=3")

    assert told.slow == {"far/gpt-4o": 30.0}


def test_what_fails_must_be_part_of_what_is_played(simulate: Simulate) -> None:
    simulate("--chain", "lone", "--kill", "claude")

    assert simulate.code == 2
    assert simulate.err == "hotswap: claude is no part of the chains that are played\n"


def test_warnings_of_the_configuration_are_told(simulate: Simulate) -> None:
    warning = "chain lone: has one link; it takes three for an answer when two fail"
    simulate("--chain", "lone")

    assert f"warning: {warning}" in simulate.err
    assert warning in simulate.told("--chain", "lone").warnings


@pytest.mark.parametrize(
    ("name", "killed"),
    [
        ("claude/claude-opus-5-5", ["claude/claude-opus-5-5"]),
        ("claude", ["claude/claude-opus-5-5"]),
        ("openai.com", ["far/gpt-4o", "oa/gpt-4o"]),
        ("us-east", ["far/gpt-4o"]),
        ("eu", ["oa/gpt-4o"]),
        ("api.openai.com:443", ["far/gpt-4o", "oa/gpt-4o"]),
        ("127.0.0.1:9000", ["here/small"]),
    ],
)
def test_a_name_is_a_target_or_any_place_of_it(
    simulate: Simulate, name: str, killed: list[str]
) -> None:
    played = ("--chain", "lone", "--chain", "assist")

    assert simulate.told(*played, "--kill", name).kill == killed


def test_options_can_be_repeated(simulate: Simulate) -> None:
    chains = ("--chain", "lone", "--chain", "gpt-4o")
    kills = ("--kill", "oa", "--kill", "eu", "--kill", "here")
    simulated = simulate.told(*chains, *kills, "--throttle", "claude")

    assert simulated.kill == ["here/small", "oa/gpt-4o"]
    assert simulated.throttle == ["claude/claude-opus-5-5"]
    assert [chain.chain for chain in simulated.chains] == ["assist", "lone"]


def test_every_chain_is_played_unless_one_is_named(simulate: Simulate) -> None:
    assert [chain.chain for chain in simulate.told().chains] == ["assist", "thin", "lone"]


def test_the_same_words_give_the_same_figures(simulate: Simulate) -> None:
    assert simulate("--kill", "oa") == simulate("--kill", "oa")


def test_an_unknown_name_is_told_with_those_that_are_known(simulate: Simulate) -> None:
    assert simulate("--kill", "opnai") == ""

    assert simulate.code == 2
    assert simulate.err.splitlines() == [
        "hotswap: nothing is named opnai; there are",
        "  targets: oa/gpt-4o, claude/claude-opus-5-5, here/small, far/gpt-4o",
        "  providers: oa, claude, here, far",
        "  vendors: openai.com, anthropic.com, 127.0.0.1:9000",
        "  regions: eu-west, us-east",
        "  zones: eu",
        "  endpoints: api.openai.com:443, api.anthropic.com:443, 127.0.0.1:9000",
    ]


def test_an_unknown_chain_is_told_with_those_that_are_known(simulate: Simulate) -> None:
    simulate("--chain", "asist")

    assert simulate.code == 2
    assert simulate.err == "hotswap: no chain is named asist; there are: assist, thin, lone\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--slow", "oa=fast"),
        ("--slow", "oa=0.5"),
        ("--slow", "oa=nan"),
        ("--rate", "0"),
        ("--minutes", "-1"),
        ("--max-lost", "2"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(simulate: Simulate, words: tuple[str, str]) -> None:
    simulate(*words)

    assert simulate.code == 2
    assert simulate.err


def test_a_configuration_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("fallback: {chains: [{name: a, models: []}]}")

    assert main(["simulate", "--config", str(path)]) == 3
    assert "bad.yaml" in capsys.readouterr().err
