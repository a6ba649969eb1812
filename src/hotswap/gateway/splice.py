"""What becomes of an answer that broke off after its caller had some of it."""

from msgspec import Struct

from ..core.splice import bar_to_splice
from ..core.terms import RULES, Failure, Target
from ..dialects.api import Envelope, Writer
from ..dialects.continuing import native_for
from ..dialects.neutral import Request
from ..errors import RefusedError
from .attempt import Attempt
from .line import Line, Splice
from .services import Services


class Ruin(Struct, frozen=True):
    """An answer that broke off and cannot go on."""

    bar: str
    """Why, in one word."""
    writer: Writer | None = None
    """Ends the caller's stream with an error; None: nothing is known of it."""


def take_down(attempt: Attempt, failure: Failure, services: Services) -> Splice | Ruin:
    """Take down what the caller has of a broken answer."""
    line, passage = attempt.line, attempt.passage
    if not RULES[failure.cause].move_on:
        return Ruin(failure.cause.value)
    asked = _asked(line)
    if passage is None or asked is None or asked.native:
        return Ruin("stateful")
    envelope = Envelope(
        line.request_id,
        int(services.clock.unix()),
        attempt.start.target.model,
        asked,
        array=line.request.array,
    )
    begun, splice, needs = passage.begun(envelope), line.splice, line.request.needs
    broke_at = attempt.start.target.id
    splices = splice.count if splice is not None else 0
    bar = "" if line.options.splice else "off"
    bar = bar or bar_to_splice(line.chain.stream, needs, splices=splices, text=begun.text)
    if bar or begun.bar:
        return Ruin(bar or begun.bar, begun.writer)
    if splice is not None:
        splice.text, splice.writer, splice.closed = begun.text, begun.writer, begun.closed
        splice.broke_at, splice.doubtful = broke_at, True
        splice.count += 1
    else:
        counted = attempt.usage.input_tokens if attempt.usage is not None else 0
        splice = Splice(asked, counted or needs.prompt_tokens, begun, broke_at)
    splice.owes = splice.owes or passage.holding
    return splice


def _asked(line: Line) -> Request | None:
    """Return what the caller asks for; None: no other dialect can say it."""
    translator = line.route.translator
    if translator is None:
        return None
    try:
        return line.neutral(translator)
    except RefusedError:
        return None


def continues(target: Target, services: Services, now: float) -> bool:
    """Say whether a target can continue the very words, without being asked to."""
    return native_for(services.lessons.taught(target, now).abilities)
