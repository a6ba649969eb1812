"""`hotswap targets drain` and its like, and `hotswap explain`, against a running gateway."""

import json
from pathlib import Path

import pytest

from .conftest import Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
BODY = {"model": "assist", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def body(tmp_path: Path) -> str:
    """Return the name of a file with a request, beside the configuration."""
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    return "body.json"


async def test_a_drained_target_gets_nothing_until_it_is_undrained(site: Site) -> None:
    drained = await site.hotswap("targets", "drain", "late/large", "broken/large")
    first = await site.stored(await site.ask())
    shown = await site.hotswap("targets")
    undrained = await site.hotswap("targets", "undrain", "broken/large", "--json")
    second = await site.stored(await site.ask())

    assert drained.code == 0
    assert drained.lines[1:] == [
        "late/large drained 0 s operator",
        "broken/large drained 0 s operator",
    ]
    assert ": answered by good/small, " in first.lines[0]
    assert "left out late/large: drained; broken/large: drained" in first.lines
    assert [line.split()[:2] for line in shown.lines[1:]] == [
        ["late/large", "drained"],
        ["broken/large", "drained"],
        ["good/small", "closed"],
    ]
    assert json.loads(undrained.out)["target"]["standing"]["state"] == "closed"
    assert any("1 broken/large " in line for line in second.lines)


async def test_an_opened_target_is_left_out_until_it_is_closed(site: Site) -> None:
    opened = await site.hotswap("targets", "open", "good/small")
    chains = await site.hotswap("chains")
    closed = await site.hotswap("targets", "close", "good/small")

    assert opened.lines[1].startswith("good/small open 0 s operator; tried again in ")
    assert chains.lines[3].startswith("3 good/small left out: open, tried again in ")
    assert closed.lines[1].startswith("good/small closed ")
    assert (await site.hotswap("chains")).lines[3] == "3 good/small eligible"


async def test_an_order_for_an_unknown_target_touches_none(site: Site) -> None:
    said = await site.hotswap("targets", "drain", "good/small", "none/none")

    assert (said.code, said.out) == (1, "")
    assert "there are: late/large, broken/large, good/small" in said.err
    assert "drained" not in (await site.hotswap("targets")).out


async def test_orders_end_with_the_code_that_tells_why(site: Site) -> None:
    assert (await site.hotswap("targets", "drain")).code == 2
    away = await site.hotswap("targets", "drain", "a/b", HOTSWAP_ADMIN="http://127.0.0.1:1")
    assert away.code == 4
    wrong = await site.hotswap("targets", "drain", "good/small", HOTSWAP_ADMIN_KEY="hs-admin-no")
    assert wrong.code == 5
    await site.hotswap("targets", "drain", "good/small")
    again = await site.hotswap("targets", "trial", "good/small")
    assert again.code == 1
    assert again.err == ("hotswap: good/small is drained: undrain or close it before trial.\n")


async def test_explain_tells_what_the_gateway_would_do_now(site: Site, body: str) -> None:
    await site.stored(await site.ask())
    while "measured now" not in (said := await site.hotswap("explain", "--body", body)).out:
        assert said.code == 0
    as_json = json.loads((await site.hotswap("explain", "--body", body, "--json")).out)

    assert said.lines[2] == "1 broken/large openai_chat /v1/chat/completions asked first"
    assert said.lines[3] == "2 good/small openai_chat /v1/chat/completions asked next"
    assert said.lines[4] == "- late/large openai_chat left out: throttled"
    assert "every target is taken to be well" not in said.out
    assert as_json["live"]
    assert [target["turn"] for target in as_json["targets"]] == [1, 2, 0]
    assert as_json["targets"][1]["figures"]["attempts"] == 1


async def test_explain_keeps_to_the_callers_order(site: Site, body: str) -> None:
    order = ("--order", "good/small,late/large")
    said = await site.hotswap("explain", "--body", body, *order, "--json")
    wrong = await site.hotswap("explain", "--body", body, "--order", "good/small,none/none")

    targets = json.loads(said.out)["targets"]
    assert [target["target"] for target in targets] == ["good/small", "late/large"]
    assert wrong.code == 1
    assert "names 'none/none', which is no target of 'assist': " in wrong.err


async def test_without_a_gateway_explain_says_so_and_goes_by_the_configuration(
    site: Site, body: str
) -> None:
    away = await site.hotswap("explain", "--body", body, HOTSWAP_ADMIN="http://127.0.0.1:1")
    offline = await site.hotswap("explain", "--body", body, "--offline")

    assert (away.code, offline.code) == (0, 0)
    assert [line.split()[1] for line in away.lines[2:5]] == [
        "late/large",
        "broken/large",
        "good/small",
    ]
    assert away.lines[5].startswith("no gateway answers at http://127.0.0.1:1: ")
    assert offline.lines[5] == "by the configuration alone, every target is taken to be well"


async def test_one_target_shows_what_is_measured_of_it(site: Site) -> None:
    await site.stored(await site.ask())
    while "limits" not in (said := await site.hotswap("targets", "good/small")).out:
        assert said.code == 0

    assert "now 0 in flight, 1 begun in the last minute, 0.0% of them failed" in said.lines
    assert any(line.startswith("whole first content p50 ") for line in said.lines)
    assert said.lines[-1] == ("limits first content 10 s streamed, 5 min whole; silence 30 s")
