"""The link between workers and keeper: frames of u32 length and a tagged msgpack Struct.

Both ends use this module only. The length is big-endian and counts the payload.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.msgpack import Decoder, Encoder

from ..config.snapshot import Snapshot
from ..core.latency import Figures
from ..core.meter import Use
from .question import Question
from .record import Record, Transition
from .rows import Entry, write_entry

MAX_FRAME: Final = 64 * 1024 * 1024
"""A longer frame is a bug or a stranger: the connection is closed."""

WINDOW: Final = 2_000
"""A worker sends at most so many records before the first of them is acknowledged."""


class Hello(Struct, frozen=True, tag="hello"):
    """Up, first: who connects."""

    worker: int
    boot: str
    """Differs for every start of a worker process."""
    born_at: float = 0.0
    """Unix seconds of that start: what happened before, the worker knows from others at most."""


class Batch(Struct, frozen=True, tag="batch"):
    """Up: records `first`, `first + 1`, ... of this boot; sent again until acknowledged."""

    first: int
    entries: tuple[Entry, ...]
    dropped: int = 0
    """Records that did not fit into the buffer since this boot began."""


class Parcel(Struct, frozen=True, tag="batch"):
    """Up: a `Batch` as workers write it, of records that were encoded when they came.

    A worker holds no record as objects: hundreds of them, waiting for their acknowledgement, would
    scatter its memory, which costs a request more than the encoding.
    """

    first: int
    entries: tuple[Raw, ...]
    dropped: int = 0


class Changed(Struct, frozen=True, tag="changed"):
    """Both ways, at once: a standing changed, in one worker or by order, for others to know."""

    transition: Transition


class Ask(Struct, frozen=True, tag="ask"):
    """Up: may I probe this?"""

    key: str
    ttl_s: float


class Measured(Struct, frozen=True, tag="measured"):
    """Up, after a `Tick`: what the worker measures of targets that have work."""

    figures: Mapping[str, Figures] = {}
    """By target."""
    uses: Mapping[str, tuple[Use, ...]] = {}
    """Of the limits of its keys, by target."""


class Explained(Struct, frozen=True, tag="explained"):
    """Up: the answer to `Explain`."""

    number: int
    answer: bytes
    """JSON, which the keeper passes on as it is."""


class Tick(Struct, frozen=True, tag="tick"):
    """Up, each second."""

    in_flight: int
    connections: int
    lag_s: float
    """How late the loop's timer was."""
    dropped: int = 0
    """As in `Batch`, for when no further record follows."""


class Ack(Struct, frozen=True, tag="ack"):
    """Down: all records up to and including `upto` are committed."""

    upto: int


class Lease(Struct, frozen=True, tag="lease"):
    """Down: the answer to `Ask`."""

    key: str
    granted: bool


class Apply(Struct, frozen=True, tag="apply"):
    """Down: serve by this configuration from now on."""

    snapshot: Snapshot


class Told(Struct, frozen=True, tag="told"):
    """Down, once: the worker now knows what lasts of all that was found out before it came."""


class Explain(Struct, frozen=True, tag="explain"):
    """Down: what would you do with this request now?"""

    number: int
    question: Question


Up = Hello | Batch | Changed | Ask | Tick | Measured | Explained
Down = Ack | Lease | Changed | Apply | Told | Explain

_encoder: Final = Encoder()


def write_record(record: Record) -> Raw:
    """Encode one record for a `Parcel`."""
    return Raw(_encoder.encode(write_entry(record)))


def write_frame(message: Up | Parcel | Down) -> bytes:
    """Encode one message with its length."""
    payload = _encoder.encode(message)
    return len(payload).to_bytes(4, "big") + payload


class FrameError(Exception):
    """The other end does not speak this protocol."""


class Frames:
    """Cuts a byte stream into messages, for any way in which it was cut on its way."""

    __slots__ = ("_decode", "_tail")

    def __init__(self, decoder: "Decoder[Up] | Decoder[Down]") -> None:
        self._decode = decoder.decode
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[Up | Down]:
        """Return the messages completed by `data`; raises `FrameError`."""
        tail = self._tail
        if tail:
            tail += data
        messages: list[Up | Down] = []
        at = 0
        # Frames that come whole, as nearly all do, are read where they lie.
        with memoryview(tail or data) as view:
            while len(view) - at >= 4:
                size = int.from_bytes(view[at : at + 4], "big")
                if size > MAX_FRAME:
                    raise FrameError(f"a frame of {size} bytes")
                if len(view) - at - 4 < size:
                    break
                try:
                    messages.append(self._decode(view[at + 4 : at + 4 + size]))
                except DecodeError as error:
                    raise FrameError(str(error)) from error
                at += 4 + size
        if tail:
            del tail[:at]
        else:
            tail += data[at:]
        return messages


def up_frames() -> Frames:
    """Read what workers send."""
    return Frames(Decoder(Up))


def down_frames() -> Frames:
    """Read what the keeper sends."""
    return Frames(Decoder(Down))
