"""What a caller has of a stream of OpenAI's dialect, so that another target can go on with it."""

from collections.abc import Sequence
from typing import Final

from ...core.terms import Usage
from ..api import Begun, Envelope
from .answer import Choice
from .chunk import Head, read_head, write_usage_chunk
from .content import ABSENT, Content, present, size_of
from .loose import text_of
from .writer import OpenAIWriter, own_head

_NOTHING_SAID: Final = Head("", 0, "")


class Told:
    """Collects what the events that go to the caller say.

    The words of the first choice can be gone on with. Reasoning that was shown is neither a word
    nor a bar: the next model's follows it.
    """

    __slots__ = ("_bar", "_first", "_late", "_role", "_words")

    def __init__(self) -> None:
        self._first = b""
        self._words: list[str] = []
        self._late: list[str] = []
        """Words in events that are kept back."""
        self._role = False
        self._bar = ""

    def take(self, choices: Sequence[Choice], payload: bytes) -> None:
        """Note what an event says that goes to the caller; `payload` is all of it."""
        if not self._first:
            self._first = payload
        for choice in choices:
            delta = choice.delta
            if choice.finish_reason:
                self._forbid("finished")
            if delta is None:
                continue
            if choice.index:
                if size_of(delta):
                    self._forbid("several")
                continue
            text = delta.content
            if text:
                self._words.append(text if type(text) is str else text_of(delta))
            if (
                delta.refusal
                or choice.logprobs is not None
                or delta.audio is not ABSENT
                or delta.images is not ABSENT
                or delta.annotations
            ):
                self._look_for_bars(choice, delta)
            if delta.role:
                self._role = True

    def keep(self, choices: Sequence[Choice], payload: bytes) -> None:
        """Note what an event says that is kept back from the caller for now."""
        if not self._first:
            self._first = payload
        for choice in choices:
            delta = choice.delta
            if delta is None:
                continue
            if not choice.index:
                self._late.append(text_of(delta))
            if delta.function_call is not None:
                # Nothing else writes the deprecated form, so no other target can make this call.
                self._forbid("tool_calls")

    def release(self) -> None:
        """All that was kept back goes to the caller, calls among it."""
        self._words += self._late
        self._late.clear()
        self._role = True
        self._forbid("tool_calls")

    def begun(self, envelope: Envelope) -> Begun:
        """Say what the caller has, and go on with it."""
        head = read_head(self._first, own_head(envelope))
        writer = OpenAIWriter(envelope, head, begun=self._role)
        return Begun("".join(self._words), writer, self._bar)

    def usage_event(self, usage: Usage) -> bytes:
        """Write a chunk that tells `usage`, as one more of this stream."""
        return write_usage_chunk(read_head(self._first, _NOTHING_SAID).write(), usage)

    def _look_for_bars(self, choice: Choice, delta: Content) -> None:
        if delta.refusal:
            self._forbid("refusal")
        if choice.logprobs is not None:
            self._forbid("logprobs")
        if present(delta.audio):
            self._forbid("audio")
        if present(delta.images):
            self._forbid("images")
        if delta.annotations:
            self._forbid("annotations")

    def _forbid(self, bar: str) -> None:
        self._bar = self._bar or bar
