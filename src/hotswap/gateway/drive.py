"""Carries out what a run decides until there is an answer or nothing left to try."""

from collections.abc import Iterable
from functools import partial
from typing import assert_never

from ..core.capability import words
from ..core.run import Action, GiveUp, Run, Sleep, Start
from ..core.terms import Cause, Failure, Target
from ..dialects.api import UnableError, Writer
from ..dialects.unsound import EMPTY
from ..errors import RefusedError
from .answer import explain, give_up, note
from .attempt import Attempt
from .hedge import outcome, prepare
from .line import Line, Splice
from .records import record_attempt, record_unattempted
from .report import report
from .services import Services
from .splice import Ruin, continues, take_down


async def drive(run: Run, line: Line, services: Services) -> None:
    """Serve one request by what `run` decides; the caller has an answer or an error after it."""
    clock = services.clock
    action: Action | None = run.begin(clock.now())
    while action is not None:
        line.skips, line.behind = run.skips, run.behind
        match action:
            case Start():
                action = await _attempt(run, line, action, services)
            case Sleep(seconds):
                await services.sleep(seconds)
                action = _wake(run, line, services)
            case GiveUp(failure):
                refuse(line, failure, run.suited(), services)
                action = None
            case _:
                assert_never(action)


def _wake(run: Run, line: Line, services: Services) -> Action | None:
    """Go on after a pause, unless the caller left meanwhile."""
    if line.exchange.gone:
        record_unattempted(line, "client_closed", services)
        return None
    return run.on_wake(services.clock.now())


async def _attempt(run: Run, line: Line, start: Start, services: Services) -> Action | None:
    """Make one attempt; return what follows, None once the caller's answer has ended."""
    splice = line.splice
    if splice is not None and splice.doubtful and start.target.id != splice.broke_at:
        splice.doubtful = run.has_more(services.clock.now())
    try:
        attempt = Attempt(line, start, services)
    except UnableError as unable:
        return run.on_unable(words(unable.need), services.clock.now())
    except RefusedError as refused:
        line.refused = line.refused or refused
        return run.on_unable(refused.code, services.clock.now())
    if line.chain.hedge is None:
        failure = await attempt.ended()
    else:
        prepare(attempt, line.chain.hedge, run, services)
        attempt, failure = await outcome(attempt, run, services)
    now = services.clock.now()
    report(attempt, failure, services, now)
    if failure is None:
        # Before the system call, while all that it reads is still in the processor's caches.
        record_attempt(attempt, None, services, now, final=True)
        attempt.deliver()
        return None
    line.attempts.append(note(attempt.start.target, failure, now - attempt.started_at))
    if attempt.released:
        action = _go_on(run, attempt, failure, services, now)
    else:
        line.upstream_s += now - (attempt.sent_at or now)
        action = _after(run, attempt, failure, now)
        final = isinstance(action, GiveUp)
        bar = "no_target" if final and line.splice is not None else ""
        record_attempt(attempt, failure, services, now, final=final, bar=bar)
    line.failed_at = now
    return action


def _after(run: Run, attempt: Attempt, failure: Failure, now: float) -> Action:
    """Say what follows from an attempt of which nothing reached the caller."""
    splice = attempt.line.splice
    if splice is not None and failure.detail == EMPTY.detail:
        splice.doubtful = False
    if splice is not None and attempt.native and failure.cause is Cause.CAPABILITY:
        splice.declined.add(attempt.start.target.id)
        return run.on_other_way()
    return run.on_failure(failure, now, attempt.start)


def _go_on(
    run: Run, attempt: Attempt, failure: Failure, services: Services, now: float
) -> Action | None:
    """Have another target go on with a broken answer, or end it with an error; None: it ended."""
    line = attempt.line
    splice = take_down(attempt, failure, services)
    if isinstance(splice, Splice):
        line.splice = splice
        line.keep_alive_at = line.alive_until(now)
        native = partial(continues, services=services, now=now)
        action = run.on_broken(failure, now, native, attempt.start)
        if not isinstance(action, GiveUp):
            record_attempt(attempt, failure, services, now, final=False)
            return action
        ruin = Ruin("no_target", splice.writer)
    else:
        ruin = splice
    record_attempt(attempt, failure, services, now, final=True, bar=ruin.bar)
    words = f"The answer broke off at {attempt.start.target.id}: {failure.detail}."
    cut_short(line, ruin.writer, "upstream_interrupted", words)
    return None


def cut_short(line: Line, writer: Writer | None, code: str, words: str) -> None:
    """End a begun answer so that the caller's SDK raises, and can not take it for whole."""
    exchange = line.exchange
    if writer is not None:
        exchange.write(writer.fail(code, words))
    else:
        exchange.write(line.route.dialect.write_stream_error(code, words, line.request))
    exchange.abort()


def refuse(
    line: Line, failure: Failure | None, suited: Iterable[Target], services: Services
) -> None:
    """Answer a request that nothing could answer, in the caller's dialect.

    Args:
        line: The request's.
        failure: Of the last attempt; None: there was none.
        suited: The targets that it may have been answered by, at another time.
        services: Say when one of them is back.
    """
    now = services.clock.now()
    if line.refused is not None and not line.tried and not line.committed:
        raise line.refused
    exchange, dialect = line.exchange, line.route.dialect
    retry_after_s = services.standings.soonest_reopening(suited, now, line.chain.triggers)
    refusal = give_up(line, failure, retry_after_s)
    if line.committed:
        writer = line.splice.writer if line.splice is not None else None
        cut_short(line, writer, refusal.code, refusal.message)
    else:
        headers = refusal.headers() + explain(line, None, now)
        exchange.answer(refusal.status, headers, refusal.body(dialect, line.attempts))
    if not line.closed:
        record_unattempted(line, refusal.code, services)
