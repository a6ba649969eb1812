"""Requests of one conversation go to one target, so that its prompt cache is of use.

Two things keep them there. The first choice among equals is drawn by the conversation's name
(weighted rendezvous hashing: Thaler and Ravishankar, 1998), so all workers draw alike without
talking, and a target that goes takes only its own conversations along. And each worker remembers
who answered a conversation last, which may be a fallback by now: its cache is the warm one.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from .settings import Sticky
from .terms import Target

_NAME_BYTES: Final = 16
_DRAW_BITS: Final = 53
"""Of a number in [0, 1) that a float holds exactly."""


def name_of(parts: Iterable[bytes]) -> bytes:
    """Return a short name for a conversation, the same for the same parts in any process."""
    digest = blake2b(digest_size=_NAME_BYTES)
    for part in parts:
        digest.update(b"%d " % len(part))
        digest.update(part)
    return digest.digest()


def draw(conversation: bytes, target: Target) -> float:
    """Return a number in [0, 1) that belongs to a conversation at a target."""
    digest = blake2b(target.id.encode(), digest_size=8, key=conversation).digest()
    return (int.from_bytes(digest) >> (64 - _DRAW_BITS)) / (1 << _DRAW_BITS)


class _Answered(Struct, frozen=True, gc=False):
    target: str
    until: float


class Conversations:
    """Which target answered each conversation of a chain last.

    Holds as many as the chain's settings say; the one that was quiet for longest is forgotten.
    """

    __slots__ = ("_answered",)

    def __init__(self) -> None:
        self._answered: dict[bytes, _Answered] = {}
        """The one that was quiet for longest comes first."""

    def __len__(self) -> int:
        return len(self._answered)

    def last(self, conversation: bytes, now: float) -> str:
        """Return the id of the target that answered last; empty: none, or too long ago."""
        found = self._answered.get(conversation)
        if found is None or now >= found.until:
            return ""
        return found.target

    def on_answer(self, conversation: bytes, target: str, now: float, rule: Sticky) -> None:
        """Note that `target` answered."""
        answered = self._answered
        answered.pop(conversation, None)
        answered[conversation] = _Answered(target, now + rule.ttl_s)
        while len(answered) > rule.conversations:
            del answered[next(iter(answered))]
