"""Recorded answers of providers that speak OpenAI's dialect are judged right.

The recordings lie beside the checkout; where they do not, there is nothing to collect.
"""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Cause, Failure
from hotswap.dialects.api import Verdict
from hotswap.dialects.openai.passage import OpenAIPassage
from hotswap.dialects.registry import DIALECTS

FOLDER = Path(__file__).parents[3] / "shared" / "cassettes"
__test__ = FOLDER.is_dir()

KINDS = frozenset(
    {"openai", "azure", "groq", "mistral", "openrouter", "deepseek", "vllm", "ollama", "llamacpp"}
)
ROUTES = {"chat": "openai_chat", "embeddings": "openai_embeddings"}

BROKEN = {"groq-midstream-error": Failure(Cause.QUALITY, "server_error", 200)}
OUTPUT_TOKENS = {
    "groq-stream": 58,
    "mistral-stream": 4,
    "openai-stream": None,
    "openai-stream-usage": 8,
}


class Request(msgspec.Struct):
    body: msgspec.Raw = msgspec.Raw()


class Response(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: msgspec.Raw


class Cassette(msgspec.Struct):
    provider: str
    dialect: str
    request: Request
    response: Response
    name: str = ""

    def text(self) -> bytes:
        """The answer's body as it came."""
        raw = bytes(self.response.body)
        return msgspec.json.decode(raw, type=str).encode() if raw[:1] == b'"' else raw


def cassettes() -> list[Cassette]:
    decode = msgspec.json.Decoder(Cassette).decode
    return [
        msgspec.structs.replace(decode(path.read_bytes()), name=path.stem)
        for path in sorted(FOLDER.glob("*.json"))
    ]


def named(found: list[Cassette]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cassette", found, ids=lambda cassette: cassette.name)


ALL = cassettes()
OURS = [c for c in ALL if c.provider in KINDS and c.dialect in ROUTES]
GOOD = [c for c in OURS if c.response.status == 200]
STREAMS = [c for c in GOOD if c.text().startswith((b"data:", b":", b"event:"))]
REPLIES = [c for c in GOOD if c not in STREAMS]


def sound_part(cassette: Cassette) -> bytes:
    """What of a recorded stream a caller may see."""
    text = cassette.text().replace(b": OPENROUTER PROCESSING\n\n", b"")
    return text.partition(b"event: error")[0]


def watch(stream: bytes, cuts: list[int]) -> tuple[OpenAIPassage, bytes]:
    watched = OpenAIPassage(usage_asked=True)
    edges = [0, *sorted(cuts), len(stream)]
    forwarded = b"".join(watched.feed(stream[a:b]) for a, b in pairwise(edges))
    return watched, forwarded + watched.end()


@named(OURS)
def test_a_recorded_request_passes_with_nothing_lost(cassette: Cassette):
    dialect = DIALECTS[ROUTES[cassette.dialect]]
    body = bytes(cassette.request.body)

    request = dialect.peek(body, "", "")

    sent = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    assert {k: bytes(v) for k, v in request.fields.items()} == {
        k: bytes(v) for k, v in sent.items()
    }


@named(REPLIES)
def test_a_recorded_answer_is_usable(cassette: Cassette):
    reply = DIALECTS[ROUTES[cassette.dialect]].judge_reply(cassette.text())

    assert isinstance(reply, Verdict)
    assert reply.usage is not None
    assert reply.usage.input_tokens > 0


@named(STREAMS)
def test_a_recorded_stream_is_forwarded_and_judged(cassette: Cassette):
    watched, forwarded = watch(cassette.text(), [])

    assert forwarded == sound_part(cassette)
    assert watched.failure == BROKEN.get(cassette.name)
    assert watched.complete == (cassette.name not in BROKEN)
    assert watched.started
    if cassette.name in OUTPUT_TOKENS:
        tokens = watched.usage.output_tokens if watched.usage else None
        assert tokens == OUTPUT_TOKENS[cassette.name]


@named(STREAMS)
def test_a_recorded_stream_byte_by_byte_gives_whole_events_only(cassette: Cassette):
    stream = cassette.text()
    watched = OpenAIPassage(usage_asked=True)
    forwarded = b""

    for at in range(len(stream)):
        given = watched.feed(stream[at : at + 1])
        assert given.endswith(b"\n\n") or not given
        forwarded += given
        assert not watched.complete or b'"finish_reason":"' in forwarded

    assert forwarded + watched.end() == sound_part(cassette)
    assert watched.failure == BROKEN.get(cassette.name)


@named(STREAMS)
def test_a_recorded_stream_without_its_finish_is_never_whole(cassette: Cassette):
    stream = cassette.text()
    finish = stream.find(b'"finish_reason":"')
    end = finish if finish >= 0 else len(stream)

    for at in {0, 1, end // 4, end // 2, end - 1, end}:
        watched, forwarded = watch(stream[:at], [])
        assert not watched.complete
        assert watched.failure is not None
        assert sound_part(cassette).startswith(forwarded)


@named(STREAMS)
@given(data=st.data())
def test_any_cut_of_a_recorded_stream_gives_the_same(cassette: Cassette, data: st.DataObject):
    stream = cassette.text()
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))

    watched, forwarded = watch(stream, cuts)
    whole, _ = watch(stream, [])

    assert forwarded == sound_part(cassette)
    assert (watched.failure, watched.usage) == (whole.failure, whole.usage)
    assert (watched.progress, watched.content_bytes) == (whole.progress, whole.content_bytes)
