"""Single events of Anthropic's streams, for tests that put a stream together by hand."""

from typing import Final

from msgspec.json import encode


def event(kind: str, **fields: object) -> bytes:
    """Write an event of a type with its fields."""
    payload = encode({"type": kind, **fields})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), payload)


def start(index: int, kind: str, **fields: object) -> bytes:
    """Write the begin of a content block, such as `text` or `tool_use`."""
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def delta(index: int, kind: str, **fields: object) -> bytes:
    """Write a piece of a content block, of kind `text`, `input_json`, `thinking` or `signature`."""
    return event("content_block_delta", index=index, delta={"type": f"{kind}_delta", **fields})


def stop(index: int) -> bytes:
    """Write the end of a content block."""
    return event("content_block_stop", index=index)


def ended(reason: str | None) -> bytes:
    """Write why the message ended, after five tokens."""
    return event(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None},
        usage={"output_tokens": 5},
    )


START: Final = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    },
)
"""The begin of a message by model `m`, of nine tokens."""
DONE: Final = event("message_stop")
