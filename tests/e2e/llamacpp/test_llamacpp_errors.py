"""What a real llama.cpp says when it can or will not answer, and what follows from it."""

from typing import Final

import pytest
from openai import BadRequestError, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from .site import HELLO, LOCAL, SPARE, SPARE_TEXT, Site

pytestmark = pytest.mark.slow

TOO_LONG: Final[list[ChatCompletionMessageParam]] = [{"role": "user", "content": "long " * 300}]
PICTURE: Final[list[ChatCompletionMessageParam]] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ],
    }
]


def failed_first(site: Site, request_id: str) -> tuple[object, object, object, object]:
    """Return what is stored of a request's first attempt."""
    first = site.attempts(request_id)[0]
    return first["target"], first["cause"], first["detail"], first["status"]


def test_a_prompt_beyond_its_window_moves_on(client: OpenAI, site: Site) -> None:
    raw = client.chat.completions.with_raw_response.create(model="assist", messages=TOO_LONG)

    assert raw.parse().choices[0].message.content == SPARE_TEXT
    failed = failed_first(site, raw.headers["x-hotswap-request-id"])
    assert failed == (LOCAL, "context", "context_length_exceeded", 400)


def test_so_does_one_whose_answer_is_streamed(client: OpenAI, site: Site) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="assist", messages=TOO_LONG, stream=True
    )

    pieces = [chunk.choices[0].delta.content or "" for chunk in raw.parse()]
    assert "".join(pieces) == SPARE_TEXT
    failed = failed_first(site, raw.headers["x-hotswap-request-id"])
    assert failed == (LOCAL, "context", "context_length_exceeded", 400)


def test_without_a_fallback_the_caller_is_told_of_the_window(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match=r"exceeds the available context size \(1024 tokens"):
        client.chat.completions.create(model="alone", messages=TOO_LONG)


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ({"grammar": "root ::= ("}, "failed to parse grammar"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "x"}}}},
            "unrecognized type x",
        ),
        ({"temperature": "hot"}, "type must be number, but is string"),
    ],
    ids=["grammar", "schema", "number"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_mistake_of_the_callers_goes_back_to_the_caller(
    client: OpenAI, field: object, problem: str, *, stream: bool
) -> None:
    with pytest.raises(BadRequestError, match=problem) as raised:
        client.chat.completions.create(
            model="assist", messages=HELLO, stream=stream, extra_body=field
        )

    assert raised.value.response.headers["x-hotswap-attempts"] == "1"


def test_a_picture_moves_on_and_is_held_against_nobody(client: OpenAI, site: Site) -> None:
    """llama.cpp says 500 where its model reads text only; five of those would open the target.

    What it said is remembered: the next pictures go elsewhere at once.
    """
    asked = [
        client.chat.completions.with_raw_response.create(model="assist", messages=PICTURE)
        for _ in range(6)
    ]

    assert {raw.headers["x-hotswap-target"] for raw in asked} == {SPARE}
    first = [failed_first(site, raw.headers["x-hotswap-request-id"]) for raw in asked]
    # A prompt that was too long before has taught the window as well: the first may go elsewhere.
    assert first[0] in {(LOCAL, "capability", "capability_mismatch", 500), (SPARE, "", "", 200)}
    assert first[1:] == 5 * [(SPARE, "", "", 200)]
    after = client.chat.completions.with_raw_response.create(
        model="assist", messages=HELLO, max_completion_tokens=1
    )
    assert after.headers["x-hotswap-target"] == LOCAL


def test_a_text_too_long_to_embed_is_the_callers_to_shorten(client: OpenAI, site: Site) -> None:
    """llama.cpp says 500; no other target has the same model, whose vectors alone would do."""
    with pytest.raises(BadRequestError, match="is too large to process") as raised:
        client.embeddings.create(model="assist", input="long " * 150)

    (attempt,) = site.attempts(raised.value.response.headers["x-hotswap-request-id"])
    assert (attempt["cause"], attempt["status"]) == ("context", 500)


def test_a_wrong_key_moves_on(client: OpenAI, site: Site) -> None:
    raw = client.chat.completions.with_raw_response.create(model="locked", messages=HELLO)

    assert raw.headers["x-hotswap-target"] == SPARE
    failed = failed_first(site, raw.headers["x-hotswap-request-id"])
    assert failed == ("stranger/tiny", "auth", "auth", 401)
