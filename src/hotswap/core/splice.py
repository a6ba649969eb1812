"""Whether an answer that broke off may go on at another target.

It may, where another model can take up the words that the caller has: one choice of plain text,
not too long, not too often. What a model is bound to from the first character on (a grammar,
log probabilities of its own tokens, sound, a conversation that its provider keeps) cannot be
taken up, and so it ends in an error that the caller's SDK raises.
"""

from math import floor
from typing import Final

from .settings import Streaming
from .terms import Needs

BYTES_PER_TOKEN: Final = 3.6
"""Of answers, across languages; an estimate that errs on the high side."""
BYTES_PER_TOKEN_MOST: Final = 6.0
"""No usual text has more: by it a limit is never taken for reached before it is."""

_BARS: Final = ("several", "logprobs", "audio")
"""Needs of whose answers nothing can be taken up."""


def bar_to_splice(rule: Streaming, needs: Needs, *, splices: int, text: str) -> str:
    """Say why a broken answer cannot go on elsewhere, in one word; empty: it can.

    Args:
        rule: The chain's.
        needs: Of the request.
        splices: How often the answer has been taken up already.
        text: What the caller has of it.
    """
    if not rule.splice:
        return "off"
    for need in _BARS:
        if getattr(needs, need):
            return need
    if needs.json_object or needs.json_schema:
        return "structured"
    if splices >= rule.max_splices:
        return "max_splices"
    return "too_long" if tokens_in(text) > rule.max_tokens else ""


def tokens_in(text: str) -> int:
    """Estimate the tokens of an answer's words."""
    return round(len(text.encode()) / BYTES_PER_TOKEN)


def tokens_left(max_tokens: int | None, text: str) -> int | None:
    """Return how many tokens the limit leaves after `text`, at least 1; None: there is no limit.

    It errs on the high side: an answer may become a little longer than was asked, but never ends
    for a limit that was not reached. No API takes a limit of 0.
    """
    if max_tokens is None:
        return None
    return max(max_tokens - floor(len(text.encode()) / BYTES_PER_TOKEN_MOST), 1)
