"""What would become of a request now, as the worker that would serve it sees it.

The same decisions as for a real request, on the same standings, but nothing is sent. What a look
alone does, it does here as well: a target whose opening is over is probed soon after somebody
asked for it.
"""

from functools import partial

from msgspec import Struct

from ..core.ask import Ask
from ..core.capability import obstacle
from ..core.plan import Plan, Skip, look, plan
from ..core.terms import Chain
from ..ledger.question import Question
from .plane import Plane
from .services import Services


class Foresight(Struct, frozen=True):
    """A worker's answer to a `Question`."""

    order: tuple[str, ...]
    """Targets in the order in which they would be asked, each after the former has failed."""
    behind: tuple[Skip, ...] = ()
    """Those of them that are asked after the others, and why."""
    skips: tuple[Skip, ...] = ()
    """Targets that are left out, and why."""
    panic: bool = False
    """Nothing is eligible: the order is that of the least bad, each subject to admission."""
    problem: str = ""
    """Why the question has no answer; empty: it has."""


def foresee(question: Question, plane: Plane, services: Services) -> Foresight:
    """Say what would become of a request; never raises."""
    chain = plane.chains.get(question.chain)
    if chain is None:
        return Foresight((), problem=f"no chain is named {question.chain!r}")
    named = {target.id for target in chain.targets}
    if not named.issuperset(question.order):
        return Foresight((), problem=f"not all of the order are targets of {chain.name!r}")
    now = services.clock.now()
    ask = _ask(question, plane, services, now)
    planned = plan(chain, services.standings, now, services.jitter, ask=ask)
    return _whole(planned, chain, services, now, ask)


def _ask(question: Question, plane: Plane, services: Services, now: float) -> Ask:
    needs = question.needs
    zones = next((key.zones for key in plane.snapshot.keys if key.id == question.caller), ())
    return Ask(
        partial(obstacle, needs, lessons=services.lessons, now=now),
        question.one_model,
        needs.prompt_tokens,
        needs.output_tokens,
        order=tuple(dict.fromkeys(question.order)),
        zones=zones,
    )


def _whole(planned: Plan, chain: Chain, services: Services, now: float, ask: Ask) -> Foresight:
    """Look to the end of a plan, as after the failure of every target before."""
    targets = list(planned.targets)
    behind, skips = planned.behind, planned.skips
    rest = planned.rest
    while rest:
        found = look(rest, chain, services.standings, now, services.jitter, ask=ask, behind=behind)
        targets += found.targets
        behind = found.behind
        skips += found.skips
        rest = found.rest
    order = tuple(target.id for target in targets)
    return Foresight(order, behind, skips, panic=planned.panic)
