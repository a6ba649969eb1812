"""How many requests may be sent twice: a share of all, by number and by tokens.

Two token buckets, filled by every request and emptied by hedges, so that an outage, in which every
request would be hedged, does not double the traffic (Dean and Barroso, The Tail at Scale, 2013;
budgets as in Finagle).
"""

from typing import Final

from .settings import Hedging

RESERVE: Final = 1.0
"""Hedges allowed before any share has gathered, so that little traffic may hedge at all."""
RESERVE_TOKENS: Final = 10_000.0
GATHERED_MAX: Final = 20.0
"""Times the reserve: what was not used in quiet hours is not saved up for longer."""


class HedgeBudget:
    """What one chain may hedge."""

    __slots__ = ("_number", "_tokens")

    def __init__(self) -> None:
        self._number = RESERVE
        self._tokens = RESERVE_TOKENS

    def started(self, rule: Hedging, tokens: int) -> None:
        """Take note of a request with its tokens, prompt and answer as far as they are known."""
        self._number = min(self._number + rule.max_share, RESERVE * GATHERED_MAX)
        gained = self._tokens + tokens * rule.max_spend_share
        self._tokens = min(gained, RESERVE_TOKENS * GATHERED_MAX)

    def allows(self, rule: Hedging, tokens: int) -> bool:
        """Say whether a request with a prompt of `tokens` may be sent twice."""
        return tokens <= min(rule.max_prompt_tokens, self._tokens) and self._number >= 1.0

    def take(self, tokens: int) -> None:
        """Count a request that is sent twice."""
        self._number -= 1.0
        self._tokens -= tokens


def delay_s(rule: Hedging, p95_s: float | None) -> float | None:
    """Return after how long without content a hedge starts; None: not enough is known yet."""
    if rule.after != "p95":
        return float(rule.after)
    if p95_s is None:
        return None
    return min(rule.after_max_s, max(rule.after_min_s, p95_s))
