"""Ids of tool calls as Anthropic takes them."""

from zlib import crc32


def wire_id(call_id: str) -> str:
    """Return an id of `[a-zA-Z0-9_-]+`: the same for the same call id, and else hardly ever.

    An id of another dialect keeps its letters; a checksum tells apart what they no longer do.
    """
    if is_plain(call_id):
        return call_id
    kept = "".join([char if is_plain(char) else "_" for char in call_id])
    return f"{kept or 'call'}_{crc32(call_id.encode()):08x}"


def is_plain(text: str) -> bool:
    """Say whether a text has letters, digits, `_` and `-` of ASCII only, and at least one."""
    return text.isascii() and text.replace("_", "0").replace("-", "0").isalnum()
