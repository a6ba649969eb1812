"""The wire shapes that whole answers and events of streams share in Anthropic's dialect."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ...core.terms import Cause, Failure, Usage
from ..neutral import Finish

ABSENT: Final = Raw()
"""Default of raw fields: `is ABSENT` tells a field that is not there from a null."""
_NOTHING: Final = frozenset({b"", b"null", b'""', b"{}", b"[]", b"false"})

MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

REFUSED: Final = Failure(Cause.POLICY, "content_policy", 200)

FINISHES: Final[Mapping[str, Finish]] = MappingProxyType(
    {
        "end_turn": Finish.STOP,
        "stop_sequence": Finish.STOP,
        "max_tokens": Finish.LENGTH,
        "model_context_window_exceeded": Finish.LENGTH,
        "tool_use": Finish.TOOL_CALLS,
        "refusal": Finish.CONTENT_FILTER,
    }
)
"""Every other stop reason, as `pause_turn`, ends an answer like `end_turn`."""

STOP_REASONS: Final[Mapping[Finish, str]] = MappingProxyType(
    {
        Finish.STOP: "end_turn",
        Finish.LENGTH: "max_tokens",
        Finish.TOOL_CALLS: "tool_use",
        Finish.CONTENT_FILTER: "refusal",
    }
)

_WITHOUT_CONTENT: Final = frozenset({"refusal", "pause_turn"})
"""Stop reasons that say enough by themselves."""


class Block(Struct, gc=False):
    """A content block: whole, or as a stream begins it."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: Raw = ABSENT
    """Of redacted thinking."""
    id: str | None = None
    name: str | None = None
    input: Raw = ABSENT
    citations: Raw = ABSENT


class StopDetails(Struct, gc=False):
    """Why the model declined."""

    explanation: str | None = None


class Delta(Struct, gc=False):
    """The next piece of a block, or how the message ends."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Start(Struct, gc=False):
    """The message as a stream begins it."""

    usage: Raw = ABSENT


class StreamEvent(Struct, gc=False):
    """The payload of any event of a stream."""

    type: str = ""
    index: int | None = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: Start | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT


class Answer(Struct, gc=False):
    """A whole answer."""

    type: str = ""
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT


class _Details(Struct, frozen=True, gc=False):
    thinking_tokens: int | None = None


class Counts(Struct, frozen=True, gc=False):
    """Token counts as they stand on the wire; None: not said."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _Details | None = None


NO_COUNTS: Final = Counts()

decode_event: Final = Decoder(StreamEvent).decode
decode_answer: Final = Decoder(Answer).decode
_decode_counts: Final = Decoder(Counts | None).decode


def present(raw: Raw) -> bool:
    """Say whether a raw field holds something: not null, not false, not empty."""
    return raw is not ABSENT and bytes(raw) not in _NOTHING


def read_counts(raw: Raw) -> Counts:
    """Read a usage object; what is missing or cannot be read says nothing."""
    if raw is ABSENT:
        return NO_COUNTS
    try:
        return _decode_counts(raw) or NO_COUNTS
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return NO_COUNTS


def newer(old: Counts, new: Counts) -> Counts:
    """Return the last value of each count: those of a stream are cumulative, and may be partial."""
    return Counts(
        old.input_tokens if new.input_tokens is None else new.input_tokens,
        old.output_tokens if new.output_tokens is None else new.output_tokens,
        old.cache_read_input_tokens
        if new.cache_read_input_tokens is None
        else new.cache_read_input_tokens,
        old.cache_creation_input_tokens
        if new.cache_creation_input_tokens is None
        else new.cache_creation_input_tokens,
        new.output_tokens_details or old.output_tokens_details,
    )


def usage_of(counts: Counts) -> Usage | None:
    """Normalise counts; None: they do not say how much was answered.

    Anthropic's `input_tokens` leave out what the cache read and wrote; ours are the total.
    """
    if counts.output_tokens is None:
        return None
    read = counts.cache_read_input_tokens or 0
    written = counts.cache_creation_input_tokens or 0
    details = counts.output_tokens_details
    return Usage(
        input_tokens=(counts.input_tokens or 0) + read + written,
        output_tokens=counts.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=(details.thinking_tokens or 0) if details is not None else 0,
    )


def wire_usage(usage: Usage | None) -> dict[str, object]:
    """Write counts as this dialect splits them."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    counts: dict[str, object] = {
        "input_tokens": max(usage.input_tokens - read - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counts


def block_size(block: Block) -> int:
    """Return the bytes of content, or about so; 0: there is none."""
    if block.text is not None:
        return len(block.text.encode())
    if block.thinking is not None:
        return len(block.thinking.encode())
    size = 1 + len(block.name or "") + len(block.data)
    return size + len(block.input) if present(block.input) else size


def may_be_empty(stop_reason: str, usage: Usage | None) -> bool:
    """Say whether no content is the answer.

    The model declined, or all tokens went into reasoning that is not shown, or none was allowed:
    `max_tokens: 0` only warms the cache.
    """
    if stop_reason == "max_tokens" and usage is not None:
        return usage.reasoning_tokens > 0 or usage.output_tokens == 0
    return stop_reason in _WITHOUT_CONTENT
