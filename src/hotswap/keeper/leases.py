"""Leases: one worker at a time may probe a target."""

from msgspec import Struct


class _Held(Struct, frozen=True, gc=False):
    holder: str
    until: float


class Leases:
    """Who may probe what, until when.

    A lease ends by time alone: a holder that died must not keep others from probing for good. The
    holder itself may ask again, since a worker never probes one target twice at a time.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def ask(self, key: str, holder: str, ttl_s: float, now: float) -> bool:
        """Grant `key` to `holder` for `ttl_s`, unless another one holds it."""
        held = self._held.get(key)
        if held is not None and held.holder != holder and now < held.until:
            return False
        self._held[key] = _Held(holder, now + ttl_s)
        return True
