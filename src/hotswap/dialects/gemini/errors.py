"""Errors as Google's SDK understands them, whole and inside a stream."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.json import Encoder

from ..api import AttemptNote

STATUS_WORDS: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_STREAM_STATUSES: Final[Mapping[str, int]] = {"rate_limit_exceeded": 429, "timeout": 504}
"""Status of an error inside a stream, by its code; 503 where the code is another."""

_encode: Final = Encoder().encode


def error_body(
    status: int,
    code: str,
    message: str,
    param: str | None = None,
    attempts: Sequence[AttemptNote] = (),
) -> bytes:
    """Write an error; the code is its reason, attempts and the parameter are details."""
    word = STATUS_WORDS.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    reason: dict[str, object] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": code,
        "domain": "hotswap",
    }
    if param is not None:
        reason["metadata"] = {"param": param}
    details = [reason]
    if attempts:
        kind = "type.googleapis.com/google.protobuf.Struct"
        details.append({"@type": kind, "value": {"attempts": attempts}})
    error = {"code": status, "message": message, "status": word, "details": details}
    return _encode({"error": error})


def stream_error(code: str, message: str, *, array: bool) -> bytes:
    """Write the event that makes the SDK raise; in an array, its last element but not its first."""
    body = in_band_body(code, message)
    return b",\r\n%b]" % body if array else b"data: %b\n\n" % body


def in_band_body(code: str, message: str) -> bytes:
    """Write an error for the inside of a stream."""
    return error_body(_STREAM_STATUSES.get(code, 503), code, message)
