"""A provider's hard limits of requests and tokens per minute, and what it tells of them.

It counts in one of three manners, as real providers do, and tells of it in one of five.
"""

import math
from collections import deque
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final, Literal, Protocol

from msgspec import Struct
from msgspec.json import encode
from msgspec.structs import replace

from ..clock import Clock
from .step import Step

MINUTE_S: Final = 60.0

Manner = Literal["fixed", "sliding", "bucket"]
"""A new count with each minute; the last 60 seconds; a token bucket that holds a minute's worth."""
Tells = Literal["openai", "anthropic", "gemini", "retry_after", "nothing"]
"""Headers of every answer and a text; headers with other names; a body that names the quota; only
how long to wait; not even that."""


class Caps(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The hard limits of an account."""

    requests: int = 0
    """Per minute; 0: no limit."""
    tokens: int = 0
    """Per minute, prompt and answer; 0: no limit."""
    manner: Manner = "sliding"
    tells: Tells = "openai"


class Refusal(Struct, frozen=True):
    """How a request beyond a limit is answered: a 429 with these."""

    headers: dict[str, str]
    body: bytes


class _Count(Protocol):
    cap: int

    def free_at(self, now: float) -> float: ...
    def take(self, amount: float, now: float) -> None: ...
    def wait_s(self, amount: float, now: float) -> float: ...
    def reset_s(self, now: float) -> float: ...


class _Fixed:
    def __init__(self, cap: int) -> None:
        self.cap = cap
        self._index = 0
        self._used = 0.0

    def free_at(self, now: float) -> float:
        index = int(now // MINUTE_S)
        if index != self._index:
            self._index, self._used = index, 0.0
        return self.cap - self._used

    def take(self, amount: float, now: float) -> None:
        self.free_at(now)
        self._used += amount

    def wait_s(self, amount: float, now: float) -> float:  # noqa: ARG002 - as the others
        return self.reset_s(now)

    def reset_s(self, now: float) -> float:
        return (self._index + 1) * MINUTE_S - now


class _Sliding:
    def __init__(self, cap: int) -> None:
        self.cap = cap
        self._taken: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def free_at(self, now: float) -> float:
        taken = self._taken
        while taken and taken[0][0] <= now - MINUTE_S:
            self._used -= taken.popleft()[1]
        return self.cap - self._used

    def take(self, amount: float, now: float) -> None:
        self._taken.append((now, amount))
        self._used += amount

    def wait_s(self, amount: float, now: float) -> float:
        missing = amount - self.free_at(now)
        for at, taken in self._taken:
            missing -= taken
            if missing <= 0:
                return at + MINUTE_S - now
        return MINUTE_S

    def reset_s(self, now: float) -> float:
        return self._taken[-1][0] + MINUTE_S - now if self._taken else 0.0


class _Bucket:
    def __init__(self, cap: int) -> None:
        self.cap = cap
        self._free = float(cap)
        self._at = 0.0

    def free_at(self, now: float) -> float:
        self._free = min(float(self.cap), self._free + (now - self._at) * self.cap / MINUTE_S)
        self._at = now
        return self._free

    def take(self, amount: float, now: float) -> None:
        self.free_at(now)
        self._free -= amount

    def wait_s(self, amount: float, now: float) -> float:
        return max(0.0, amount - self.free_at(now)) * MINUTE_S / self.cap

    def reset_s(self, now: float) -> float:
        return (self.cap - self.free_at(now)) * MINUTE_S / self.cap


_MANNERS: Final[dict[Manner, type[_Fixed] | type[_Sliding] | type[_Bucket]]] = {
    "fixed": _Fixed,
    "sliding": _Sliding,
    "bucket": _Bucket,
}
_UNITS: Final = ("requests", "tokens")


class Quota:
    """The count of one account.

    A request is admitted if it and its tokens fit. Tokens of the answer that were not known then
    are taken by `settle`, and may exceed the limit.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        make = _MANNERS[caps.manner]
        counts: tuple[_Count | None, ...] = (
            make(caps.requests) if caps.requests else None,
            make(caps.tokens) if caps.tokens else None,
        )
        self._counts = counts

    def ask(self, tokens: float, now: float) -> Refusal | None:
        """Admit a request and take what it costs, or say how it is refused.

        Args:
            tokens: Of the request, and of the answer as far as they are known.
            now: Seconds of any clock that only goes forward; windows begin at its full minutes.
        """
        costs = (1.0, tokens)
        for unit, count, cost in zip(_UNITS, self._counts, costs, strict=True):
            if count is not None and count.free_at(now) < cost:
                return self._refusal(unit, count, cost, now)
        for count, cost in zip(self._counts, costs, strict=True):
            if count is not None:
                count.take(cost, now)
        return None

    def settle(self, tokens: float, now: float) -> None:
        """Take tokens that were not known when the request was admitted."""
        if self._counts[1] is not None:
            self._counts[1].take(tokens, now)

    def headers(self, now: float, unix: float = 0.0) -> dict[str, str]:
        """Return what every answer tells of the limits; `unix` is the wall clock."""
        found: dict[str, str] = {}
        for unit, count in zip(_UNITS, self._counts, strict=True):
            if count is None:
                continue
            left, reset_s = max(0, math.floor(count.free_at(now))), count.reset_s(now)
            if self.caps.tells == "openai":
                found[f"x-ratelimit-limit-{unit}"] = str(count.cap)
                found[f"x-ratelimit-remaining-{unit}"] = str(left)
                found[f"x-ratelimit-reset-{unit}"] = f"{math.ceil(reset_s * 1000)}ms"
            elif self.caps.tells == "anthropic":
                found["date"] = formatdate(unix, usegmt=True)
                found[f"anthropic-ratelimit-{unit}-limit"] = str(count.cap)
                # Quirk: Anthropic tells tokens in thousands.
                shown = left if unit == "requests" else left // 1000 * 1000
                found[f"anthropic-ratelimit-{unit}-remaining"] = str(shown)
                found[f"anthropic-ratelimit-{unit}-reset"] = _timestamp(unix + reset_s)
        return found

    def _refusal(self, unit: str, count: _Count, cost: float, now: float) -> Refusal:
        wait_s = max(0.0, count.wait_s(cost, now))
        tells = self.caps.tells
        headers = {"retry-after": str(math.ceil(wait_s))}
        error: dict[str, object] = {"message": "Too many requests.", "type": "rate_limit_error"}
        if tells == "openai":
            used = count.cap - count.free_at(now)
            error = {
                "message": f"Rate limit reached for the model on {unit} per min"
                f" ({'RPM' if unit == 'requests' else 'TPM'}): Limit {count.cap},"
                f" Used {used:.0f}, Requested {cost:.0f}. Please try again in {wait_s:.3f}s.",
                "type": unit,
                "code": "rate_limit_exceeded",
            }
        elif tells == "gemini":
            headers = {}
            error = _google(unit, count.cap, wait_s)
        elif tells == "nothing":
            headers = {}
        return Refusal(headers, encode({"error": error}))


class Quotas:
    """The quotas of a scripted provider's keys, each with the same limits."""

    def __init__(self, caps: Caps, clock: Clock) -> None:
        self.caps = caps
        self._clock = clock
        self._quotas: dict[str, Quota] = {}

    def answer(self, step: Step, key: str) -> Step:
        """Return `step` with what its answer tells of the limits, or a 429 in its place.

        A request costs the tokens that the step counts: `prompt_tokens`, and `completion_tokens`
        if they are given.
        """
        quota = self._quotas.setdefault(key, Quota(self.caps))
        now, unix = self._clock.now(), self._clock.unix()
        refusal = quota.ask(step.prompt_tokens + (step.completion_tokens or 0), now)
        headers = quota.headers(now, unix)
        if refusal is not None:
            return Step(status=429, headers=headers | refusal.headers, body=refusal.body)
        return replace(step, headers=headers | dict(step.headers)) if headers else step


def _google(unit: str, cap: int, wait_s: float) -> dict[str, object]:
    what = "Requests" if unit == "requests" else "ContentInputTokens"
    violation = {
        "quotaMetric": f"generativelanguage.googleapis.com/generate_content_paid_tier_{unit}",
        "quotaId": f"Generate{what}PerMinutePerProjectPerModel",
        "quotaValue": str(cap),
    }
    google = "type.googleapis.com/google.rpc."
    return {
        "code": 429,
        "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": f"{google}QuotaFailure", "violations": [violation]},
            {"@type": f"{google}RetryInfo", "retryDelay": f"{wait_s:.3f}s"},
        ],
    }


def _timestamp(unix: float) -> str:
    """Write RFC 3339, in whole seconds as Anthropic does."""
    return datetime.fromtimestamp(math.ceil(unix), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
