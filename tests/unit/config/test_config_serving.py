"""Listeners, limits, folders and callers' keys."""

import subprocess
from pathlib import Path

import pytest

from hotswap.config.snapshot import AccessKey
from hotswap.core.settings import ServerSettings, StoreSettings
from hotswap.testing.certificates import Certificates, make_certificates

from .conftest import Load, Refuse

CHAIN = "fallback: {chains: [{name: a, models: [{provider: openai, model: m}]}]}\n"
DIGEST = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def test_without_a_word_everything_has_its_default(load_text: Load, tmp_path: Path):
    snapshot = load_text(CHAIN)

    assert snapshot.server == ServerSettings(state_dir=f"{tmp_path}/.hotswap")
    assert snapshot.store == StoreSettings(url=f"sqlite:{tmp_path}/.hotswap/hotswap.db")
    assert snapshot.keys == ()


def test_every_setting_of_the_server_arrives(load_text: Load, tmp_path: Path, made: Certificates):
    (tmp_path / "c.pem").symlink_to(made.good)
    (tmp_path / "k.pem").symlink_to(made.key)

    snapshot = load_text(
        "server: {listen: '[::1]:1', admin: '0.0.0.0:2', workers: 3, state_dir: /var/lib/h, "
        "max_body: 4KiB, max_header: 5, max_connections: 6, header_s: 7, body_s: 8, idle_s: 9, "
        "drain_s: 0, linger_s: 11, keep_alive_s: 12, warm: 0, tls: {cert: c.pem, key: k.pem}}\n"
        "records: {commit_s: 0.5, retention_days: 2, buffer: 10}\n"
        "store: sqlite:data/../r.db\n"
        "share: memory\n" + CHAIN
    )

    assert snapshot.server == ServerSettings(
        host="::1",
        port=1,
        admin_host="0.0.0.0",  # noqa: S104 - compared, not bound
        admin_port=2,
        workers=3,
        state_dir="/var/lib/h",
        max_body_bytes=4096,
        max_header_bytes=5,
        max_connections=6,
        header_s=7,
        body_s=8,
        idle_s=9,
        drain_s=0,
        linger_s=11,
        keep_alive_s=12,
        warm=0,
        tls_cert=f"{tmp_path}/c.pem",
        tls_key=f"{tmp_path}/k.pem",
    )
    assert snapshot.store == StoreSettings(f"sqlite:{tmp_path}/r.db", 0.5, 2, 10)


def _lines_about_tls(refuse_text: Refuse, folder: Path, cert: Path, key: Path) -> list[str]:
    (folder / "c.pem").symlink_to(cert)
    (folder / "k.pem").symlink_to(key)
    return refuse_text("server:\n  tls: {cert: c.pem, key: k.pem}\n" + CHAIN)


def test_the_key_of_another_certificate_is_a_mistake(
    refuse_text: Refuse, tmp_path: Path, made: Certificates
):
    other = _openssl_key(tmp_path / "other.pem")

    assert _lines_about_tls(refuse_text, tmp_path, made.good, other) == [
        (
            "hotswap.yaml:2:15 server.tls.cert: server.tls.key is the key of another certificate "
            "(PEM files: a certificate, and its key without a password)"
        )
    ]


def test_what_is_no_certificate_is_a_mistake(
    refuse_text: Refuse, tmp_path: Path, made: Certificates
):
    assert _lines_about_tls(refuse_text, tmp_path, made.key, made.key) == [
        (
            "hotswap.yaml:2:15 server.tls.cert: cannot be used with server.tls.key "
            "(PEM files: a certificate, and its key without a password)"
        )
    ]


def test_a_key_with_a_password_is_a_mistake_and_nobody_is_asked_for_it(
    refuse_text: Refuse, tmp_path: Path, made: Certificates
):
    locked = _openssl_key(tmp_path / "locked.pem", "-aes256", "-pass", "pass:secret")

    assert _lines_about_tls(refuse_text, tmp_path, made.good, locked) == [
        (
            "hotswap.yaml:2:15 server.tls.cert: cannot be used with server.tls.key "
            "(PEM files: a certificate, and its key without a password)"
        )
    ]


def _openssl_key(file: Path, *words: str) -> Path:
    curve = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    subprocess.run(  # noqa: S603 - the words are our own
        ["openssl", "genpkey", *curve, *words, "-out", str(file)],  # noqa: S607 - as installed
        check=True,
        capture_output=True,
    )
    return file


@pytest.mark.parametrize("listen", ["0.0.0.0:8100", "[::]:8100", "192.168.1.5:80", "gateway:80"])
def test_a_listener_that_others_reach_needs_an_access_key(
    refuse_text: Refuse, load_text: Load, listen: str
):
    text = f"server: {{listen: '{listen}'}}\n{CHAIN}"

    (line,) = refuse_text(text)

    assert "is open to other machines, and no access key is configured" in line
    with_key = f"access: {{keys: [{{id: app, sha256: {DIGEST}}}]}}\n{text}"
    assert load_text(with_key).keys == (AccessKey("app", DIGEST.lower()),)


def test_access_keys_differ_in_name_and_digest(refuse_text: Refuse):
    text = f"""\
access:
  keys:
    - {{id: app, sha256: {DIGEST}}}
    - {{id: app, sha256: {DIGEST.lower()}}}
"""

    assert refuse_text(text + CHAIN) == [
        'hotswap.yaml:4:12 access.keys[1].id: another key is called "app" already',
        "hotswap.yaml:4:25 access.keys[1].sha256: is the digest of another key already",
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1", 1), ("32MiB", 33554432), ("'32 MiB'", 33554432), ("1GiB", 1073741824)],
)
def test_sizes_have_units(load_text: Load, size: str, expected: int):
    snapshot = load_text(f"server: {{max_body: {size}}}\n{CHAIN}")

    assert snapshot.server.max_body_bytes == expected
