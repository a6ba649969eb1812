"""Refusals of chat requests that cannot be understood, each with the place of the fault."""

from ...errors import RefusedError


def refused(param: str, problem: str) -> RefusedError:
    """Return the refusal of a field whose value means nothing; `problem` ends the sentence."""
    return RefusedError(400, "invalid_value", f"{param!r} {problem}.", param=param)


def unreadable(field: str, error: Exception) -> RefusedError:
    """Return the refusal of a top-level field that has the wrong shape.

    Args:
        field: Its name.
        error: What msgspec says of its value, with the place inside it.
    """
    problem, _, path = str(error).partition(" - at `$")
    param = field + path.rstrip("`")
    return RefusedError(400, "invalid_type", f"{param!r} is wrong: {problem}.", param=param)
