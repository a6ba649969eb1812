"""How a target is asked to go on with an answer that another one began."""

from typing import Final

from msgspec.structs import replace

from ..core.abilities import Thinks
from ..core.cut import ends_sentence
from ..core.splice import tokens_left
from ..core.terms import Cause, Failure, Target
from ..dialects.api import Outgoing, Passage, Translator, UnableError
from ..dialects.continuing import go_on, native_for
from ..dialects.fault import after_translation
from ..dialects.neutral import Reasoning
from ..dialects.stopping import StopCutter
from ..upstream.api import Headers
from .joint import Joint
from .line import Line, Splice
from .said import Said
from .translation import Translation

_NO_THINKING: Final = Reasoning(effort="none")


def take_up(
    line: Line, splice: Splice, target: Target, kind: str, spoken: Translator
) -> tuple[Outgoing, "TakenUp"]:
    """Write the request that asks `target` to go on; raises `UnableError`.

    Args:
        line: The request.
        splice: What the caller has.
        target: Who goes on.
        kind: Of its provider.
        spoken: The dialect that it speaks.
    """
    asked, text = splice.asked, splice.text
    left = tokens_left(asked.max_tokens, text)
    if target.id not in splice.declined and native_for(target.abilities):
        request = go_on(asked, text, native=True, left_tokens=left)
        if target.abilities.thinks is Thinks.SWITCH:
            request = replace(request, reasoning=_NO_THINKING)  # it thinks unless it is told
        try:
            outgoing = spoken.write_request(request, target, kind)
        except UnableError:
            splice.declined.add(target.id)
        else:
            return outgoing, TakenUp(line, splice, target, spoken, native=True)
    request = go_on(asked, text, native=False, left_tokens=left)
    outgoing = spoken.write_request(request, target, kind)
    return outgoing, TakenUp(line, splice, target, spoken, native=False)


class TakenUp:
    """Implements `Speech`: a stream that goes on with the caller's."""

    __slots__ = ("_line", "_splice", "_spoken", "_target", "native")

    def __init__(
        self, line: Line, splice: Splice, target: Target, spoken: Translator, *, native: bool
    ) -> None:
        self._line = line
        self._splice = splice
        self._target = target
        self._spoken = spoken
        self.native = native
        """The target continues the words as its own; otherwise it was asked to go on."""

    def forwarded(self, headers: Headers) -> bytes:  # noqa: ARG002 - opt-ins are the dialect's own
        """Write nothing: the caller spoke to another target."""
        return b""

    def answer(self, body: bytes) -> Said | Failure:  # noqa: ARG002 - whatever it says
        """Refuse what is no stream."""
        return Failure(Cause.HARD, "not_a_stream", 200)

    def passage(self) -> Passage:
        """Go on with the caller's stream."""
        splice, asked = self._splice, self._splice.asked
        rule = self._line.chain.stream
        return Translation(
            self._spoken.reader(),
            splice.writer,
            cutter=StopCutter(asked.stop, before=splice.text) if asked.stop else None,
            prompt_tokens=splice.prompt_tokens,
            one_call=asked.parallel is False,
            hold_calls=rule.tool_calls == "hold",
            joint=Joint(
                splice.text,
                native=self.native,
                prompt_tokens=splice.prompt_tokens,
                settle_tokens=rule.settle_tokens,
                may_end=_may_end(self._line, splice),
            ),
        )

    def read_fault(self, kind: str, status: int, headers: Headers, body: bytes) -> Failure:
        """Classify a refusal, which is never the caller's fault: it did not ask for this."""
        return after_translation(self._spoken.read_fault(kind, status, headers, body))


def _may_end(line: Line, splice: Splice) -> bool:
    """Say whether the answer is whole if the next target has nothing to add.

    Where a call may follow, it never is: words are not all that such an answer can hold. Else
    either the provider has shown that the words are whole; or they end a sentence, and this is the
    second silence, or that of the only other target: an empty answer may be a fault. In doubt
    another target is asked, or the same one again, and in the end the caller told.
    """
    if splice.owes or line.request.needs.tools:
        return False
    return splice.closed or (ends_sentence(splice.text) and not splice.doubtful)
