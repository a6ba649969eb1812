from msgspec.json import encode
from msgspec.structs import replace

from hotswap.cli.feed import Event
from hotswap.cli.tail import event_line
from hotswap.cli.telling import attempt_line, is_smooth, transition_line
from hotswap.core.terms import Needs
from hotswap.ledger.record import AttemptRecord, Transition

ANSWERED = AttemptRecord(
    request_id="01r",
    number=2,
    final=True,
    answered=True,
    chain="assist",
    config="d",
    caller="",
    dialect="openai_chat",
    route="chat",
    streamed=False,
    needs=Needs(),
    target="b/small",
    credential="main",
    started_at=3600.0,
    end_s=1.25,
)
FAILED = replace(
    ANSWERED,
    number=1,
    final=False,
    answered=False,
    target="a/large",
    cause="hang",
    detail="first_content",
    rule="latency.threshold_ms",
    measured=5000.4,
    threshold=5000.0,
)
OPENED = Transition(
    at=3600.0,
    target="a/large",
    credential="",
    before="closed",
    after="open",
    reason="failures",
    measured=5.0,
    threshold=5.0,
    until=3605.0,
)


def test_a_rescue_is_told() -> None:
    assert attempt_line(ANSWERED) == "01:00:01 assist 01r#2 b/small: answered after 1.250 s"


def test_a_failed_attempt_is_told_with_its_rule_and_what_was_measured() -> None:
    assert attempt_line(FAILED) == (
        "01:00:01 assist 01r#1 a/large: hang/first_content, latency.threshold_ms 5000.4 of 5000,"
        " moved on after 1.250 s"
    )


def test_a_providers_status_is_told() -> None:
    attempt = replace(ANSWERED, answered=False, cause="hard", status=503, end_s=0.0)

    assert attempt_line(attempt) == (
        "01:00:00 assist 01r#2 b/small: hard 503, the caller got an error after 0.000 s"
    )


def test_a_request_without_an_eligible_target_is_told() -> None:
    attempt = replace(ANSWERED, number=0, target="", answered=False, cause="throttle", end_s=0.0)

    assert attempt_line(attempt) == (
        "01:00:00 assist 01r#0 no target: throttle, the caller got an error after 0.000 s"
    )


def test_a_caller_that_left_is_no_error() -> None:
    attempt = replace(ANSWERED, answered=False, cause="cancel")

    assert attempt_line(attempt).endswith("cancel, the caller left after 1.250 s")


def test_a_probe_is_no_request() -> None:
    probe = replace(ANSWERED, request_id="", chain="", route="probe", number=1, answered=False)

    assert attempt_line(probe) == "01:00:01 probe b/small: answered after 1.250 s"
    assert attempt_line(replace(probe, cause="hard", status=500)) == (
        "01:00:01 probe b/small: hard 500, no answer after 1.250 s"
    )
    assert is_smooth(probe)


def test_an_opening_is_told_with_its_reason_and_its_end() -> None:
    assert transition_line(OPENED) == (
        "01:00:00 a/large: closed -> open (failures, measured 5 of 5, until 01:00:05)"
    )


def test_a_providers_own_hint_and_the_credential_are_told() -> None:
    throttled = Transition(
        3600.0, "a", "main", "closed", "open", "throttled", until=3660.0, hinted=True
    )

    assert transition_line(throttled) == (
        "01:00:00 a key main: closed -> open (throttled, until 01:01:00 as it said)"
    )


def test_only_what_moved_gets_a_line() -> None:
    smooth = Event("attempt", encode(replace(ANSWERED, number=1)))
    rescued = Event("attempt", encode(ANSWERED))
    opened = Event("transition", encode(OPENED))

    assert event_line(smooth, everything=False, as_json=False) == ""
    assert event_line(smooth, everything=True, as_json=False).startswith("01:00:01 assist")
    assert event_line(rescued, everything=False, as_json=False) == attempt_line(ANSWERED)
    assert event_line(opened, everything=False, as_json=False) == transition_line(OPENED)
    assert event_line(Event("tick", b"{}"), everything=True, as_json=True) == ""


def test_json_is_passed_on_as_it_came() -> None:
    data = encode(OPENED)

    assert event_line(Event("transition", data), everything=False, as_json=True) == data.decode()
