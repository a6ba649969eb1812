"""Providers in memory: implements `upstream.api.Client` on the virtual loop."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Iterator, Mapping
from math import inf
from typing import Final, Protocol

from msgspec import Struct

from ...core.terms import Endpoint
from ...upstream.api import Broken, Fault, Headers, Listener
from ..moves import Move, Pause
from ..step import Cut


class Script(Struct, frozen=True):
    """What becomes of one request, from its connection to its end."""

    connect_s: float = 0.0
    """0: the connection is warm; infinity: it never stands."""
    refused: Fault | None = None
    """How connecting ends, after `connect_s`."""
    head_s: float = 0.0
    """From the request's last byte to the head; infinity: it never comes."""
    broken: Fault | None = None
    """In place of a head."""
    status: int = 200
    headers: Headers = {}
    body: Iterator[Move] = iter(())
    """What comes after the head; it ends well with the last move."""


class Providers(Protocol):
    """Whoever answers."""

    def script(self, endpoint: Endpoint, request: bytes, call: "SimCall") -> Script:
        """Say what becomes of a request."""
        ...

    def ended(self, call: "SimCall", *, cancelled: bool) -> None:
        """Take note that a call is over."""
        ...

    def stuck(self, call: "SimCall") -> None:
        """Take note that a call's listener asks for the same moment again and again."""
        ...


RINGS_MOST: Final = 50
"""Limits of one call that may pass in one moment; more of them, and the loop would never rest."""
_LEAVING: Final[Mapping[Cut, Fault]] = {Cut.EOF: Fault.CLOSED, Cut.RESET: Fault.RESET}


class SimCall:
    """Implements `upstream.api.Call`: plays a script to its listener, in order, one move a time.

    Nothing comes from within `send`, nothing after `cancel` or the end, and no body while paused.
    """

    __slots__ = (
        "_alarm",
        "_at",
        "_client",
        "_connect_s",
        "_held",
        "_limit",
        "_listener",
        "_moves",
        "_paused",
        "_rang_at",
        "_received",
        "_rings",
        "_script",
        "_timer",
        "body_bytes",
        "largest",
        "number",
        "sent_at",
    )

    def __init__(
        self, client: "SimClient", listener: Listener, number: int, connect_s: float
    ) -> None:
        self._client = client
        self._listener: Listener | None = listener
        """None once it is over."""
        self._connect_s = connect_s
        self._limit = inf
        self._alarm: TimerHandle | None = None
        self._timer: TimerHandle | None = None
        self._moves: Iterator[Move] = iter(())
        self._paused = self._held = self._received = False
        self._script = Script()
        self._at = 0.0
        """When the last move was due: while the process is away, the network is not."""
        self._rang_at = 0.0
        self._rings = 0
        self.sent_at = 0.0
        self.number = number
        """1 for the first call of the client."""
        self.body_bytes = 0
        """Handed to the listener so far."""
        self.largest = 0
        """Bytes of the largest piece."""

    def begin(self, script: Script) -> None:
        """Begin to play; called once, from within `send`."""
        self._script = script
        loop = self._client.loop
        if script.connect_s == 0.0 and script.refused is None:
            self._sent()
        elif script.connect_s > self._connect_s:
            self._timer = loop.call_later(self._connect_s, self._not_connected, Fault.TIMEOUT)
        elif script.refused is not None:
            self._timer = loop.call_later(script.connect_s, self._not_connected, script.refused)
        else:
            self._timer = loop.call_later(script.connect_s, self._sent)

    def set_limit(self, at: float) -> None:
        """See `Call`."""
        self._limit = at
        if self._listener is None:
            return
        alarm = self._alarm
        if alarm is None or at < alarm.when():
            if alarm is not None:
                alarm.cancel()
            self._alarm = self._client.loop.call_at(at, self._ring)

    def cancel(self) -> None:
        """See `Call`."""
        if self._listener is not None:
            self._close(cancelled=True)

    def pause(self) -> None:
        """See `Call`."""
        self._paused = True

    def resume(self) -> None:
        """See `Call`."""
        self._paused = False
        if self._held and self._listener is not None:
            self._held = False
            self._at = self._client.loop.time()
            self._timer = self._client.loop.call_at(self._at, self._play)

    def break_off(self, fault: Fault) -> None:
        """End the exchange, because the client closes."""
        self._break(fault)

    def _sent(self) -> None:
        loop, script = self._client.loop, self._script
        self.sent_at = loop.time()
        self._timer = None
        if script.head_s < inf:
            self._at = self.sent_at + script.head_s
            self._timer = loop.call_at(self._at, self._answer)

    def _not_connected(self, fault: Fault) -> None:
        self._break(fault)

    def _answer(self) -> None:
        script, listener = self._script, self._listener
        if listener is None:
            return
        if script.broken is not None:
            self._break(script.broken)
            return
        self._received = True
        self._moves = script.body
        listener.on_head(script.status, script.headers)
        self._play()

    def _play(self) -> None:
        self._timer = None
        for move in self._moves if self._may_go() else ():
            if type(move) is bytes:
                self._hand_on(move)
                if not self._may_go():
                    return
            elif type(move) is Pause:
                self._at += move.seconds
                if self._at <= self._client.loop.time():
                    # It came while the process was away, and is read in one go with the rest.
                    continue
                self._timer = self._client.loop.call_at(self._at, self._play)
                return
            else:
                self._leave(move)
                return
        if self._may_go():
            self._end()

    def _may_go(self) -> bool:
        """Say whether the next move may be played now; a paused one waits for `resume`."""
        if self._listener is None:
            return False
        self._held = self._paused
        return not self._paused

    def _hand_on(self, data: bytes) -> None:
        if data and self._listener is not None:
            self.body_bytes += len(data)
            self.largest = max(self.largest, len(data))
            self._listener.on_body(data)

    def _leave(self, move: Move) -> None:
        """End before the time, or, where nothing more is to come, do not end at all."""
        cut = getattr(move, "cut", None)
        if cut is Cut.END:
            self._end()
        elif isinstance(cut, Cut):
            self._break(_LEAVING[cut])

    def _end(self) -> None:
        listener = self._close(cancelled=False)
        if listener is not None:
            listener.on_end()

    def _break(self, fault: Fault) -> None:
        broken = Broken(fault, fault.value, sent=self.sent_at > 0.0, received=self._received)
        listener = self._close(cancelled=False)
        if listener is not None:
            listener.on_broken(broken)

    def _ring(self) -> None:
        self._alarm = None
        listener, loop = self._listener, self._client.loop
        if listener is None:
            return
        now = loop.time()
        if now >= self._limit:
            self._limit = inf
            self._rings = self._rings + 1 if now == self._rang_at else 0
            self._rang_at = now
            if self._rings == RINGS_MOST:
                self._client.stuck(self)
                self.cancel()
                return
            listener.on_limit()
        elif self._limit < inf:
            self._alarm = loop.call_at(self._limit, self._ring)

    def _close(self, *, cancelled: bool) -> Listener | None:
        listener, self._listener = self._listener, None
        if listener is not None:
            for timer in (self._alarm, self._timer):
                if timer is not None:
                    timer.cancel()
            self._alarm = self._timer = None
            self._moves = iter(())
            self._client.forget(self, cancelled=cancelled)
        return listener


class SimClient:
    """Implements `upstream.api.Client`; every request goes to the providers in memory."""

    def __init__(self, providers: Providers, loop: AbstractEventLoop) -> None:
        self._providers = providers
        self.loop = loop
        self.open: dict[int, SimCall] = {}
        """The calls in flight, by their number."""
        self.sent = 0
        """Calls so far."""

    def send(
        self, endpoint: Endpoint, request: bytes, listener: Listener, *, connect_s: float
    ) -> SimCall:
        """See `Client`."""
        self.sent += 1
        call = SimCall(self, listener, self.sent, connect_s)
        self.open[call.number] = call
        call.begin(self._providers.script(endpoint, request, call))
        return call

    def forget(self, call: SimCall, *, cancelled: bool) -> None:
        """Take note that a call is over."""
        del self.open[call.number]
        self._providers.ended(call, cancelled=cancelled)

    def stuck(self, call: SimCall) -> None:
        """Take note that a call's limit passes again and again in one moment."""
        self._providers.stuck(call)

    def warm(self, endpoints: Mapping[Endpoint, int]) -> None:
        """Connections cost what their script says."""

    async def close(self) -> None:
        """End what is in flight."""
        for call in list(self.open.values()):
            call.break_off(Fault.CLOSED)
