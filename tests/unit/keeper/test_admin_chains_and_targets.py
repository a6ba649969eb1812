"""What the admin listener shows of chains and targets."""

from msgspec import convert

from hotswap.core.terms import Scope
from hotswap.keeper.pictures import ChainView, TargetView, Turn
from hotswap.keeper.standing import Overlay
from hotswap.ledger.record import Transition

from .conftest import NOW, Answer, Rig, attempt


def change(
    after: str,
    *,
    at: float = NOW - 10.0,
    target: str = "a/x",
    credential: str = "",
    before: str = "closed",
    reason: str = "",
    until: float | None = None,
) -> Transition:
    return Transition(at, target, credential, before, after, reason, until=until)


def opened(until: float | None = NOW + 5.0) -> Transition:
    return change("open", reason="failures", until=until)


def refused(credential: str, *, target: str = "a", reason: str = "auth") -> Transition:
    return change("open", target=target, credential=credential, reason=reason, until=NOW + 60.0)


def chain(answer: Answer) -> ChainView:
    return convert(answer.json()["chain"], ChainView)


def target(answer: Answer) -> TargetView:
    return convert(answer.json()["target"], TargetView)


async def turn(rig: Rig, name: str = "chat", at: int = 0) -> tuple[Turn, str, float | None]:
    """Return what a target of a chain would do now, why, and until when."""
    shown = chain(await rig.get(f"chains/{name}")).targets[at]
    return shown.turn, shown.reason, shown.until


async def test_chains_are_shown_once_under_their_own_names(rig: Rig) -> None:
    answer = await rig.get("chains")

    chat, measured = answer.rows("chains")
    assert answer.json()["at"] == NOW
    assert chat == {
        "name": "chat",
        "aliases": ["gpt"],
        "targets": [
            {
                "id": "a/x",
                "priority": 1,
                "weight": 1.0,
                "turn": "eligible",
                "reason": "",
                "until": None,
                "place": "",
            },
            {
                "id": "b/y",
                "priority": 2,
                "weight": 1.0,
                "turn": "eligible",
                "reason": "",
                "until": None,
                "place": "",
            },
        ],
        "eligible": 2,
        "triggers": {
            "error": {"classes": []},
            "auth": {"failures": 2},
            "region": {"min_targets": 2},
        },
        "timeouts": {
            "connect_s": 2.0,
            "first_content_s": None,
            "silence_s": None,
            "total_s": 600.0,
            "first_tokens_per_s": None,
            "first_tokens_s": 2.0,
            "tokens_per_s": None,
            "tokens_s": 10.0,
        },
        "retry": {
            "max_attempts": 3,
            "backoff": "exponential",
            "base_s": 0.05,
            "max_s": 1.0,
            "throttle_base_s": 1.0,
            "on": ["hard", "throttle", "quality"],
        },
        "stream": {
            "splice": True,
            "tool_calls": "hold",
            "structured": "hold",
            "max_splices": 2,
            "max_tokens": 32000,
            "settle_s": 0.3,
            "settle_tokens": 64,
        },
        "hedge": None,
        "balance": "priority",
        "sticky": None,
        "on_exhausted": {"least_bad": False, "wait_s": 0.0},
    }
    assert measured["name"] == "measured"
    assert list(convert(measured["triggers"], dict[str, object])) == [
        "latency",
        "error_rate",
        "region",
    ]


async def test_one_chain_is_found_by_name_by_alias_and_by_target(rig: Rig) -> None:
    names = [chain(await rig.get(f"chains/{name}")).name for name in ("chat", "gpt", "a/x")]

    assert names == ["chat", "chat", "a/x"]


async def test_an_unknown_chain_is_answered_with_those_that_exist(rig: Rig) -> None:
    answer = await rig.get("chains/chatt")

    assert answer.status == 404
    assert answer.json() == {
        "error": {
            "code": "no_such_chain",
            "message": "There is no chain 'chatt'; there are: chat, measured.",
        }
    }


async def test_an_open_target_is_left_out_until_its_probe(rig: Rig) -> None:
    await rig.happen(opened())

    assert await turn(rig) == (Turn.LEFT_OUT, "open", NOW + 5.0)
    assert chain(await rig.get("chains/chat")).eligible == 1


async def test_an_opening_that_is_over_waits_for_its_probe(rig: Rig) -> None:
    await rig.happen(opened())
    rig.clock.advance(5.0)

    assert await turn(rig) == (Turn.LEFT_OUT, "half_open", None)


async def test_a_target_in_a_ramp_comes_last_until_the_ramp_is_done(rig: Rig) -> None:
    await rig.happen(
        opened(), change("ramp", before="half_open", reason="probe_ok", until=NOW + 20.0)
    )

    assert await turn(rig) == (Turn.LAST, "ramp", NOW + 20.0)
    rig.clock.advance(20.0)
    assert await turn(rig) == (Turn.ELIGIBLE, "", None)


async def test_what_no_trigger_of_a_chain_watches_does_not_bar_a_target(rig: Rig) -> None:
    await rig.happen(change("demoted", reason="error_rate"))

    assert await turn(rig, "chat") == (Turn.ELIGIBLE, "", None)
    assert await turn(rig, "measured") == (Turn.LAST, "demoted", None)

    await rig.happen(change("clear", before="demoted", at=NOW), change("suspect", at=NOW))

    assert await turn(rig, "measured") == (Turn.LAST, "suspect", None)


async def test_one_usable_key_keeps_a_target_eligible(rig: Rig) -> None:
    await rig.happen(refused("main"))

    assert await turn(rig) == (Turn.ELIGIBLE, "", None)


async def test_without_a_usable_key_the_one_that_is_back_first_tells_why(rig: Rig) -> None:
    throttled = change(
        "open", target="a/x", credential="spare", reason="throttled", until=NOW + 90.0
    )
    await rig.happen(refused("main"), throttled)

    assert await turn(rig) == (Turn.LEFT_OUT, "throttled", NOW + 90.0)


async def test_keys_in_a_ramp_put_their_target_last(rig: Rig) -> None:
    await rig.happen(
        refused("main"),
        refused("spare"),
        change(
            "ramp", target="a", credential="spare", before="half_open", at=NOW, until=NOW + 30.0
        ),
    )

    assert await turn(rig) == (Turn.LAST, "ramp", NOW + 30.0)


async def test_targets_show_where_they_are_and_how_they_stand(rig: Rig) -> None:
    told = Transition(
        NOW - 10.0,
        "a/x",
        "",
        "closed",
        "open",
        "failures",
        rule="breaker.failures",
        measured=5.0,
        threshold=5.0,
        until=NOW + 5.0,
        level=1,
    )
    await rig.happen(told)
    answer = await rig.get("targets")
    first, second = answer.rows("targets")

    assert answer.json()["at"] == NOW
    assert [first[name] for name in ("id", "provider", "model", "region", "zone")] == [
        "a/x",
        "a",
        "x",
        "eu-west",
        "eu",
    ]
    assert first["chains"] == ["chat", "measured"]
    assert first["standing"] == {
        "state": "open",
        "reason": "failures",
        "rule": "breaker.failures",
        "measured": 5.0,
        "threshold": 5.0,
        "since": NOW - 10.0,
        "until": NOW + 5.0,
        "hinted": False,
        "level": 1,
        "overlays": [],
    }
    assert convert(second, TargetView).standing.state == "closed"


async def test_a_target_shows_its_overlays(rig: Rig) -> None:
    await rig.happen(change("suspect"), change("demoted"))
    shown = target(await rig.get("targets/a/x"))

    assert shown.standing.state == "closed"
    assert shown.standing.overlays == (
        Overlay("suspect", NOW - 10.0),
        Overlay("demoted", NOW - 10.0),
    )


async def test_every_key_is_shown_by_its_id_with_what_bars_it(rig: Rig) -> None:
    throttled = change("open", credential="spare", reason="throttled", until=NOW + 1.0)
    await rig.happen(refused("main"), throttled)
    main, spare = target(await rig.get("targets/a/x")).credentials
    (other,) = target(await rig.get("targets/b/y")).credentials

    assert (main.id, main.scope, main.standing.reason) == ("main", Scope.CREDENTIAL, "auth")
    assert (spare.id, spare.scope, spare.standing.reason) == ("spare", Scope.ACCESS, "throttled")
    assert (other.id, other.standing.state) == ("main", "closed")


async def test_a_key_that_is_no_longer_configured_is_not_shown(rig: Rig) -> None:
    await rig.happen(refused("former"))
    shown = target(await rig.get("targets/a/x"))

    assert [key.id for key in shown.credentials] == ["main", "spare"]


async def test_attempts_and_failures_of_a_target_are_counted(rig: Rig) -> None:
    await rig.happen(
        attempt("r1", final=False, cause="hard"),
        attempt("r1", 2, target="b/y"),
        attempt("r2", cause="caller"),
    )
    first, second = convert((await rig.get("targets")).json()["targets"], list[TargetView])

    assert (first.attempts, first.failures) == (2, 1)
    assert (second.attempts, second.failures) == (1, 0)


async def test_an_unknown_target_is_answered_with_those_that_exist(rig: Rig) -> None:
    answer = await rig.get("targets/a/z")

    assert answer.status == 404
    assert "no_such_target" in str(answer.json())
    assert "There is no target 'a/z'; there are: a/x, b/y." in str(answer.json())


async def test_no_secret_is_shown(rig: Rig) -> None:
    await rig.happen(refused("main"))
    for name in ("chains", "chains/chat", "targets", "targets/a/x", "health"):
        answer = await rig.get(name)
        assert answer.status == 200
        assert b"secret-" not in answer.body
