"""`hotswap tail`: one line for whatever moves in a running gateway."""

import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Annotated, Final

from cyclopts import Parameter

from ..ledger.record import Transition
from .admin import Admin, find_admin
from .failing import CommandError
from .feed import Event, follow
from .options import CONFIG_FILE, AsJson, ConfigFile
from .telling import attempt_line, is_smooth, transition_line

PAUSE_S: Final = 1.0
"""Before a lost stream is asked for again."""

Everything = Annotated[
    bool, Parameter(name="--all", negative=(), help="Also requests answered at once.")
]


def tail(
    *, config: ConfigFile = CONFIG_FILE, everything: Everything = False, as_json: AsJson = False
) -> None:
    """Follow what moves in a running gateway: failed and moved attempts, changes of standing.

    A lost stream is asked for again until Ctrl-C, and goes on where it was lost.
    """
    for event in _events(find_admin(config)):
        if line := event_line(event, everything=everything, as_json=as_json):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _events(admin: Admin) -> Iterator[Event]:
    """Yield events for ever; raises `CommandError` if not even the first one comes."""
    last_id = ""
    while True:
        try:
            for event in follow(admin, last_id):
                last_id = event.id
                yield event
        except (OSError, HTTPException):
            pass  # it is told below
        except CommandError:
            if not last_id:
                raise
        sys.stderr.write("hotswap: the stream was lost; trying again\n")
        time.sleep(PAUSE_S)


def event_line(event: Event, *, everything: bool, as_json: bool) -> str:
    """Return the line for an event; empty: it is not shown."""
    told = event.read()
    if told is None:
        return ""
    if isinstance(told, Transition):
        line = transition_line(told)
    elif everything or not is_smooth(told):
        line = attempt_line(told)
    else:
        return ""
    return event.data.decode() if as_json else line
