"""What went wrong at a provider: status, headers and body, or an error inside a stream."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from msgspec import DecodeError, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from ..core.terms import Cause, Failure
from .fault_table import (
    ANY,
    BAD_OUTPUT,
    CAPABILITY,
    KIND_STATUSES,
    KIND_WORDS,
    PAGE_STARTS,
    PAGES,
    QUOTA,
    SERVER,
    STATUSES,
    TYPES,
    UNHINTED_429,
    WORDS,
    Meaning,
    fragments_at,
)
from .mask import masked
from .retry_after import read_retry_after, read_wait

_decode: Final = Decoder(object).decode

_PASSED_ON: Final = frozenset({Cause.CALLER, Cause.POLICY, Cause.CONTEXT, Cause.CAPABILITY})
"""Causes whose message the caller must see; no pause follows from them."""
_LONG_WAIT_S: Final = 3600.0
"""A delay of its own field beyond this speaks of a quota, not of a rate."""
_HEAD_CHARS: Final = 4000
"""So much of a message is searched for fragments."""

_quoted: Final = re.compile(r"(?<![a-z0-9])'[^']*'|\"[^\"]*\"|`[^`]*`").sub
_limit: Final = re.compile(r"limit:? ([\d,]{1,20})\b").search
_requested: Final = re.compile(r"requested:? ([\d,]{1,20})").search
_NESTED: Final = frozenset({"innererror", "details", "metadata"})
"""Members of an error that hold objects of their own."""

_zero_quota: Final = re.compile(r"\blimit: 0\b").search

_Object = Mapping[str, object]
_NOTHING: Final[_Object] = {}


class Fault(Struct, frozen=True):
    """An error as its provider told it, whatever the shape."""

    words: tuple[str, ...] = ()
    """Codes, types and reasons in lower case, the most telling first."""
    message: str = ""
    code: str = ""
    param: str | None = None
    delay: str = ""
    """A delay that the body gives in a field of its own; empty: none."""


def read_fault(kind: str, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
    """Classify an answer whose status is not 2xx."""
    error = _decoded(body)
    fault = read_error(error)
    if amazon := headers.get(b"x-amzn-errortype"):
        word = amazon.decode("latin-1").partition(":")[0].strip().lower()
        fault = Fault((*fault.words, word), fault.message, fault.code, fault.param)
    if status in PAGES and error is None and body.lstrip().startswith(PAGE_STARTS):
        meaning = SERVER
    else:
        meaning = _meaning(kind, status, fault)
    return _failure(meaning, kind, status, headers, fault)


def read_in_band(kind: str, error: bytes) -> Failure:
    """Classify an error inside an answer that began as a 200.

    Args:
        kind: The provider's kind.
        error: The error object, an object that holds it, or plain text.
    """
    value = _decoded(error)
    fault = read_error(value)
    if value is None or isinstance(value, str):
        fault = Fault(message=value or error.decode("utf-8", "replace"))
    number = _status(_outer(value))
    status = number if 400 <= number < 600 else ANY
    return _failure(_meaning(kind, status, fault), kind, 200, {}, fault)


def after_translation(failure: Failure) -> Failure:
    """Say what a failure means when the request was not sent as the caller wrote it.

    What a provider then finds wrong with the request is a limit of the target or a fault of ours:
    another target may well serve it. A prompt that is too long or against a policy stays so.
    """
    if failure.cause is not Cause.CALLER:
        return failure
    return replace(failure, cause=CAPABILITY.cause, detail=CAPABILITY.detail)


def read_error(value: object) -> Fault:
    """Read a decoded error body of any provider's shape."""
    outer = _outer(value)
    if "response" in outer and "error" not in outer:
        outer = _object(outer["response"])
    error = outer.get("error")
    if isinstance(error, str):
        return Fault(message=error, words=_words(outer))
    inner = _object(error) or outer
    words = _words(inner)
    message = _said(inner)
    if "metadata" in inner:
        upstream = _upstream(_object(inner["metadata"]).get("raw"))
        words = (*words, *upstream.words)
        message = f"{message}: {upstream.message}" if upstream.message else message
    code = inner.get("code")
    param = inner.get("param")
    return Fault(
        words=words,
        message=message,
        code=code if isinstance(code, str) else _text(inner.get("type")),
        param=param if isinstance(param, str) else None,
        delay=_delay(inner),
    )


def _meaning(kind: str, status: int, fault: Fault) -> Meaning:
    """Decide by words of the kind, words, message, status, types."""
    text = fault.message[:_HEAD_CHARS].lower()
    if "'" in text or '"' in text or "`" in text:
        text = _quoted(" ", text)
    if status in {413, 429} and _never_fits(text):
        return CAPABILITY
    for table in (KIND_WORDS.get(kind, {}), WORDS):
        for word in fault.words:
            if meaning := table.get((status, word)) or table.get((ANY, word)):
                return _hinted(meaning, status, fault)
    for fragment in fragments_at(status):
        if fragment.text in text and fragment.also in text:
            return fragment.meaning
    return _by_status(kind, status, fault)


def _by_status(kind: str, status: int, fault: Fault) -> Meaning:
    if status != ANY:
        meaning = KIND_STATUSES.get(kind, {}).get(status) or STATUSES.get(status, SERVER)
        return _hinted(meaning, status, fault)
    return next((TYPES[word] for word in fault.words if word in TYPES), SERVER)


def _hinted(meaning: Meaning, status: int, fault: Fault) -> Meaning:
    """Tell a spent quota from a rate limit by the delay that comes with it."""
    if status == 429 and meaning.cause is Cause.THROTTLE:
        wait = read_wait(fault.delay, b"")
        if wait is not None and wait > _LONG_WAIT_S:
            return QUOTA
    return meaning


def _never_fits(text: str) -> bool:
    """Say whether the request alone is larger than the limit per minute."""
    limit = _limit(text)
    requested = _requested(text, limit.end()) if limit is not None else None
    if limit is None or requested is None:
        return False
    return _tokens(requested[1]) > _tokens(limit[1])


def _tokens(number: str) -> int:
    return int(number.replace(",", "") or "0")


def _failure(
    meaning: Meaning, kind: str, status: int, headers: Mapping[bytes, bytes], fault: Fault
) -> Failure:
    if meaning.cause in _PASSED_ON:
        return Failure(
            meaning.cause,
            meaning.detail,
            status,
            message=masked(fault.message),
            code=masked(fault.code),
            param=fault.param,
        )
    wait = read_retry_after(
        headers, fault.message, fault.delay, exhausted=meaning.cause is Cause.THROTTLE
    )
    if status == 429 and wait is None and meaning.cause is Cause.THROTTLE:
        meaning = UNHINTED_429.get(kind, meaning)
    return Failure(
        meaning.cause, meaning.detail, status, retry_after_s=None if meaning is BAD_OUTPUT else wait
    )


def _words(error: _Object) -> tuple[str, ...]:
    """Return what may classify, the most telling first."""
    get, param = error.get, error.get("param")
    found = [
        *(() if _NESTED.isdisjoint(error) else _inner_words(error)),
        *_quotas(error),
        f"param={param}" if isinstance(param, str) and param else None,
        get("code"),
        get("type"),
        get("status"),
        _text(get("__type")).rpartition("#")[2] or None,
        *(_object(issue).get("type") for issue in _list_of_issues(error)),
    ]
    return tuple([str(word).lower() for word in found if isinstance(word, str | int)])


def _inner_words(error: _Object) -> Iterator[object]:
    """Yield what says more than the error's own code."""
    metadata = _object(error.get("metadata"))
    details = error.get("details")
    yield _object(error.get("innererror")).get("code")
    yield (code := _object(details).get("error_code"))
    if isinstance(code, str) and code.startswith("cmek_"):
        yield "cmek"
    yield metadata.get("error_type")
    yield metadata.get("limit_source")
    if "flagged_input" in metadata:
        yield "moderation"
    for detail in _list(details):
        yield _object(detail).get("reason")


def _quotas(error: _Object) -> Iterator[str]:
    """Yield own words for what is said of a quota in prose, under a code that says less."""
    message = _text(error.get("message"))[:_HEAD_CHARS].lower()
    if "limit: 0" in message and _zero_quota(message):
        yield "quota_limit_zero"
    if "tokens per day, please wait" in message:
        yield "quota_per_day"
    if "resource exhausted" in message and "again later" in message and not _delay(error):
        yield "shared_capacity_used_up"
    for detail in _list(error.get("details")):
        for violation in _list(_object(detail).get("violations")):
            if "perday" in _text(_object(violation).get("quotaId")).lower():
                yield "quota_per_day"


def _delay(error: _Object) -> str:
    for detail in _list(error.get("details")):
        if delay := _text(_object(detail).get("retryDelay")):
            return delay
    # Quirk: OpenRouter's own limits name their reset in headers that it quotes in the body.
    reset = _object(_object(error.get("metadata")).get("headers")).get("X-RateLimit-Reset")
    return _text(reset)


def _outer(value: object) -> _Object:
    """Return the object that an error's body is, or the first one of an array."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        value = items[0] if items else None
    return _object(value)


def _status(outer: _Object) -> int:
    """Return the status that a body names, in its error or beside it; 0: none."""
    return _number(_object(outer.get("error"))) or _number(outer)


def _number(error: _Object) -> int:
    for key in ("status_code", "statusCode", "code", "status"):
        value = error.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return 0


def _said(error: _Object) -> str:
    """Return the message, whatever its name; of a validating front, what it says of each field."""
    message = error.get("message", error.get("Message", error.get("detail")))
    if isinstance(message, str) and message:
        return message
    said = [_text(error.get("detail"))] if isinstance(error.get("detail"), str) else []
    for issue in map(_object, _list_of_issues(error)):
        place = ".".join(str(step) for step in _list(issue.get("loc")))
        said.append(f"{place}: {_text(issue.get('msg'))}")
    return "; ".join(said)


def _list_of_issues(error: _Object) -> list[object]:
    """Return what a validating front lists. Quirk: Mistral wraps the list in its message."""
    if "detail" in error:
        return _list(error["detail"])
    message = error.get("message")
    return _list(_object(message).get("detail")) or _list(message)


def _upstream(raw: object) -> Fault:
    """Read the answer of the provider behind a router, as the router quotes it."""
    if not isinstance(raw, str):
        return Fault()
    value = _decoded(raw.encode("utf-8", "replace"))
    if not isinstance(value, dict):
        return Fault(message=raw)
    inner = _object(cast("object", value))
    error = _object(inner.get("error")) or inner
    return Fault(words=_words(error), message=_text(error.get("message")))


def _decoded(body: bytes) -> object:
    """Return the JSON value; None: it is none."""
    try:
        return _decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _object(value: object) -> _Object:
    return cast("_Object", value) if isinstance(value, dict) else _NOTHING


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
