"""What the chunks of one stream of OpenAI's dialect have in common, and how the stream ends."""

from typing import Final, cast

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from ...core.terms import Usage
from ..surrogates import mended
from .usage import write_usage

DONE: Final = b"data: [DONE]\n\n"

_decode_any: Final = Decoder(object).decode
_encode: Final = Encoder().encode


class _Error(Struct):
    message: str
    type: str
    code: str
    param: None = None


class _ErrorBody(Struct):
    error: _Error


def write_failure(code: str, message: str) -> bytes:
    """Write the event that makes OpenAI's SDK raise in the middle of a stream."""
    return b"data: %b\n\n" % _encode(_ErrorBody(_Error(message, "server_error", code)))


class Head(Struct, frozen=True, gc=False):
    """What every chunk of a stream says of the answer."""

    id: str
    created: int
    """Unix seconds."""
    model: str
    fingerprint: str = ""
    """Of the provider's system; empty: it has none."""

    def write(self) -> bytes:
        """Write a chunk up to its choices."""
        head = b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,' % (
            _encode(self.id),
            self.created,
            _encode(self.model),
        )
        if not self.fingerprint:
            return head
        return b'%b"system_fingerprint":%b,' % (head, _encode(self.fingerprint))


def read_head(payload: bytes, fallback: Head) -> Head:
    """Read the head of a provider's chunk.

    Args:
        payload: The chunk; it need not be one.
        fallback: Stands in for what the chunk does not say.
    """
    try:
        value = _decode_any(mended(payload))
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return fallback
    fields = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    created = fields.get("created")
    return Head(
        _text(fields.get("id")) or fallback.id,
        int(created) if isinstance(created, int | float) and created else fallback.created,
        _text(fields.get("model")) or fallback.model,
        _text(fields.get("system_fingerprint")) or fallback.fingerprint,
    )


def write_usage_chunk(head: bytes, usage: Usage) -> bytes:
    """Write the chunk that tells the usage; `head` is a written one."""
    return b'%b"choices":[],"usage":%b}\n\n' % (head, _encode(write_usage(usage)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
