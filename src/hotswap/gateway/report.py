"""Tells the standings, and what is learned of targets, how attempts ended."""

from typing import Final

from ..core.learned import Asked
from ..core.terms import RULES, Cause, Failure, Scope
from .asking import conversations_of
from .attempt import Attempt
from .beside import HEDGE_LOST
from .records import record_attempt
from .services import Services

_TEACHING: Final = frozenset({Cause.CAPABILITY, Cause.CONTEXT})


def report(attempt: Attempt, failure: Failure | None, services: Services, now: float) -> None:
    """Tell the standings of target and credential how the attempt ended."""
    attempt.tab.settle(failure, attempt.usage, now, sent=attempt.sent_at > 0.0)
    if attempt.native and attempt.restarted:
        services.lessons.lacks(attempt.start.target, "prefill", now)
    if failure is None:
        _on_answer(attempt, services, now)
    else:
        _on_failure(attempt, failure, services, now)
    if services.standings.changes:
        services.publish()


def _on_answer(attempt: Attempt, services: Services, now: float) -> None:
    start, line, health = attempt.start, attempt.line, attempt.health
    keyring = services.standings.keyring(start.target.provider)
    if attempt.longest_gap_s:
        health.on_gap(now, attempt.longest_gap_s)
    health.on_success(attempt.token, now)
    keyring.on_success(start.credential.id, start.target.model, attempt.started_at)
    _count(attempt, services)
    if line.conversation and line.chain.sticky is not None:
        # The prompt cache of who answered is the warm one now.
        known = conversations_of(line.chain, services)
        known.on_answer(line.conversation, start.target.id, now, line.chain.sticky)


def _on_failure(attempt: Attempt, failure: Failure, services: Services, now: float) -> None:
    start, line, health = attempt.start, attempt.line, attempt.health
    if failure.detail == HEDGE_LOST and attempt.last_at is None and attempt.waited_s is None:
        # Another target, begun later, has answered while this one did not show a byte.
        failure = Failure(Cause.HANG, HEDGE_LOST)
    if failure.cause in _TEACHING:
        _learn(attempt, failure, services, now)
    if failure.cause is not Cause.CANCEL or _outrun(attempt, failure):
        health.on_failure(attempt.token, now, failure)
    else:
        health.on_end(attempt.token)
    if RULES[failure.cause].scope in {Scope.CREDENTIAL, Scope.ACCESS}:
        auth = line.chain.triggers.auth
        services.standings.keyring(start.target.provider).on_failure(
            start.credential.id,
            start.target.model,
            line.request_id,
            failure,
            now,
            **({"auth_failures": auth.failures} if auth is not None else {}),
        )


def _outrun(attempt: Attempt, failure: Failure) -> bool:
    """Say whether another target, begun later, has answered before this one had any content."""
    return failure.detail == HEDGE_LOST and attempt.waited_s is None and attempt.content_at is None


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


def settle(attempt: Attempt, failure: Failure | None, services: Services) -> None:
    """Report and record an attempt that another one beside it has made superfluous, or outlived."""
    now = services.clock.now()
    report(attempt, failure, services, now)
    record_attempt(attempt, failure, services, now, final=False)
