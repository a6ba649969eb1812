"""`hotswap chains`, `targets` and `request` against a gateway that really runs."""

import asyncio
import json
from pathlib import Path

import pytest

from .conftest import CONFIG, Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


async def test_what_happened_to_a_request_is_told(site: Site) -> None:
    first = await site.stored(await site.ask())
    second = await site.stored(await site.ask(streamed=True))

    head, circumstances, columns, late, broken, good, tokens = first.lines
    assert ": rescued by good/small, " in head
    assert circumstances.startswith("chain assist, chat in openai_chat, began ")
    assert columns == "try target key at took what"
    assert late.startswith("1 late/large main +0.000 ")
    assert late.endswith(" throttle/rate_limit 429, rate_limit, moved on")
    assert " hard/server_error 500, error, moved on, switched in " in broken
    assert " answered, switched in " in good
    assert tokens == "tokens 9 in, 2 out"
    assert ", streamed, began " in second.lines[1]
    assert second.lines[-2] == "left out late/large: throttled"


async def test_chains_and_targets_show_what_was_found_out(site: Site) -> None:
    request_id = await site.ask()
    await site.stored(request_id)
    chains, targets = await asyncio.gather(site.hotswap("chains"), site.hotswap("targets"))

    assert chains.lines == [
        "chain prio target now",
        chains.lines[1],
        "2 broken/large asked first",
        "3 good/small eligible",
    ]
    assert chains.lines[1].startswith(
        "assist, gpt-4o 1 late/large left out: throttled, tried again in "
    )
    assert [line.split(" open ")[0] for line in targets.lines] == [
        "target state for why tried failed",
        "late/large closed 1 1",
        "key main, here",
        "broken/large closed 1 1",
        "good/small closed 1 0",
    ]


async def test_programs_get_what_the_gateway_says(site: Site) -> None:
    request_id = await site.ask()
    await site.stored(request_id)
    words = (
        ("chains",),
        ("chains", "gpt-4o"),
        ("targets",),
        ("targets", "late/large"),
        ("request", request_id),
        ("request", "--moved", "--since", "10m", "--target", "broken/large"),
    )
    said = await asyncio.gather(*(site.hotswap(*line, "--json") for line in words))

    assert {one.code for one in said} == {0}
    assert not any("s3cret" in one.out for one in said)
    chains, chain, targets, target, story, moved = (json.loads(one.out) for one in said)
    assert chains["chains"] == [chain["chain"]]
    assert [link["turn"] for link in chain["chain"]["targets"]] == [
        "left_out",
        "eligible",
        "eligible",
    ]
    assert targets["targets"][0]["id"] == target["target"]["id"] == "late/large"
    assert target["target"]["credentials"][0]["standing"]["reason"] == "throttled"
    assert [attempt["cause"] for attempt in story["attempts"]] == ["throttle", "hard", ""]
    assert [found["id"] for found in moved["requests"]] == [request_id]


async def test_exit_codes_tell_scripts_what_went_wrong(site: Site) -> None:
    said = await asyncio.gather(
        site.hotswap("request"),
        site.hotswap("request", "none"),
        site.hotswap("chains", "none"),
        site.hotswap("targets", "none/none"),
        site.hotswap("request", "--limit", "0"),
        site.hotswap("request", "--since", "soon"),
        site.hotswap("chains", "--config", "missing.yaml"),
        site.hotswap("targets", HOTSWAP_ADMIN="http://127.0.0.1:1"),
        site.hotswap("chains", HOTSWAP_ADMIN_KEY="hs-admin-wrong"),
    )

    assert [one.code for one in said] == [0, 1, 1, 1, 2, 2, 3, 4, 5]
    assert said[0].out == "no request was found\n"
    assert all(one.out == "" for one in said[1:])
    assert all(len(one.err.splitlines()) == 1 for one in said[1:])
    assert "there are: late/large, broken/large, good/small" in said[3].err


@pytest.mark.parametrize("admin", ["0.0.0.0:0"])
async def test_an_admin_listener_that_others_reach_is_as_closed(site: Site) -> None:
    key = (site.folder / "state/admin.key").read_text().strip()
    right = {"authorization": f"Bearer {key}"}

    assert site.get(right) == 200
    assert site.get({}) == 401
    assert site.get({"authorization": "Bearer "}) == 401
    assert site.get({**right, "host": "evil.example"}) == 421
    assert site.get({**right, "origin": "https://evil.example"}) == 403


async def test_a_listener_that_others_reach_is_refused_without_a_caller_key(
    tmp_path: Path,
) -> None:
    config = tmp_path / "hotswap.yaml"
    config.write_text(
        CONFIG.format(
            admin="127.0.0.1:0", late="http://h/v1", broken="http://h/v1", good="http://h/v1"
        ).replace('listen: "127.0.0.1:0"', 'listen: "0.0.0.0:0"')
    )
    site = Site(tmp_path, "", "")

    serving, checking = await asyncio.gather(site.hotswap("serve"), site.hotswap("check"))

    assert (serving.code, checking.code) == (3, 1)
    why = (
        "server.listen: is open to other machines, and no access key is configured (anyone could"
        " spend on your provider keys: add access.keys, or listen on 127.0.0.1)"
    )
    assert why in serving.err
    assert why in checking.err
