"""The judges of the fault table are strict: what no gateway may give fails there."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from hotswap.testing.provider import ScriptedProvider
from hotswap.testing.step import Cut, Seen, Step, ToolCall

from .asking import TOOL_NAME, Ask, Call, Got, What
from .cells import Cell, Way
from .model import Manner, model, story
from .rows_streams import TEXT as STORY
from .rows_streams import whole_story
from .scenes import HEALTHY, TEXT, TOKENS, raised, whole
from .site import CLIENTS, SDKS

CELL = Cell("any", "anthropic", Way.STREAMED)
GOOD = Got(text=TEXT, finished=True, tokens=TOKENS)
BAD = {
    "a character is lost": replace(GOOD, text=TEXT[:-1]),
    "a character is doubled": replace(GOOD, text=TEXT[:5] + TEXT[4:]),
    "no finish": replace(GOOD, finished=False),
    "no usage": replace(GOOD, tokens=None),
    "another usage": replace(GOOD, tokens=(9, 15)),
    "an error at the end": replace(GOOD, raised=RuntimeError()),
}


@pytest_asyncio.fixture
async def provider() -> AsyncGenerator[ScriptedProvider]:
    """Give a provider that the SDKs ask directly."""
    async with ScriptedProvider() as provider:
        yield provider


async def ask(provider: ScriptedProvider, client: str, what: What = What.TEXT) -> Got:
    sdk, got = SDKS[client](provider.root_url), Got()
    try:
        await sdk.ask(Ask("m", streamed=True, what=what), got)
    finally:
        await sdk.close()
    return got


def test_a_whole_answer_passes() -> None:
    assert whole(GOOD, CELL) == "text"


@pytest.mark.parametrize("got", BAD.values(), ids=BAD.keys())
def test_an_answer_that_is_not_whole_fails(got: Got) -> None:
    with pytest.raises(AssertionError):
        whole(got, CELL)


def test_a_story_that_is_not_whole_fails() -> None:
    good = Got(text=STORY, finished=True, tokens=(9, 600))

    assert whole_story(good, CELL) == "text"
    for bad in (
        replace(good, text=STORY[:300] + STORY[301:]),
        replace(good, finished=False),
        replace(good, tokens=(9, 0)),
    ):
        with pytest.raises(AssertionError):
            whole_story(bad, CELL)


def test_a_clean_end_is_no_exception() -> None:
    with pytest.raises(AssertionError, match="a clean end after"):
        raised(Got(text="half of"), CELL)


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
async def test_a_silent_truncation_is_seen_where_the_sdk_does_not_see_it(
    provider: ScriptedProvider, client: str
) -> None:
    """The SDK is asked without a gateway: some raise, the others must be caught by the judge."""
    provider.behave(Step(text=HEALTHY.text, cut=Cut.END, cut_after=4))
    got = await ask(provider, client)

    assert not got.finished
    assert TEXT.startswith(got.text)
    assert got.text != TEXT


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
async def test_every_sdk_gives_a_whole_stream(provider: ScriptedProvider, client: str) -> None:
    provider.behave(HEALTHY)
    got = await ask(provider, client)

    assert whole(got, Cell("any", client, Way.STREAMED)) == "text"


@pytest.mark.slow
@pytest.mark.parametrize("client", ["openai chat", "openai responses", "anthropic"])
async def test_half_of_a_call_never_counts_as_one(provider: ScriptedProvider, client: str) -> None:
    provider.behave(Step(tools=(ToolCall(TOOL_NAME, '{"city":"Oslo"}'),), cut=Cut.END, cut_after=3))
    call = Call(TOOL_NAME, {"city": "Oslo"})

    try:
        got = await ask(provider, client, What.TOOL)
    except ValueError:
        return
    assert not got.finished
    assert got.calls != (call,)


def seen(body: bytes, path: str = "/v1/chat/completions") -> Seen:
    return Seen(1, 1, "POST", path, {}, body, 0.0)


BEGUN = b'{"messages":[{"role":"assistant","content":"One t"},{"role":"user","content":"!"}]}'
"""The user asks to go on."""


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (Manner.EXACT, "wo three."),
        (Manner.TAIL, "One two three."),
        (Manner.WORD, "two three."),
        (Manner.RESTART, "One two three."),
        (Manner.PREAMBLE, "Sure, here is the continuation:\n\nwo three."),
    ],
)
def test_the_model_goes_on_in_its_manner(manner: Manner, said: str) -> None:
    assert "".join(model(("One two", " three."), manner)(seen(BEGUN)).text or ()) == said


def test_the_model_refuses_words_that_it_never_said() -> None:
    altered = BEGUN.replace(b"One t", b"One two or three")

    assert model(("One two three.",))(seen(altered)).status == 400


def test_the_model_may_refuse_a_prefill() -> None:
    prefill = BEGUN.replace(b',{"role":"user","content":"!"}', b"")
    refusing = model(("One two three.",), Manner.REFUSES)

    assert (refusing(seen(prefill)).status, refusing(seen(BEGUN)).status) == (400, 200)


def test_no_twelve_characters_of_a_story_come_twice() -> None:
    text = "".join(story(600))
    grams = [text[at : at + 12] for at in range(len(text) - 11)]

    assert len(grams) == len(set(grams))
