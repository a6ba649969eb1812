"""Errors as callers of Anthropic's dialect understand them."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder

from ..api import AttemptNote

_encode: Final = Encoder().encode


class _Details(Struct):
    error_code: str
    param: str | None = None
    attempts: Sequence[AttemptNote] = ()


class _Error(Struct):
    type: str
    message: str
    details: _Details


class _ErrorBody(Struct):
    error: _Error
    type: str = "error"
    request_id: None = None
    """In a header of the answer."""


def error_body(
    kind: str,
    message: str,
    code: str,
    param: str | None = None,
    attempts: Sequence[AttemptNote] = (),
) -> bytes:
    """Write an error; `kind` is Anthropic's word for it, `code` is ours."""
    return _encode(_ErrorBody(_Error(kind, message, _Details(code, param, attempts))))


def write_failure(code: str, message: str) -> bytes:
    """Write the event that makes Anthropic's SDK raise in the middle of a stream."""
    kind = "overloaded_error" if code == "overloaded" else "api_error"
    return b"event: error\ndata: %b\n\n" % error_body(kind, message, code)
