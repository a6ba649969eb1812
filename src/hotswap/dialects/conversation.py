"""By what a conversation is known again: how it begins, which no later turn changes.

The system prompt and the first turn of the user, whatever is said after it. Markers of where a
provider's cache ends move along with a conversation, and do not count; nor does it matter whether
a text stands alone or as the only part of a list, since SDKs mark a text by making it a part.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

_LONG: Final = 4096
"""Bytes; of a longer text only so many are looked at, half at each end, and its length."""
_USER: Final = Raw(b'"user"')
_NULL: Final = Raw(b"null")
_HOLDERS: Final = ("text", "content", "parts")
"""Fields that hold what an object says."""
_MOVING: Final = frozenset({"cache_control", "type"})

_decode_items: Final = Decoder(list[Raw]).decode
_decode_object: Final = Decoder(dict[str, Raw]).decode


def beginning(
    fields: Mapping[str, Raw], *, named: Sequence[str], system: Sequence[str], turns: str
) -> bytes:
    """Return what a conversation is known by; empty: nothing tells it from others.

    Args:
        fields: Of the request.
        named: Fields by which callers name a conversation, or what they want cached, themselves.
        system: Fields that hold the system prompt.
        turns: The field that holds the turns.
    """
    for name in named:
        value = fields.get(name)
        if value is not None and value != _NULL:
            return b"%b %b" % (name.encode(), bytes(value))
    said: list[bytes] = []
    try:
        for name in system:
            if name in fields:
                _hear(bytes(fields[name]), said)
        if turns in fields:
            _hear_turns(bytes(fields[turns]), said)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    return b"\n".join(said)


def _hear_turns(raw: bytes, said: list[bytes]) -> None:
    """Take the turns up to the user's first one; without a role, a turn is the user's."""
    if raw[:1] != b"[":
        _hear(raw, said)
        return
    for item in _decode_items(raw):
        turn = _decode_object(item)
        said.append(bytes(turn.get("role", b"")))
        _hear_object(turn, said)
        if turn.get("role", _USER) == _USER:
            return


def _hear(raw: bytes, said: list[bytes]) -> None:
    """Take what a value says."""
    match raw[:1]:
        case b'"':
            said.append(_short(raw[1:-1]))
        case b"[":
            for item in _decode_items(raw):
                _hear(bytes(item), said)
        case b"{":
            _hear_object(_decode_object(raw), said)
        case _:
            said.append(raw)


def _hear_object(fields: Mapping[str, Raw], said: list[bytes]) -> None:
    """Take what a turn or a part says; of what is no text, such as an image, its bytes."""
    for name in _HOLDERS:
        if name in fields:
            _hear(bytes(fields[name]), said)
            return
    said += [_short(bytes(value)) for name, value in fields.items() if name not in _MOVING]


def _short(text: bytes) -> bytes:
    if len(text) <= _LONG:
        return text
    half = _LONG // 2
    return b"%d %b%b" % (len(text), text[:half], text[-half:])
