"""Mends JSON that holds half of a surrogate pair, as clients that cut strings in UTF-16 send it."""

import re
from typing import Final

_REPLACEMENT: Final = rb"\ufffd"

_escapes: Final = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^u])"  # whole pairs, others
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
).sub


def mended(text: bytes) -> bytes:
    """Return JSON text with each lone surrogate escape replaced by U+FFFD."""
    return _escapes(lambda found: found[1] or _REPLACEMENT, text)
