"""The admin listener's endpoints that do something: orders for targets, questions to workers."""

from collections.abc import Callable
from typing import Final

from msgspec import DecodeError, Raw
from msgspec.json import Decoder
from starlette.requests import Request
from starlette.responses import Response

from ..clock import Clock
from ..config.snapshot import Snapshot
from ..errors import RefusedError
from ..ledger.question import Question
from .hub import Hub
from .orders import Action, Orders
from .queries import NoQuery, read_query
from .replies import name_of, reply, unknown
from .views import Views

QUESTION_BYTES: Final = 64 * 1024
"""A longer question is none: it holds a few names and numbers."""
TOKENS_MAX: Final = 1_000_000_000
"""Of a prompt, or an answer: no window is as wide."""

_read_question: Final = Decoder(Question).decode


class Actions:
    """Does what operators ask for."""

    def __init__(
        self,
        *,
        hub: Hub,
        orders: Orders,
        snapshot: Callable[[], Snapshot],
        views: Callable[[], Views],
        clock: Clock,
    ) -> None:
        """Set up.

        Args:
            hub: Reaches the workers.
            orders: Carries out orders.
            snapshot: Gives the configuration in force.
            views: Draws the present picture.
            clock: Unix, for answers.
        """
        self._hub = hub
        self._orders = orders
        self._snapshot = snapshot
        self._views = views
        self._clock = clock

    async def target(self, request: Request) -> Response:
        """Carry out an order for a target; answer with its new standing."""
        read_query(request, NoQuery)
        id_, name = name_of(request, "id"), name_of(request, "action")
        try:
            action = Action(name)
        except ValueError:
            raise unknown("action", name, Action) from None
        views = self._views()
        if views.target(id_) is None:
            raise unknown("target", id_, (target.id for target in views.targets()))
        await self._orders.order(id_, action)
        return reply({"at": self._clock.unix(), "target": self._views().target(id_)})

    async def explain(self, request: Request) -> Response:
        """Have a worker say what it would do with a request now."""
        read_query(request, NoQuery)
        question = await _question(request)
        chains = self._snapshot().chains
        if question.chain not in chains:
            raise unknown("chain", question.chain, (chain.name for chain in self._views().chains()))
        self._check_caller(question)
        known = {target.id for target in chains[question.chain].targets}
        for id_ in question.order:
            if id_ not in known:
                raise unknown("target", id_, sorted(known))
        answer = await self._hub.explain(question)
        if answer is None:
            raise RefusedError(503, "no_worker", "No worker answers; try again.")
        figures = {id_: self._hub.measures.of(id_) for id_ in known}
        return reply(
            {
                "at": self._clock.unix(),
                "config": self._snapshot().digest,
                "explanation": Raw(answer),
                "measured": {id_: found for id_, found in figures.items() if found is not None},
            }
        )

    def _check_caller(self, question: Question) -> None:
        """Refuse a question of nobody, or one that its caller may not ask."""
        keys = {key.id: key for key in self._snapshot().keys}
        if not question.caller:
            return
        if question.caller not in keys:
            raise unknown("key", question.caller, keys)
        if question.order and not keys[question.caller].order:
            raise RefusedError(
                403, "order_not_allowed", f"The key {question.caller!r} lacks the scope 'order'."
            )


async def _question(request: Request) -> Question:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > QUESTION_BYTES:
            raise RefusedError(413, "too_large", f"A question has {QUESTION_BYTES} bytes at most.")
    try:
        question = _read_question(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "bad_question", f"This is no question: {error}.") from error
    counts = question.needs.prompt_tokens, question.needs.output_tokens
    if not all(0 <= count <= TOKENS_MAX for count in counts):
        raise RefusedError(400, "bad_question", f"Tokens are counted from 0 to {TOKENS_MAX}.")
    return question
