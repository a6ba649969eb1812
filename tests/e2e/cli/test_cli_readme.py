"""What the README promises is what happens."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hotswap.config.load import load
from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Step

README = Path(__file__).parents[3] / "README.md"
KEYS: dict[str, str] = dict.fromkeys(
    ("OPENAI_API_KEY", "MISTRAL_API_KEY", "DEEPSEEK_API_KEY"), "sk"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_readmes_configuration_is_right(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    path = tmp_path / "hotswap.yaml"
    path.write_text(block)

    snapshot = load(path, KEYS)

    assert snapshot.warnings == ()
    assert snapshot.server.port == 8100
    assert [target.id for target in snapshot.chains["assist"].targets] == [
        "openai/gpt-6.2-sol",
        "mistral/mistral-large-4",
        "deepseek/deepseek-v4-pro",
    ]


@pytest.mark.slow
def test_the_readmes_program_gets_its_answer_from_the_second_target(tmp_path: Path) -> None:
    (config,), program = blocks("yaml"), blocks("python")[0]
    with (
        ProviderProcess("openai", Step(status=503)) as openai,
        ProviderProcess("mistral", Step(text="Hello there.")) as mistral,
    ):
        (tmp_path / "hotswap.yaml").write_text(
            'server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\n'
            "providers:\n"
            f'  openai: {{base_url: "{openai.base_url}", allow_private: true}}\n'
            f'  mistral: {{base_url: "{mistral.base_url}", allow_private: true}}\n' + config
        )
        with subprocess.Popen(
            (sys.executable, "-m", "hotswap.cli.main", "serve"),
            cwd=tmp_path,
            env={**os.environ, **KEYS},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as serving:
            try:
                url = next(
                    found[1]
                    for line in serving.stderr or ()
                    if (found := re.search(r"listening on (\S+)", line))
                )
                program = program.replace("http://127.0.0.1:8100", url)
                done = subprocess.run(  # noqa: S603 - our own interpreter
                    (sys.executable, "-c", program), capture_output=True, text=True, check=True
                )
            finally:
                os.killpg(serving.pid, signal.SIGKILL)

    assert done.stdout == "Hello there.\n"
