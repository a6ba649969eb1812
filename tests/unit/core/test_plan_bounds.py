"""Which targets may answer at all: residency, the caller's own order, one model for vectors."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.plan import OTHER_MODEL, RESIDENCY, Ask, Plan, Skip, look, plan
from hotswap.core.run import GiveUp, Run, Sleep, Start
from hotswap.core.settings import (
    ErrorRateRule,
    Exhausted,
    LatencyRule,
    RateLimitRule,
    Sticky,
)
from hotswap.core.standings import Standings
from hotswap.core.terms import (
    Balance,
    Cause,
    Chain,
    Credential,
    Failure,
    Target,
    Triggers,
)
from hotswap.testing.standing import standings_of

EU = Target("eu/m", "eu", "m", 1, vendor="v", region="eu-1", zone="eu")
US = Target("us/m", "us", "m", 2, vendor="v", region="us-1", zone="us")
ALL = Target("all/m", "all", "m", 3, vendor="w", zone="global")
NONE = Target("none/x", "none", "x", 4, vendor="x")
TARGETS = (EU, US, ALL, NONE)
KEYS = (Credential("main", "sk-1"), Credential("spare", "sk-2"))
EVERY_TRIGGER = Triggers(
    rate_limit=RateLimitRule(), latency=LatencyRule(threshold_ms=500), error_rate=ErrorRateRule()
)


def half() -> float:
    return 0.5


def standings(chain: Chain) -> Standings:
    return standings_of(chain, half, keys=KEYS)


def planned(ask: Ask, chain: Chain | None = None) -> Plan:
    chain = chain or Chain("c", TARGETS)
    return plan(chain, standings(chain), 0.0, half, ask=ask)


def ids(made: Plan) -> list[str]:
    return [target.id for target in (*made.targets, *made.rest)]


def test_zones_leave_out_everything_that_is_not_surely_inside() -> None:
    made = planned(Ask(zones=("eu",)))

    assert ids(made) == ["eu/m"]
    assert made.skips == (
        Skip("us/m", "zone us", unable=True, rule=RESIDENCY),
        Skip("all/m", "zone global", unable=True, rule=RESIDENCY),
        Skip("none/x", "no zone", unable=True, rule=RESIDENCY),
    )


def test_with_nothing_inside_there_is_no_candidate_and_no_panic() -> None:
    made = planned(Ask(zones=("cn",)))

    assert ids(made) == []
    assert not made.panic
    assert [skip.reason for skip in made.skips] == ["zone eu", "zone us", "zone global", "no zone"]


def test_the_callers_order_counts_whatever_balances() -> None:
    chain = Chain("c", TARGETS, balance=Balance.WEIGHTED)

    for order in (["all/m", "eu/m"], ["us/m", "eu/m", "none/x"]):
        assert ids(planned(Ask(order=order), chain)) == order


def test_the_callers_order_leaves_out_without_a_word() -> None:
    assert planned(Ask(order=["us/m"])).skips == ()


def test_zones_bound_the_callers_order_too() -> None:
    made = planned(Ask(order=["us/m", "eu/m"], zones=("eu",)))

    assert ids(made) == ["eu/m"]
    assert [skip.target for skip in made.skips] == ["us/m"]


def test_vectors_stay_with_the_model_of_the_chain_wherever_they_may_go() -> None:
    first = Target("a/x", "a", "x", 1, zone="us")
    other = Target("b/y", "b", "y", 2, zone="eu")
    same = Target("c/x", "c", "x", 3, zone="eu")

    made = planned(Ask(one_model=True, zones=("eu",)), Chain("c", (first, other, same)))

    assert ids(made) == ["c/x"]
    assert made.skips[1:] == (Skip("b/y", OTHER_MODEL),)


def test_vectors_stay_with_the_model_that_the_caller_names_first() -> None:
    assert ids(planned(Ask(one_model=True, order=["none/x", "eu/m"]))) == ["none/x"]


def test_looking_again_keeps_the_bounds() -> None:
    chain = Chain("c", TARGETS)

    found = look(
        TARGETS, chain, standings(chain), 0.0, half, ask=Ask(order=["us/m", "eu/m"], zones=("eu",))
    )

    assert ids(found) == ["eu/m"]


def test_a_target_that_answered_last_is_preferred_as_long_as_it_is_well() -> None:
    chain = Chain("c", TARGETS, sticky=Sticky())
    made = standings(chain)
    warm = Ask(warm="us/m", conversation=b"c1")

    first = ids(plan(chain, made, 0.0, half, ask=warm))
    health = made.target("us/m")
    for _ in range(5):
        token = health.begin(0.0, streamed=False)
        health.on_failure(token, 0.0, Failure(Cause.HARD, "server_error", 500))
    second = ids(plan(chain, made, 0.0, half, ask=warm))

    assert first == ["us/m", "eu/m", "all/m", "none/x"]
    assert second == ["eu/m", "all/m", "none/x"]


def test_a_target_that_has_left_the_chain_is_not_preferred() -> None:
    assert ids(planned(Ask(warm="gone/m"))) == ["eu/m", "us/m", "all/m", "none/x"]


@st.composite
def stories(draw: st.DrawFn) -> list[Failure | None]:
    """Draw how the attempts of some requests end; None: well."""
    cause = st.sampled_from(Cause)
    hint = st.sampled_from([None, 0.01, 30.0])
    failure = st.builds(Failure, cause, retry_after_s=hint)
    return draw(st.lists(st.one_of(failure, failure, st.none()), min_size=1, max_size=24))


@settings(max_examples=25)
@given(
    story=stories(),
    zones=st.sets(st.sampled_from(["eu", "us", "global"]), min_size=1, max_size=2),
    order=st.lists(st.sampled_from([t.id for t in TARGETS]), unique=True, max_size=3),
    balance=st.sampled_from(Balance),
    exhausted=st.sampled_from([Exhausted(), Exhausted(least_bad=True), Exhausted(wait_s=1.0)]),
    warm=st.sampled_from(["", "us/m", "all/m"]),
)
def test_whatever_fails_no_attempt_leaves_the_zones_or_the_order(
    *,
    story: list[Failure | None],
    zones: set[str],
    order: list[str],
    balance: Balance,
    exhausted: Exhausted,
    warm: str,
) -> None:
    chain = Chain(
        "c",
        TARGETS,
        triggers=EVERY_TRIGGER,
        balance=balance,
        sticky=Sticky(),
        on_exhausted=exhausted,
    )
    made = standings(chain)
    ask = Ask(
        zones=tuple(zones), order=tuple(order), warm="" if order else warm, conversation=b"c1"
    )
    asked = _live(chain, made, ask, story)

    assert {target.zone for target in asked} <= zones
    assert not order or {target.id for target in asked} <= set(order)


def _live(chain: Chain, made: Standings, ask: Ask, story: list[Failure | None]) -> list[Target]:
    """Serve requests until the story is told; hedge each attempt, and break every third stream."""
    asked: list[Target] = []
    now = 1.0
    left = list(story)
    while left:
        now += 0.7
        candidates = plan(chain, made, now, half, ask=ask)
        run = Run(chain, candidates, made, deadline=now + 20, jitter=half, ask=ask)
        action = run.begin(now)
        while left and not isinstance(action, GiveUp):
            now += 0.1
            if isinstance(action, Sleep):
                now += action.seconds
                action = run.on_wake(now)
                continue
            failure = left.pop()
            beside = run.beside(now, lambda _: True)
            asked += [one.target for one in (action, beside) if one is not None]
            if not _end(made, action, failure, now) or failure is None:
                break
            if len(left) % 3:
                action = run.on_failure(failure, now, action)
            else:
                action = run.on_broken(failure, now, lambda target: target.model == "m", action)
        else:
            left = left[: len(left) - 1]
    return asked


def _end(made: Standings, start: Start, failure: Failure | None, now: float) -> bool:
    """Report how an attempt ended; say whether it failed."""
    health = made.target(start.target.id)
    token = health.begin(now - 0.1, streamed=True)
    if failure is None:
        health.on_content(token, now, 0.1)
        health.on_success(token, now)
        return False
    health.on_failure(token, now, failure)
    ring = made.keyring(start.target.provider)
    ring.on_failure(start.credential.id, start.target.model, f"r{now}", failure, now)
    return True
