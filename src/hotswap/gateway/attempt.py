"""One try at one target: listens to its exchange, and judges what comes back."""

from asyncio import Future

from ..core.run import Start
from ..core.terms import Cause, Failure, Usage
from ..dialects.api import Outgoing
from ..upstream.api import Broken, Call, Fault, Headers
from .answer import explain, pass_on
from .limits import Limits
from .line import Line
from .relay import Relay, keep_alive
from .services import Services
from .speech import Translation, say

STALLED_S = 0.25
"""A limit that is noticed so late tells of this process, not of the provider."""
SECOND_LOOK_S = 0.05
MAX_FAULT_BODY = 256 * 1024
MAX_ANSWER = 64 * 1024 * 1024
"""As much as the client allows a body, but for those whose type is an event stream."""
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
        "_ended",
        "_headers",
        "_limits",
        "_look_at",
        "_looked_late",
        "_parts",
        "_paused",
        "_relay",
        "_services",
        "_size",
        "_speech",
        "content_at",
        "health",
        "last_at",
        "line",
        "number",
        "sent_at",
        "start",
        "started_at",
        "status",
        "token",
        "usage",
    )

    def __init__(self, line: Line, start: Start, services: Services) -> None:
        """Send the request; raises `UnableError` or `RefusedError` before anything happens."""
        provider = line.plane.providers[start.target.provider]
        now = self.started_at = services.clock.now()
        outgoing, self._speech = say(
            line, services.lessons.taught(start.target, now), provider, services.clock
        )
        line.notices = outgoing.notices
        line.tried += 1
        self.line = line
        self.number = line.tried
        self.start = start
        self._services = services
        self._ended: Future[Failure | None] = Future(loop=services.loop)
        self._headers: Headers = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._answer = b""
        self._relay: Relay | None = None
        self._paused = self._looked_late = False
        self.status = 0
        self.usage: Usage | None = None
        self.content_at: float | None = None
        self.last_at: float | None = None
        self.sent_at = 0.0
        """Monotonic seconds when the request was written, known at the end; 0.0: it never was."""
        self.health = services.standings.target(start.target.id)
        self.token = self.health.begin(now, streamed=line.request.stream)
        """What the target's health knows this attempt by."""
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
    def released(self) -> bool:
        """Some content has reached the caller: no other target can begin the answer anew."""
        return self._relay is not None and self._relay.released

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
        exchange.on_leave = self._on_leave
        exchange.on_pause = self._on_pause
        exchange.on_resume = self._on_resume
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

    def cut_off(self) -> None:
        """End because the process ends: the caller gets an error, in-band where it must be."""
        self._end(Failure(Cause.CANCEL, "shutting_down", self.status))

    def deliver(self, failure: Failure | None) -> None:
        """Send what ends the caller's answer; nothing, if the caller is gone."""
        exchange, line = self.line.exchange, self.line
        if failure is not None:
            words = f"The answer broke off at {self.start.target.id}: {failure.detail}."
            exchange.write(
                line.route.dialect.write_stream_error("upstream_interrupted", words, line.request)
            )
            exchange.abort()
        elif self._relay is not None:
            exchange.finish()
        else:
            now = self._services.clock.now()
            headers = pass_on(self._headers) + explain(line, self.start.target, now)
            exchange.answer(self.status, headers, self._answer)

    def on_head(self, status: int, headers: Headers) -> None:
        """Choose how the body is read."""
        now = self.last_at = self._services.clock.now()
        self.status = status
        self._headers = headers
        self.health.on_byte(self.token, now)
        line = self.line
        if self._faulty:
            self._look(now + FAULT_BODY_S)
        elif line.request.stream and b"json" not in headers.get(b"content-type", b""):
            self._relay = Relay(line, self.start.target, self._speech.passage())

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
        if passage.failure is not None:
            # Content that came in the same read was not sent: another target may begin anew.
            self._end(passage.failure)
            return
        limits = self._limits
        if not relay.released and passage.started:
            if self.content_at is None:
                self._on_content(now)
            if limits.keeps_pace(passage.content_bytes, now):
                relay.commit(now)
        if isinstance(passage, Translation) and passage.cut:
            self._call.cancel()
            self._finish(relay.end(None, now))
        elif forward:
            limits.on_progress(now)
            self._look(limits.silence_at(now))

    def on_end(self) -> None:
        """Judge what has come."""
        if self._relay is not None:
            self._finish(self._relay.end(None, self._services.clock.now()))
        elif self._faulty:
            self._finish(self._read_fault())
        else:
            self._finish(self._judge(b"".join(self._parts)))

    def on_broken(self, broken: Broken) -> None:
        """Classify a failure below HTTP; an answer that was complete by then is complete."""
        failure = Failure(Cause.HARD, broken.fault.value, self.status)
        if self._relay is not None:
            self._finish(self._relay.end(failure, self._services.clock.now()))
        elif self._faulty:
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
        elif self._faulty:
            self._end(self._read_fault())
        elif self._paused and now < self.line.deadline:
            self._look(self._limits.silence_at(now))
        else:
            self._check(now)

    def _check(self, now: float) -> None:
        limits, relay, line = self._limits, self._relay, self.line
        started = relay is not None and relay.passage.started
        if limits.keep_alive_due(now, started=started):
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
            self._look(limits.next_at(now) if last_at is None else limits.silence_at(last_at))
        elif relay is not None and relay.passage.complete:
            self._call.cancel()
            self._finish(relay.end(failure, now))
        else:
            self._end(failure)

    def _look(self, at: float) -> None:
        """Look at the limits again at `at`."""
        self._look_at = at
        self._call.set_limit(at)

    @property
    def _faulty(self) -> bool:
        return not 200 <= self.status < 300 and self.status > 0

    def _gather(self, data: bytes, now: float) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._faulty:
            if self._size > MAX_FAULT_BODY:
                self._end(self._read_fault())
        elif self._size > MAX_ANSWER:
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
        return None

    def _on_content(self, now: float) -> None:
        sent_at = self._call.sent_at
        self.content_at = now
        self.line.upstream_s += now - sent_at
        self.health.on_content(self.token, now, now - sent_at)

    def _read_fault(self) -> Failure:
        kind = self.line.plane.providers[self.start.target.provider].kind
        return self._speech.read_fault(kind, self.status, self._headers, b"".join(self._parts))

    def _on_leave(self) -> None:
        self._end(Failure(Cause.CANCEL, "client_closed", self.status))

    def _on_pause(self) -> None:
        self._paused = True
        self._call.pause()

    def _on_resume(self) -> None:
        self._paused = False
        self._look(self._limits.silence_at(self._services.clock.now()))
        self._call.resume()

    def _end(self, failure: Failure) -> None:
        """End the exchange from our side."""
        self._call.cancel()
        self._finish(failure)

    def _finish(self, failure: Failure | None) -> None:
        if not self._ended.done():
            self._ended.set_result(failure)
