"""Carries out what a run decides until there is an answer or nothing left to try."""

from typing import Final, assert_never

from ..core.capability import words
from ..core.learned import Asked
from ..core.run import Action, GiveUp, Run, Sleep, Start
from ..core.terms import RULES, Cause, Failure, Scope
from ..dialects.api import UnableError
from ..errors import RefusedError
from .answer import explain, give_up, note
from .attempt import Attempt
from .line import Line
from .records import record_attempt, record_unattempted
from .services import Services

_TEACHING: Final = frozenset({Cause.CAPABILITY, Cause.CONTEXT})


async def drive(run: Run, line: Line, services: Services) -> None:
    """Serve one request by what `run` decides; the caller has an answer or an error after it."""
    clock = services.clock
    action: Action | None = run.begin(clock.now())
    while action is not None:
        line.skips = run.skips
        match action:
            case Start():
                action = await _attempt(run, line, action, services)
            case Sleep(seconds):
                await services.sleep(seconds)
                action = _wake(run, line, services)
            case GiveUp(failure):
                refuse(line, failure, services)
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
    try:
        attempt = Attempt(line, start, services)
    except UnableError as unable:
        return run.on_unable(words(unable.need), services.clock.now())
    except RefusedError as refused:
        line.refused = line.refused or refused
        return run.on_unable(refused.code, services.clock.now())
    failure = await attempt.ended()
    now = services.clock.now()
    _report(attempt, failure, services, now)
    if failure is None or attempt.released:
        # Before the system call, while all that it reads is still in the processor's caches.
        record_attempt(attempt, failure, services, now, final=True)
        attempt.deliver(failure)
        return None
    line.upstream_s += now - (attempt.sent_at or now)
    line.attempts.append(note(start.target, failure, now - attempt.started_at))
    action = run.on_failure(failure, now)
    record_attempt(attempt, failure, services, now, final=isinstance(action, GiveUp))
    line.failed_at = now
    return action


def _report(attempt: Attempt, failure: Failure | None, services: Services, now: float) -> None:
    """Tell the standings of target and credential how the attempt ended."""
    start, line = attempt.start, attempt.line
    standings, health = services.standings, attempt.health
    keyring = standings.keyring(start.target.provider)
    if failure is None:
        if attempt.longest_gap_s:
            health.on_gap(attempt.longest_gap_s)
        health.on_success(attempt.token, now)
        keyring.on_success(start.credential.id, start.target.model, now)
        _count(attempt, services)
    else:
        if failure.cause in _TEACHING:
            _learn(attempt, failure, services, now)
        scope = RULES[failure.cause].scope
        if scope is Scope.TARGET:
            health.on_failure(attempt.token, now, failure)
        else:
            health.on_end(attempt.token)
        if scope in {Scope.CREDENTIAL, Scope.ACCESS}:
            auth = line.chain.triggers.auth
            keyring.on_failure(
                start.credential.id,
                start.target.model,
                line.request_id,
                failure,
                now,
                **({"auth_failures": auth.failures} if auth is not None else {}),
            )
    if standings.changes:
        services.publish()


def _count(attempt: Attempt, services: Services) -> None:
    """Compare what the provider counted with what was estimated; media would blur it."""
    usage, needs = attempt.usage, attempt.line.request.needs
    if usage is None or usage.estimated or needs.images or needs.files or needs.audio:
        return
    model = attempt.start.target.model
    services.lessons.densities.learn(model, needs.prompt_tokens, usage.input_tokens)


def _learn(attempt: Attempt, failure: Failure, services: Services, now: float) -> None:
    """Remember what a target said that it cannot do; its words tell what of all that was meant."""
    request = attempt.line.request
    asked = Asked(request.needs, sampling=True, stop=request.stops, prefill=True)
    services.lessons.on_failure(attempt.start.target, asked, failure, now)


def refuse(line: Line, failure: Failure | None, services: Services) -> None:
    """Answer a request that nothing could answer, in the caller's dialect."""
    now = services.clock.now()
    if line.refused is not None and not line.tried and not line.committed:
        raise line.refused
    exchange, dialect = line.exchange, line.route.dialect
    retry_after_s = services.standings.soonest_reopening(line.chain.targets, now)
    refusal = give_up(line, failure, retry_after_s)
    if line.committed:
        exchange.write(dialect.write_stream_error(refusal.code, refusal.message, line.request))
        exchange.abort()
    else:
        headers = refusal.headers() + explain(line, None, now)
        exchange.answer(refusal.status, headers, refusal.body(dialect, line.attempts))
    if failure is None:
        record_unattempted(line, refusal.code, services)
