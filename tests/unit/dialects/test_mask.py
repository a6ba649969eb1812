"""What a caller must not learn from a provider's words."""

import pytest

from hotswap.dialects.mask import masked


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Incorrect API key provided: sk-abc*****wxyz.", "Incorrect API key provided: [masked]"),
        ("Bad key gsk_a1b2c3d4", "Bad key [masked]"),
        ("in organization org-AbCdEf123 on tokens", "in organization [masked] on tokens"),
        ("organization `org_01hrvt32ze9` x", "organization `[masked]` x"),
        ("project proj_abcdef1 is over", "project [masked] is over"),
        ("See https://platform.example.com/keys?x=1 now", "See [masked] now"),
        ("cannot reach gpu-7.cluster.internal:8000 today", "cannot reach [masked] today"),
        ("cannot reach 10.2.3.4:8000", "cannot reach [masked]"),
        ("Bearer abcdef123456 is wrong", "[masked] is wrong"),
        ("id 0123456789abcdef0123456789abcdef x", "id [masked] x"),
        ("'messages[0].role' of gpt-4.1 must be one of user", None),
        ("user_message and user-defined fields of team_members are unknown", None),
        ("Unknown parameter: 'response_format.json_schema.strict'.", None),
    ],
)
def test_keys_organisations_and_hosts_are_masked(message: str, expected: str | None):
    assert masked(message) == (message if expected is None else expected)


def test_a_long_message_is_shortened():
    assert masked("a " * 3000) == "a " * 1000
