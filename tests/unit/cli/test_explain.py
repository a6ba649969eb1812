"""`hotswap explain` tells what would happen to a request, without a gateway."""

import io
import json
from pathlib import Path

import pytest

from hotswap.cli.main import main

CONFIG = """
providers:
  oa: {kind: openai, base_url: "https://api.openai.com/v1", keys: [{id: a, secret: s3cret}]}
  claude: {kind: anthropic, keys: [{id: a, secret: s3cret}]}
  gq: {kind: groq, base_url: "https://api.groq.com/openai/v1", keys: [{id: a, secret: s3cret}]}
models:
  gq/llama-3.3-70b: {context: 2000}
fallback:
  chains:
    - name: assist
      models:
        - {provider: gq, model: llama-3.3-70b}
        - {provider: oa, model: gpt-4o}
        - {provider: oa, model: gpt-6.2-sol}
        - {provider: claude, model: claude-opus-5-5}
    - name: blind
      models: [{provider: gq, model: llama-3.3-70b}]
"""
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def chat(content: object = "hi", **fields: object) -> bytes:
    message = {"role": "user", "content": content}
    return json.dumps({"model": "assist", "messages": [message], **fields}).encode()


class Explain:
    """Runs the command with a body on its standard input."""

    def __init__(
        self,
        config: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self._config, self._capsys, self._monkeypatch = config, capsys, monkeypatch
        self.code = -1
        self.err = ""

    def __call__(self, body: bytes, *words: str) -> str:
        stdin = io.TextIOWrapper(io.BytesIO(body))
        self._monkeypatch.setattr("sys.stdin", stdin)
        self.code = main(["explain", "--config", str(self._config), "--body", "-", *words])
        out, self.err = self._capsys.readouterr()
        return out

    def rows(self, body: bytes, *words: str) -> list[tuple[int, str, str]]:
        """Return turn, target and reason of every target."""
        told = json.loads(self(body, "--json", *words))
        return [(one["turn"], one["target"], one["reason"]) for one in told["targets"]]


@pytest.fixture
def explain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Explain:
    config = tmp_path / "hotswap.yaml"
    config.write_text(CONFIG)
    return Explain(config, capsys, monkeypatch)


def test_a_plain_request_goes_down_the_chain(explain: Explain) -> None:
    assert explain.rows(chat()) == [
        (1, "gq/llama-3.3-70b", ""),
        (2, "oa/gpt-4o", ""),
        (3, "oa/gpt-6.2-sol", ""),
        (4, "claude/claude-opus-5-5", ""),
    ]
    assert explain.code == 0


def test_a_target_that_cannot_see_is_left_out_and_the_reason_named(explain: Explain) -> None:
    out = explain(chat([PICTURE], tools=[TOOL], temperature=0.3, seed=7, stream=True))

    lines = [line.split() for line in out.splitlines()]
    assert " ".join(lines[0]).startswith("assist: openai_chat, streamed, images, tools, about ")
    assert [line[:4] for line in lines[2:6]] == [
        ["1", "oa/gpt-4o", "openai_chat", "/v1/chat/completions"],
        ["2", "oa/gpt-6.2-sol", "openai_chat", "/v1/responses"],
        ["3", "claude/claude-opus-5-5", "anthropic", "/v1/messages"],
        ["-", "gq/llama-3.3-70b", "openai_chat", "left"],
    ]
    assert lines[2][4:] == ["asked", "first"]
    assert lines[4][4:] == ["asked", "next;", "without", "temperature,", "seed"]
    assert lines[5][3:] == ["left", "out:", "no", "images"]
    assert "s3cret" not in out


def test_what_only_translation_finds_leaves_a_target_out_as_well(explain: Explain) -> None:
    body = json.dumps(
        {
            "model": "assist",
            "max_tokens": 50,
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "Well"},
            ],
        }
    ).encode()

    assert (0, "oa/gpt-4o", "no prefill") in explain.rows(body, "--dialect", "anthropic")


def test_a_prompt_that_is_too_long_is_told(explain: Explain) -> None:
    too_long = explain.rows(chat("word " * 2200))
    nearly = explain.rows(chat("word " * 1400))

    assert (0, "gq/llama-3.3-70b", "context") in too_long
    assert nearly[-1] == (4, "gq/llama-3.3-70b", "its window may be too small")


def test_nothing_able_is_a_failure(explain: Explain) -> None:
    rows = explain.rows(chat([PICTURE], model="blind"))

    assert rows == [(0, "gq/llama-3.3-70b", "no images")]
    assert explain.code == 1


def test_another_chain_can_be_asked(explain: Explain) -> None:
    assert explain.rows(chat(), "--model", "blind") == [(1, "gq/llama-3.3-70b", "")]
    assert explain.rows(chat(), "--model", "oa/gpt-4o") == [(1, "oa/gpt-4o", "")]


def test_gemini_names_the_model_in_its_path(explain: Explain) -> None:
    body = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'

    assert explain.rows(body, "--dialect", "gemini", "--model", "blind") == [
        (1, "gq/llama-3.3-70b", "")
    ]
    explain(body, "--dialect", "gemini")
    assert explain.code == 2
    assert explain.err == "hotswap: gemini names the model in its path: say --model\n"


def test_embeddings_stay_with_one_model(explain: Explain) -> None:
    body = b'{"model":"assist","input":"hi"}'

    assert explain.rows(body, "--dialect", "openai_embeddings") == [
        (1, "gq/llama-3.3-70b", ""),
        (0, "oa/gpt-4o", "other_model"),
        (0, "oa/gpt-6.2-sol", "other_model"),
        (0, "claude/claude-opus-5-5", "other_model"),
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "hotswap: the request is refused with 400: The body is not valid JSON"),
        (chat(model="gone"), "hotswap: the request is refused with 404: No chain or model is"),
    ],
)
def test_a_request_that_would_be_refused_is_told(explain: Explain, body: bytes, error: str) -> None:
    explain(body)

    assert explain.code == 1
    assert explain.err.startswith(error)


def test_a_body_that_is_too_deep_is_refused_whatever_model_is_asked(explain: Explain) -> None:
    explain(b'{"model": "assist", "x": ' + b"[" * 9000 + b"]" * 9000 + b"}", "--model", "blind")

    assert explain.code == 1
    assert explain.err.startswith("hotswap: the request is refused with 400: ")


def test_the_body_may_be_in_a_file(
    tmp_path: Path, explain: Explain, capsys: pytest.CaptureFixture[str]
) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(chat())
    config = tmp_path / "hotswap.yaml"

    assert main(["explain", "--config", str(config), "--body", str(body)]) == 0
    assert "assist: openai_chat, text only" in capsys.readouterr().out
    assert main(["explain", "--config", str(config), "--body", str(tmp_path / "gone")]) == 2
    assert "gone cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_configuration_with_mistakes_is_not_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "hotswap.yaml"
    config.write_text("fallback: {}\n")

    assert main(["explain", "--config", str(config), "--body", "x"]) == 3
    assert "hotswap.yaml:1:11 chains: is missing" in capsys.readouterr().err
