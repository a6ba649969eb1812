"""Ids of tool calls where a server gives none, or takes only short ones.

They are made by hashing, so the same call has the same id on every attempt without any memory.
"""

from hashlib import sha256
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MADE_LENGTH: Final = 24


def made_id(wire: bytes, number: int) -> str:
    """Return an id for a call that has none.

    Args:
        wire: The bytes that brought the call; those of two answers differ.
        number: Tells the call from others in these bytes.
    """
    return "call_" + _hashed(b"%d %b" % (number, wire), _MADE_LENGTH)


def fitting_id(call_id: str, longest: int, *, exact: bool) -> str:
    """Return the id as it is if a server takes it, else another one, always the same.

    Args:
        call_id: The id as the caller knows it.
        longest: Characters that the server takes, at most 42; 0: any number.
        exact: It takes this very number, and letters and digits only.
    """
    if exact:
        sound = len(call_id) == longest and call_id.isascii() and call_id.isalnum()
    else:
        sound = not longest or len(call_id) <= longest
    return call_id if sound else _hashed(call_id.encode(), longest)


def _hashed(seed: bytes, length: int) -> str:
    number = int.from_bytes(sha256(seed).digest(), "big")
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
