"""What the supervisor learns from the child that reads the configuration."""

import os
from pathlib import Path

import pytest

from hotswap.processes.channel import Word, pair
from hotswap.processes.loader import main
from hotswap.processes.opening import read_opening
from hotswap.testing.certificates import make_certificates

CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}\n"
TLS = "server: {tls: {cert: localhost2.pem, key: key.pem}}\n"


@pytest.mark.parametrize(("server", "scheme"), [("", "http"), (TLS, "https")])
def test_with_a_certificate_the_address_is_told_as_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, scheme: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    make_certificates(tmp_path)
    file = tmp_path / "hotswap.yaml"
    file.write_text(server + CHAIN)
    supervisor, child = pair()

    code = main(child, str(file))

    told = supervisor.hear()
    assert code == 0
    assert told is not None
    assert told.word is Word.LOADED
    assert read_opening(told.fields).scheme == scheme
    os.close(told.descriptors[0])
    supervisor.close()
    child.close()
