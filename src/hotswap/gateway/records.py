"""Builds the records of a request's attempts."""

from math import ceil

from msgspec import structs

from ..core.splice import BYTES_PER_TOKEN, tokens_in
from ..core.terms import Failure, Usage, rule_of
from ..ledger.record import AttemptRecord
from .answer import words_of
from .attempt import Attempt
from .beside import HEDGE_LOST
from .line import Line
from .services import Services


def record_attempt(
    attempt: Attempt,
    failure: Failure | None,
    services: Services,
    now: float,
    *,
    final: bool,
    bar: str = "",
) -> None:
    """Append what became of one attempt.

    Args:
        attempt: Ended.
        failure: None: the caller has a whole answer.
        services: Give the clock and take the record.
        now: Monotonic seconds of the classified end.
        final: The request ends with this attempt.
        bar: Why an answer that broke off does not go on elsewhere; empty: it does, or is whole.
    """
    line, start = attempt.line, attempt.start
    line.closed = final
    route, request = line.route, line.request
    began_at, sent_at = attempt.started_at, attempt.sent_at
    record = AttemptRecord(
        # By position, and without what has its default: matching 27 names with fields takes
        # longer than all the rest.
        line.request_id,
        attempt.number,
        final,
        failure is None,
        line.chain.name,
        line.plane.digest,
        line.caller,
        route.dialect_name,
        route.name,
        request.stream,
        request.needs,
        start.target.id,
        start.credential.id,
        services.clock.unix() - (now - began_at),
        sent_s=sent_at - began_at if sent_at else None,
        first_content_s=_since(attempt.content_at, began_at),
        last_s=_since(attempt.last_at, began_at),
        end_s=now - began_at,
        status=attempt.status,
        usage=_billed(attempt, failure),
    )
    if (
        failure is not None
        or line.failed_at is not None
        or line.skips
        or line.behind
        or attempt.waited_s is not None
    ):
        record = _explain(record, attempt, failure, bar)
    services.record(record)


def _explain(
    record: AttemptRecord, attempt: Attempt, failure: Failure | None, bar: str
) -> AttemptRecord:
    """Add what only a request has that did not go straight through."""
    line, sent_at = attempt.line, attempt.sent_at
    record = structs.replace(
        record,
        switch_s=sent_at - line.failed_at if line.failed_at is not None and sent_at else None,
        skipped=_skipped(line) if attempt.number == 1 else (),
        splice_offset=attempt.splice_offset,
    )
    if attempt.waited_s is not None:
        record = structs.replace(record, hedged_s=attempt.waited_s)
    if failure is None:
        return record
    return structs.replace(
        record,
        cause=failure.cause.value,
        detail=failure.detail,
        rule=rule_of(failure),
        measured=failure.measured,
        threshold=failure.threshold,
        bar=bar,
    )


def _since(at: float | None, began_at: float) -> float | None:
    return at - began_at if at is not None else None


def _skipped(line: Line) -> tuple[str, ...]:
    """Say what was left out, and what was only asked later."""
    told = [f"{skip.target}: {words_of(skip)}" for skip in line.skips]
    later = [f"{skip.target}: asked later, {words_of(skip)}" for skip in line.behind]
    return (*told, *later)


def _billed(attempt: Attempt, failure: Failure | None) -> Usage | None:
    """Return what an attempt cost: without a whole answer, at least what came of it."""
    told = attempt.usage
    if failure is None and told is not None:
        return told
    seen = _estimate(attempt, failure)
    if told is None or seen is None or told.output_tokens >= seen.output_tokens:
        return told or seen
    # Said at the beginning of a stream: it counts the prompt, but not the answer.
    return structs.replace(told, output_tokens=seen.output_tokens, estimated=True)


def _estimate(attempt: Attempt, failure: Failure | None) -> Usage | None:
    """Estimate what a begun answer, or the loser of two, cost whose usage never came."""
    lost = failure is not None and failure.detail == HEDGE_LOST and attempt.sent_at
    if attempt.content_at is None and not lost:
        return None
    splice = attempt.line.splice
    before = tokens_in(splice.text) if splice is not None and attempt.splice_offset else 0
    return Usage(
        input_tokens=attempt.line.request.needs.prompt_tokens + before,
        output_tokens=ceil(attempt.content_bytes / BYTES_PER_TOKEN),
        estimated=True,
    )


def record_unattempted(line: Line, detail: str, services: Services) -> None:
    """Append a request that ended outside of any attempt, with why.

    Not one could be made, or the pause before another one was its last.
    """
    services.record(
        AttemptRecord(
            request_id=line.request_id,
            number=0,
            final=True,
            answered=False,
            chain=line.chain.name,
            config=line.plane.digest,
            caller=line.caller,
            dialect=line.route.dialect_name,
            route=line.route.name,
            streamed=line.request.stream,
            needs=line.request.needs,
            target="",
            credential="",
            started_at=services.clock.unix(),
            detail=detail,
            skipped=_skipped(line),
        )
    )
