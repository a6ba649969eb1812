"""The real supervisor over children of a few lines each.

Run as `dummy_gateway.py FOLDER WORKERS WHAT...`; `FOLDER/log` gets a line for every signal that a
child was sent. WHAT are words that make a child misbehave.
"""

import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from hotswap.clock import SystemClock
from hotswap.processes.activation import given
from hotswap.processes.channel import Channel, Word
from hotswap.processes.crew import Entries
from hotswap.processes.opening import Opening
from hotswap.processes.supervisor import Supervisor

FOLDER, WORKERS, *WHAT = sys.argv[1:]


def log(line: str) -> None:
    with (Path(FOLDER) / "log").open("a") as file:
        file.write(f"{line}\n")


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def heard(channel: Channel) -> bool:
    """Log what the supervisor says; False: it is gone."""
    message = channel.hear()
    if message is not None:
        log(f"{os.getpid()} hears {message.word}")
    return message is not None


def load(channel: Channel) -> int:
    if "refused" in WHAT:
        say("hotswap.yaml:1:1: nothing is right")
        return 3
    (admin_port,) = [int(word[6:]) for word in WHAT if word.startswith("admin=")] or [0]
    patience_s = 0.2 if "impatient" in WHAT else 10.0
    opening = Opening(
        "127.0.0.1", 0, "http", "127.0.0.1", admin_port, int(WORKERS), f"{FOLDER}/state", patience_s
    )
    channel.say(Word.LOADED, *opening.fields(), memory=b"first")
    return 0


def keep(channel: Channel) -> int:
    begin = channel.await_begin()
    if begin is None or "no-keeper" in WHAT:
        return 1

    def on_reload(number: int, frame: FrameType | None) -> None:
        log("keeper reloads")
        channel.say(Word.SNAPSHOT, memory=b"second")

    def on_stop(number: int, frame: FrameType | None) -> None:
        log("keeper stops")
        os._exit(0)

    signal.signal(signal.SIGHUP, on_reload)
    signal.signal(signal.SIGTERM, on_stop)
    channel.say(Word.ADMIN_KEY, "hs-admin-1")
    channel.say(Word.READY)
    log(f"keeper {os.getpid()} begins with {begin.snapshot.decode()}")
    while heard(channel):
        pass
    return 0


def work(channel: Channel) -> int:
    begin = channel.await_begin()
    if begin is None:
        return 1

    def on_stop(number: int, frame: FrameType | None) -> None:
        log("worker stops")
        if "stuck" not in WHAT:
            time.sleep(0.05)  # as a drain would
            log("worker stopped")
            os._exit(0)

    signal.signal(signal.SIGTERM, on_stop)
    listener = socket.socket(fileno=begin.sockets[0])
    listener.settimeout(0.0)  # others may be first
    channel.say(Word.READY)
    while True:
        readable, _, _ = select.select([listener, channel], [], [])
        if channel in readable:
            if not heard(channel):
                return 0
            continue
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            continue
        with connection:
            connection.settimeout(None)
            connection.recv(100)
            opened = len([*Path("/proc/self/fd").iterdir()])
            answer = f"{begin.number} {os.getpid()} {begin.snapshot.decode()} {opened}"
            connection.sendall(answer.encode())


sys.exit(
    Supervisor(
        "hotswap.yaml",
        Entries(load, keep, work),
        SystemClock(),
        say,
        takeover="takeover" in WHAT,
        given=given(),
    ).run()
)
