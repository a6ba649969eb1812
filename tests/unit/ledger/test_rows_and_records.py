from hotswap.core.terms import Needs, Usage
from hotswap.ledger.record import AttemptRecord, Transition
from hotswap.ledger.rows import read_attempt, read_transition, write_entry
from hotswap.store.api import AttemptRow

ATTEMPT = AttemptRecord(
    request_id="0018bcfe568000000001",
    number=2,
    final=True,
    answered=True,
    chain="chat",
    config="c0ffee",
    caller="app",
    dialect="openai",
    route="chat",
    streamed=True,
    needs=Needs(tools=True, prompt_tokens=12),
    target="openai/gpt-4o",
    credential="main",
    started_at=1_700_000_000.25,
    end_s=1.5,
    skipped=("a/b: open",),
    usage=Usage(input_tokens=1),
)
OPENED = Transition(
    1_700_000_000.5, "openai/gpt-4o", "", "closed", "open", "failures", until=1_700_000_005.5
)


def test_an_attempt_survives_its_row() -> None:
    row = write_entry(ATTEMPT).row

    assert isinstance(row, AttemptRow)
    assert (row.at, row.request_id) == (1_700_000_001.75, "0018bcfe568000000001")
    assert (row.chain, row.target) == ("chat", "openai/gpt-4o")
    assert read_attempt(row.body) == ATTEMPT


def test_a_transition_survives_its_row() -> None:
    row = write_entry(OPENED).row

    assert row.at == 1_700_000_000.5
    assert read_transition(row.body) == OPENED


def test_what_a_newer_hotswap_wrote_is_read_without_its_new_fields() -> None:
    row = write_entry(OPENED).row
    # A map with one more entry: its first byte counts them.
    newer = bytes([row.body[0] + 1]) + row.body[1:] + b"\xa3new\x01"

    assert read_transition(newer) == OPENED
