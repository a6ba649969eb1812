"""The tables of the page on failures, from the tables that the gateway itself goes by."""

from collections.abc import Iterable, Mapping
from typing import Final

from hotswap.core.settings import AuthRule, BreakerSettings, Retry
from hotswap.core.terms import RULES, Cause
from hotswap.dialects.fault_table import (
    ANY,
    FRAGMENTS,
    KIND_STATUSES,
    KIND_WORDS,
    SERVER,
    STATUSES,
    TYPES,
    UNHINTED_429,
    WORDS,
    Meaning,
    Words,
)

from .docs_tables import comments, table

_BREAKER: Final = BreakerSettings()

_COUNTS: Final = "counts in the target's breaker"
_NOBODY: Final = "nobody is blamed"

_AFTERMATH: Final[Mapping[Cause, str]] = {
    Cause.HARD: _COUNTS,
    Cause.HANG: _COUNTS,
    Cause.THROTTLE: (
        "the key is throttled for this model until the provider's hint; without one for a random"
        f" time up to {_BREAKER.throttle_s:g} s x 2^n, at most {_BREAKER.throttle_max_s:g} s"
    ),
    Cause.EXHAUSTED: (
        "the key is out for every model of its provider, and probed every"
        f" {_BREAKER.exhausted_s:g} s"
    ),
    Cause.AUTH: (
        f"after {AuthRule().failures} refusals in a row, of different requests, the key is out for"
        f" every model of its provider, and probed every {_BREAKER.auth_s:g} s"
    ),
    Cause.GONE: f"the key is out for this model, and probed every {_BREAKER.gone_s:g} s",
    Cause.CALLER: _NOBODY,
    Cause.POLICY: _NOBODY,
    Cause.QUALITY: _NOBODY,
    Cause.CANCEL: _NOBODY,
    Cause.CAPABILITY: _NOBODY,
    Cause.CONTEXT: _NOBODY,
}
"""What follows for target and key, by cause; the scopes of `RULES` in words."""


def causes() -> str:
    """Write what follows from each cause."""
    told = comments(Cause)
    rows: list[tuple[str, ...]] = []
    for cause, rule in RULES.items():
        trigger = f"`{rule.trigger.value}`" if rule.trigger is not None else "none"
        if cause is Cause.HANG:
            trigger += " or `latency`"
        rows.append(
            (
                f"`{cause.value}`",
                told[cause.name],
                _steps(cause),
                trigger if rule.move_on else "-",
                _AFTERMATH[cause],
            )
        )
    return table(("cause", "what it is", "this request", "needs trigger", "target and key"), rows)


def _steps(cause: Cause) -> str:
    rule = RULES[cause]
    if not rule.move_on:
        return "ends" if cause is Cause.CANCEL else "goes back to the caller"
    steps = ["next target"]
    if rule.next_key:
        steps.insert(0, "next key")
    if rule.retry_here:
        again = "the last target again"
        steps.append(again if cause.value in Retry().on else f"{again} if `retry.on` has it")
    return ", then ".join(steps)


def statuses() -> str:
    """Write what a status means where no word of the body says more."""
    rows = [(f"{status}", _named(meaning)) for status, meaning in sorted(STATUSES.items())]
    return table(("status", "cause and detail"), [*rows, ("any other", _named(SERVER))])


def differences() -> str:
    """Write what some kinds of providers mean by the same signs."""
    rows = [
        *(
            (kind, f"`{word}`", _named(to))
            for kind, of in KIND_WORDS.items()
            for word, to in _of(of)
        ),
        *(
            (kind, f"status {status}", _named(meaning))
            for kind, of in KIND_STATUSES.items()
            for status, meaning in of.items()
        ),
        *(
            (kind, "a 429 that names no time", _named(meaning))
            for kind, meaning in UNHINTED_429.items()
        ),
    ]
    return table(("kind", "sign", "cause and detail"), sorted(rows, key=lambda row: row[0]))


def words() -> str:
    """Write which codes and types decide for every kind of provider."""
    return _grouped((meaning, f"`{word}`") for word, meaning in _of(WORDS))


def fragments() -> str:
    """Write which words of a message decide."""
    return _grouped(
        (
            fragment.meaning,
            f"`{fragment.text}`" + _at(*sorted(fragment.statuses)),
        )
        for fragment in FRAGMENTS
    )


def types() -> str:
    """Write which types decide where there is no status."""
    return _grouped((meaning, f"`{word}`") for word, meaning in TYPES.items())


def _of(table_of: Words) -> Iterable[tuple[str, Meaning]]:
    """Yield words with the status they are bound to, if they are."""
    for (status, word), meaning in table_of.items():
        yield (word if status == ANY else f"{word}` at `{status}"), meaning


def _at(*statuses_: int) -> str:
    return f" at {', '.join(map(str, statuses_))}" if statuses_ else ""


def _named(meaning: Meaning) -> str:
    return f"`{meaning.cause.value}` {meaning.detail}"


def _grouped(signs: Iterable[tuple[Meaning, str]]) -> str:
    by_meaning: dict[str, list[str]] = {}
    for meaning, sign in signs:
        by_meaning.setdefault(_named(meaning), []).append(sign)
    rows = [(meaning, ", ".join(of)) for meaning, of in by_meaning.items()]
    return table(("cause and detail", "signs"), rows)
