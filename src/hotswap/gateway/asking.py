"""What of a request bears on where it goes, as the plan wants to be asked."""

from functools import partial

from ..config.snapshot import AccessKey
from ..core.ask import Ask
from ..core.capability import obstacle
from ..core.plan import RESIDENCY, Plan
from ..core.sticky import Conversations, name_of
from ..core.terms import Chain
from ..dialects.api import Peek
from ..errors import RefusedError
from .options import Options
from .routes import Route
from .services import Services


def ask_of(
    request: Peek,
    route: Route,
    chain: Chain,
    *,
    key: AccessKey,
    options: Options,
    services: Services,
    now: float,
) -> Ask:
    """Put the question; raises `RefusedError` (400) for an order that cannot be kept.

    Args:
        request: Asks for something.
        route: How it came.
        chain: Which it named.
        key: The caller's.
        options: Its wishes.
        services: What was learned of targets, and who answered conversations.
        now: Monotonic seconds.
    """
    needs = request.needs
    able = partial(obstacle, needs, lessons=services.lessons, now=now)
    if chain.sticky is None and not options.order and not key.zones:
        return Ask(able, route.one_model, needs.prompt_tokens, needs.output_tokens)
    conversation, warm = b"", ""
    if chain.sticky is not None and route.translator is not None:
        beginning = route.translator.conversation(request)
        if beginning:
            conversation = name_of((key.id.encode(), chain.name.encode(), beginning))
            warm = conversations_of(chain, services).last(conversation, now)
    return Ask(
        able,
        route.one_model,
        needs.prompt_tokens,
        needs.output_tokens,
        conversation=conversation,
        order=checked_order(options, chain),
        warm="" if options.order else warm,
        zones=key.zones,
    )


def conversations_of(chain: Chain, services: Services) -> Conversations:
    """Return what is known of the conversations of a chain."""
    found = services.conversations.get(chain.name)
    if found is None:
        found = services.conversations[chain.name] = Conversations()
    return found


def misplaced(
    candidates: Plan, chain: Chain, key: AccessKey, options: Options
) -> RefusedError | None:
    """Return the refusal where every target is outside the caller's zones; None: one is inside."""
    outside = [skip for skip in candidates.skips if skip.rule == RESIDENCY]
    if candidates.targets or candidates.panic or not outside:
        return None
    found = ", ".join(f"{skip.target} ({skip.reason})" for skip in outside)
    served = f"The key {key.id!r} is served in the zones {', '.join(key.zones)} only"
    if options.order:
        problem = f"{served}, and none of the targets that x-hotswap-order names is there: {found}."
        return RefusedError(403, "residency", problem)
    problem = f"{served}, and no target of {chain.name!r} is there: {found}."
    return RefusedError(503, "residency", problem)


def checked_order(options: Options, chain: Chain) -> tuple[str, ...]:
    """Return the caller's own order; raises `RefusedError` where it names something else."""
    named = {target.id for target in chain.targets}
    unknown = [id_ for id_ in options.order if id_ not in named]
    if unknown:
        raise RefusedError(
            400,
            "unknown_target",
            f"The header x-hotswap-order names {unknown[0][:80]!r}, which is no target of"
            f" {chain.name!r}: {', '.join(target.id for target in chain.targets)}.",
        )
    return options.order
