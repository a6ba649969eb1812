"""A model whose whole answer is known, and which goes on with it when it is asked to.

It stands behind a scripted provider's key, so that lost, repeated or altered characters show::

    echo = Echo(TEXT, manner=Manner.TAIL, fault=Step(gap_s=0.01))
    provider.answer("sk-b", echo)

A fault is a step whose text the echo puts in; a function of the request and its number lets one
of them break: ``fault=lambda seen, number: BROKEN if number == 1 else Step()``. In memory
`answer` gives the words, and calling the echo gives the step.

A request asks it to go on where the last turn is the assistant's (a prefill), or the user's after
one of the assistant's, with a beginning of the text. Turns are read from the wire, not by the
product's own readers. What begins like the text and then differs was altered: it gets a 400.
Providers that are simulated in other ways read and go on by `read_begun` and `goes_on`.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final, cast

from msgspec import Struct
from msgspec.json import decode
from msgspec.structs import replace

from . import anthropic_form, gemini_form
from .form import Form
from .routes import find_route
from .step import Seen, Step

ALIKE: Final = 8
"""Characters by which words are known as the text's, be they altered later on."""
ELSEWHERE: Final = " Once upon a time there was a gateway that nobody had heard of."
"""What follows where the model goes another way."""


class Manner(StrEnum):
    """What is said before what is missing, after the preamble."""

    EXACT = "exact"
    TAIL = "tail"
    """The last characters again."""
    WORD = "word"
    """The partial word again."""
    RESTART = "restart"
    """The text from its beginning."""
    ASTRAY = "astray"
    """The first half of what was begun, and then something else."""


class Prefilled(StrEnum):
    """What the model does with an answer that is the last turn."""

    CONTINUES = "continues"
    REFUSES = "refuses"
    """A 400 in the API's words."""
    ANEW = "anew"
    """It takes it for finished and answers anew, as OpenAI does."""


class Begun(Struct, frozen=True, gc=False):
    """The answer that a request wants to be gone on with."""

    text: str
    prefilled: bool
    """It is the last turn; otherwise the user asks to go on."""


class Echo:
    """Answers every request with one text, or with what is missing of it.

    Args:
        text: The whole answer.
        manner: How it goes on with its beginning.
        preamble: Said before that, such as `Sure, here is the rest:` and a line break.
        tail: Characters that `Manner.TAIL` says again.
        prefilled: What it makes of a prefill.
        size: Characters of a stream's pieces.
        fault: The step that the words are put into, the same for every request or by the request
            and its number, which is 1 for the first.
    """

    __slots__ = (
        "_fault",
        "_manner",
        "_number",
        "_preamble",
        "_prefilled",
        "_size",
        "_tail",
        "text",
    )

    def __init__(
        self,
        text: str,
        *,
        manner: Manner = Manner.EXACT,
        preamble: str = "",
        tail: int = 24,
        prefilled: Prefilled = Prefilled.CONTINUES,
        size: int = 4,
        fault: Step | Callable[[Seen, int], Step] | None = None,
    ) -> None:
        self.text = text
        self._manner = manner
        self._preamble = preamble
        self._tail = tail
        self._prefilled = prefilled
        self._size = size
        self._fault = Step() if fault is None else fault
        self._number = 0

    def __call__(self, seen: Seen) -> Step:
        """Answer a request; fits `ScriptedProvider.answer`."""
        self._number += 1
        fault = self._fault
        step = fault if isinstance(fault, Step) else fault(seen, self._number)
        if refusal := self.refusal(seen):
            return Step(status=400, body=_form(seen).error_body(400, refusal))
        words = self.answer(seen)
        pieces = tuple(words[at : at + self._size] for at in range(0, len(words), self._size))
        return replace(step, text=pieces)

    def answer(self, seen: Seen) -> str:
        """Return the words of the answer to a request that is not refused."""
        begun = self._begun(seen)
        if begun is None or (begun.prefilled and self._prefilled is Prefilled.ANEW):
            return self.text
        return self._preamble + goes_on(self.text, begun.text, self._manner, tail=self._tail)

    def refusal(self, seen: Seen) -> str:
        """Say in the API's words why a request is refused; empty: it is not."""
        begun = read_begun(seen.body)
        if begun is None:
            return ""
        if _altered(begun.text, self.text):
            return f"The text does not begin with {begun.text!r}."
        if not begun.prefilled:
            return ""
        form = _form(seen)
        if self._prefilled is Prefilled.REFUSES:
            return _REFUSALS.get(form, _CANNOT_PREFILL)
        if form is anthropic_form and begun.text != begun.text.rstrip():
            return "messages: final assistant content cannot end with trailing whitespace"
        return ""

    def _begun(self, seen: Seen) -> Begun | None:
        begun = read_begun(seen.body)
        return begun if begun is not None and self.text.startswith(begun.text) else None


_CANNOT_PREFILL: Final = (
    "This model does not support assistant message prefill. "
    "The conversation must end with a user message."
)
_REFUSALS: Final[Mapping[Form, str]] = {
    gemini_form: "Requests ending with a model turn are not supported."
}


def goes_on(text: str, said: str, manner: Manner, *, tail: int = 24) -> str:
    """Return what is said by who goes on with a text after its beginning `said`.

    Args:
        text: The whole answer.
        said: What was begun of it.
        manner: How it is gone on with.
        tail: Characters that `Manner.TAIL` says again.
    """
    rest = text[len(said) :]
    match manner:
        case Manner.EXACT:
            return rest
        case Manner.TAIL:
            return said[-tail:] + rest
        case Manner.WORD:
            return _partial_word(said, rest) + rest
        case Manner.RESTART:
            return said + rest
        case Manner.ASTRAY:
            return said[: len(said) // 2] + ELSEWHERE


def read_begun(body: bytes) -> Begun | None:
    """Return the last words of the assistant's that nobody but a user answered; None: none.

    Args:
        body: Of a request to any of the APIs.
    """
    if b"assistant" not in body and b'"contents"' not in body:
        return None  # the usual case, in far less time than it takes to read it all
    turns = list(_turns(decode(body, type=dict[str, object])))
    for turn in turns[:-3:-1]:
        if turn.own:
            return Begun(turn.text, prefilled=turn is turns[-1]) if turn.text else None
    return None


class _Turn(Struct, frozen=True, gc=False):
    own: bool
    """The assistant's."""
    text: str


def _turns(body: Mapping[str, object]) -> Iterator[_Turn]:
    """Yield the turns of a request to any of the APIs, without the system's."""
    listed = body.get("messages") or body.get("contents") or body.get("input")
    if not isinstance(listed, list):
        return
    for item in cast("list[Mapping[str, object]]", listed):
        role = item.get("role", "")
        if role not in {"system", "developer"}:
            own = role in {"assistant", "model"} or item.get("type") == "function_call"
            yield _Turn(own, _words(item.get("content") or item.get("parts")))


def _words(content: object) -> str:
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    parts = cast("list[Mapping[str, object]]", content)
    return "".join(text for part in parts if isinstance(text := part.get("text"), str))


def _altered(said: str, text: str) -> bool:
    """Say whether words are the text's but for some change."""
    return not text.startswith(said) and said[:ALIKE] == text[:ALIKE]


def _partial_word(said: str, rest: str) -> str:
    """Return the letters before the cut, where it is within a word."""
    if not rest[:1].isalpha():
        return ""
    start = len(said)
    while start and said[start - 1].isalpha():
        start -= 1
    return said[start:]


def _form(seen: Seen) -> Form:
    route = find_route(seen.path)
    if route is None:
        raise ValueError(f"{seen.path} asks no model for an answer")
    return route.form
