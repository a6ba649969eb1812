"""The simulated providers: they know every story, and answer each request as the scenario wants."""

import re
from collections.abc import Callable, Iterator, Mapping
from math import inf
from random import Random
from typing import Final

from msgspec import Struct

from ...core.terms import Credential, Endpoint, Provider
from ...upstream.api import Fault, Headers
from .. import anthropic_form, gemini_form, openai_form, responses_form
from ..echo import Begun, read_begun
from ..form import Answer, Asked, Form
from ..moves import Hang, Leave, Move, Pause
from ..step import Cut, Seen
from .continuing import rest_of
from .faults import Pace, disturbed
from .refusals import JSON, prefill_refused, refusal
from .scenario import Kind, Manner, Phase, Scenario, Shape, Trouble, Wish
from .texts import CHARS, calls_of, text_of
from .transport import Script, SimCall

FORMS: Final[Mapping[str, Form]] = {
    "openai_chat": openai_form,
    "openai_responses": responses_form,
    "anthropic": anthropic_form,
    "gemini": gemini_form,
}
STREAM: Final = (b"content-type", b"text/event-stream; charset=utf-8")
PAGE: Final = b"<html><head><title>Welcome</title></head><body>It works!</body></html>"
PIECES_MOST: Final = 100
"""The network cuts no body into many more pieces."""
_CONNECTING: Final[Mapping[Kind, Fault]] = {
    Kind.DNS: Fault.DNS,
    Kind.TLS: Fault.TLS,
    Kind.REFUSED: Fault.REFUSED,
}
_REFUSING: Final = frozenset(
    {Kind.STATUS, Kind.THROTTLE, Kind.AUTH, Kind.MONEY, Kind.GONE, Kind.CALLER}
)
_number: Final = re.compile(rb"\[story (\d+)\]").search
_limit: Final = re.compile(
    rb'"(?:max_tokens|max_completion_tokens|max_output_tokens|maxOutputTokens)":(\d+)'
).search


class Visit(Struct, frozen=True):
    """One request that reached a provider."""

    at: float
    call: int
    """Number of the call."""
    wish: int
    """Number of the caller's request; -1: a probe."""
    attempt: int
    """1 for the first of the caller's request."""
    target: str
    credential: str
    trouble: Trouble
    begun: Begun | None = None
    """The answer that it was asked to go on with."""
    manner: Manner = Manner.EXACT


class SimProviders:
    """Answers every request in the form of its API, by the scenario's dice."""

    def __init__(
        self, scenario: Scenario, now: Callable[[], float], on_visit: Callable[[Visit, bytes], None]
    ) -> None:
        self._scenario = scenario
        self._now = now
        self._on_visit = on_visit
        self._wishes = {wish.number: wish for wish in scenario.wishes}
        self._attempts: dict[int, int] = {}
        self._providers = tuple(scenario.snapshot.providers.values())
        self.visits: dict[int, Visit] = {}
        """Those in flight, by the number of the call."""
        self.on_stuck: Callable[[str], None] = _no_words
        """Hears of a limit that is set again and again to the same moment."""
        self.on_stray: Callable[[str], None] = _no_words
        """Hears of a key that reached a provider to which it does not belong."""
        self.on_ended: Callable[[Visit, SimCall, bool], None] = _nobody
        """Hears of every visit's end; the last value says that it was cancelled."""

    def add(self, wish: Wish) -> None:
        """Know one more story."""
        self._wishes[wish.number] = wish

    def ended(self, call: SimCall, *, cancelled: bool) -> None:
        """See `Providers`."""
        self.on_ended(self.visits.pop(call.number), call, cancelled)

    def stuck(self, call: SimCall) -> None:
        """See `Providers`."""
        visit = self.visits[call.number]
        self.on_stuck(f"request {visit.wish}: a limit is set to the same moment without end")

    def script(self, endpoint: Endpoint, request: bytes, call: SimCall) -> Script:
        """See `Providers`."""
        head, _, body = request.partition(b"\r\n\r\n")
        provider, credential = self._account(endpoint.host, head)
        path = head.split(b" ", 2)[1].decode()
        form = FORMS[provider.dialect]
        seen = Seen(call.number, 1, "POST", path, {}, body, self._now())
        asked = form.read_asked(seen)
        found = _number(body)
        number = -1 if found is None else int(found[1])
        attempt = self._attempts[number] = self._attempts.get(number, 0) + 1
        target = f"{provider.name}/{asked.model}"
        rng = Random((self._scenario.seed << 24) ^ (number << 8) ^ attempt)  # noqa: S311 - seeded
        trouble = self._trouble(target, credential.id, number, attempt, rng)
        manner = self._scenario.manners.get(target, Manner.EXACT)
        begun = read_begun(body) if number >= 0 else None
        visit = Visit(
            seen.at, call.number, number, attempt, target, credential.id, trouble, begun, manner
        )
        self.visits[call.number] = visit
        self._on_visit(visit, request)
        return _Scripting(visit, asked, form, credential.secret, rng).script(
            self._wishes.get(number), body
        )

    def _account(self, host: str, head: bytes) -> tuple[Provider, Credential]:
        """Return whose key a request carries, be it one of another host, and the key."""
        for owner in self._providers:
            for credential in owner.credentials:
                if credential.secret.encode() in head:
                    if owner.endpoint.host != host:
                        self.on_stray(f"{host} is sent a key of {owner.name}")
                    return owner, credential
        raise AssertionError(f"a request to {host} carries no key")

    def _trouble(
        self, target: str, credential: str, number: int, attempt: int, rng: Random
    ) -> Trouble:
        scenario, now = self._scenario, self._now()
        if now >= scenario.calm_at or (number, attempt) in scenario.spared:
            return _NONE
        for phase in scenario.phases:
            if phase.holds(target, credential, now) and rng.random() < phase.share:
                return _draw(rng, phase, now)
        if number >= 0 and rng.random() < scenario.noise:
            return draw_trouble(rng, rng.choice(ANY))
        return _NONE


_NONE: Final = Trouble(Kind.NONE)
ANY: Final = (
    *(Kind.DNS, Kind.TLS, Kind.REFUSED, Kind.BLACKHOLE, Kind.RESET),
    *(Kind.STATUS, Kind.STATUS, Kind.THROTTLE, Kind.AUTH, Kind.MONEY, Kind.GONE, Kind.CALLER),
    *(Kind.HANG, Kind.MUTE, Kind.PINGS, Kind.SLOW, Kind.EMPTY, Kind.PAGE, Kind.BARE),
    *(Kind.CUT,) * 10,
    *(Kind.STALL, Kind.STALL, Kind.ERROR, Kind.ERROR, Kind.GARBAGE, Kind.GARBAGE),
)
"""What noise is made of."""
_STATUSES: Final = (500, 500, 502, 503, 504, 520, 529, 408)


def _draw(rng: Random, phase: Phase, now: float) -> Trouble:
    trouble = draw_trouble(rng, rng.choice(phase.kinds))
    if trouble.kind is Kind.THROTTLE and trouble.wait_s is not None:
        # A storm's reset is the same for all: its end.
        return Trouble(Kind.THROTTLE, wait_s=phase.until - now)
    return trouble


def draw_trouble(rng: Random, kind: Kind) -> Trouble:
    """Draw how an attempt is disturbed: half of all cuts are in the last tenth of the body."""
    where = rng.random() if rng.getrandbits(1) else 0.9 + 0.1 * rng.random()
    wait_s = rng.choice((None, 0.5, 2.0, 30.0)) if kind is Kind.THROTTLE else None
    cut = rng.choice((Cut.EOF, Cut.RESET, Cut.END))
    return Trouble(kind, where, rng.choice(_STATUSES), wait_s, cut)


def _no_words(_words: str) -> None:
    pass


def _nobody(_visit: Visit, _call: SimCall, _cancelled: bool) -> None:  # noqa: FBT001 - a callback
    pass


_Answer = tuple[int, Headers, Iterator[Move]]


class _Scripting:
    """Writes what one visitor gets."""

    def __init__(self, visit: Visit, asked: Asked, form: Form, secret: str, rng: Random) -> None:
        self._visit = visit
        self._asked = asked
        self._form = form
        self._secret = secret
        self._rng = rng

    def script(self, wish: Wish | None, body: bytes) -> Script:
        rng, trouble = self._rng, self._visit.trouble
        connect_s = 0.0 if rng.random() < 0.8 else 0.005 + 0.1 * rng.random()
        head_s = 0.01 + 0.4 * rng.random() ** 3
        kind = trouble.kind
        if kind in _CONNECTING:
            return Script(connect_s, _CONNECTING[kind])
        if kind is Kind.BLACKHOLE:
            return Script(inf)
        if kind is Kind.RESET:
            return Script(connect_s, None, head_s, Fault.RESET)
        if kind is Kind.HANG:
            return Script(connect_s, None, inf)
        status, headers, moves = self._refused() or self._answered(wish, body)
        if not self._asked.stream:
            head_s += rng.random()
        return Script(connect_s, None, head_s, None, status, headers, moves)

    def _refused(self) -> _Answer | None:
        """Return the error that the visitor gets; None: it gets an answer."""
        visit = self._visit
        if visit.trouble.kind in _REFUSING:
            status, headers, body = refusal(visit.trouble, self._form, self._secret)
        elif visit.begun is not None and visit.begun.prefilled and visit.manner is Manner.REFUSES:
            status, headers, body = prefill_refused(self._form)
        else:
            return None
        return status, headers, iter((body,))

    def _answered(self, wish: Wish | None, body: bytes) -> _Answer:
        if self._visit.trouble.kind is Kind.PAGE:
            return 200, {b"content-type": b"text/html"}, iter((PAGE,))
        answer = self._answer(wish, body)
        if self._asked.stream or self._asked.in_array:
            headers = {STREAM[0]: STREAM[1], b"x-request-id": b"req-sim"}
            return 200, headers, self._stream(answer)
        return 200, dict((JSON,)), self._whole(self._form.answer_body(answer, self._asked))

    def _answer(self, wish: Wish | None, body: bytes) -> Answer:
        kind = self._visit.trouble.kind
        if wish is None:
            text, size, finish = "ok", 4, "stop"
        else:
            text, finish = self._words(wish, body)
            size = wish.piece_tokens * CHARS
        calls = calls_of(wish) if wish is not None and finish == "stop" else ()
        pieces = tuple(text[at : at + size] for at in range(0, len(text), size))
        if kind is Kind.EMPTY:
            pieces, calls, finish = (), (), "stop"
        if calls:
            finish = "tool_calls"
        thinks = wish is not None and wish.shape is Shape.THINKING and kind is not Kind.EMPTY
        return Answer(
            id=f"{self._visit.call}",
            model=self._asked.model,
            thinking=("Let me", " think", " of it.") if thinks else (),
            signature="c2lt" if thinks else "",
            pieces=pieces,
            tools=calls,
            finish_reason=None if kind is Kind.BARE else finish,
            prompt_tokens=40,
            cached_tokens=0,
            completion_tokens=len(pieces) + 3 * thinks,
        )

    def _words(self, wish: Wish, body: bytes) -> tuple[str, str]:
        """Return what the model says, and why it ends."""
        text, begun = text_of(wish), self._visit.begun
        start = 0 if begun is None else len(begun.text)
        finish = "stop"
        if wish.stop and wish.stop.encode() in body and wish.stop in text[start:]:
            text = text[: text.index(wish.stop, start)]
        found = _limit(body) if wish.max_tokens is not None else None
        if found is not None and start + int(found[1]) * CHARS < len(text):
            # What is said twice is not counted, so that the right answer stays known.
            text, finish = text[: start + int(found[1]) * CHARS], "length"
        if begun is not None and begun.text:
            text = rest_of(text, begun, self._visit.manner)
        return text, finish

    def _stream(self, answer: Answer) -> Iterator[Move]:
        rng, form, trouble = self._rng, self._form, self._visit.trouble
        events = list(form.answer_events(answer, self._asked))
        if trouble.kind is not Kind.BARE:
            events.append(form.DONE)
        gap_s = 0.0 if rng.random() < 0.6 else 0.002 + 0.05 * rng.random()
        slices = rng.choice((0, 0, 0, 1 << 20, 1400, 64 + rng.getrandbits(8), 7))
        if slices:
            slices = max(slices, sum(map(len, events)) // PIECES_MOST)
        pace = Pace(0.02 + 0.3 * rng.random() ** 2, gap_s, slices)
        return disturbed(events, form, trouble, pace, rng)

    def _whole(self, body: bytes) -> Iterator[Move]:
        trouble = self._visit.trouble
        if trouble.kind in {Kind.MUTE, Kind.PINGS}:
            yield Hang()
        elif trouble.kind in {Kind.CUT, Kind.STALL}:
            yield body[: int(trouble.where * len(body))]
            yield Hang() if trouble.kind is Kind.STALL else Leave(trouble.cut)
        elif trouble.kind is Kind.ERROR:
            yield self._form.error_body(500)
        elif trouble.kind is Kind.GARBAGE:
            yield b"{]" + body
        elif trouble.kind is Kind.SLOW:
            half = len(body) // 2
            yield body[:half]
            yield Pause(3 * trouble.where)
            yield body[half:]
        else:
            yield body
