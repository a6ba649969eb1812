"""How long a provider asks to wait, in whichever of its many ways it says so."""

import re
from calendar import timegm
from collections.abc import Mapping
from datetime import datetime
from email.utils import mktime_tz, parsedate_tz
from typing import Final

MAX_S: Final = 86_400.0
"""Longer hints are cut to a day."""

_EPOCH_S: Final = 1e9
"""A larger number is a point in time, in Unix seconds ..."""
_EPOCH_MS: Final = 1e12
"""... and from here on in milliseconds."""

_HINT_CHARS: Final = 64
"""A longer hint is none."""

_TEXT_CHARS: Final = 4000
"""So much of a message is searched."""

_SECONDS: Final[Mapping[str, float]] = {
    "us": 1e-6,
    "\u00b5s": 1e-6,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "m": 60.0,
    "min": 60.0,
    "mins": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86_400.0,
    "day": 86_400.0,
    "days": 86_400.0,
}
_PIECE: Final = r"(\d{1,12}(?:\.\d{1,12})?) ?([a-z\u00b5]{1,12})"
_pieces: Final = re.compile(_PIECE).findall
_whole: Final = re.compile(rf"(?:{_PIECE}\s?)+").fullmatch
_said: Final = re.compile(
    r"(?:try again|retry|retrying|wait)(?: your request)?(?: in| after| for)?:? "
    r"((?:\d{1,12}(?:\.\d{1,12})? ?"
    r"(?:milliseconds?|ms|us|hours?|h|minutes?|mins?|m|seconds?|secs?|s|days?|d)\b ?"
    r"|\d{1,12}(?:\.\d{1,12})?(?:h|ms|m|s|us|d)(?=\d))+)"
).search


def read_retry_after(
    headers: Mapping[bytes, bytes], text: str, delay: str, *, exhausted: bool
) -> float | None:
    """Return the seconds to stay away, within [0, `MAX_S`]; None: nothing usable was said.

    Args:
        headers: Of the answer, names in lower case. Points in time are read against its `date`.
        text: The error's message.
        delay: A delay that the body gives in a field of its own, such as RetryInfo; may be empty.
        exhausted: The reset headers of used-up limits may answer when nothing else does.
    """
    date = headers.get(b"date", b"")
    milliseconds = headers.get(b"retry-after-ms")
    if milliseconds is not None and (seconds := _number(milliseconds)) is not None:
        return _clamped(seconds / 1000)
    for hint in (headers.get(b"retry-after", b"").decode("latin-1"), delay):
        if hint and (seconds := read_wait(hint, date)) is not None:
            return _clamped(seconds)
    if (seconds := _in_words(text[:_TEXT_CHARS].lower())) is not None:
        return _clamped(seconds)
    return _latest_reset(headers, date) if exhausted else None


def _in_words(text: str) -> float | None:
    """Read what a message in lower case says of a wait."""
    if "again" not in text and "retry" not in text and "wait" not in text:
        return None
    said = _said(text)
    if said is None:
        return None
    return read_wait(said[1].replace("milliseconds", "ms").replace("millisecond", "ms"), b"")


def read_wait(value: str, date: bytes) -> float | None:
    """Read a duration or a point in time as seconds from `date`.

    Args:
        value: As a provider wrote it.
        date: The `Date` header of the same answer; empty: there is none. It is read where a
            point in time asks for it, since that is dear and durations are usual.
    """
    value = value.strip()
    if not value or len(value) > _HINT_CHARS:
        return None
    number = _number(value.encode("latin-1", "replace"))
    if number is not None:
        return _from(number, date)
    lower = value.lower()
    if _whole(lower):
        pieces = [(float(size), _SECONDS.get(unit)) for size, unit in _pieces(lower)]
        if all(unit is not None for _, unit in pieces):
            return sum(size * (unit or 0.0) for size, unit in pieces)
    at = _date(value.encode("latin-1", "replace"))
    if at is None:
        at = _timestamp(value)
    return None if at is None else _until(at, date)


def _from(number: float, date: bytes) -> float | None:
    if number <= _EPOCH_S:
        return number
    return _until(number / 1000 if number > _EPOCH_MS else number, date)


def _until(at: float, date: bytes) -> float | None:
    now = _date(date)
    return None if now is None else max(at - now, 0.0)


def _number(value: bytes) -> float | None:
    """Return a finite number from 0 on, else None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _clamped(seconds: float) -> float:
    return min(seconds, MAX_S)


def _date(value: bytes) -> float | None:
    parsed = parsedate_tz(value.decode("latin-1"))
    if parsed is None:
        return None
    try:
        return float(mktime_tz(parsed) if parsed[9] is not None else timegm((*parsed[:6], 0, 0, 0)))
    except (ValueError, OverflowError):
        return None


def _timestamp(value: str) -> float | None:
    """Read RFC 3339."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.timestamp() if at.tzinfo is not None else None


def _latest_reset(headers: Mapping[bytes, bytes], date: bytes) -> float | None:
    """Return the latest reset of the limits of which nothing remains."""
    waits = [
        wait
        for name, value in headers.items()
        if b"ratelimit" in name
        and (
            (b"remaining" in name and _number(value) == 0)
            or (name == b"x-ratelimit-reset" and b"x-ratelimit-remaining" not in headers)
        )
        and (reset := headers.get(name.replace(b"remaining", b"reset"))) is not None
        and (wait := read_wait(reset.decode("latin-1"), date)) is not None
    ]
    return _clamped(max(waits)) if waits else None
