"""What `hotswap request` writes, for what the admin API says."""

import pytest
from msgspec.structs import replace
from rich.console import RenderableType

from hotswap.cli.failing import CommandError
from hotswap.cli.request import list_parts, request, story_parts
from hotswap.cli.showing import plain
from hotswap.core.terms import Needs, Usage
from hotswap.keeper.requests import Outcome, RequestView, view_request
from hotswap.ledger.record import AttemptRecord
from hotswap.processes.exits import Exit

AT = 3_612.0
FAILED = AttemptRecord(
    request_id="1a20",
    number=1,
    final=False,
    answered=False,
    chain="assist",
    config="d",
    caller="app",
    dialect="openai_chat",
    route="chat",
    streamed=True,
    needs=Needs(),
    target="a/large",
    credential="main",
    started_at=3_600.0,
    end_s=0.25,
    status=503,
    cause="hard",
    detail="server_error",
    skipped=("c/large: throttled", "d/large: open"),
)
HUNG = replace(
    FAILED,
    number=2,
    target="b/large",
    started_at=3_600.25,
    end_s=5.0,
    status=0,
    cause="hang",
    detail="first_content",
    rule="latency.threshold_ms",
    measured=5000.4,
    threshold=5000.0,
    switch_s=0.0006,
    skipped=(),
)
ANSWERED = replace(
    FAILED,
    number=3,
    final=True,
    answered=True,
    target="e/large",
    credential="spare",
    started_at=3_605.25,
    end_s=2.0,
    status=200,
    cause="",
    detail="",
    switch_s=0.0004,
    first_content_s=0.5,
    skipped=(),
    usage=Usage(120, 35, cache_read_tokens=100),
    cost_usd=0.00125,
)
STORY = (FAILED, HUNG, ANSWERED)


def lines(parts: list[RenderableType], width: int = 1000) -> list[str]:
    return plain(parts, width).splitlines()


def story(*attempts: AttemptRecord) -> list[str]:
    return lines(story_parts(view_request(attempts), attempts, AT))


def test_a_rescue_is_told_attempt_by_attempt() -> None:
    assert story(*STORY) == [
        "1a20: rescued by e/large, 7.25 s in all",
        "chain assist, chat in openai_chat, streamed, caller app, began 01:00:00, 12 s ago",
        "try target  key       at   took what",
        "  1 a/large main  +0.000 0.25 s hard/server_error 503, moved on",
        (
            "  2 b/large main  +0.250 5.00 s hang/first_content, latency.threshold_ms 5000.4 of"
            " 5000, moved on, switched in 0.6 ms"
        ),
        "  3 e/large spare +5.250 2.00 s answered, switched in 0.4 ms, first content after 0.50 s",
        "left out  c/large: throttled; d/large: open",
        "tokens    120 in (100 of them cached), 35 out",
        "cost      0.001250 USD",
    ]


def test_a_loss_is_told_with_what_the_caller_got() -> None:
    lost = replace(HUNG, final=True)

    head, *_, last = story(FAILED, lost)[:5]

    assert head == "1a20: lost, the caller got an error, 5.25 s in all"
    assert last.endswith("5000.4 of 5000, the caller got an error, switched in 0.6 ms")


def test_a_request_that_nobody_could_be_asked_for_is_told() -> None:
    nobody = replace(
        FAILED,
        number=0,
        final=True,
        target="",
        credential="",
        status=0,
        cause="",
        detail="chain_exhausted",
        end_s=0.0,
    )

    assert story(nobody)[3:] == [
        "  - none   -   +0.000 0.0 ms nobody could be asked (chain_exhausted)",
        "left out  c/large: throttled; d/large: open",
    ]


def test_a_splice_says_where_the_answer_went_on() -> None:
    spliced = replace(ANSWERED, splice_offset=480)

    assert story(FAILED, spliced)[4].endswith(", went on after 480 characters")


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (replace(FAILED, final=True, cause="caller"), "refused, through the caller's own fault"),
        (replace(FAILED, final=True, cause="cancel"), "left by its caller"),
        (FAILED, "not finished"),
        (replace(ANSWERED, number=1), "answered by e/large"),
    ],
)
def test_every_end_has_its_words(last: AttemptRecord, told: str) -> None:
    assert story(last)[0].startswith(f"1a20: {told}, ")


def test_estimated_tokens_are_said_to_be() -> None:
    guessed = replace(ANSWERED, usage=Usage(3, 4, estimated=True), cost_usd=None)

    assert story(guessed)[-1] == "tokens    3 in, 4 out, estimated"


def test_requests_are_listed_with_the_way_to_the_earlier_ones() -> None:
    rescued = view_request(STORY)
    lost = replace(rescued, id="1a1f", outcome=Outcome.LOST, target="", attempts=0, seconds=0.0)

    assert lines(list_parts([rescued, lost], "77", AT)) == [
        "ended    request chain  outcome target  tries   took",
        "5 s ago     1a20 assist rescued e/large     3 7.25 s",
        "12 s ago    1a1f assist lost    none        0 0.0 ms",
        "earlier ones: --after 77",
    ]


def test_an_empty_page_says_so() -> None:
    assert lines(list_parts([], None, AT)) == ["no request was found"]


def test_everything_fits_a_terminal_of_80_columns() -> None:
    long = "self-hosted/meta-llama/Llama-4-Scout-17B-16E-Instruct-FP8"
    attempts = [replace(attempt, target=long) for attempt in STORY]
    view: RequestView = replace(view_request(attempts), id="1a204509b3c0000001")

    shown = lines(story_parts(view, attempts, AT), 80) + lines(list_parts([view], "7", AT), 80)

    assert max(map(len, shown)) <= 80
    assert any("1a204509b3c0000001 " in line for line in shown[-6:])


@pytest.mark.parametrize("since", ["soon", "15", "m", "-5m", "infh", "nans"])
def test_a_time_that_is_none_is_a_usage_error(since: str) -> None:
    with pytest.raises(CommandError, match="not a time such as 90s, 15m, 2h or 7d") as failed:
        request(since=since)

    assert failed.value.code == Exit.USAGE


def test_an_id_and_filters_contradict_each_other() -> None:
    with pytest.raises(CommandError, match="an ID names one request") as failed:
        request("1a20", moved=True)

    assert failed.value.code == Exit.USAGE
