"""One try at one target: listens to its exchange, and judges what comes back."""

from asyncio import Future

from ..core.run import Start
from ..core.terms import Cause, Failure, Usage
from ..dialects.api import Outgoing, Passage
from ..upstream.api import Broken, Call, Fault, Headers
from .answer import explain, pass_on
from .beside import HEDGE_LOST, Hedge
from .gathered import Gathered
from .limits import Limits
from .line import Line
from .relay import Relay, keep_alive
from .services import Services
from .speech import say
from .tab import Tab
from .taking_up import TakenUp
from .translation import Translation

STALLED_S = 0.25
"""A limit that is noticed so late tells of this process, not of the provider."""
SECOND_LOOK_S = 0.05
FAULT_BODY_S = 1.0
"""An error status is known; its body may refine the cause, but nobody waits longer for it."""


class Attempt:
    """The listener of one exchange with a provider.

    Nothing reaches the caller before the first content of a stream, or before a whole answer was
    judged sound. A stream is pushed into the caller's transport from the callback that brought it.
    """

    __slots__ = (
        "_answer",
        "_call",
        "_came",
        "_ended",
        "_limits",
        "_look_at",
        "_looked_late",
        "_notices",
        "_paused",
        "_relay",
        "_services",
        "_speech",
        "content_at",
        "health",
        "hedge",
        "last_at",
        "line",
        "number",
        "sent_at",
        "splice_offset",
        "start",
        "started_at",
        "tab",
        "token",
        "usage",
    )

    def __init__(self, line: Line, start: Start, services: Services) -> None:  # noqa: PLR0915 - one statement per field
        """Send the request; raises `UnableError` or `RefusedError` before anything happens."""
        provider = line.plane.providers[start.target.provider]
        now = self.started_at = services.clock.now()
        outgoing, self._speech = say(
            line, services.lessons.taught(start.target, now), provider, services.clock
        )
        self._notices = outgoing.notices
        self.line = line
        self.number = line.tried = line.tried + 1
        self.start = start
        self._services = services
        self._ended: Future[Failure | None] = Future(loop=services.loop)
        self._came = Gathered()
        self._answer = b""
        self._relay: Relay | None = None
        self._paused = self._looked_late = False
        self.hedge: Hedge | None = None
        """Another attempt is, or may come, beside this one."""
        self.splice_offset = len(line.splice.text) if line.splice is not None else None
        """Characters that the caller had before this attempt was to go on; None: it begins."""
        self.usage: Usage | None = None
        self.content_at: float | None = None
        self.last_at: float | None = None
        self.sent_at = 0.0
        """Monotonic seconds when the request was written, known at the end; 0.0: it never was."""
        self.health = services.standings.target(start.target.id)
        self.token = self.health.begin(now, streamed=line.request.stream)
        """What the target's health knows this attempt by."""
        rooms = services.standings.keyring(start.target.provider).rooms
        self.tab = Tab(rooms, start, provider.kind, line.request.needs, now)
        self._limits = Limits(line, self.health)
        self._look_at = self._limits.first_at(now)
        self._call = self._send(outgoing)
        self._call.set_limit(self._look_at)

    def _send(self, outgoing: Outgoing) -> Call:
        line, start = self.line, self.start
        headers = line.exchange.incoming.headers
        request = line.plane.request(
            outgoing, start.target, start.credential, headers, self._speech.forwarded(headers)
        )
        return self._services.client.send(
            line.plane.providers[start.target.provider].endpoint,
            request,
            self,
            connect_s=line.chain.timeouts.connect_s,
        )

    @property
    def status(self) -> int:
        """The provider's status; 0: no answer."""
        return self._came.status

    @property
    def released(self) -> bool:
        """Some content has reached the caller: no other target can begin the answer anew."""
        return self._relay is not None and self._relay.released

    @property
    def passage(self) -> Passage | None:
        """The stream on its way to the caller; None: there is none."""
        return self._relay.passage if self._relay is not None else None

    @property
    def native(self) -> bool:
        """It was to continue the words of another target as its own."""
        return isinstance(self._speech, TakenUp) and self._speech.native

    @property
    def waited_s(self) -> float | None:
        """How long the attempt beside it had waited when this one began; None: it is no hedge."""
        return self.hedge.waited_s if self.hedge is not None else None

    @property
    def restarted(self) -> bool:
        """It repeated the answer instead of going on with it."""
        passage = self.passage
        joint = passage.joint if isinstance(passage, Translation) else None
        return joint is not None and joint.restarted

    @property
    def content_bytes(self) -> int:
        """Bytes of content that came; 0 for an answer that is not streamed."""
        return self._relay.passage.content_bytes if self._relay is not None else 0

    @property
    def longest_gap_s(self) -> float:
        """Longest pause between two events with content."""
        return self._limits.longest_gap_s

    async def ended(self) -> Failure | None:
        """Wait for the end: None when the caller has, or may have, a whole answer."""
        exchange, running = self.line.exchange, self._services.running
        self._listen()
        running.add(self)
        if exchange.gone:
            self._on_leave()
        try:
            failure = await self._ended
        finally:
            running.discard(self)
            exchange.on_leave = exchange.on_pause = exchange.on_resume = None
            call = self._call
            if not self._ended.done() or self._ended.cancelled():
                call.cancel()
            self.sent_at = call.sent_at
            del self._call  # it knows this attempt: a ring that only the collector could undo
        if self._relay is not None:
            self.usage = self._relay.passage.usage
        return failure

    def watch(self, hedge: Hedge) -> None:
        """Look out for the moment at which another attempt is due."""
        self.hedge = hedge
        self._look(self._look_at)

    def lose(self) -> bool:
        """End because another attempt has answered; say whether this one was still running."""
        if self._ended.done():
            return False
        self._end(Failure(Cause.CANCEL, HEDGE_LOST, self.status))
        return True

    def _listen(self) -> None:
        """Be told what the caller does."""
        exchange = self.line.exchange
        exchange.on_leave = self._on_leave
        exchange.on_pause = self._on_pause
        exchange.on_resume = self._on_resume

    def cut_off(self) -> None:
        """End because the process ends: the caller gets an error, in-band where it must be."""
        self._end(Failure(Cause.CANCEL, "shutting_down", self.status))

    def deliver(self) -> None:
        """Send what ends the caller's answer well; nothing, if the caller is gone."""
        exchange, line = self.line.exchange, self.line
        if self._relay is not None:
            exchange.finish()
        else:
            now = self._services.clock.now()
            line.notices = self._notices
            headers = pass_on(self._came.headers) + explain(line, self.start.target, now)
            exchange.answer(self.status, headers, self._answer)

    def on_head(self, status: int, headers: Headers) -> None:
        """Choose how the body is read."""
        now = self.last_at = self._services.clock.now()
        self._came.begin(status, headers)
        self.health.on_byte(self.token, now)
        line, faulty = self.line, self._came.faulty
        self.tab.on_head(headers, now, faulty=faulty)
        if faulty:
            self._look(now + FAULT_BODY_S)
        elif line.request.stream and b"json" not in headers.get(b"content-type", b""):
            self._relay = Relay(line, self.start.target, self._speech.passage(), self.number)

    def on_body(self, data: bytes) -> None:
        """Relay a stream's next bytes, or gather a body."""
        now = self.last_at = self._services.clock.now()
        relay = self._relay
        if relay is None:
            self._gather(data, now)
            return
        self.health.heard_at = now
        forward = relay.feed(data)
        passage = relay.passage
        if not relay.released and passage.started:
            self._on_started(relay, now)
        if passage.failure is not None:
            # Content that came in the same read was not sent: another target may begin anew.
            self._end(passage.failure)
            return
        limits = self._limits
        if isinstance(passage, Translation) and passage.cut:
            self._call.cancel()
            self._close(relay, None, now)
        elif forward:
            limits.on_progress(now)
            self._look(limits.silence_at(now, waiting=relay.waiting))

    def _on_started(self, relay: Relay, now: float) -> None:
        """Take note of first content; begin the caller's answer with it, if it is the time."""
        passage, line = relay.passage, self.line
        if self.content_at is None:
            self._on_content(now)
        if line.splice is not None:
            if passage.shown:
                self._commit(relay, now)
                self._limits.set_floor(passage.content_bytes, now)
            else:
                self._limits.settle_by(now + line.chain.stream.settle_s)
        elif (
            passage.failure is None
            and passage.shown
            and not relay.holds_whole
            and self._limits.keeps_pace(passage.content_bytes, now)
        ):
            self._commit(relay, now)

    def _commit(self, relay: Relay, now: float) -> None:
        """Make this stream the caller's answer."""
        self._win(now)
        relay.commit(now)

    def _win(self, now: float) -> None:
        """End the other attempt, if there is one."""
        self.line.notices = self._notices
        if self.hedge is not None:
            self.hedge.win(now)
            self._listen()

    def on_end(self) -> None:
        """Judge what has come."""
        if self._relay is not None:
            self._close(self._relay, None, self._services.clock.now())
        elif self._came.faulty:
            self._finish(self._read_fault())
        else:
            self._finish(self._judge(self._came.body))

    def on_broken(self, broken: Broken) -> None:
        """Classify a failure below HTTP; an answer that was complete by then is complete."""
        failure = Failure(Cause.HARD, broken.fault.value, self.status)
        if self._relay is not None:
            self._close(self._relay, failure, self._services.clock.now())
        elif self._came.faulty:
            self._finish(self._read_fault())
        else:
            self._finish(failure)

    def on_limit(self) -> None:
        """Find out which limit has passed, if one has."""
        now = self._services.clock.now()
        if now >= self._look_at + STALLED_S and not self._looked_late:
            # The process stood still: what came meanwhile has to be read before it is judged.
            self._looked_late = True
            self._look(now + SECOND_LOOK_S)
        elif self._came.faulty:
            self._end(self._read_fault())
        elif self._paused and now < self.line.deadline:
            self._look(self._limits.paused_until(now))
        else:
            self._check(now)

    def _check(self, now: float) -> None:
        limits, relay, line = self._limits, self._relay, self.line
        started = relay is not None and relay.passage.started
        waiting = relay is None or relay.waiting
        if self.hedge is not None and self.content_at is None:
            self.hedge.check(self, now)
        if relay is not None and limits.settles(now):
            relay.settle(now)
        if limits.keep_alive_due(now, waiting=waiting):
            keep_alive(line, now)
        last_at = None if line.request.stream else self.last_at
        failure = limits.passed(
            now,
            self._call.sent_at,
            started=started,
            last_at=last_at,
            content_bytes=self.content_bytes,
        )
        if failure is None:
            self._look(self._next_look(now, last_at, started=started))
        elif relay is not None and relay.passage.complete:
            self._call.cancel()
            self._close(relay, failure, now)
        else:
            self._end(failure)

    def _next_look(self, now: float, last_at: float | None, *, started: bool) -> float:
        limits, relay = self._limits, self._relay
        if last_at is not None:
            return limits.silence_at(last_at)
        if started and relay is not None:
            return limits.silence_at(limits.seen_at, waiting=relay.waiting)
        return limits.next_at(now)

    def _look(self, at: float) -> None:
        """Look at the limits again at `at`, or earlier if another attempt is due by then."""
        if self.hedge is not None and self.content_at is None:
            at = min(at, self.hedge.due_at)
        self._look_at = at
        self._call.set_limit(at)

    def _gather(self, data: bytes, now: float) -> None:
        fits = self._came.add(data)
        if self._came.faulty:
            if not fits:
                self._end(self._read_fault())
        elif not fits:
            self._end(Failure(Cause.HARD, Fault.TOO_LARGE.value, self.status))
        elif not self.line.request.stream:
            self._look(self._limits.silence_at(now))

    def _judge(self, body: bytes) -> Failure | None:
        said = self._speech.answer(body)
        if isinstance(said, Failure):
            return said
        if self.line.request.stream:
            return Failure(Cause.HARD, "not_a_stream", self.status)
        self.usage = said.usage
        self._answer = said.body
        self._on_content(self.last_at or self.started_at)
        self._win(self.last_at or self.started_at)
        return None

    def _on_content(self, now: float) -> None:
        sent_at = self._call.sent_at
        self.content_at = now
        self.line.upstream_s += now - sent_at
        self.health.on_content(self.token, now, now - sent_at)

    def _read_fault(self) -> Failure:
        kind = self.line.plane.providers[self.start.target.provider].kind
        body = self._came.body
        failure = self._speech.read_fault(kind, self.status, self._came.headers, body)
        if failure.cause is Cause.THROTTLE:
            self.tab.on_refusal(body, self._services.clock.now())
        return failure

    def _on_leave(self) -> None:
        self._end(Failure(Cause.CANCEL, "client_closed", self.status))

    def _on_pause(self) -> None:
        self._paused = True
        self.health.on_pause(self.token)
        self._call.pause()

    def _on_resume(self) -> None:
        self._paused = False
        now = self._services.clock.now()
        self._limits.on_resume(self.content_bytes, now)
        self._look(self._limits.silence_at(now))
        self._call.resume()

    def _end(self, failure: Failure) -> None:
        """End the exchange from our side."""
        self._call.cancel()
        self._finish(failure)

    def _close(self, relay: Relay, failure: Failure | None, now: float) -> None:
        """End a stream by what was seen of it."""
        self._finish(relay.end(failure, now, self._win))

    def _finish(self, failure: Failure | None) -> None:
        if not self._ended.done():
            self._ended.set_result(failure)
