"""How long to stay away: the grammar of section 6 of the provider reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.dialects.retry_after import MAX_S, read_retry_after, read_wait

DATE = b"Sun, 22 Nov 2026 14:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("6m0s", 360.0),
        ("1s", 1.0),
        ("12ms", 0.012),
        ("2h3m", 7380.0),
        ("2m59.56s", 179.56),
        ("46s", 46.0),
        ("35694.52s", 35694.52),
        ("250us", 0.00025),
        ("1 minute 30 seconds", 90.0),
        ("Sun, 22 Nov 2026 14:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 0.0),
        ("2026-11-22T14:01:00Z", 60.0),
        ("1795356042", 42.0),
        ("1795356042000", 42.0),
        ("", None),
        ("soon", None),
        ("3 fortnights", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("Sun, 22 Foo 2026 14:00:00 GMT", None),
        ("2026-11-22T14:01:00", None),
    ],
)
def test_a_wait_is_a_duration_or_a_point_in_time(value: str, seconds: float | None):
    assert read_wait(value, DATE) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["1795356042", "2026-11-22T14:01:00Z"])
def test_a_point_in_time_says_nothing_without_the_answers_own_date(value: str):
    assert read_wait(value, b"") is None


@pytest.mark.parametrize(
    ("headers", "text", "delay", "seconds"),
    [
        ({b"retry-after-ms": b"1200", b"retry-after": b"9"}, "", "", 1.2),
        ({b"retry-after-ms": b"nan", b"retry-after": b"9"}, "", "", 9.0),
        ({b"retry-after": b"Sun, 22 Nov 2026 14:00:30 GMT", b"date": DATE}, "", "", 30.0),
        ({b"retry-after": b"-3"}, "", "46s", 46.0),
        ({b"retry-after-ms": b"-5", b"retry-after": b"2"}, "", "", 2.0),
        ({b"retry-after-ms": b"inf", b"retry-after": b"inf"}, "try again in 3s", "", 3.0),
        ({b"retry-after": b"nan"}, "", "", None),
        ({b"retry-after-ms": b"1e12"}, "", "", 86400.0),
        ({b"retry-after": b"Sun, 22 Nov 2026 14:00:30 GMT"}, "", "46s", 46.0),
        ({b"retry-after": b"7"}, "try again in 41s", "46s", 7.0),
        ({}, "try again in 41s", "46s", 46.0),
        ({b"retry-after": b"999999"}, "", "", 86400.0),
        ({}, "", "35694.52s", 35694.52),
        ({}, "Please try again in 41.7s. Visit the limits page.", "", 41.7),
        ({}, "Please try again in 1m12s.", "", 72.0),
        ({}, "try again in 250ms", "", 0.25),
        ({}, "Please retry after 26 seconds.", "", 26.0),
        ({}, "Please retry in 10h17m5.7s.", "", 37025.7),
        ({}, "Retry after 300 milliseconds", "", 0.3),
        ({}, "Please try again in 2 minutes.", "", 120.0),
        ({}, "Please try again later.", "", None),
        ({}, "", "", None),
    ],
)
def test_the_first_usable_hint_counts(
    headers: dict[bytes, bytes], text: str, delay: str, seconds: float | None
):
    assert read_retry_after(headers, text, delay, exhausted=False) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (
            {
                b"x-ratelimit-remaining-requests": b"0",
                b"x-ratelimit-reset-requests": b"2s",
                b"x-ratelimit-remaining-tokens": b"0",
                b"x-ratelimit-reset-tokens": b"6m0s",
            },
            360.0,
        ),
        (
            {
                b"x-ratelimit-remaining-requests": b"0",
                b"x-ratelimit-reset-requests": b"2s",
                b"x-ratelimit-remaining-tokens": b"5",
                b"x-ratelimit-reset-tokens": b"6m0s",
            },
            2.0,
        ),
        # OpenAI: some accounts have a limit of the project; Groq: Go-like durations.
        (
            {
                b"x-ratelimit-remaining-project-tokens": b"0",
                b"x-ratelimit-reset-project-tokens": b"2h3m",
            },
            7380.0,
        ),
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"7.66s"}, 7.66),
        # Azure: whole seconds; its Responses route says -1, which means nothing.
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"6"}, 6.0),
        ({b"x-ratelimit-remaining-tokens": b"-1", b"x-ratelimit-reset-tokens": b"6"}, None),
        ({b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"-1"}, None),
        # Anthropic: points in time, the latest of the limits that are used up.
        (
            {
                b"anthropic-ratelimit-input-tokens-remaining": b"0",
                b"anthropic-ratelimit-input-tokens-reset": b"2026-11-22T14:00:40Z",
                b"anthropic-ratelimit-output-tokens-remaining": b"0",
                b"anthropic-ratelimit-output-tokens-reset": b"2026-11-22T14:00:50Z",
                b"anthropic-ratelimit-requests-remaining": b"12",
                b"anthropic-ratelimit-requests-reset": b"2026-11-22T14:09:00Z",
                b"date": DATE,
            },
            50.0,
        ),
        # Mistral names no reset of its newer limits.
        ({b"x-ratelimit-remaining-req-minute": b"0"}, None),
        (
            {
                b"anthropic-ratelimit-requests-remaining": b"0",
                b"anthropic-ratelimit-requests-reset": b"2026-11-22T14:00:20Z",
                b"date": DATE,
            },
            20.0,
        ),
        # OpenRouter: milliseconds since the epoch; Cohere: seconds since the epoch.
        (
            {
                b"x-ratelimit-remaining": b"0",
                b"x-ratelimit-reset": b"1795356007000",
                b"date": DATE,
            },
            7.0,
        ),
        ({b"x-ratelimit-reset": b"1795356007", b"date": DATE}, 7.0),
        ({b"ratelimitbysize-remaining": b"0", b"ratelimitbysize-reset": b"19"}, 19.0),
    ],
)
def test_a_used_up_limit_answers_with_its_reset(headers: dict[bytes, bytes], seconds: float | None):
    assert read_retry_after(headers, "", "", exhausted=True) == pytest.approx(seconds)
    assert read_retry_after(headers, "", "", exhausted=False) is None


def test_a_hostile_hint_takes_no_time():
    assert read_wait("1" * 63 + "!", DATE) is None
    assert read_wait("1s" * 500 + "!", DATE) is None


@given(st.binary(max_size=40), st.binary(max_size=40), st.text(max_size=80), st.text(max_size=20))
def test_no_hint_breaks_the_reader(ms: bytes, after: bytes, text: str, delay: str):
    headers = {b"retry-after-ms": ms, b"retry-after": after, b"date": after}

    seconds = read_retry_after(headers, f"try again in {text}", delay, exhausted=True)

    assert seconds is None or 0 <= seconds <= MAX_S
