"""What every dialect offers. A dialect is a module (or package) with these names."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Raw, Struct

from ..core.terms import Credential, Failure, Needs, Target, Usage
from .neutral import Piece, Reply, Request


class UnableError(Exception):
    """A request cannot be said in this dialect, or not to this target: another one has to serve."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need
        """What is missing: a field of `core.terms.Needs`, or a word of the same kind."""


class Peek(Struct, frozen=True, gc=False):
    """What the line must know of a request; everything else stays raw."""

    model: str
    """What the caller named: a chain, an alias or `provider/model`."""
    stream: bool
    usage_asked: bool
    """The caller wants the usage event of a stream."""
    needs: Needs
    fields: Mapping[str, Raw]
    """All top-level fields, each value's bytes as the caller sent them."""
    array: bool = False
    """Gemini without `alt=sse`: the stream is one JSON array instead of events."""
    sampled: bool = False
    """Sampling parameters are set, and `pass_request` does not leave them out where they are
    refused."""
    stops: bool = False
    """Stop sequences are set."""
    action: str = ""
    """Gemini: what follows the colon of the path, such as `generateContent`."""


class Outgoing(Struct, frozen=True, gc=False):
    """A request for one target, but for its head."""

    path: str
    """Below the provider's base path, with the query."""
    body: bytes
    headers: bytes = b""
    """Further header lines, each with its CR LF; the same for every request to the target."""
    notices: Sequence[str] = ()
    """Fields that were left out or changed because the target does not take them as they are."""
    stop: Sequence[str] = ()
    """Stop sequences that the target does not take: the gateway has to cut the text."""


class Verdict(Struct, frozen=True, gc=False):
    """A whole answer is usable; its bytes are passed on."""

    usage: Usage | None = None
    finish: str = ""
    """The provider's finish reason; empty where the route has none, as embeddings."""


class Envelope(Struct, frozen=True):
    """What an answer of our own writing says of itself."""

    request_id: str
    """Ids of answers are made of it, so they are unique and lead to the records."""
    created: int
    """Unix seconds."""
    model: str
    request: Request
    array: bool = False
    """As `Peek.array`."""


class AttemptNote(Struct, frozen=True, gc=False, omit_defaults=True):
    """One attempt, as error answers list it for the caller."""

    target: str
    cause: str
    detail: str
    status: int
    ms: float
    rule: str = ""
    """The condition that fired, such as `latency.threshold_ms` or `rate_limit`."""
    measured: float | None = None
    """In the unit of `threshold`."""
    threshold: float | None = None


class Stream(Protocol):
    """What is known of a provider's stream so far.

    It is the same for any way in which the network cut the stream.
    """

    started: bool
    """Content was seen: a non-empty text, reasoning, refusal or tool delta."""
    complete: bool
    """Every choice has its finish reason, so the answer is whole."""
    failure: Failure | None
    """What is wrong with the stream; set by `feed` or `end`, never reset."""
    usage: Usage | None
    progress: int
    """Events with content or a finish so far; pings and metadata do not count."""
    content_bytes: int
    """Bytes of content deltas so far, to estimate tokens where the usage never came."""


class Begun(Struct, frozen=True):
    """What a caller has of an answer that broke off, and the way to go on with it."""

    text: str
    """The words of the answer, without reasoning; empty: another target may begin it anew."""
    writer: "Writer"
    """Goes on with the caller's stream exactly where it stopped, in the same envelope: a
    `TextPiece` follows the words before it in the same block."""
    bar: str = ""
    """What the caller has that no other target can go on with, such as `tool_calls`; empty:
    nothing stands in the way."""
    closed: bool = False
    """The provider has shown that the words are whole: only the end is missing."""


class Passage(Stream, Protocol):
    """One upstream stream on its way to a caller: what to forward, and whether it is sound.

    Feed it whatever the socket gave. What precedes a failure is forwarded, nothing that follows
    it. Where calls are to be held, everything from the first piece of a call on is kept back until
    the answer is whole: so calls arrive whole or not at all.
    """

    shown: bool
    """Content is among what was returned so far."""
    holding: bool
    """Something is kept back, and the caller sees a pause; after a failure: it never got it."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        ...

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent (a missing terminator)."""
        ...

    def begun(self, envelope: Envelope) -> Begun:
        """Say what all that was returned amounts to, after a failure. Called once, and last.

        Args:
            envelope: Stands in for what the stream has not said of itself.
        """
        ...


class Reader(Stream, Protocol):
    """A provider's stream, turned into pieces.

    Fails on an error in any place, on a finish reason that means one, on what cannot be read, on
    an end before the finish, and on an answer without content.
    """

    @property
    def closed(self) -> bool:
        """As `Begun.closed`; False where the dialect does not show it."""
        ...

    @property
    def done(self) -> bool:
        """The dialect's own end was seen, or nothing that matters can follow: call `end`."""
        ...

    def feed(self, data: bytes) -> Sequence[Piece]:
        """Take bytes from the provider; return the pieces of complete events."""
        ...

    def end(self) -> Sequence[Piece]:
        """The provider ended the body; return the pieces still held back. Sets `failure`."""
        ...


class Writer(Protocol):
    """Pieces, turned into the caller's stream."""

    def write(self, pieces: Sequence[Piece]) -> bytes:
        """Return the events for these pieces; a `FinishPiece` may wait for `end`."""
        ...

    def end(self, usage: Usage | None) -> bytes:
        """Return what ends the stream well: finish reason, usage, terminator. Called once."""
        ...

    def fail(self, code: str, message: str) -> bytes:
        """Return the error that makes the caller's SDK raise. Called instead of `end`."""
        ...


class Dialect(Protocol):
    """One provider API, where both sides speak it."""

    KEEP_ALIVE: bytes
    """Bytes that keep a caller's stream alive and mean nothing to its SDK."""

    def peek(self, body: bytes, path: str, query: str) -> Peek:
        """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
        ...

    def pass_request(self, request: Peek, target: Target, kind: str) -> Outgoing:
        """Write the request for `target` at a provider of `kind`: as it came, but for its model."""
        ...

    def pass_headers(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Write the header lines that travel on from a caller to a provider of this dialect."""
        ...

    def write_probe(self, target: Target, kind: str) -> Outgoing:
        """Write the cheapest request that shows whether `target` answers (one token)."""
        ...

    def credential_headers(self, credential: Credential, kind: str) -> bytes:
        """Write the header lines that carry the credential, each with its CR LF."""
        ...

    def judge_reply(self, body: bytes) -> Verdict | Failure:
        """Judge the body of a 200 that was not streamed."""
        ...

    def read_fault(
        self, kind: str, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> Failure:
        """Classify an answer whose status is not 2xx."""
        ...

    def passage(self, request: Peek, *, hold_calls: bool) -> Passage:
        """Begin to watch a stream of this dialect that goes to a caller of the same."""
        ...

    def write_note(self, words: str) -> bytes:
        """Write a remark into a stream that SDKs pass over; nothing where one would stumble.

        Args:
            words: One line.
        """
        ...

    def stream_type(self, request: Peek) -> bytes:
        """Return the content type of the stream that the caller gets."""
        ...

    def write_error(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None,
        attempts: Sequence[AttemptNote],
    ) -> bytes:
        """Write an error answer as this dialect's SDKs understand it."""
        ...

    def write_stream_error(self, code: str, message: str, request: Peek) -> bytes:
        """Write the in-band event that makes this dialect's SDKs raise."""
        ...


class Translator(Dialect, Protocol):
    """One provider API that others can be translated from and to."""

    def conversation(self, request: Peek) -> bytes:
        """Return what the conversation is known by in all its requests; empty: nothing is."""
        ...

    def read_request(self, request: Peek) -> Request:
        """Understand a caller of this dialect; raises `RefusedError` (400)."""
        ...

    def write_request(self, request: Request, target: Target, kind: str) -> Outgoing:
        """Say a request to `target` at a provider of `kind`; raises `UnableError`."""
        ...

    def read_reply(self, body: bytes) -> Reply | Failure:
        """Understand, and judge, the body of a 200 that was not streamed."""
        ...

    def write_reply(self, reply: Reply, envelope: Envelope) -> bytes:
        """Write a whole answer for a caller of this dialect."""
        ...

    def reader(self) -> Reader:
        """Begin to read a provider's stream."""
        ...

    def writer(self, envelope: Envelope) -> Writer:
        """Begin to write a stream to a caller."""
        ...
