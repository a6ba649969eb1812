"""What providers say of their rate limits: in the headers of answers, and in refusals.

Every answer of a busy provider passes here, so little is done for those that are far from a limit:
what is left is read as a number, and only where it is less than half of the limit, the reset too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, cast

from msgspec import DecodeError, Struct, field
from msgspec.json import Decoder

from ..core.headroom import Unit, Window
from .retry_after import MAX_S, read_wait

_decode: Final = Decoder(object).decode

_MOST: Final = 1e12
"""A larger limit is none."""
_PLENTY: Final = 0.5
"""Share of a limit: while more is left than this, neither how much nor the reset matters."""
_TEXT_CHARS: Final = 4000
"""So much of a message is searched."""


class _Names(Struct, frozen=True):
    """The headers that tell of one limit."""

    unit: Unit
    limit: bytes
    remaining: bytes
    reset: bytes = b""
    minute: bool = True
    kept: dict[bytes, Window] = field(default_factory=dict[bytes, Window])
    """Windows of which plenty is left, by the limit as it was written: the same value each time."""


def _usual(unit: Unit, name: str, *, minute: bool = True) -> _Names:
    limit, remaining, reset = (f"x-ratelimit-{what}-{name}".encode() for what in _WHATS)
    return _Names(unit, limit, remaining, reset, minute)


def _anthropic(unit: Unit, name: str) -> _Names:
    limit, remaining, reset = (f"anthropic-ratelimit-{name}-{what}".encode() for what in _WHATS)
    return _Names(unit, limit, remaining, reset)


_WHATS: Final = ("limit", "remaining", "reset")
_OPENAI: Final = (
    _usual(Unit.REQUESTS, "requests"),
    _usual(Unit.TOKENS, "tokens"),
    _usual(Unit.TOKENS, "project-tokens"),
)
_MISTRAL: Final = (
    _usual(Unit.REQUESTS, "req-minute"),
    _usual(Unit.TOKENS, "tokens-minute"),
    # The older names of the limit of tokens.
    _Names(
        Unit.TOKENS,
        b"x-ratelimitbysize-limit-minute",
        b"x-ratelimitbysize-remaining-minute",
        b"ratelimitbysize-reset",
    ),
    _Names(
        Unit.TOKENS,
        b"ratelimitbysize-limit",
        b"ratelimitbysize-remaining",
        b"ratelimitbysize-reset",
    ),
)
_BARE: Final = (
    _Names(
        Unit.REQUESTS,
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        minute=False,
    ),
)
"""Without a unit: requests, per nobody knows how long."""

FAMILIES: Final[Mapping[str, tuple[_Names, ...]]] = MappingProxyType(
    {
        "anthropic": (
            _anthropic(Unit.REQUESTS, "requests"),
            _anthropic(Unit.INPUT, "input-tokens"),
            _anthropic(Unit.OUTPUT, "output-tokens"),
            _anthropic(Unit.TOKENS, "tokens"),
        ),
        "google": (),
        # Requests are those of a day.
        "groq": (_usual(Unit.REQUESTS, "requests", minute=False), _usual(Unit.TOKENS, "tokens")),
        "mistral": _MISTRAL,
        "cohere": (
            _Names(
                Unit.REQUESTS,
                b"x-trial-endpoint-call-limit",
                b"x-trial-endpoint-call-remaining",
                b"x-ratelimit-reset",
                minute=False,
            ),
        ),
        "openrouter": _BARE,
        "deepseek": (),
        "ollama": (),
        "llamacpp": (),
    }
)
"""By kind of provider; all others speak as OpenAI does, if at all."""

_KEPT_MAX: Final = 100
"""Of each limit."""


def read_windows(kind: str, headers: Mapping[bytes, bytes]) -> Sequence[Window]:
    """Read the limits that an answer tells of, whatever its status.

    Args:
        kind: Of the provider.
        headers: Names in lower case.
    """
    found: Sequence[Window] = ()
    get = headers.get
    for names in FAMILIES.get(kind, _OPENAI):
        limit = get(names.limit)
        if limit is None:
            continue
        plenty = names.kept.get(limit) or _plenty(names, limit)
        if plenty is None:
            continue
        try:
            remaining = float(get(names.remaining, b""))
        except ValueError:
            remaining = -1.0
        if remaining >= _PLENTY * plenty.limit:
            window = plenty
        else:
            window = _scarce(plenty, remaining, names, headers)
        found = (*found, window)
    return found


def _plenty(names: _Names, limit: bytes) -> Window | None:
    """Read a limit of which enough is left; None: it is none."""
    number = _number(limit)
    if not 0 < number <= _MOST:
        return None
    plenty = Window(names.unit, number, minute=names.minute)
    if len(names.kept) < _KEPT_MAX:
        names.kept[limit] = plenty
    return plenty


def _scarce(
    plenty: Window, remaining: float, names: _Names, headers: Mapping[bytes, bytes]
) -> Window:
    if not remaining >= 0:  # neither does NaN count
        return plenty
    reset = headers.get(names.reset)
    wait = None if reset is None else _wait(reset, headers)
    return Window(plenty.unit, plenty.limit, remaining, wait, plenty.minute)


def _wait(reset: bytes, headers: Mapping[bytes, bytes]) -> float | None:
    """Read a reset in seconds from now, a day at most; mostly it is a number and its unit."""
    wait = -1.0
    if reset.endswith(b"s"):
        wait = _number(reset[:-2]) / 1000 if reset.endswith(b"ms") else _number(reset[:-1])
    if wait >= 0:
        return min(wait, MAX_S)
    told = read_wait(reset.decode("latin-1"), headers.get(b"date", b""))
    return None if told is None else min(told, MAX_S)


def _number(value: bytes) -> float:
    """Return a finite number from 0 on, or -1."""
    if value.isdigit() and len(value) < 16:
        return float(value)
    try:
        number = float(value)
    except ValueError:
        return -1.0
    return number if 0 <= number < float("inf") else -1.0


_said: Final = re.compile(
    r"\((rpm|tpm|itpm|otpm)\):? limit:? ([\d,]{1,20})(?:,? used:? ([\d,]{1,20}))?"
).search
_UNITS: Final[Mapping[str, Unit]] = MappingProxyType(
    {
        "rpm": Unit.REQUESTS,
        "tpm": Unit.TOKENS,
        "itpm": Unit.INPUT,
        "otpm": Unit.OUTPUT,
    }
)
_anthropic_said: Final = re.compile(
    r"rate limit (?:for your organization )?(?:\([^()]{1,80}\) )?of ([\d,]{1,20})"
    r" (requests|input tokens|output tokens|tokens) per minute"
).search
_ANTHROPIC_UNITS: Final[Mapping[str, Unit]] = MappingProxyType(
    {
        "requests": Unit.REQUESTS,
        "tokens": Unit.TOKENS,
        "input tokens": Unit.INPUT,
        "output tokens": Unit.OUTPUT,
    }
)
_untitled: Final = re.compile(r"\blimit:? ([\d,]{1,20}), used:? ([\d,]{1,20}), requested").search
_TYPES: Final[Mapping[object, Unit]] = MappingProxyType(
    {"requests": Unit.REQUESTS, "tokens": Unit.TOKENS}
)
"""What a limit counts by the type of its error, which is all that some say of it."""
_other: Final = re.compile(
    r"\bper (?:\d+ )?(?:second|hour|day|week|month)|\((?:rp|tp)[shd]\)|\(ipm\)"
    r"|\bconcurren|\bimages?\b|\baudio\b"
).search
"""Limits of another unit, or per another time than a minute."""


def read_named(body: bytes) -> tuple[Window, ...]:
    """Read the limits per minute that a refusal names in its body.

    The message of OpenAI, Groq and Azure names limit and use, Anthropic's the limit; Google has a
    list of violations.
    """
    try:
        value = _decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    if isinstance(value, list):
        items = cast("list[object]", value)
        value = items[0] if items else None
    outer = _object(value)
    error = _object(outer.get("error")) or outer
    violations = tuple(_violations(error))
    if violations:
        return violations
    message = error.get("message")
    if not isinstance(message, str):
        return ()
    window = _in_words(message[:_TEXT_CHARS].lower(), error.get("type"))
    return (window,) if window is not None else ()


def _in_words(text: str, type_: object) -> Window | None:
    """Read a message in lower case; the type is that of its error."""
    if (said := _said(text)) is not None:
        return _named(_UNITS[said[1]], said[2], said[3])
    if (said := _anthropic_said(text)) is not None:
        return _named(_ANTHROPIC_UNITS[said[2]], said[1], None)
    unit = _TYPES.get(type_) if isinstance(type_, str) else None
    if unit is None or _other(text) is not None or (said := _untitled(text)) is None:
        return None
    return _named(unit, said[1], said[2])


def _named(unit: Unit, limit: str, used: str | None) -> Window | None:
    number = _digits(limit)
    if not 0 < number <= _MOST:
        return None
    remaining = None if used is None else max(0.0, number - _digits(used))
    return Window(unit, number, remaining)


def _violations(error: Mapping[str, object]) -> Iterator[Window]:
    """Yield the limits per minute among Google's violated quotas."""
    for detail in _list(error.get("details")):
        for violation in map(_object, _list(_object(detail).get("violations"))):
            id_, value = violation.get("quotaId"), violation.get("quotaValue")
            if not isinstance(id_, str) or "perminute" not in id_.lower():
                continue
            number = _digits(value) if isinstance(value, str) else 0.0
            if 0 < number <= _MOST:
                tokens = "token" in f"{violation.get('quotaMetric')} {id_}".lower()
                yield Window(Unit.INPUT if tokens else Unit.REQUESTS, number)


def _digits(text: str) -> float:
    digits = text.replace(",", "")
    return float(digits) if digits.isdigit() and digits.isascii() and len(digits) < 16 else 0.0


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
