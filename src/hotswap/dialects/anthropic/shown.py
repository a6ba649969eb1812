"""What a caller has of a message: enough to go on with it where it broke off."""

from collections.abc import Mapping
from io import StringIO
from types import MappingProxyType
from typing import Final

from .answer import Block, Delta, present

TEXT: Final = "text"

_BARS: Final[Mapping[str, str]] = MappingProxyType(
    {"text": "", "thinking": "", "redacted_thinking": "", "tool_use": "tool_calls"}
)
"""What nobody else can go on with, by the type of a block."""
_OTHER_BAR: Final = "server_tools"
"""Of every other block: tools that the provider itself executes, and what they gave."""


class Shown:
    """What became of a message, event by event."""

    __slots__ = ("bar", "index", "open", "started", "words")

    def __init__(self) -> None:
        self.started = False
        """The message has begun."""
        self.index = -1
        """Of the last block."""
        self.open = ""
        """Type of the block that is open; empty: none is."""
        self.words = StringIO()
        """The text of the answer."""
        self.bar = ""
        """As `Begun.bar`."""

    def copy(self) -> "Shown":
        """Return another that is alike, and changes by itself."""
        other = Shown()
        other.started, other.index, other.open = self.started, self.index, self.open
        other.words.write(self.words.getvalue())
        other.bar = self.bar
        return other

    def see_block(self, block: Block, index: int) -> None:
        """A block begins, with the words that it may have already."""
        self.index = index
        self.open = block.type or TEXT
        if block.text:
            self.words.write(block.text)
        self._bar(_BARS.get(self.open, _OTHER_BAR))
        if present(block.citations):
            self._bar("citations")

    def see_delta(self, delta: Delta) -> None:
        """Note a delta that holds no words."""
        if delta.type == "citations_delta":
            self._bar("citations")

    def see_finish(self, reason: str) -> None:
        """Note the stop reason: the message is over, whatever comes after it."""
        self._bar("refusal" if reason == "refusal" else "finished")

    def _bar(self, bar: str) -> None:
        self.bar = self.bar or bar
