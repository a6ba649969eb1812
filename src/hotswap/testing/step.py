"""How a scripted provider answers one request, and what it remembers of it, as values.

Times are seconds. A `Step` without arguments is a healthy answer. In a stream what opens the answer
is event number one, the first piece of content number two, in every API: what frames the content
goes with the piece that it precedes. Gemini opens with nothing, so its event number one is empty.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct, field


class Cut(StrEnum):
    """How an answer or a connection ends before its time."""

    EOF = "eof"
    """The connection is closed in the middle of the answer."""
    END = "end"
    """The body ends cleanly by its own framing, although the answer is not whole."""
    RESET = "reset"
    """The connection is reset."""


class ToolCall(Struct, frozen=True, gc=False):
    """A tool that the answer calls; a stream brings its name, then its arguments in two halves.

    Gemini brings it whole.
    """

    name: str
    arguments: str = "{}"
    """JSON text of an object."""
    id: str = ""
    """Empty: `call_1` and so on."""


class Limit(Struct, frozen=True, gc=False):
    """So many requests per window and key; further ones get a 429 that names the wait."""

    requests: int
    window_s: float


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one request is answered."""

    # The connection
    accept: Cut | None = None
    """EOF or RESET: a new connection is ended at once, an open one when a request comes."""
    drop: Cut | None = None
    """EOF or RESET: the connection ends when the request is complete; nothing is answered."""
    hang: bool = False
    """The request is taken, and nothing ever comes back."""

    # The answer
    status: int = 200
    """Of the answer; from 400 on the usual body is an error."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to the usual ones, or in their place; the framing is ours."""
    padding: int = 0
    """Bytes of further headers, for tests of limits."""
    body: object = None
    """The whole body: bytes or text as they are, anything else as JSON. None: as the route asks."""
    raw: bytes | None = None
    """Exactly these bytes in place of head and body; with `cut` the connection ends after them."""
    text: str | tuple[str, ...] | None = None
    """The answer; a stream brings it word by word, a tuple gives the pieces themselves."""
    empty: bool = False
    """The answer has no content."""
    tools: tuple[ToolCall, ...] = ()
    """The answer calls these, and has no text unless `text` gives one."""
    thinking: str | tuple[str, ...] = ()
    """Reasoning that is shown before the answer, in pieces as `text`."""
    signature: str = ""
    """Base64 that proves the thinking or, to Gemini, the calls; Anthropic's thinking has one."""
    finish_reason: str | None = None
    """In the words of OpenAI's chat; others are taken as the API's own. None: as the answer is."""
    prompt_tokens: int = 9
    """What the usage says, however long the request is; cached ones included."""
    cached_tokens: int = 0
    """How many of them were read from a cache."""
    completion_tokens: int | None = None
    """Those of the thinking included; None: the number of pieces."""

    # Time
    first_byte_s: float = 0.0
    """Before the head."""
    first_content_s: float = 0.0
    """Between the role chunk and what follows it."""
    gap_s: float = 0.0
    """Between the events after that."""
    ping_s: float | None = None
    """A sign of life of the API's own kind is sent this often in the pauses of a stream."""
    drip_s: float | None = None
    """Everything is sent in slices of `drip_bytes` with this pause; 0 just separates the writes."""
    drip_bytes: int = 1
    """Length of these slices; without `drip_s` it does nothing."""

    # What goes wrong in the body
    cut: Cut | None = None
    """How the answer ends; `cut_after` or `cut_after_bytes` says where."""
    cut_after: int = 0
    """Events of a stream that are sent before the cut."""
    cut_after_bytes: int | None = None
    """Bytes of the body (of `raw`: of everything) before the cut; takes precedence."""
    silent_after: int | None = None
    """After so many events nothing more is sent, and the connection stays."""
    error: object = None
    """In-band: this becomes an event, and no answer follows it. Text is put into the API's form."""
    error_after: int = 1
    """Events of the stream before `error`: 1 puts it between the opening and the content."""
    garbage: bytes | None = None
    """These bytes take the place of the head; with `garbage_after` they are an event."""
    garbage_after: int | None = None
    """Events of the stream before `garbage`."""
    no_finish: bool = False
    """No event carries a finish reason."""
    no_done: bool = False
    """The stream ends without its terminator: `[DONE]`, `message_stop`; some have none."""
    crlf: bool = False
    """Lines of the stream end with CR LF."""


class Seen(Struct):
    """One request that a scripted provider received; the two moments at its end come later."""

    number: int
    """1 for the first request; 0 for those to `/_control`, which do not count."""
    connection: int
    """1 for the first connection."""
    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    """Lower-case names; values of repeated names are joined with a comma."""
    body: bytes
    at: float
    """Clock reading when the request was complete (monotonic seconds)."""
    answered_at: float | None = None
    """When the last byte was handed to the transport; None: the answer is not whole (yet)."""
    closed_early_at: float | None = None
    """When the client closed before its answer was whole; None: it did not."""

    @property
    def key(self) -> str:
        """The credential, in whichever header or query it came, or an empty string."""
        headers = self.headers
        for name in _KEY_HEADERS:
            if name in headers:
                return headers[name].removeprefix("Bearer ")
        return parse_qs(urlsplit(self.path).query).get("key", [""])[0]


_KEY_HEADERS: Final = ("x-api-key", "x-goog-api-key", "api-key", "authorization")
"""The first of them counts, as at Anthropic."""


Check = Callable[[Seen], str | Step]
"""Says what is wrong with a request, or how it is refused; an empty string: nothing."""

Answers = Callable[[Seen], Step]
"""Decides by the request how it is answered."""
