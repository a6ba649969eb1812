"""The errors that providers send in their streams, in each provider's forms."""

from typing import Final

from ..form import encode
from ..simulation.providers import FORMS

_WORDS: Final = "The model is overloaded."
_LAST: Final = 100_000
"""A number that no event of a stream reaches."""
_EMPTY: Final[dict[str, object]] = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
_FAILED: Final[dict[str, object]] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "failed",
    "error": {"code": "server_error", "message": "Failed"},
    "model": "m1",
    "output": [],
}


def _data(value: object, event: bytes = b"", end: bytes = b"\n\n") -> bytes:
    name = b"event: %b\n" % event if event else b""
    return b"%bdata: %b%b" % (name, encode(value), end)


def _google(code: int, status: str) -> dict[str, object]:
    return {"error": {"code": code, "message": _WORDS, "status": status}}


_ERRORS: Final[dict[str, tuple[bytes, ...]]] = {
    "openai_chat": (
        _data({"error": {"message": _WORDS, "type": "server_error", "code": None}}),
        _data({"id": "1", "model": "m1", "error": {"code": 502}, "choices": [_EMPTY]}),
        _data({"error": {"message": "Rate limit", "type": "rate_limit_error"}}, b"error"),
        _data({"object": "error", "message": "The engine died.", "code": 500}),
    ),
    "openai_responses": (
        _data({"type": "error", "code": "server_error", "sequence_number": _LAST}, b"error"),
        _data(
            {"type": "response.failed", "sequence_number": _LAST, "response": _FAILED},
            b"response.failed",
        ),
    ),
    "anthropic": (
        _data(
            {"type": "error", "error": {"type": "overloaded_error", "message": _WORDS}}, b"error"
        ),
        _data({"type": "error", "error": {"type": "api_error", "message": _WORDS}}, b"error"),
    ),
    "gemini": (
        _data(_google(503, "UNAVAILABLE"), end=b"\r\n\r\n"),
        _data(_google(500, "INTERNAL"), end=b"\r\n\r\n"),
        encode(_google(503, "UNAVAILABLE")),
    ),
}
"""As the providers, the aggregators and the self-hosted servers write them; the last one of
Gemini is a body that is no event."""


def error_event(dialect: str, number: int) -> bytes:
    """Return an error in one of the forms of a dialect."""
    forms = _ERRORS[dialect]
    at = number % (len(forms) + 1)
    return forms[at] if at < len(forms) else FORMS[dialect].error_event(_WORDS, _LAST)
