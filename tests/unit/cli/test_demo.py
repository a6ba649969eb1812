import asyncio
import sys
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from hotswap.cli.demo.chains import CHAINS, PROVIDERS, write_config
from hotswap.cli.demo.chaos import (
    ANSWER,
    BROKEN,
    CUT_STREAMS,
    FAULTS,
    HEAL,
    HEALTHY,
    ORDER,
    QUIT,
    RATE_LIMIT,
    SEQUENCE,
    Providers,
)
from hotswap.cli.demo.command import demo
from hotswap.cli.demo.score import Score
from hotswap.cli.demo.view import picture
from hotswap.cli.failing import CommandError
from hotswap.config.load import load
from hotswap.core.terms import Needs
from hotswap.ledger.record import AttemptRecord, Transition
from hotswap.processes.exits import Exit
from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.serving import serving
from hotswap.testing.step import Step

ATTEMPT = AttemptRecord(
    request_id="01r",
    number=1,
    final=False,
    answered=False,
    chain="long-form",
    config="d",
    caller="",
    dialect="openai_chat",
    route="chat",
    streamed=False,
    needs=Needs(),
    target="openai/gpt-4",
    credential="demo",
    started_at=0.0,
    cause="throttle",
)


def test_the_demos_own_configuration_is_right(tmp_path: Path) -> None:
    path = tmp_path / "hotswap.yaml"
    path.write_text(write_config({name: f"http://127.0.0.1:9/{name}" for name in PROVIDERS}))

    snapshot = load(path, {})

    assert snapshot.listed == CHAINS
    assert set(snapshot.providers) == set(PROVIDERS)
    assert all(len(snapshot.chains[name].targets) == 3 for name in CHAINS)
    assert snapshot.server.state_dir == str(tmp_path / "state")


def test_without_the_sdk_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("hotswap.cli.demo.stage", "hotswap.cli.demo.traffic"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "openai", None)

    with pytest.raises(CommandError, match="pip install openai") as failed:
        demo()

    assert failed.value.code == Exit.FAILED


def test_every_provider_has_its_turn_and_every_key_one_meaning() -> None:
    assert sorted(ORDER) == sorted(PROVIDERS)
    keys = [*FAULTS, HEAL, QUIT, *map(str, range(1, len(PROVIDERS) + 1))]
    assert len(keys) == len(set(keys))


def test_answers_rescues_and_losses_are_counted_per_chain_and_in_all() -> None:
    score = Score()

    score.on_answer("long-form", 1)
    score.on_answer("multimodal", 2)
    score.on_loss("multimodal", "broken")

    assert score.total.line() == "3 requests, 2 answered, 1 rescued, 0 spliced, 1 lost"
    assert (
        score.chains["multimodal"].line() == "2 requests, 1 answered, 1 rescued, 0 spliced, 1 lost"
    )
    assert score.problems == {"multimodal: broken": 1}


def test_an_answer_that_went_on_elsewhere_counts_as_spliced_once_it_is_whole() -> None:
    score = Score()

    score.on_told(replace(ATTEMPT, cause="hard"))
    score.on_told(replace(ATTEMPT, number=2, splice_offset=41, cause="hard"))
    score.on_told(replace(ATTEMPT, number=3, splice_offset=50, cause="", answered=True))

    assert (score.total.spliced, score.chains["long-form"].spliced) == (1, 1)


def test_every_provider_says_the_same_when_it_is_healthy_slow_or_cut() -> None:
    assert HEALTHY.text == BROKEN.text == ANSWER
    assert CUT_STREAMS in SEQUENCE
    assert FAULTS["c"] is CUT_STREAMS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (ANSWER, "1 requests, 1 answered, 0 rescued, 1 spliced, 0 lost"),
        (" and that is another answer.", "1 requests, 0 answered, 0 rescued, 1 spliced, 1 lost"),
    ],
    ids=["whole", "other words"],
)
async def test_a_stream_that_is_cut_goes_on_and_other_words_count_as_lost(
    rest: str, said: str, tmp_path: Path
) -> None:
    from hotswap.cli.demo.traffic import Traffic  # noqa: PLC0415 - the SDK is slow to import

    score = Score()
    async with (
        ScriptedProvider("one", BROKEN) as one,
        ScriptedProvider("two", Step(text=rest)) as two,
    ):
        urls = {name: (one if name == "openai" else two).base_url for name in PROVIDERS}
        path = tmp_path / "hotswap.yaml"
        path.write_text(write_config(urls))
        async with serving(load(path, {})) as gateway:
            traffic = Traffic(gateway.base_url, score)
            async with asyncio.TaskGroup() as group:
                group.create_task(traffic.run("complex-reasoning", streamed=True))
                await one.wait_for(lambda provider: provider.requests == 1)
                traffic.stop()
            await traffic.close()
            for attempt in gateway.attempts:
                score.on_told(attempt)

    assert score.total.line() == said


def test_the_picture_shows_who_suffers_and_what_moved() -> None:
    score, providers = Score(), Providers()
    providers.faults["openai"] = RATE_LIMIT
    score.on_told(ATTEMPT)
    score.on_told(replace(ATTEMPT, number=2, answered=True, cause="", target="local/m"))
    score.on_told(Transition(0.0, "openai/gpt-4", "demo", "closed", "open", "throttled"))
    score.on_answer("long-form", 2)

    text = StringIO()
    Console(file=text, width=120).print(picture(score, providers, "google"))

    lines = text.getvalue().splitlines()
    assert lines[0] == "1 requests, 1 answered, 1 rescued, 0 spliced, 0 lost"
    (row,) = [line for line in lines if line.startswith("│ 1 ")]
    cells = [cell.strip() for cell in row.split("│")]
    assert cells == ["", "1", "openai", "rate limit", "gpt-4", "open: throttled", "1", "1", ""]
    assert any("│ 3 < │ google" in line for line in lines)
    assert lines[-1].endswith("openai/gpt-4 key demo: closed -> open (throttled)")
    assert len(score.lines) == 3
