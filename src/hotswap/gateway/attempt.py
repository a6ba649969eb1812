"""One try at one target: listens to its exchange, judges the answer, relays the stream."""

from asyncio import Future

from ..core.run import Start
from ..core.terms import Cause, Failure, Usage
from ..dialects.api import Passage
from ..upstream.api import Broken, Call, Headers
from .answer import EVENT_STREAM, explain, pass_on
from .limits import Limits
from .line import Line
from .services import Services

MAX_BODY = 64 * 1024 * 1024
MAX_FAULT_BODY = 256 * 1024
STALLED_S = 0.25
"""A limit that is noticed so late tells of this process, not of the provider."""
SECOND_LOOK_S = 0.05
FAULT_BODY_S = 1.0
"""An error status is known; its body may refine the cause, but nobody waits longer for it."""


class Attempt:
    """The listener of one exchange with a provider.

    Nothing reaches the caller before the first content of a stream, or before a whole answer was
    judged sound. From then on bytes are pushed into the caller's transport from the callback
    that brought them.
    """

    __slots__ = (
        "_answer",
        "_call",
        "_ended",
        "_fault_body",
        "_headers",
        "_held",
        "_limits",
        "_look_at",
        "_looked_late",
        "_parts",
        "_passage",
        "_paused",
        "_progress",
        "_services",
        "_size",
        "content_at",
        "gap_s",
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
        line.tried += 1
        self.line = line
        self.number = line.tried
        self.start = start
        self._services = services
        self._ended: Future[Failure | None] = Future(loop=services.loop)
        self._headers: Headers = {}
        self._held = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._answer = b""
        self._passage: Passage | None = None
        self._progress = 0
        self._paused = False
        self._fault_body = False
        self._look_at = 0.0
        self._looked_late = False
        self.status = 0
        self.usage: Usage | None = None
        self.content_at: float | None = None
        self.last_at: float | None = None
        self.sent_at = 0.0
        """Monotonic seconds when the request was written, known at the end; 0.0: it never was."""
        self.gap_s = 0.0
        """Longest pause between two events with content."""
        self.started_at = services.clock.now()
        self.health = services.standings.target(start.target.id)
        self.token = self.health.begin(self.started_at, streamed=line.request.stream)
        """What the target's health knows this attempt by."""
        self._limits = Limits(line, self.health)
        self._call = self._send()

    def _send(self) -> Call:
        line, start = self.line, self.start
        route = line.route
        provider = line.plane.providers[start.target.provider]
        request = line.plane.request(
            route,
            start.target,
            start.credential,
            line.exchange.incoming.headers,
            route.dialect.write_request(line.request, start.target, provider.kind),
        )
        call = self._services.client.send(
            provider.endpoint, request, self, connect_s=line.chain.timeouts.connect_s
        )
        self._look_at = self._limits.first_at(self.started_at)
        call.set_limit(self._look_at)
        return call

    def _look(self, at: float) -> None:
        """Look at the limits again at `at`."""
        self._look_at = at
        self._call.set_limit(at)

    @property
    def released(self) -> bool:
        """Some content has reached the caller: no other target can begin the answer anew."""
        return self._passage is not None and self.content_at is not None

    @property
    def content_bytes(self) -> int:
        """Bytes of content that came; 0 for an answer that is not streamed."""
        return self._passage.content_bytes if self._passage is not None else 0

    async def ended(self) -> Failure | None:
        """Wait for the end: None when the caller has a whole answer."""
        exchange = self.line.exchange
        exchange.on_leave = self._on_leave
        exchange.on_pause = self._on_pause
        exchange.on_resume = self._on_resume
        if exchange.gone:
            self._on_leave()
        try:
            failure = await self._ended
        finally:
            exchange.on_leave = exchange.on_pause = exchange.on_resume = None
            call = self._call
            if not self._ended.done() or self._ended.cancelled():
                call.cancel()
            self.sent_at = call.sent_at
            del self._call  # it knows this attempt: a ring that only the collector could undo
        return failure

    def deliver(self, failure: Failure | None) -> None:
        """Send what ends the caller's answer, once the attempt's times are settled."""
        exchange, line = self.line.exchange, self.line
        if self._passage is not None or line.committed:
            if failure is None:
                exchange.finish()
            elif failure.cause is not Cause.CANCEL:
                words = f"The answer broke off at {self.start.target.id}: {failure.detail}."
                exchange.write(line.route.dialect.write_stream_error("upstream_interrupted", words))
                exchange.abort()
        elif failure is None:
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
        if not 200 <= status < 300:
            self._fault_body = True
            self._look(now + FAULT_BODY_S)
        elif line.request.stream and b"json" not in headers.get(b"content-type", b""):
            self._passage = line.route.dialect.passage(usage_asked=line.request.usage_asked)
        elif not line.request.stream:
            self._look(self._limits.silence_at(now))

    def on_body(self, data: bytes) -> None:
        """Relay a stream's next bytes, or gather a body."""
        now = self.last_at = self._services.clock.now()
        passage = self._passage
        if passage is not None:
            self._relay(passage, data, now)
            return
        self._parts.append(data)
        self._size += len(data)
        if self._fault_body:
            if self._size > MAX_FAULT_BODY:
                self._end(self._read_fault())
        elif self._size > MAX_BODY:
            self._end(Failure(Cause.HARD, "too_large", self.status))
        elif not self.line.request.stream:
            self._look(self._limits.silence_at(now))

    def on_end(self) -> None:
        """Judge what has come."""
        passage = self._passage
        if passage is not None:
            self._close(passage, None)
        elif self._fault_body:
            self._finish(self._read_fault())
        else:
            self._finish(self._judge(b"".join(self._parts)))

    def on_broken(self, broken: Broken) -> None:
        """Classify a failure below HTTP; an answer that was complete by then is complete."""
        failure = Failure(Cause.HARD, broken.fault.value, self.status)
        passage = self._passage
        if passage is not None:
            self._close(passage, failure)
        elif self._fault_body:
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
            return
        if self._fault_body:
            self._end(self._read_fault())
            return
        limits, passage = self._limits, self._passage
        started = passage is not None and passage.started
        if self._paused and now < self.line.deadline:
            self._look(limits.silence_at(now))
            return
        if limits.keep_alive_due(now, started=started):
            self._keep_alive(now)
        since = self.last_at if self.line.request.stream is False else None
        failure = limits.passed(now, self._call.sent_at, started=started, last_at=since)
        if failure is None:
            self._look(limits.next_at(now))
        elif passage is not None and passage.complete:
            self._call.cancel()
            self._close(passage, None)
        else:
            self._end(failure)

    def _relay(self, passage: Passage, data: bytes, now: float) -> None:
        out = passage.feed(data)
        exchange = self.line.exchange
        self.health.heard_at = now
        # What fails in the same read as its first content is not begun at all.
        if passage.started and (self.content_at is not None or passage.failure is None):
            if self.content_at is None:
                self._commit(now)
                out = self._held + out
            if out:
                exchange.write(out)
        else:
            self._held += out
        if passage.failure is not None:
            self._end(passage.failure)
        elif passage.progress != self._progress:
            self._progress = passage.progress
            self._limits.on_progress(now)
            self._look(self._limits.silence_at(now))

    def _commit(self, now: float) -> None:
        """Begin the caller's answer: from here on this target's stream is the answer."""
        line = self.line
        self._on_content(now)
        line.upstream_s += now - (self._call.sent_at or now)
        if not line.committed:
            line.committed = True
            line.exchange.start(200, EVENT_STREAM + explain(line, self.start.target, now))

    def _keep_alive(self, now: float) -> None:
        """Show a waiting caller that its request lives."""
        line = self.line
        if not line.committed:
            line.committed = True
            line.exchange.start(200, EVENT_STREAM + explain(line, None, now))
        line.exchange.write(line.route.dialect.KEEP_ALIVE)
        line.keep_alive_at = now + line.plane.snapshot.server.keep_alive_s

    def _close(self, passage: Passage, failure: Failure | None) -> None:
        """The stream has ended, well or not: decide by what was seen of it."""
        rest = passage.end()
        self.usage = passage.usage
        self.gap_s = self._limits.longest_gap_s
        if passage.complete and passage.failure is None:
            if self.content_at is None:
                self._commit(self._services.clock.now())
                rest = self._held + rest
            if rest:
                self.line.exchange.write(rest)
            self._finish(None)
        else:
            self._finish(failure or passage.failure or Failure(Cause.HARD, "truncated", 200))

    def _judge(self, body: bytes) -> Failure | None:
        if self.line.request.stream:
            reply = self.line.route.dialect.read_reply(body)
            if isinstance(reply, Failure):
                return reply
            return Failure(Cause.HARD, "not_a_stream", self.status)
        reply = self.line.route.dialect.read_reply(body)
        if isinstance(reply, Failure):
            return reply
        self.usage = reply.usage
        self._answer = body
        self._on_content(self.last_at or self.started_at)
        return None

    def _on_content(self, now: float) -> None:
        self.content_at = now
        self.health.on_content(self.token, now, now - self._call.sent_at)

    def _read_fault(self) -> Failure:
        kind = self.line.plane.providers[self.start.target.provider].kind
        return self.line.route.dialect.read_fault(
            kind, self.status, self._headers, b"".join(self._parts)
        )

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
        if self._passage is not None:
            self.usage = self._passage.usage
            self.gap_s = self._limits.longest_gap_s
        self._finish(failure)

    def _finish(self, failure: Failure | None) -> None:
        if not self._ended.done():
            self._ended.set_result(failure)
