from pathlib import Path

import msgspec
import pytest

from hotswap.cli.main import main

GOOD = """
providers:
  here: {kind: vllm, base_url: "http://127.0.0.1:9000/v1", keys: [{id: main, secret: s3cret}]}
  there: {kind: vllm, base_url: "https://gpu.example/v1", keys: [{id: main, secret: s3cret}]}
models: {here/small: {price: {input: 0.25, output: 1}}}
fallback:
  chains:
    - name: assist
      aliases: ["gpt-[x]"]
      models: [{provider: here, model: small, weight: 2}, {provider: there, model: large}]
      triggers: [{type: rate_limit}]
"""


class Run(msgspec.Struct):
    """What a command did."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Run:
    code = main(words)
    out, err = capsys.readouterr()
    return Run(code, out, err)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


def test_a_good_file_is_shown_as_a_plain_table(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, "check", "--config", str(good))

    assert done.code == 0
    head, first, second = (line.split() for line in done.out.splitlines()[:3])
    endpoint = "http://127.0.0.1:9000/v1"
    assert head == [
        *("chain", "priority", "target", "weight", "$", "in/out", "endpoint", "keys", "triggers")
    ]
    assert first[:8] == ["assist,", "gpt-[x]", "1", "here/small", "2", "0.25/1", endpoint, "main"]
    assert second == ["2", "there/large", "1", "-", "https://gpu.example:443/v1", "main"]
    assert done.out.splitlines()[-1].startswith(
        f"{good} is fine (chains: 1, targets: 2, warnings: "
    )
    assert "s3cret" not in done.out + done.err
    assert all(line.startswith(f"{good}: warning: ") for line in done.err.splitlines())


def test_json_tells_the_same_to_programs(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "check", "--json", "--config", str(good))

    said = msgspec.json.decode(done.out)
    assert done.code == 0
    assert said["ok"] is True
    assert said["chains"][0]["aliases"] == ["gpt-[x]"]
    assert said["chains"][0]["targets"][0] == {
        "target": "here/small",
        "priority": 1,
        "weight": 2.0,
        "price": {"input": 0.25, "output": 1.0},
        "endpoint": "http://127.0.0.1:9000/v1",
        "keys": ["main"],
    }
    assert "s3cret" not in done.out


def test_every_mistake_gets_its_line_and_the_check_fails(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good.write_text(GOOD.replace("{provider: ", "{provider: no").replace("rate_limit", "rain"))

    done = run(capsys, "check", "--config", str(good))

    assert done.code == 1
    assert len(done.err.splitlines()) == 3
    assert all(line.startswith(f"{good}:") for line in done.err.splitlines())
    assert done.out == ""


def test_a_missing_file_is_unreadable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.yaml"

    done = run(capsys, "check", "--config", str(missing))

    assert done.code == 3
    assert done.err == f"{missing}: cannot be read: No such file or directory\n"


def test_a_file_that_is_no_yaml_is_unreadable(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good.write_text("fallback: [")

    done = run(capsys, "check", "--config", str(good))

    assert done.code == 3
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("words", [("chekc",), ("check", "--fast"), ("tail", "--config")])
def test_a_wrong_command_line_is_a_usage_error_of_one_line(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, *words)

    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("hotswap: ")


def test_the_version_and_the_help_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version").out.strip() == "0.1.0"
    assert "Check a configuration" in run(capsys, "--help").out


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "config", "schema")

    assert done.code == 0
    assert "fallback" in msgspec.json.decode(done.out)["properties"]
