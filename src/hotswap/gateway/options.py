"""What a caller may ask of the gateway itself, by request headers, within what its key allows."""

from collections.abc import Mapping

from msgspec import Struct

from ..config.snapshot import AccessKey
from ..errors import RefusedError


class Options(Struct, frozen=True, gc=False):
    """The wishes of one request; frozen, so that every part of the line obeys the same."""

    fallback: bool = True
    """`x-hotswap-fallback: off`: the first candidate only."""
    splice: bool = True
    """`x-hotswap-splice: off`: an answer that breaks off ends with an error."""
    deadline_s: float | None = None
    """`x-hotswap-deadline-ms`: the request ends within it."""
    order: tuple[str, ...] = ()
    """`x-hotswap-order`: only these targets of the chain, in this order; empty: the chain's."""


_DEFAULT = Options()


def read_options(headers: Mapping[bytes, bytes], key: AccessKey) -> Options:
    """Read the wishes; raises `RefusedError` for one that is not understood.

    Args:
        headers: Of the request.
        key: The caller's: what it forbids, no header allows.
    """
    fallback = headers.get(b"x-hotswap-fallback")
    splice = headers.get(b"x-hotswap-splice")
    deadline = headers.get(b"x-hotswap-deadline-ms")
    order = headers.get(b"x-hotswap-order")
    if (
        fallback is None
        and splice is None
        and deadline is None
        and order is None
        and key.fallback
        and key.splice
    ):
        return _DEFAULT
    return Options(
        fallback=_switch("fallback", fallback) and key.fallback,
        splice=_switch("splice", splice) and key.splice,
        deadline_s=_seconds(deadline),
        order=_order(order, key),
    )


def _switch(name: str, value: bytes | None) -> bool:
    match value:
        case None | b"on":
            return True
        case b"off":
            return False
        case _:
            raise RefusedError(
                400, "invalid_header", f"The header x-hotswap-{name} takes 'on' or 'off'."
            )


def _seconds(value: bytes | None) -> float | None:
    if value is None:
        return None
    if not value.isdigit() or not 0 < int(value) <= 86_400_000:
        raise RefusedError(
            400,
            "invalid_header",
            "The header x-hotswap-deadline-ms takes whole milliseconds from 1 to 86400000.",
        )
    return int(value) / 1000


def _order(value: bytes | None, key: AccessKey) -> tuple[str, ...]:
    if value is None:
        return ()
    if not key.order:
        raise RefusedError(
            403,
            "order_not_allowed",
            "The header x-hotswap-order needs a key with the scope 'order'.",
        )
    named = [name.strip() for name in value.decode("latin-1").split(",")]
    if not all(named):
        raise RefusedError(
            400,
            "invalid_header",
            "The header x-hotswap-order takes targets with a comma between, such as"
            " 'openai/gpt-4o, anthropic/claude'.",
        )
    return tuple(dict.fromkeys(named))
