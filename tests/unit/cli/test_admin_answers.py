"""What commands make of the admin listener's answers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from hotswap.cli.admin import Admin
from hotswap.cli.failing import CommandError
from hotswap.cli.main import main
from hotswap.processes.exits import Exit


class Listener(HTTPServer):
    """Answers every request with the same, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b'{"chains": []}'
        self.length: int | None = None
        self.asked: list[tuple[str, str | None]] = []

    @property
    def admin(self) -> Admin:
        return Admin("127.0.0.1", self.server_port, "hs-admin-1")


class _Handler(BaseHTTPRequestHandler):
    server: Listener  # pyright: ignore[reportIncompatibleVariableOverride] - the one that made it

    def do_GET(self) -> None:
        server = self.server
        server.asked.append((self.path, self.headers["authorization"]))
        self.send_response(server.status)
        self.send_header("content-length", str(server.length or len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        serving = threading.Thread(target=listener.serve_forever, args=(0.001,))
        serving.start()
        yield listener
        listener.shutdown()
        serving.join()


def test_what_was_answered_is_passed_on_as_it_came(listener: Listener) -> None:
    assert listener.admin.read("chains") == b'{"chains": []}'
    assert listener.asked == [("/admin/api/v1/chains", "Bearer hs-admin-1")]


def test_names_and_queries_are_quoted_and_empty_ones_left_out(listener: Listener) -> None:
    listener.admin.read("targets", "a/x y?", chain="b&c", target="", since=None, limit="5")

    assert listener.asked[0][0] == "/admin/api/v1/targets/a/x%20y%3F?chain=b%26c&limit=5"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, Exit.USAGE),
        (403, Exit.FORBIDDEN),
        (404, Exit.FAILED),
        (421, Exit.FORBIDDEN),
        (503, Exit.FAILED),
    ],
)
def test_a_refusal_is_told_in_the_gateways_words(
    listener: Listener, status: int, code: Exit
) -> None:
    listener.status = status
    listener.body = b'{"error": {"code": "x", "message": "There is no chain.", "param": "y"}}'

    with pytest.raises(CommandError, match=r"^hotswap: There is no chain\.$") as failed:
        listener.admin.read("chains")

    assert failed.value.code == code


def test_a_key_that_is_not_accepted_is_forbidden(listener: Listener) -> None:
    listener.status = 401

    with pytest.raises(CommandError, match="does not accept the admin key") as failed:
        listener.admin.read("chains")

    assert failed.value.code == Exit.FORBIDDEN


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "no"}', b""])
def test_what_no_admin_listener_says_comes_from_no_gateway(listener: Listener, body: bytes) -> None:
    listener.status, listener.body = 404, body

    with pytest.raises(CommandError, match="answers with 404; is it the admin listener") as failed:
        listener.admin.read("chains")

    assert failed.value.code == Exit.UNREACHABLE


def test_an_answer_that_breaks_off_is_none(listener: Listener) -> None:
    listener.length = 1000

    with pytest.raises(CommandError, match="no gateway answers at") as failed:
        listener.admin.read("chains")

    assert failed.value.code == Exit.UNREACHABLE


@pytest.mark.parametrize("words", [("chains",), ("targets",), ("request",), ("request", "1a20")])
def test_an_answer_of_another_form_is_told_in_one_line(
    listener: Listener,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOTSWAP_ADMIN", listener.admin.url)
    monkeypatch.setenv("HOTSWAP_ADMIN_KEY", "hs-admin-1")

    assert main(words) == Exit.UNREACHABLE

    told = capsys.readouterr()
    assert told.err.startswith("hotswap: this is no answer of hotswap ")
    assert len(told.err.splitlines()) == 1
    assert told.out == ""
