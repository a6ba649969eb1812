"""The simulation fails when it should: broken parts are seen, and made small."""

from hashlib import sha256

import pytest
from msgspec.structs import replace
from typing_extensions import override

from hotswap.config.snapshot import AccessKey, Snapshot
from hotswap.core.change import Change
from hotswap.core.standings import Standings
from hotswap.core.terms import Chain, Triggers
from hotswap.gateway.plane import Plane
from hotswap.testing.simulation.asking import CALLER_KEY
from hotswap.testing.simulation.caller import SimExchange
from hotswap.testing.simulation.draw import draw
from hotswap.testing.simulation.play import Outcome, Parts, play
from hotswap.testing.simulation.replay import told
from hotswap.testing.simulation.scenario import Command, Kind, Phase, Scenario, Shape, Wish
from hotswap.testing.simulation.shrink import shrink
from hotswap.testing.simulation.topology import CHAIN


class EndsCleanly(SimExchange):
    """Never cuts: what broke off looks whole."""

    @override
    def abort(self) -> None:
        self.finish()


class LosesEvents(SimExchange):
    @override
    def write(self, data: bytes) -> None:
        if len(self.body) == 3:
            self.body.append(b"")
        else:
            super().write(data)


class RepeatsEvents(SimExchange):
    @override
    def write(self, data: bytes) -> None:
        super().write(data * 2 if len(self.body) == 3 else data)


class NeverPauses(SimExchange):
    @override
    def write(self, data: bytes) -> None:
        on_pause, self.on_pause = self.on_pause, None
        super().write(data)
        self.on_pause = on_pause


class NeverEnds(SimExchange):
    @override
    def finish(self) -> None:
        pass


class Lavish(Standings):
    """Lets everybody probe."""

    @override
    def lease(self, key: str, now: float, ttl_s: float) -> bool:
        super().lease(key, now, ttl_s)
        return True


class TellsSecrets(SimExchange):
    @override
    def start(self, status: int, headers: bytes) -> None:
        super().start(status, headers + b"x-key: sk-p00-hush-p00\r\n")


def story(*phases: Phase, requests: int = 30, reads: float | None = None) -> Scenario:
    """Return a story of streamed chats, five a second, to two OpenAI targets."""
    drawn = draw_with_two_targets()
    chain = drawn.snapshot.chains[CHAIN]
    plain = Chain(CHAIN, chain.targets)
    chains = {
        CHAIN: plain,
        **{t.id: replace(plain, name=t.id, targets=(t,)) for t in chain.targets},
    }
    wishes = tuple(
        Wish(
            number=number,
            at=number / 5,
            dialect="openai_chat",
            chain=CHAIN,
            stream=True,
            shape=Shape.TEXT,
            tokens=40 if reads is None else 4000,
            piece_tokens=2,
            reads_bytes_per_s=reads,
        )
        for number in range(requests)
    )
    snapshot: Snapshot = replace(drawn.snapshot, chains=chains, keys=())
    return replace(
        drawn,
        snapshot=snapshot,
        wishes=wishes,
        phases=phases,
        commands=(),
        noise=0.0,
        calm_at=max([10.0, *(phase.until for phase in phases)]),
    )


def draw_with_two_targets() -> Scenario:
    for seed in range(1_000):
        scenario = draw(seed)
        targets = scenario.snapshot.chains[CHAIN].targets
        dialects = [scenario.snapshot.providers[t.provider].dialect for t in targets]
        if dialects == ["openai_chat", "openai_chat"] and targets[0].priority < targets[1].priority:
            return scenario
    raise AssertionError("no seed draws two OpenAI targets")


def phase(kind: Kind, *, target: str = "", until: float = 10.0) -> Phase:
    return Phase("trouble", target, 0.0, until, 1.0, (kind,))


def undrain(target: str) -> Command:
    return Command(9.0, target, "undrained")


def promises(outcome: Outcome) -> set[str]:
    return {broken.promise for broken in outcome.broken}


def test_a_sound_gateway_keeps_every_promise() -> None:
    assert not play(story(phase(Kind.CUT))).broken


def test_a_clean_end_of_a_broken_stream_is_noticed() -> None:
    outcome = play(story(phase(Kind.CUT)), parts=Parts(exchange=EndsCleanly))

    assert "I2" in promises(outcome)


@pytest.mark.parametrize("exchange", [LosesEvents, RepeatsEvents])
def test_lost_and_repeated_events_are_noticed(exchange: type[SimExchange]) -> None:
    assert "I3" in promises(play(story(), parts=Parts(exchange=exchange)))


def test_an_answer_without_an_end_is_noticed() -> None:
    assert "I1" in promises(play(story(), parts=Parts(exchange=NeverEnds)))


def test_a_secret_in_an_answer_is_noticed() -> None:
    assert "I9" in promises(play(story(), parts=Parts(exchange=TellsSecrets)))


def test_memory_that_a_slow_reader_fills_is_noticed() -> None:
    slow = story(requests=2, reads=1000.0)

    assert not play(slow).broken
    assert "I12" in promises(play(slow, parts=Parts(exchange=NeverPauses)))


def test_two_probes_at_once_are_noticed() -> None:
    """Two probers and a lease that anybody gets."""
    down = story(phase(Kind.HANG, until=30.0), requests=100)

    assert not play(down).broken
    assert "I5" in promises(play(down, parts=Parts(probers=2, standings=Lavish)))


def test_traffic_to_an_open_target_is_noticed() -> None:
    """The gateway goes by a chain that does not mind errors."""

    def careless(plane: Plane) -> Plane:
        chains = {
            name: replace(chain, triggers=Triggers(error=None))
            for name, chain in plane.snapshot.chains.items()
        }
        return Plane(replace(plane.snapshot, chains=chains))

    scenario = story(requests=60)
    first = scenario.snapshot.chains[CHAIN].targets[0].id
    down = replace(scenario, phases=(phase(Kind.STATUS, target=first),))

    assert not play(down).broken
    assert "I7" in promises(play(down, parts=Parts(plane=careless)))


def test_traffic_to_a_drained_target_is_noticed() -> None:
    """The worker never hears of the drain."""

    class Deaf(Standings):
        @override
        def learn(self, change: Change, now: float) -> None:
            pass

    first = story().snapshot.chains[CHAIN].targets[0].id
    drained = replace(story(), commands=(Command(1.0, first, "drained"),))

    assert not play(replace(drained, commands=(*drained.commands, undrain(first)))).broken
    assert "I7" in promises(play(drained, parts=Parts(standings=Deaf)))


def test_traffic_to_another_zone_is_noticed() -> None:
    """The gateway goes by keys without zones."""

    def anywhere(plane: Plane) -> Plane:
        keys = tuple(replace(key, zones=()) for key in plane.snapshot.keys)
        return Plane(replace(plane.snapshot, keys=keys))

    drawn = story()
    digest = sha256(CALLER_KEY.encode()).hexdigest()
    key = AccessKey("teller", digest, zones=("here",))
    providers = {
        name: replace(provider, zone="here" if number else "")
        for number, (name, provider) in enumerate(drawn.snapshot.providers.items())
    }
    chains = {
        name: replace(
            chain,
            targets=tuple(replace(t, zone=providers[t.provider].zone) for t in chain.targets),
        )
        for name, chain in drawn.snapshot.chains.items()
    }
    snapshot = replace(drawn.snapshot, keys=(key,), providers=providers, chains=chains)
    bound = replace(drawn, snapshot=snapshot)

    assert not play(bound).broken
    assert "I7" in promises(play(bound, parts=Parts(plane=anywhere)))


def test_a_story_that_fails_is_made_small() -> None:
    parts = Parts(exchange=EndsCleanly)
    scenario = story(phase(Kind.CUT), phase(Kind.SLOW, until=0.1))

    small = shrink(scenario, lambda candidate: play(candidate, parts=parts))

    assert len(small.wishes) == 1
    assert len(small.phases) == 1
    assert "I2" in promises(play(small, parts=parts))


def test_a_seed_is_told_to_its_end() -> None:
    lines = list(told(3, whole=True))

    assert lines[0].startswith("seed ")
    assert any("arrives" in line for line in lines)
    assert lines[-2].startswith("digest ") or "is broken" in lines[-1]
