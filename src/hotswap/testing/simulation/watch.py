"""The promises, checked at every step of a story: each visit, each record, each answer's end."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Final

from msgspec.json import Encoder

from ...core.standings import Standings
from ...core.terms import Target
from ...ledger.record import Record, Transition
from .asking import CALLER_KEY
from .bounds import Bounds
from .caller import Ending, SimExchange
from .heard import Heard, hear_stream
from .judge import judge
from .providers import Visit
from .scenario import Command, Manner, Scenario, Shape, Wish
from .shadow import DISABLED, SHUT, Shadow
from .tally import Broken, Life, Tally
from .topology import HUSH
from .transport import SimCall

LATE_S: Final = 0.5
"""A request may outlast its deadline by this: limits are looked at no more often."""
_HUSH: Final = HUSH.encode()
_CALLER: Final = CALLER_KEY.encode()
_encode: Final = Encoder().encode


class Watch:
    """Sees everything that goes in and out, and says what is not as promised."""

    def __init__(
        self,
        scenario: Scenario,
        standings: Standings,
        now: Callable[[], float],
        *,
        traced: bool,
    ) -> None:
        self.broken: list[Broken] = []
        self.tally = Tally()
        self.trace: list[str] | None = [] if traced else None
        """Lines for people; None: nobody reads them."""
        self.shadow = Shadow()
        self.lives: dict[int, Life] = {}
        self.arrivals: list[float] = []
        self.sends: list[Visit] = []
        """Visits of user requests, in order."""
        self._scenario = scenario
        self._bounds = Bounds(scenario)
        self.may_serve = self._bounds.allow
        """Says whether callers' requests may go to a target at all."""
        self._chains = scenario.snapshot.chains
        self._standings = standings
        self._now = now
        self._digest = blake2b(digest_size=16)
        self._ids: dict[str, int] = {}
        self._probes: dict[int, str] = {}
        """What each probe in flight is about, by its call: the target, or a key of it."""
        self._probing: Counter[str] = Counter()

    @property
    def digest(self) -> str:
        """Names everything that happened: the same story has the same."""
        return self._digest.hexdigest()

    # Events

    def on_begin(self, wish: Wish, exchange: SimExchange, request_id: str) -> None:
        """A request is about to be planned."""
        chain = self._chains[wish.chain]
        wanted = [t for t in chain.targets if not wish.order or t.id in wish.order]
        panic = not any(map(self.eligible, wanted))
        self.lives[wish.number] = Life(wish, exchange, chain, self._now(), panic)
        self._ids[request_id] = wish.number
        self.tally.requests += 1
        self.arrivals.append(self._now())
        if self.trace is not None:
            self._tell(f"request {wish.number} arrives: {wish}")

    def on_visit(self, visit: Visit, request: bytes) -> None:
        """A request reaches a provider."""
        self._note(b"visit %d %d %a" % (visit.wish, visit.attempt, visit.target))
        if self.trace is not None:
            self._tell(f"{_who(visit)} to {visit.target} with {visit.credential}: {visit.trouble}")
        if _CALLER in request:
            self._break("I9", f"the caller's key goes to {visit.target}")
        if visit.wish < 0:
            self._probe(visit)
            return
        self.tally.calls += 1
        self.tally.troubles[visit.trouble.kind.value] += 1
        self.sends.append(visit)
        life = self.lives[visit.wish]
        if life.exchange.ending is not Ending.NONE:
            self._break("I1", f"{_who(visit)} begins after the answer has ended")
        self._may_visit(life, visit)
        self._goes_on(life, visit)
        life.visits.append(visit)

    def on_visit_end(self, visit: Visit, call: SimCall, cancelled: bool) -> None:  # noqa: FBT001 - a callback
        """A visit is over."""
        self._note(b"end %d %d %d" % (visit.wish, visit.attempt, call.body_bytes))
        if visit.wish < 0:
            self._probing[self._probes.pop(visit.call)] -= 1
        if self.trace is not None:
            how = "is dropped" if cancelled else "ends"
            self._tell(f"{_who(visit)} {how} after {call.body_bytes} bytes")

    def on_record(self, record: Record) -> None:
        """Something is recorded."""
        line = _encode(record)
        self._note(line)
        if _HUSH in line:
            self._break("I9", f"a secret is in a record: {line!r}")
        if isinstance(record, Transition):
            self.shadow.take(record)
            for flaw in self.shadow.flaws:
                self._break("I8", flaw)
            self.shadow.flaws.clear()
        elif record.route != "probe":
            number = self._ids.get(record.request_id)
            if number is None:
                self._break("I8", f"a record of nobody's request: {line!r}")
            else:
                self.lives[number].records.append(record)
        if self.trace is not None:
            self._tell(self._recorded(record))

    def on_command(self, command: Command) -> None:
        """An operator did something."""
        self._note(b"command %a %a" % (command.target, command.after))
        self._bounds.command(command)
        state = self._standings.target(command.target).breaker.state
        self.shadow.command(command.target, state.value)
        if self.trace is not None:
            self._tell(f"an operator says {command.after} of {command.target}")

    def on_bug(self, bug: Exception, request_id: str) -> None:
        """The line caught what nobody expected."""
        self._break("bug", f"request {self._ids.get(request_id)}: {bug!r}")

    def on_done(self, wish: Wish) -> None:
        """The handler of a request has returned."""
        life = self.lives[wish.number]
        exchange = life.exchange
        body = b"".join(exchange.body)
        self._note(b"done %d %a %b" % (wish.number, exchange.ending.value, body))
        for flaw in exchange.flaws:
            self._break("I1", f"request {wish.number}: {flaw}")
        if exchange.ending is Ending.NONE:
            self._break("I1", f"request {wish.number} has no end")
            return
        if _HUSH in body or _HUSH in exchange.headers:
            self._break("I9", f"request {wish.number} is told a secret")
        took_s = exchange.ended_at - life.begun_at
        if took_s > life.deadline_s + LATE_S:
            self._break("deadline", f"request {wish.number} took {took_s:.3f} s")
        heard, flaws = judge(life.wish, exchange, body, hold=life.chain.stream)
        for promise, words in flaws:
            self._break(promise, f"request {wish.number}: {words}")
        self._count(life, heard)
        self._attempts(life)
        self._records(life)
        if self.trace is not None:
            self._tell(f"request {wish.number} is {exchange.ending.value} ({exchange.status})")

    def broke(self, promise: str, words: str) -> None:
        """Take note of what somebody else saw."""
        self._break(promise, words)

    # What is promised

    def eligible(self, target: Target) -> bool:
        """Say whether a request may go to a target, as far as this can be known from outside."""
        health = self._standings.target(target.id)
        if not self._bounds.allow(target):
            return False
        if health.breaker.state in SHUT or any(place.shut for place in health.above):
            return False
        keys = self._scenario.snapshot.providers[target.provider].credentials
        return any(not self._barred(target.id, target.provider, key.id) for key in keys)

    def _barred(self, target: str, provider: str, credential: str) -> str:
        pending = self._standings.changes
        return self.shadow.shut(provider, credential, pending) or self.shadow.shut(
            target, credential, pending
        )

    def _may_visit(self, life: Life, visit: Visit) -> None:
        """I7: what is shut is left alone, but for panic and for a second try at the last target."""
        flaw = self._bounds.flaw(life, visit)
        if flaw:
            self._break("I7", f"{_who(visit)} goes to {visit.target}, {flaw}")
        same = [before for before in life.visits if before.target == visit.target]
        if any(before.credential == visit.credential for before in same):
            return
        provider = visit.target.partition("/")[0]
        barred = self._barred(visit.target, provider, visit.credential)
        if barred in DISABLED:
            self._break("I7", f"{_who(visit)} goes to {visit.target} by a key that is {barred}")
        order = life.wish.order
        wanted = [t for t in life.chain.targets if not order or t.id in order]
        if not any(map(self.eligible, wanted)):
            # Whom the plan found silent has opened only by being looked at.
            life.panic = life.panic or not life.visits
            return
        if life.panic or self._asks_least_bad(life, wanted):
            return
        if barred:
            self._break("I7", f"{_who(visit)} goes to {visit.target} by a key that is {barred}")
        triggers = life.chain.triggers
        health = self._standings.target(visit.target)
        state = health.breaker.state
        for place in health.above:
            if place.shut and place.concerns(triggers) and not same:
                self._break("I7", f"{_who(visit)} goes to {visit.target}: {place.name} is shut")
        minded = bool(life.visits) or triggers.error or triggers.latency is not None
        if state in SHUT and not same and minded:
            self._break("I7", f"{_who(visit)} goes to {visit.target}, which is {state}")

    def _asks_least_bad(self, life: Life, wanted: Sequence[Target]) -> bool:
        """Say whether all that was eligible has failed, and the chain has the others asked.

        What is more than text may be more than an eligible target can do; then it is not visited.
        """
        seen = {visit.target for visit in life.visits}
        left = [target for target in wanted if target.id not in seen]
        plain = life.wish.shape is Shape.TEXT and not life.wish.stop
        return life.chain.on_exhausted.least_bad and not (plain and any(map(self.eligible, left)))

    def _goes_on(self, life: Life, visit: Visit) -> None:
        """I3: whoever goes on is told just what the caller has; and nobody begins anew."""
        if not life.wish.stream or not life.exchange.body:
            if visit.begun is not None:
                self._break("I3", f"{_who(visit)} goes on, and nothing was begun")
            return
        has = self.hears(life).text
        begun = "" if visit.begun is None else visit.begun.text
        if begun != has and begun.rstrip() != has.rstrip():
            self._break("I3", f"{_who(visit)} goes on with {begun[-40:]!r} after {has[-40:]!r}")
        if visit.begun is not None:
            self.tally.manners[visit.manner.value] += 1

    def hears(self, life: Life) -> Heard:
        """Return what the caller of a stream has so far."""
        body = b"".join(life.exchange.body)
        return hear_stream(life.wish.dialect, body, array=life.wish.array)

    def _probe(self, visit: Visit) -> None:
        """I5: one probe of a target at a time, whatever of its keys is to be found out."""
        self.tally.probes += 1
        self._probes[visit.call] = visit.target
        self._probing[visit.target] += 1
        if self._probing[visit.target] > 1:
            self._break("I5", f"two probes of {visit.target} at once")

    def _moves_on(self, life: Life) -> bool:
        """Say whether caller and key let a request go to further targets."""
        keys = self._scenario.snapshot.keys
        return life.wish.fallback and all(key.fallback for key in keys)

    def _attempts(self, life: Life) -> None:
        """I6: a request makes a bounded number of attempts."""
        visits = life.visits
        free = sum(
            before.target == after.target
            and (before.credential != after.credential or _other_way(before, after))
            for before, after in pairwise(visits)
        )
        most = len(life.chain.targets) + life.chain.retry.max_attempts - 1 + free
        # The loser of two may well be asked again when the winner breaks off or fails.
        most += life.chain.hedge is not None
        if len(visits) > most:
            self._break("I6", f"request {life.wish.number} made {len(visits)} attempts of {most}")
        if not self._moves_on(life) and len({visit.target for visit in visits}) > 1:
            self._break("I6", f"request {life.wish.number} moved on although it must not")

    def _records(self, life: Life) -> None:
        """I8: a record for each attempt, one of them the last, and it tells the truth."""
        number, records = life.wish.number, life.records
        made = sorted((r for r in records if r.number), key=lambda record: record.number)
        if [record.number for record in made] != list(range(1, len(life.visits) + 1)):
            numbers = [record.number for record in made]
            self._break("I8", f"request {number}: {len(life.visits)} attempts, records {numbers}")
        for record, visit in zip(made, life.visits, strict=False):
            if (record.target, record.credential) != (visit.target, visit.credential):
                self._break("I8", f"request {number}: {record.target} is not {visit.target}")
        if sum(record.final for record in records) != 1:
            self._break(
                "I8", f"request {number}: of its records {[r.final for r in records]} end it"
            )
            return
        exchange = life.exchange
        good = exchange.ending is Ending.FINISHED or (
            exchange.ending is Ending.ANSWERED and exchange.status == 200
        )
        told = next(record.answered for record in records if record.final)
        if told != good and exchange.ending is not Ending.LEFT:
            self._break(
                "I8", f"request {number} is {exchange.ending.value}, the record says {told}"
            )
        if sum(record.answered for record in records) > 1:
            self._break("I8", f"request {number} was answered twice")

    # Numbers

    def _count(self, life: Life, heard: Heard) -> None:
        tally, exchange = self.tally, life.exchange
        spliced = any(visit.begun is not None for visit in life.visits)
        whole = bool(heard.text) and life.records[-1].bar.startswith("finish")
        tally.outcomes[_outcome(exchange, spliced=spliced, whole=whole)] += 1
        plain = life.wish.shape in {Shape.TEXT, Shape.THINKING} and life.wish.stream
        keys = self._scenario.snapshot.keys
        splices = life.wish.splice and life.chain.stream.splice and all(k.splice for k in keys)
        if spliced and not splices:
            self._break("I6", f"request {life.wish.number} goes on, which is forbidden")
        allowed = splices and self._moves_on(life)
        broke = spliced or (exchange.ending is Ending.ABORTED and bool(heard.text))
        if not (plain and allowed and broke) or exchange.ending is Ending.LEFT:
            return
        if exchange.ending is Ending.FINISHED:
            tally.cuts += 1
            tally.healed += 1
        elif not whole and self._healthy_left(life):
            tally.cuts += 1
            tally.left_over += 1
            if self.trace is not None:
                self._tell(f"request {life.wish.number} was not healed: {life.visits}")

    def _healthy_left(self, life: Life) -> bool:
        """Say whether a broken answer had somewhere to go on."""
        splices = sum(visit.begun is not None for visit in life.visits)
        seen = {visit.target for visit in life.visits}
        return (
            splices < life.chain.stream.max_splices
            and life.chain.triggers.error is not None
            and self._now() < life.begun_at + life.deadline_s
            and any(
                self.eligible(target)
                for target in life.chain.targets
                if target.id not in seen
                and (not life.wish.order or target.id in life.wish.order)
                and self._scenario.manners.get(target.id) is not Manner.ASTRAY
            )
        )

    def _break(self, promise: str, words: str) -> None:
        self.broken.append(Broken(promise, words, self._now()))
        if self.trace is not None:
            self._tell(f"{promise} IS BROKEN: {words}")

    def _tell(self, words: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self._now():9.3f}  {words}")

    def _recorded(self, record: Record) -> str:
        if isinstance(record, Transition):
            who = f"{record.target} {record.credential}".rstrip()
            return f"{who} is {record.after} now (was {record.before}): {record.reason}"
        number = self._ids.get(record.request_id)
        who = "probe" if number is None else f"request {number}, attempt {record.number}"
        how = "well" if not record.cause else f"{record.cause} {record.detail}"
        final = f", the last: {'' if record.answered else 'not '}answered" if record.final else ""
        return f"{who} at {record.target} ended after {record.end_s:.3f} s: {how}{final}"

    def _note(self, line: bytes) -> None:
        self._digest.update(b"%a " % self._now())
        self._digest.update(line)


def _outcome(exchange: SimExchange, *, spliced: bool, whole: bool) -> str:
    match exchange.ending:
        case Ending.FINISHED:
            return "spliced" if spliced else "answered"
        case Ending.ANSWERED:
            return "answered" if exchange.status == 200 else f"refused {exchange.status}"
        case Ending.ABORTED:
            return "raised after the whole text" if whole else "raised"
        case _:
            return "left"


def _who(visit: Visit) -> str:
    if visit.wish < 0:
        return "probe"
    on = f" (after {len(visit.begun.text)} characters)" if visit.begun is not None else ""
    return f"request {visit.wish}, attempt {visit.attempt}{on}"


def _other_way(before: Visit, after: Visit) -> bool:
    """Say whether a target that would not continue its own words was asked to go on instead."""
    if before.begun is None or after.begun is None:
        return False
    return before.begun.prefilled and not after.begun.prefilled
