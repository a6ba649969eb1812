"""Reads the fields of chat requests, and refuses them with the place of the fault."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import DecodeError, Raw, ValidationError

from ...errors import RefusedError
from ..surrogates import mended

_Value = TypeVar("_Value")


def refused(param: str, problem: str) -> RefusedError:
    """Return the refusal of a field whose value means nothing; `problem` ends the sentence."""
    return RefusedError(400, "invalid_value", f"{param!r} {problem}.", param=param)


def read_value(
    fields: Mapping[str, Raw], name: str, decode: Callable[[Raw], _Value]
) -> _Value | None:
    """Return a field's value, None where it is not there; raises `RefusedError` (400)."""
    raw = fields.get(name)
    return None if raw is None else decoded(raw, name, decode)


def decoded(raw: Raw, param: str, decode: Callable[[Raw], _Value]) -> _Value:
    """Return a field's value; half a surrogate pair becomes U+FFFD.

    Args:
        raw: The JSON.
        param: The field that it stands in.
        decode: Reads it, and raises msgspec's errors.

    Raises:
        RefusedError: With status 400; it names the place inside the field.
    """
    try:
        return decode(raw)
    except ValidationError as error:
        raise _unreadable(param, error) from None
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        whole = mended(bytes(raw))
        if whole == bytes(raw):
            raise _unreadable(param, error) from None
        return decoded(Raw(whole), param, decode)


def _unreadable(field: str, error: Exception) -> RefusedError:
    """Return the refusal of a field that has the wrong shape, as msgspec tells it."""
    problem, _, path = str(error).partition(" - at `$")
    param = field + path.rstrip("`")
    return RefusedError(400, "invalid_type", f"{param!r} is wrong: {problem}.", param=param)
