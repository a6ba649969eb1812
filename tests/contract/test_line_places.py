"""What is down as a whole is left as a whole, and one probe brings all of it back."""

from hotswap.testing.provider import HEALTHY, ScriptedProvider
from hotswap.testing.serving import Serving, chain_of, chat, serving
from hotswap.testing.step import Step

DEAD = Step(status=503)
MODELS = ("a", "b", "c")
HEALTH = {"breaker": {"open_s": 0.2, "ramp_s": 0.3}}


def config(one: ScriptedProvider, two: ScriptedProvider) -> dict[str, object]:
    """Return a chain over three models at the first host and one at the second."""
    made = chain_of(one, two, health=HEALTH)
    models = [{"provider": "one", "model": model} for model in MODELS]
    chain = {"name": "assist", "models": [*models, {"provider": "two", "model": "m"}]}
    return {**made, "fallback": {"chains": [chain], "health": HEALTH}}


async def ask_until(gateway: Serving, target: str, after: str) -> None:
    """Ask until the change `after` of `target` was recorded."""
    while not any((t.target, t.after) == (target, after) for t in gateway.transitions):
        assert (await gateway.post(chat("assist"))).status == 200


async def test_a_dead_host_is_left_after_the_third_model_and_comes_back_by_one_probe() -> None:
    async with (
        ScriptedProvider("one", DEAD) as one,
        ScriptedProvider("two", HEALTHY) as two,
        serving(config(one, two)) as gateway,
    ):
        host = f"endpoint 127.0.0.1:{one.base_url.rpartition(':')[2].partition('/')[0]}"
        await ask_until(gateway, host, "open")

        assert one.requests == 15
        answer = await gateway.post(chat("assist"))
        assert answer.headers["x-hotswap-target"] == "two/m"
        assert one.requests == 15

        one.behave(HEALTHY)
        await ask_until(gateway, host, "ramp")

        assert len(gateway.probes) == 1
        assert sorted(t.target for t in gateway.transitions if t.reason == "place_ok") == [
            "one/a",
            "one/b",
            "one/c",
        ]
        await ask_until(gateway, host, "closed")
        assert [t.target for t in gateway.transitions if t.after == "ramp"] == [host]
