"""Limits as providers tell of them in headers and in refusals."""

from collections.abc import Mapping

import pytest

from hotswap.core.headroom import Unit, Window
from hotswap.dialects.rate_limits import read_named, read_windows

Said = Mapping[bytes, bytes]


def openai(remaining: bytes = b"100", reset: bytes = b"12ms", limit: bytes = b"600") -> Said:
    return {
        b"x-ratelimit-limit-requests": limit,
        b"x-ratelimit-remaining-requests": remaining,
        b"x-ratelimit-reset-requests": reset,
    }


def anthropic(name: str) -> Said:
    return {
        b"date": b"Mon, 23 Nov 2026 10:00:00 GMT",
        f"anthropic-ratelimit-{name}-limit".encode(): b"4000",
        f"anthropic-ratelimit-{name}-remaining".encode(): b"1000",
        f"anthropic-ratelimit-{name}-reset".encode(): b"2026-11-23T10:00:45Z",
    }


@pytest.mark.parametrize(
    ("kind", "headers", "windows"),
    [
        ("openai", {}, []),
        ("openai", openai(), [Window(Unit.REQUESTS, 600.0, 100.0, 0.012)]),
        ("azure", openai(reset=b"7"), [Window(Unit.REQUESTS, 600.0, 100.0, 7.0)]),
        ("unheard-of", openai(reset=b"6m0s"), [Window(Unit.REQUESTS, 600.0, 100.0, 360.0)]),
        # Groq's requests are those of a day.
        ("groq", openai(reset=b"7.66s"), [Window(Unit.REQUESTS, 600.0, 100.0, 7.66, minute=False)]),
        (
            "groq",
            openai(reset=b"2m59.56s"),
            [Window(Unit.REQUESTS, 600.0, 100.0, 179.56, minute=False)],
        ),
        (
            "openai",
            {
                b"x-ratelimit-limit-project-tokens": b"30000",
                b"x-ratelimit-remaining-project-tokens": b"0",
                b"x-ratelimit-reset-project-tokens": b"6s",
            },
            [Window(Unit.TOKENS, 30_000.0, 0.0, 6.0)],
        ),
        (
            "openai",
            {
                b"x-ratelimit-limit-tokens": b"30000",
                b"x-ratelimit-remaining-tokens": b"0",
                b"x-ratelimit-reset-tokens": b"1m0s",
            },
            [Window(Unit.TOKENS, 30_000.0, 0.0, 60.0)],
        ),
        ("anthropic", anthropic("requests"), [Window(Unit.REQUESTS, 4000.0, 1000.0, 45.0)]),
        ("anthropic", anthropic("input-tokens"), [Window(Unit.INPUT, 4000.0, 1000.0, 45.0)]),
        ("anthropic", anthropic("output-tokens"), [Window(Unit.OUTPUT, 4000.0, 1000.0, 45.0)]),
        ("anthropic", anthropic("tokens"), [Window(Unit.TOKENS, 4000.0, 1000.0, 45.0)]),
        (
            "mistral",
            {
                b"x-ratelimit-limit-req-minute": b"60",
                b"x-ratelimit-remaining-req-minute": b"3",
                b"x-ratelimit-limit-tokens-minute": b"500000",
                b"x-ratelimit-remaining-tokens-minute": b"499000",
            },
            [Window(Unit.REQUESTS, 60.0, 3.0), Window(Unit.TOKENS, 500_000.0)],
        ),
        (
            "mistral",
            {
                b"x-ratelimitbysize-limit-minute": b"500000",
                b"x-ratelimitbysize-remaining-minute": b"1",
            },
            [Window(Unit.TOKENS, 500_000.0, 1.0)],
        ),
        (
            "openrouter",
            {
                b"date": b"Mon, 23 Nov 2026 10:00:00 GMT",
                b"x-ratelimit-limit": b"20",
                b"x-ratelimit-remaining": b"2",
                b"x-ratelimit-reset": b"1795428030000",
            },
            [Window(Unit.REQUESTS, 20.0, 2.0, 30.0, minute=False)],
        ),
        ("google", openai(), []),
    ],
)
def test_headers_tell_of_limits(kind: str, headers: Said, windows: list[Window]) -> None:
    assert list(read_windows(kind, headers)) == windows


@pytest.mark.parametrize("remaining", [b"", b"-1", b"nan", b"-inf", b"many"])
def test_of_what_is_no_number_only_the_limit_counts(remaining: bytes) -> None:
    assert list(read_windows("openai", openai(remaining))) == [Window(Unit.REQUESTS, 600.0)]


@pytest.mark.parametrize("limit", [b"", b"0", b"-1", b"nan", b"inf", b"1e99", b"many", b"\xff"])
def test_a_limit_that_is_none_is_ignored(limit: bytes) -> None:
    assert list(read_windows("openai", openai(limit=limit))) == []


@pytest.mark.parametrize("reset", [b"", b"-5s", b"nans", b"soon", b"\xffs"])
def test_a_reset_that_is_none_is_not_known(reset: bytes) -> None:
    expected = [Window(Unit.REQUESTS, 600.0, 100.0)]

    assert list(read_windows("openai", openai(reset=reset))) == expected


@pytest.mark.parametrize("reset", [b"999999999s", b"900000000", b"99999999999999ms", b"9000h"])
def test_no_reset_is_further_away_than_a_day(reset: bytes) -> None:
    (window,) = read_windows("openai", openai(reset=reset))

    assert window.reset_s == 86_400.0


def test_far_from_a_limit_every_answer_gives_the_same_value() -> None:
    first = read_windows("openai", openai(b"599"))
    second = read_windows("openai", openai(b"500", b"10s"))

    assert list(first) == [Window(Unit.REQUESTS, 600.0)]
    assert first[0] is second[0]


GOOGLE = """{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [%s]},
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "46s"}]}}"""
PER_MINUTE = """{"quotaMetric": "g/generate_content_free_tier_requests",
    "quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "15"}"""
PER_DAY = """{"quotaMetric": "g/generate_content_free_tier_requests",
    "quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "200"}"""
TOKENS = """{"quotaMetric": "g/generate_content_free_tier_input_token_count",
    "quotaId": "GenerateContentInputTokensPerModelPerMinute", "quotaValue": "250000"}"""


@pytest.mark.parametrize(
    ("body", "windows"),
    [
        (
            (
                '{"error": {"message": "Rate limit reached for gpt-4 in organization o-1 on tokens'
                ' per min (TPM): Limit 30,000, Used 29,000, Requested 2500.", "type": "tokens"}}'
            ),
            [Window(Unit.TOKENS, 30_000.0, 1000.0)],
        ),
        (
            (
                '{"error": {"message": "Rate limit reached on requests per min (RPM): Limit 3,'
                ' Used 3, Requested 1.", "type": "requests"}}'
            ),
            [Window(Unit.REQUESTS, 3.0, 0.0)],
        ),
        (
            (
                '{"error": {"message": "Rate limit reached on tokens per day (TPD): Limit 100000,'
                ' Used 99999, Requested 20.", "type": "tokens"}}'
            ),
            [],
        ),
        (
            (
                '{"error": {"message": "Limit 30000, Used 29000, Requested 2500. Please try again'
                ' in 1.2s.", "type": "tokens"}}'
            ),
            [Window(Unit.TOKENS, 30_000.0, 1000.0)],
        ),
        (
            '{"error": {"message": "Limit 500, Used 500, Requested 1.", "type": "requests"}}',
            [Window(Unit.REQUESTS, 500.0, 0.0)],
        ),
        (
            (
                '{"type": "error", "error": {"type": "rate_limit_error", "message": "This request'
                " would exceed your organization's rate limit of 50,000 input tokens"
                ' per minute."}}'
            ),
            [Window(Unit.INPUT, 50_000.0)],
        ),
        (
            (
                '{"type": "error", "error": {"type": "rate_limit_error", "message": "This request'
                " would exceed the rate limit for your organization"
                ' (0a1b2c3d-0000-4000-8000-0123456789ab) of 20,000 input tokens per minute."}}'
            ),
            [Window(Unit.INPUT, 20_000.0)],
        ),
        (
            (
                '{"error": {"message": "Too many concurrent requests (limit: 10, used: 10,'
                ' requested: 1).", "type": "requests"}}'
            ),
            [],
        ),
        (
            (
                '{"error": {"message": "Rate limit reached on images per minute (IPM): Limit 5,'
                ' Used 5, Requested 1.", "type": "tokens"}}'
            ),
            [],
        ),
        (
            (
                '{"error": {"message": "Limit 7200, Used 7190, Requested 20 seconds of audio per'
                ' hour.", "type": "tokens"}}'
            ),
            [],
        ),
        ('{"error": {"message": "Limit 10, Used 10, Requested 1.", "type": "seats"}}', []),
        (GOOGLE % PER_MINUTE, [Window(Unit.REQUESTS, 15.0)]),
        (GOOGLE % TOKENS, [Window(Unit.INPUT, 250_000.0)]),
        (GOOGLE % PER_DAY, []),
        (f"[{GOOGLE % PER_MINUTE}]", [Window(Unit.REQUESTS, 15.0)]),
        ('{"error": {"message": "Slow down", "type": "rate_limit_error"}}', []),
        ('{"error": {"message": "(TPM): Limit 0, Used 0"}}', []),
        ('{"error": {"details": [3, {"violations": [{"quotaId": "PerMinute"}]}]}}', []),
        ('{"message": "Requests rate limit exceeded"}', []),
        ("<html>", []),
        ("\xff", []),
        ("[]", []),
        ("[" * 100_000, []),
    ],
)
def test_refusals_name_limits_per_minute(body: str, windows: list[Window]) -> None:
    assert list(read_named(body.encode())) == windows
