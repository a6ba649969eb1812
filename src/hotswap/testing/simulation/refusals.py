"""Error statuses in the form of each provider, with the keys that providers tell in them."""

from collections.abc import Mapping
from typing import Final

from msgspec.json import encode

from ...upstream.api import Headers
from ..form import Form
from ..step import Step
from .scenario import Kind, Trouble

JSON: Final = (b"content-type", b"application/json")
_PREFILL: Final = "This model does not support assistant message prefill."

Refusal = tuple[int, Headers, bytes]
_STATUSES: Final[Mapping[Kind, int]] = {Kind.MONEY: 402, Kind.GONE: 404, Kind.CALLER: 400}


def refusal(trouble: Trouble, form: Form, secret: str) -> Refusal:
    """Write the head and body of an error."""
    match trouble.kind:
        case Kind.THROTTLE:
            if trouble.wait_s is not None:
                return _of_step(form.limited(trouble.wait_s))
            return 429, dict((JSON,)), form.error_body(429)
        case Kind.AUTH:
            words = f"Incorrect API key provided: {secret}."
            return 401, dict((JSON,)), form.error_body(401, words)
        case _:
            status = _STATUSES.get(trouble.kind, trouble.status)
            words = f"The server had an error (key: {secret})." if status >= 500 else ""
            return status, dict((JSON,)), form.error_body(status, words)


def prefill_refused(form: Form) -> Refusal:
    """Write the 400 of a model that continues no answer that was begun for it."""
    return 400, dict((JSON,)), form.error_body(400, _PREFILL)


def _of_step(step: Step) -> Refusal:
    headers = {name.encode(): value.encode() for name, value in step.headers.items()}
    body = step.body if isinstance(step.body, bytes) else encode(step.body)
    return step.status, {**dict((JSON,)), **headers}, body
