import os
import socket
import stat
from pathlib import Path

import pytest

from hotswap.processes.opening import Opened, Opening, read_opening
from hotswap.processes.pidfile import PidFile
from hotswap.processes.sockets import ListenError, listen, open_link


def test_an_opening_survives_its_way_through_texts() -> None:
    opening = Opening("::1", 8100, "https", "localhost", 8101, 4, "/var/lib/hot swap", 125.0)

    assert read_opening(opening.fields()) == opening


@pytest.mark.parametrize(
    ("host", "reached_at", "shown"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "127.0.0.1", "http://localhost:"),
        ("::1", "::1", "http://[::1]:"),
        ("::", "127.0.0.1", "http://[::]:"),
    ],
)
def test_addresses_of_both_families_and_names_are_listened_on(
    host: str, reached_at: str, shown: str
) -> None:
    listener = listen(host, 0, shared=False)

    assert listener.url == f"{shown}{listener.port}"
    socket.create_connection((reached_at, listener.port)).close()
    os.close(listener.descriptor)


def test_workers_share_one_port_that_the_kernel_chose(tmp_path: Path) -> None:
    opened = Opened(Opening("127.0.0.1", 0, "http", "127.0.0.1", 0, 3, str(tmp_path), 1.0))

    assert len({listener.port for listener in opened.public}) == 1
    assert len({listener.descriptor for listener in opened.public}) == 3
    opened.close()


def test_only_the_public_listener_is_shown_with_tls(tmp_path: Path) -> None:
    opened = Opened(Opening("127.0.0.1", 0, "https", "127.0.0.1", 0, 2, str(tmp_path), 1.0))

    port = opened.public[0].port
    assert [listener.url for listener in opened.public] == [f"https://127.0.0.1:{port}"] * 2
    assert opened.admin.url == f"http://127.0.0.1:{opened.admin.port}"
    opened.close()


def test_a_taken_port_is_named() -> None:
    taken = listen("127.0.0.1", 0, shared=False)

    with pytest.raises(
        ListenError,
        match=rf"^can not listen on 127\.0\.0\.1:{taken.port}: Address already in use$",
    ):
        listen("127.0.0.1", taken.port, shared=False)
    os.close(taken.descriptor)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(ListenError, match=r"^can not listen on no\.such\.invalid:1: "):
        listen("no.such.invalid", 1, shared=False)


def test_only_the_user_may_reach_the_link() -> None:
    link = open_link()

    assert stat.S_IMODE(Path(link.folder).stat().st_mode) == 0o700
    with socket.socket(socket.AF_UNIX) as worker:
        worker.connect(link.path)
    link.close()
    assert not Path(link.folder).exists()


def test_nothing_stays_open_when_one_address_is_taken(tmp_path: Path) -> None:
    taken = listen("127.0.0.1", 0, shared=False)
    before = _descriptors()

    with pytest.raises(ListenError):
        Opened(Opening("127.0.0.1", taken.port, "http", "127.0.0.1", 0, 2, str(tmp_path), 1.0))

    assert _descriptors() == before
    assert list(tmp_path.iterdir()) == []
    os.close(taken.descriptor)


def _descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_a_pid_file_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "hotswap.pid").write_text("99999999999\n")

    pid_file = PidFile(str(tmp_path))

    assert (tmp_path / "hotswap.pid").read_text() == f"{os.getpid()}\n"
    pid_file.close()
    assert list(tmp_path.iterdir()) == []
