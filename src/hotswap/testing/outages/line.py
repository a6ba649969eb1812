"""One request on the virtual clock: asks the deciding core, and tells it what it would hear.

It stands in for `gateway/drive`, `attempt`, `limits`, `tab` and `report`, and holds every call of a
replay to plan, run, standings and keys, so that a change there is followed here alone.
"""

from collections.abc import Callable
from typing import Final, Protocol, assert_never

from ...core.headroom import Charge
from ...core.health import TargetHealth
from ...core.keyring import Keyring
from ...core.plan import ANYTHING, Ask, plan
from ...core.run import Action, GiveUp, Run, Sleep, Start
from ...core.standings import Standings
from ...core.terms import RULES, Cause, Chain, Failure, Scope, Target, Usage
from .fate import Fate, Sky

_GAP: Final = 0.4
"""The longest pause of a stream, as a part of the time to its first content."""


_UNSENT: Final = frozenset({"refused", "timeout"})
"""Details of failures before the request was written: they cost nothing."""


class Desk(Protocol):
    """Whoever plays the requests: the clock's side of a line, and its readers."""

    standings: Standings
    sky: Sky
    jitter: Callable[[], float]

    def at(self, moment: float, do: Callable[[float], None]) -> None:
        """Have something done later."""
        ...

    def began(self, line: "Line") -> None:
        """Hear that an attempt begins."""
        ...

    def answered(self, line: "Line", now: float) -> None:
        """Hear that a request has its whole answer."""
        ...

    def lost(self, line: "Line", failure: Failure | None) -> None:
        """Hear that a request gets an error; None: nobody could be asked."""
        ...

    def changed(self, now: float) -> None:
        """Hear that an attempt failed, or that standings have changed."""
        ...

    def seam_fails(self) -> bool:
        """Say of a broken stream, once, whether nobody can go on with it."""
        ...


def _continues(_: Target) -> bool:
    return True


class Line:
    """The life of one request.

    Args:
        desk: Plays it.
        chain: Whom it asks for.
        number: Of the request, from 0.
        now: Its arrival.
        streamed: It wants a stream.
        ask: What of it bears on where it goes.
    """

    __slots__ = (
        "_ask",
        "_began_at",
        "_charge",
        "_desk",
        "_fate",
        "_health",
        "_limit_s",
        "_run",
        "_start",
        "_token",
        "arrived_at",
        "attempts",
        "begun_at",
        "chain",
        "content_at",
        "number",
        "splices",
        "streamed",
        "target",
    )

    def __init__(
        self,
        desk: Desk,
        chain: Chain,
        number: int,
        now: float,
        *,
        streamed: bool,
        ask: Ask = ANYTHING,
    ) -> None:
        self._desk = desk
        self._ask = ask
        self.chain = chain
        self.number = number
        self.streamed = streamed
        self.arrived_at = now
        self.attempts = 0
        self.splices = 0
        """How often its answer broke off."""
        self.begun_at = now
        """When the attempt began whose first content the caller saw."""
        self.content_at: float | None = None
        """When the caller saw the first content."""
        self.target = ""
        """Of the last attempt."""
        self._began_at = now
        self._fate: Fate
        self._health: TargetHealth
        self._start: Start
        self._token = 0
        self._charge: Charge | None = None
        self._limit_s = 0.0
        standings, jitter = desk.standings, desk.jitter
        self._run = Run(
            chain,
            plan(chain, standings, now, jitter, ask=ask),
            standings,
            deadline=now + chain.timeouts.total_s,
            jitter=jitter,
            ask=ask,
        )
        self._follow(self._run.begin(now), now)

    def _follow(self, action: Action, now: float) -> None:
        """Carry out what the run decides."""
        match action:
            case Start():
                self._send(action, now)
            case Sleep(seconds):
                self._desk.at(now + seconds, self._wake)
            case GiveUp(failure):
                self._desk.lost(self, failure)
            case _:
                assert_never(action)

    def _wake(self, now: float) -> None:
        self._follow(self._run.on_wake(now), now)

    def _send(self, start: Start, now: float) -> None:
        """Begin an attempt, and see when something comes of it."""
        desk = self._desk
        self._start = start
        target = start.target
        self.target = target.id
        self.attempts += 1
        self._began_at = now
        self._health = health = desk.standings.target(target.id)
        self._token = health.begin(now, streamed=self.streamed)
        rooms = desk.standings.keyring(target.provider).rooms
        tokens = self._ask.prompt_tokens, self._ask.output_tokens
        self._charge = rooms.begin(start.credential.id, target.model, now, *tokens)
        desk.began(self)
        self._fate = fate = desk.sky.ask(start, now, streamed=self.streamed)
        self._limit_s = limit_s = self._first_s(health)
        first_s = fate.content_s if self.streamed else fate.end_s
        if fate.failure is not None and fate.end_s < first_s:
            first_s = fate.end_s
        if first_s > limit_s:
            desk.at(now + limit_s, self._on_hang)
        elif not self.streamed or first_s < fate.content_s:
            desk.at(now + first_s, self._on_end)
        else:
            desk.at(now + first_s, self._on_content)

    def _first_s(self, health: TargetHealth) -> float:
        """Return how long the attempt may take to its first content, as `gateway/limits` does."""
        first_s = self.chain.timeouts.first_content_s
        latency = self.chain.triggers.latency
        if latency is not None and latency.threshold_ms is not None and latency.action == "switch":
            threshold_s = latency.threshold_ms / 1000.0
            first_s = threshold_s if first_s is None else min(first_s, threshold_s)
        if first_s is not None:
            return first_s
        return health.latency.first_content_limit_s(streamed=self.streamed)

    def _on_hang(self, now: float) -> None:
        limit_s = self._limit_s
        self._fail(Failure(Cause.HANG, "first_content", measured=limit_s, threshold=limit_s), now)

    def _on_content(self, now: float) -> None:
        """Take the first content of a stream: from here on it is the caller's answer."""
        self._hear_content(now)
        fate = self._fate
        end_at = self._began_at + fate.end_s
        # Its bytes come without a pause until then; each of them is a sign of life.
        self._health.heard_at = max(self._health.heard_at, end_at)
        if not fate.stalls:
            self._desk.at(end_at, self._on_end)
            return
        silence_s = self.chain.timeouts.silence_s
        if silence_s is None:
            silence_s = self._health.latency.silence_limit_s()
        self._desk.at(end_at + silence_s, self._on_silence)

    def _hear_content(self, now: float) -> None:
        self._health.on_byte(self._token, now)
        self._health.on_content(self._token, now, now - self._began_at)
        if self.content_at is None:
            self.content_at = now
            self.begun_at = self._began_at

    def _on_silence(self, now: float) -> None:
        self._fail(Failure(Cause.HANG, "silence", 200), now)

    def _on_end(self, now: float) -> None:
        """Take an end that the provider made."""
        failure = self._fate.failure
        if failure is not None:
            self._fail(failure, now)
            return
        if not self.streamed:
            self._hear_content(now)
        self._report(None, now)
        self._desk.answered(self, now)

    def _fail(self, failure: Failure, now: float) -> None:
        """Ask what follows from a failure, before the caller has anything, or after."""
        self._report(failure, now)
        if self.content_at is None:
            self._follow(self._run.on_failure(failure, now, self._start), now)
            return
        self.splices += 1
        rule = self.chain.stream
        if not rule.splice or self.splices > rule.max_splices or self._desk.seam_fails():
            self._desk.lost(self, failure)
            return
        self._follow(self._run.on_broken(failure, now, _continues, self._start), now)

    def _report(self, failure: Failure | None, now: float) -> None:
        """Tell the standings how the attempt ended, as `gateway/report` does."""
        desk, health, start = self._desk, self._health, self._start
        keyring = desk.standings.keyring(start.target.provider)
        self._settle(keyring, failure, now)
        if failure is None:
            if self.streamed:
                health.on_gap(now, _GAP * self._fate.content_s)
            health.on_success(self._token, now)
            keyring.on_success(start.credential.id, start.target.model, self._began_at)
        else:
            health.on_failure(self._token, now, failure)
            if RULES[failure.cause].scope in {Scope.CREDENTIAL, Scope.ACCESS}:
                self._blame_key(keyring, failure, now)
        if failure is not None or desk.standings.changes:
            desk.changed(now)

    def _settle(self, keyring: Keyring, failure: Failure | None, now: float) -> None:
        """Replace what was expected of the key's limits by what the attempt cost."""
        rooms, key, model = keyring.rooms, self._start.credential.id, self._start.target.model
        refused = failure is not None and failure.cause is Cause.THROTTLE
        if self._fate.limits:
            rooms.on_limits(key, model, self._fate.limits, now, self._charge)
        if self._charge is not None:
            usage = None
            if failure is None:
                usage = Usage(self._ask.prompt_tokens, self._ask.output_tokens)
            refund = failure is not None and (refused or failure.detail in _UNSENT)
            self._charge.settle(usage, now, refund=refund)
        if failure is not None and refused:
            rooms.on_refusal(key, model, self._charge, failure.retry_after_s or 0.0, now)

    def _blame_key(self, keyring: Keyring, failure: Failure, now: float) -> None:
        auth = self.chain.triggers.auth
        keyring.on_failure(
            self._start.credential.id,
            self._start.target.model,
            str(self.number),
            failure,
            now,
            **({"auth_failures": auth.failures} if auth is not None else {}),
        )
