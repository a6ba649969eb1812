"""What becomes of broken streams, what is sent twice, and what a key forbids: file to values."""

import pytest

from hotswap.config.snapshot import AccessKey
from hotswap.core.settings import Hedging, Streaming

from .conftest import Load, Refuse

CHAIN = "fallback: {{chains: [{{name: a, models: [{{provider: openai, model: m}}]{keys}}}]}}\n"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def chain(keys: str = "") -> str:
    return CHAIN.format(keys=f", {keys}" if keys else "")


def test_plain_text_is_spliced_and_calls_are_held_by_default(load_text: Load):
    one = load_text(chain()).chains["a"]

    assert one.stream == Streaming(
        splice=True, tool_calls="hold", structured="hold", max_splices=2, settle_s=0.3
    )
    assert one.hedge is None


def test_every_part_of_stream_can_be_set(load_text: Load):
    keys = "stream: {splice: false, tool_calls: live, structured: live, max_splices: 0}"

    assert load_text(chain(keys)).chains["a"].stream == Streaming(
        splice=False, tool_calls="live", structured="live", max_splices=0
    )


@pytest.mark.parametrize(
    ("keys", "hedge"),
    [
        ("hedge: {}", Hedging()),
        ("hedge: {after: p95, max_share: 0.1}", Hedging(max_share=0.1)),
        ("hedge: {after: 1.5, max_spend_share: 0.5}", Hedging(after=1.5, max_spend_share=0.5)),
        ("triggers: [{type: latency, action: hedge}]", Hedging()),
        ("triggers: [{type: latency, threshold_ms: 800, action: hedge}]", Hedging(after=0.8)),
        (
            (
                "triggers: [{type: latency, threshold_ms: 800, action: hedge}], "
                "hedge: {max_share: 0.2}"
            ),
            Hedging(after=0.8, max_share=0.2),
        ),
        ("triggers: [{type: latency, threshold_ms: 800}]", None),
    ],
)
def test_a_hedge_is_asked_for_by_its_section_or_by_the_latency_trigger(
    load_text: Load, keys: str, hedge: Hedging | None
):
    assert load_text(chain(keys)).chains["a"].hedge == hedge


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ("stream: {splice: maybe}", "chains[0].stream.splice"),
        ("stream: {tool_calls: held}", "chains[0].stream.tool_calls"),
        ("stream: {max_splices: 11}", "chains[0].stream.max_splices"),
        ("stream: {splices: 1}", "chains[0].stream.splices"),
        ("hedge: {after: p94}", "chains[0].hedge.after"),
        ("hedge: {after: 0}", "chains[0].hedge.after"),
        ("hedge: {max_share: 5}", "chains[0].hedge.max_share"),
    ],
)
def test_a_mistake_is_named_by_its_place(refuse_text: Refuse, keys: str, path: str):
    lines = refuse_text(chain(keys))

    assert [line.split(" ", 1)[1].split(":")[0] for line in lines] == [path]


def test_a_key_may_forbid_fallbacks_and_splices(load_text: Load):
    access = f"access: {{keys: [{{id: app, sha256: {DIGEST}, fallback: false, splice: false}}]}}\n"

    assert load_text(access + chain()).keys == (
        AccessKey("app", DIGEST, fallback=False, splice=False),
    )
