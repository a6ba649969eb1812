"""What every dialect offers. A dialect is a module (or package) with these names."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Raw, Struct

from ..core.terms import Credential, Failure, Needs, Target, Usage


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


class Reply(Struct, frozen=True, gc=False):
    """A complete, usable answer that was not streamed."""

    usage: Usage | None = None
    finish: str = ""
    """The provider's finish reason; empty where the route has none, as embeddings."""


class AttemptNote(Struct, frozen=True, gc=False):
    """One attempt, as error answers list it for the caller."""

    target: str
    cause: str
    detail: str
    status: int
    ms: float


class Passage(Protocol):
    """One upstream stream on its way to a caller: what to forward, and whether it is sound.

    Feed it whatever the socket gave; it works the same for any way in which the network cut the
    stream. Nothing that follows a failure is forwarded.
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

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the provider; return the bytes of complete events to forward."""
        ...

    def end(self) -> bytes:
        """The provider ended the body; return what is still to be sent (a missing terminator)."""
        ...


class Dialect(Protocol):
    """One provider API."""

    KEEP_ALIVE: bytes
    """Bytes that keep a caller's stream alive and mean nothing to its SDK."""

    def peek(self, body: bytes) -> Peek:
        """Read what the line needs; raises `RefusedError` (400) for a body that is no request."""
        ...

    def write_request(self, request: Peek, target: Target, kind: str) -> bytes:
        """Write the body for `target` at a provider of `kind`: same request, its model."""
        ...

    def write_probe(self, target: Target, kind: str) -> bytes:
        """Write the cheapest request that shows whether `target` answers (one token)."""
        ...

    def credential_headers(self, credential: Credential, kind: str) -> bytes:
        """Write the header lines that carry the credential, each with its CR LF."""
        ...

    def read_reply(self, body: bytes) -> Reply | Failure:
        """Judge the body of a 200 that was not streamed."""
        ...

    def read_fault(
        self, kind: str, status: int, headers: Mapping[bytes, bytes], body: bytes
    ) -> Failure:
        """Classify an answer whose status is not 2xx."""
        ...

    def passage(self, *, usage_asked: bool) -> Passage:
        """Begin to watch a stream of this dialect that goes to a caller of the same."""
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

    def write_stream_error(self, code: str, message: str) -> bytes:
        """Write the in-band event that makes this dialect's SDKs raise."""
        ...
