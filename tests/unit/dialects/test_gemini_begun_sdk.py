"""Google's own SDK reads a stream that was gone on with as one answer, and raises where it must."""

import httpx2
import msgspec
import pytest
from google.genai import Client, types
from google.genai.errors import ServerError, UnknownApiResponseError

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.gemini.generate import write_note
from hotswap.dialects.gemini.passage import GeminiPassage
from hotswap.dialects.gemini.writer import GeminiWriter
from hotswap.dialects.neutral import Finish, FinishPiece, Reasoning, Request, TextPiece

pytestmark = pytest.mark.slow

ENVELOPE = Envelope(
    "req-1", 1_800_000_000, "main", Request(turns=(), reasoning=Reasoning(shown=True))
)
USAGE = Usage(input_tokens=9, output_tokens=30, reasoning_tokens=4)
WORDS = ("Drei größte ", "Seen:\n\n```py\n", 'a = "🙂"\n', "Vic", "toria.")
TEXT = "".join(WORDS)


def event(*parts: object, finish: str = "") -> bytes:
    candidate: dict[str, object] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    names = {"modelVersion": "gemini-3.5-flash", "responseId": "resp-7"}
    counts = {"promptTokenCount": 9, "totalTokenCount": 9}
    return b"data: %b\r\n\r\n" % msgspec.json.encode(
        {"candidates": [candidate], "usageMetadata": counts, **names}
    )


HI = event({"text": "Hi"}).replace(b"\r\n", b"\n")
STOP = event({"text": ""}, finish="STOP")
TEXTS = b"".join(event({"text": words}) for words in WORDS)
HMM = event({"text": "Hmm.", "thought": True})


def heard(stream: bytes) -> list[types.GenerateContentResponse]:
    """Return what the SDK yields of a stream."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    transport = httpx2.MockTransport(answer)
    options = types.HttpOptions(client_args={"transport": transport})
    with Client(api_key="key", http_options=options) as client:
        return list(client.models.generate_content_stream(model="m", contents="Hi"))  # pyright: ignore[reportUnknownMemberType] - the SDK's types name optional packages


def gone_on(prefix: bytes, *, array: bool) -> bytes | None:
    """Return the stream that broke after `prefix`, continued; None: it was whole."""
    watched = GeminiPassage(array=array)
    forwarded = watched.feed(prefix)
    if watched.complete:
        return None
    begun = watched.begun(ENVELOPE)
    forwarded += begun.writer.write([TextPiece(TEXT[len(begun.text) :])])
    forwarded += begun.writer.write([FinishPiece(Finish.STOP)])
    return forwarded + begun.writer.end(USAGE)


def check(answers: list[types.GenerateContentResponse]) -> None:
    parts = [part for answer in answers for part in answer.parts or ()]
    assert "".join(part.text or "" for part in parts if not part.thought) == TEXT
    assert len({answer.response_id for answer in answers}) == 1
    assert len({answer.model_version for answer in answers}) == 1
    candidate = (answers[-1].candidates or [])[0]
    assert candidate.finish_reason is types.FinishReason.STOP
    assert answers[-1].usage_metadata is not None
    assert answers[-1].usage_metadata.candidates_token_count == 26


@pytest.mark.parametrize("stream", [TEXTS + STOP, event({"text": ""}) + HMM + HMM + TEXTS + STOP])
@pytest.mark.parametrize("array", [False, True])
def test_a_text_cut_at_any_byte_is_made_of_the_sdks_types(stream: bytes, *, array: bool) -> None:
    wholes = {gone_on(stream[:cut], array=array) for cut in range(len(stream))} - {None}

    assert len(wholes) == stream.count(b"data: ")
    for whole in wholes:
        assert whole is not None
        if array:
            events = [bytes(raw) for raw in msgspec.json.decode(whole, type=list[msgspec.Raw])]
        else:
            events = [one.removeprefix(b"data: ") for one in whole.split(b"\n\n") if one]
        check([types.GenerateContentResponse.model_validate_json(one) for one in events])


@pytest.mark.parametrize("words", range(1, len(WORDS) + 1))
def test_the_sdk_hears_one_answer(words: int) -> None:
    prefix = HMM + b"".join(event({"text": said}) for said in WORDS[:words])

    whole = gone_on(prefix + b"data: {", array=False)

    assert whole is not None
    check(heard(whole))


def test_quirk_a_comment_makes_googles_sdk_raise_so_a_note_is_nothing() -> None:
    """Whatever a note could be: a comment, alone or before an event, is taken for JSON."""
    with pytest.raises(UnknownApiResponseError):
        heard(HI + b": another provider goes on\n\n" + HI)
    with pytest.raises(UnknownApiResponseError):
        heard(HI + b": another provider goes on\n" + HI)

    assert write_note("another provider goes on") == b""
    assert len(heard(HI + write_note("another provider goes on") + HI)) == 2


def test_an_error_after_words_makes_the_sdk_raise() -> None:
    watched = GeminiPassage(array=False)
    forwarded = watched.feed(HI)
    writer = watched.begun(ENVELOPE).writer
    assert isinstance(writer, GeminiWriter)

    with pytest.raises(ServerError, match="It broke") as raised:
        heard(forwarded + writer.fail("upstream_interrupted", "It broke."))

    assert raised.value.code == 503
