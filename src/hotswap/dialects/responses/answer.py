"""The wire shapes that whole answers and events of streams share in the Responses dialect."""

from typing import Final

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from ...core.terms import Cause, Failure, Usage
from ..fault import read_in_band
from ..neutral import Finish
from ..openai.content import ABSENT, Function, present
from ..openai.loose import arguments_of

REFUSED: Final = Failure(Cause.POLICY, "content_policy", 200)

ADDED: Final = "response.output_item.added"
DONE: Final = "response.output_item.done"
FAILED: Final = "response.failed"
ENDS: Final = frozenset({"response.completed", "response.incomplete", FAILED})
"""Events that end a stream: nothing that matters follows."""

CALLS: Final = frozenset({"function_call", "custom_tool_call"})
"""Items that are calls of what the caller executes."""
CALL_DELTAS: Final = frozenset(
    {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}
)
"""Events that bring the next characters of such a call."""

COMPLETED: Final = "completed"
TOO_LONG: Final = "max_output_tokens"
FILTERED: Final = "content_filter"

_FINISHES: Final = {TOO_LONG: Finish.LENGTH, FILTERED: Finish.CONTENT_FILTER}


class Part(Struct, gc=False):
    """A piece of a message's content, or of reasoning."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class Item(Struct, gc=False):
    """One thing that the model put out: a message, reasoning, a call."""

    type: str = ""
    id: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Raw = ABSENT


class Incomplete(Struct, gc=False):
    """Why an answer is not whole."""

    reason: str | None = None


class Answer(Struct, gc=False):
    """A whole answer, or what an event says of it."""

    status: str | None = None
    output: list[Raw] | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT
    incomplete_details: Incomplete | None = None


class Event(Struct, gc=False):
    """One event of a stream, as far as anything is read of it."""

    type: str = ""
    delta: str | None = None
    output_index: int | None = None
    summary_index: int | None = None
    sequence_number: object = None
    item: Raw = ABSENT
    response: Raw = ABSENT
    error: Raw = ABSENT


class _Typed(Struct, gc=False):
    type: str = ""


decode_event: Final = Decoder(Event).decode
decode_answer: Final = Decoder(Answer).decode
_decode_item: Final = Decoder(Item).decode
_decode_type: Final = Decoder(_Typed).decode


def read_item(raw: Raw) -> Item:
    """Read an item; of one whose fields are of other types only the type is known."""
    try:
        return _decode_item(raw)
    except ValidationError:
        try:
            return Item(_decode_type(raw).type)
        except ValidationError:
            return Item()
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return Item()


def item_size(item: Item) -> int:
    """Return the bytes of an item's content, or about so; 0: there is none."""
    if item.type in {"message", "reasoning"}:
        parts = [*(item.content or ()), *(item.summary or ())]
        return sum([len((part.text or part.refusal or "").encode()) for part in parts])
    if item.type == "function_call":
        return 1 + len(item.name or "") + max(len(item.arguments) - 2, 0)
    return 1 if item.type else 0


def output_size(answer: Answer) -> int:
    """Return the bytes of an answer's content, or about so; 0: there is none."""
    return sum([item_size(read_item(raw)) for raw in answer.output or ()])


def thoughts_of(item: Item) -> str:
    """Return the reasoning that an item shows: its summary, or the thoughts themselves."""
    parts = item.summary or item.content or ()
    return "\n\n".join([part.text for part in parts if part.text])


def call_arguments(item: Item) -> str:
    """Return the JSON text of a call's arguments; empty: it has none."""
    return arguments_of(Function(arguments=item.arguments))


def reason_of(answer: Answer) -> str:
    """Return why an answer ended: what cut it short, or its status."""
    details = answer.incomplete_details
    if details is not None and details.reason:
        return details.reason
    return answer.status or COMPLETED


def read_finish(reason: str, *, called: bool) -> Finish:
    """Read why an answer ended; a reason that nobody knows is a plain stop.

    Args:
        reason: As `reason_of` tells it.
        called: The answer holds a call.
    """
    finish = _FINISHES.get(reason, Finish.STOP)
    return Finish.TOOL_CALLS if called and finish is Finish.STOP else finish


def may_be_empty(reason: str, usage: Usage | None) -> bool:
    """Say whether no content is the answer: filtered, or all tokens went into reasoning."""
    reasoned = usage is not None and usage.reasoning_tokens > 0
    return reason == FILTERED or (reason == TOO_LONG and reasoned)


def fault_in(answer: Answer, wire: bytes) -> Failure | None:
    """Return the failure that an answer tells of; None: it tells of none.

    Args:
        answer: What ended.
        wire: The bytes that it was read from.
    """
    if present(answer.error):
        return read_in_band("", bytes(answer.error))
    return read_in_band("", wire) if answer.status == "failed" else None
