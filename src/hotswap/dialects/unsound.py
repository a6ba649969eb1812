"""What makes a 200 no answer, in every dialect alike."""

from typing import Final

from ..core.terms import Cause, Failure

EMPTY: Final = Failure(Cause.QUALITY, "empty", 200)
"""It is whole, and has no content."""
MALFORMED: Final = Failure(Cause.HARD, "malformed", 200)
"""It cannot be read."""
TRUNCATED: Final = Failure(Cause.HARD, "truncated", 200)
"""It ended before it was whole."""
