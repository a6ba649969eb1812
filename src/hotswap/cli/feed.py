"""What happens in a running gateway, as its admin listener streams it."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from ..ledger.record import AttemptRecord, Transition
from .admin import Admin

STREAM: Final = "/stream"
_read_attempt: Final = Decoder(AttemptRecord).decode
_read_transition: Final = Decoder(Transition).decode


class Event(Struct, frozen=True, gc=False):
    """One server-sent event."""

    name: str
    """`attempt`, `transition`; others, such as `hello` and `tick`, tell nothing that moved."""
    data: bytes
    """JSON."""
    id: str = ""
    """Names the event, so that a watcher may go on after it."""

    def read(self) -> AttemptRecord | Transition | None:
        """Return what it tells; None: nothing that moved."""
        match self.name:
            case "attempt":
                return _read_attempt(self.data)
            case "transition":
                return _read_transition(self.data)
            case _:
                return None


def read_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Read server-sent events from complete lines; comments are left out."""
    name, data, id_ = "message", list[bytes](), ""
    for line in lines:
        stripped = line.rstrip(b"\r\n")
        field, _, value = stripped.partition(b":")
        if field == b"event":
            name = value.removeprefix(b" ").decode()
        elif field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"id":
            id_ = value.removeprefix(b" ").decode()
        elif not stripped:
            if data:
                yield Event(name, b"\n".join(data), id_)
            name, data = "message", []


def follow(admin: Admin, last_id: str = "") -> Iterator[Event]:
    """Yield events until the gateway ends the stream.

    Args:
        admin: Where to ask.
        last_id: Id of the last event seen, to go on after it; empty: from now on.

    Raises:
        CommandError: As `Admin.get`.
        OSError: The connection broke, or was silent for too long.
        HTTPException: The stream was cut.
    """
    with admin.get(STREAM, last_id) as answer:
        yield from read_events(answer)
