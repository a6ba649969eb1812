"""Probes: the one call that finds out whether an open target, key or region works again.

No user waits on a probe. It is sent only when traffic wanted the target since it opened, one at
a time over all workers (the keeper leases), and with the cheapest request there is. What is open
as a whole is probed through one of its targets.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from ..core.standings import ProbeDue
from ..core.terms import Cause, Credential, Failure, Needs
from ..dialects.registry import DIALECTS
from ..ledger.record import AttemptRecord
from ..upstream.api import Broken, Call, Headers
from .plane import Plane
from .services import Services

MAX_BODY: Final = 256 * 1024

Ask = Callable[[str, float, Callable[[bool], None]], None]
"""Asks for the lease of a target, or of what is open as a whole, for so many seconds; calls back
once with the answer."""


class Prober:
    """Looks, several times a second, for what is due, and probes it."""

    __slots__ = ("_ask", "_asked", "_plane", "_running", "_services")

    def __init__(self, services: Services, plane: Callable[[], Plane], ask: Ask) -> None:
        self._services = services
        self._plane = plane
        self._ask = ask
        self._asked: set[str] = set()
        self._running: dict[str, _Probe] = {}
        """By target: whatever is to be found out of its keys, it is asked by one call at a time."""

    def tick(self) -> None:
        """Ask for the lease of every probe that is due."""
        services = self._services
        for due in services.standings.due_probes(services.clock.now()):
            names = _names(due)
            if due.target.id in self._running or self._key(due) is None:
                continue
            if self._asked.isdisjoint(names):
                self._asked.update(names)
                self._ask(names[0], self._ttl_s(due), partial(self._on_lease, due, names[1:]))

    def close(self) -> None:
        """Drop the probes in flight."""
        for probe in list(self._running.values()):
            probe.cancel()
        self._running.clear()

    def _ttl_s(self, due: ProbeDue) -> float:
        return self._limit_s(due) + self._plane().snapshot.health.breaker.probe_extra_s

    def _limit_s(self, due: ProbeDue) -> float:
        health = self._services.standings.target(due.target.id)
        return health.latency.first_content_limit_s(streamed=True)

    def _key(self, due: ProbeDue) -> Credential | None:
        if due.credential is not None:
            return due.credential
        services = self._services
        ring = services.standings.keyring(due.target.provider)
        return ring.pick(due.target.model, services.clock.now(), ())

    def _on_lease(
        self,
        due: ProbeDue,
        more: Sequence[str],
        granted: bool,  # noqa: FBT001 - an answer's one value
    ) -> None:
        """Ask for the next of several leases, or begin."""
        if granted and more:
            self._ask(more[0], self._ttl_s(due), partial(self._on_lease, due, more[1:]))
            return
        self._asked.difference_update(_names(due))
        if granted and due.target.id not in self._running:
            self._start(due)

    def _start(self, due: ProbeDue) -> None:
        services, plane = self._services, self._plane()
        now = services.clock.now()
        credential = self._key(due)
        if credential is None or due.target.provider not in plane.providers:
            return
        if not services.standings.lease(due.key, now, self._ttl_s(due)):
            return
        self._running[due.target.id] = _Probe(
            due, credential, plane, services, self._limit_s(due), report=self._ended
        )

    def _ended(self, probe: "_Probe", failure: Failure | None) -> None:
        """Tell the standings, then the ledger."""
        self._running.pop(probe.due.target.id, None)
        services = self._services
        now = services.clock.now()
        services.standings.on_probe(probe.due.key, now, failure=failure, begun=probe.began_at)
        services.publish()
        services.record(probe.record(failure, now))


def _names(due: ProbeDue) -> tuple[str, ...]:
    """Return what must be leased: a target is asked by one call at a time, for whatever reason."""
    return (due.key, due.target.id) if due.whole else (due.target.id,)


class _Probe:
    """The listener of one probe."""

    __slots__ = (
        "_call",
        "_credential",
        "_dialect",
        "_dialect_name",
        "_headers",
        "_health",
        "_kind",
        "_parts",
        "_plane",
        "_report",
        "_services",
        "_size",
        "_status",
        "began_at",
        "due",
    )

    def __init__(
        self,
        due: ProbeDue,
        credential: Credential,
        plane: Plane,
        services: Services,
        limit_s: float,
        *,
        report: Callable[["_Probe", Failure | None], None],
    ) -> None:
        self.due = due
        self._report = report
        self._services = services
        self._health = services.standings.target(due.target.id)
        self._plane = plane
        self._credential = credential
        self._status = 0
        self._headers: Headers = {}
        self._parts: list[bytes] = []
        self._size = 0
        provider = plane.providers[due.target.provider]
        self._kind = provider.kind
        self._dialect_name = provider.dialect
        self._dialect = DIALECTS[provider.dialect]
        outgoing = self._dialect.write_probe(due.target, provider.kind)
        request = plane.request(outgoing, due.target, credential, {})
        self.began_at = services.clock.now()
        connect_s = min(limit_s, 2.0)
        self._call: Call = services.client.send(
            provider.endpoint, request, self, connect_s=connect_s
        )
        self._call.set_limit(self.began_at + limit_s)

    def cancel(self) -> None:
        """Drop the probe without a report."""
        self._call.cancel()

    def on_head(self, status: int, headers: Headers) -> None:
        """Keep what the judgement needs."""
        self._status, self._headers = status, headers
        self._health.heard_at = self._services.clock.now()

    def on_body(self, data: bytes) -> None:
        """Gather the body."""
        self._size += len(data)
        if self._size <= MAX_BODY:
            self._parts.append(data)

    def on_end(self) -> None:
        """Judge: an answer of any content shows that the target serves."""
        body = b"".join(self._parts)
        if not 200 <= self._status < 300:
            fault = self._dialect.read_fault(self._kind, self._status, self._headers, body)
            served = fault.cause in {Cause.CALLER, Cause.POLICY, Cause.CONTEXT, Cause.CAPABILITY}
            self._end(None if served else fault)
            return
        reply = self._dialect.judge_reply(body)
        if isinstance(reply, Failure) and reply.cause is not Cause.QUALITY:
            self._end(reply)
        else:
            self._end(None)

    def on_broken(self, broken: Broken) -> None:
        """The target still does not answer."""
        self._end(Failure(Cause.HARD, broken.fault.value, self._status))

    def on_limit(self) -> None:
        """The target still is silent."""
        self._call.cancel()
        self._end(Failure(Cause.HANG, "first_content", self._status))

    def _end(self, failure: Failure | None) -> None:
        """Report, then let go of the call: each holds the other, and only the collector would see.

        It comes so seldom that the probes of an outage would pile up for hours.
        """
        self._report(self, failure)
        del self._call

    def record(self, failure: Failure | None, now: float) -> AttemptRecord:
        """Describe the probe; it was no one's request."""
        sent_at = self._call.sent_at
        return AttemptRecord(
            request_id="",
            number=1,
            final=True,
            answered=False,
            chain="",
            config=self._plane.digest,
            caller="",
            dialect=self._dialect_name,
            route="probe",
            streamed=False,
            needs=Needs(),
            target=self.due.target.id,
            credential=self._credential.id,
            started_at=self._services.clock.unix() - (now - self.began_at),
            sent_s=sent_at - self.began_at if sent_at else None,
            end_s=now - self.began_at,
            status=self._status,
            cause=failure.cause.value if failure is not None else "",
            detail=failure.detail if failure is not None else "",
        )
