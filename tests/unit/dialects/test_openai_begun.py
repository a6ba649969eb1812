"""A stream of OpenAI's dialect that breaks off anywhere is gone on with as one stream."""

from collections.abc import Sequence

import msgspec
import pytest

from hotswap.core.terms import Usage
from hotswap.dialects.api import Begun, Envelope
from hotswap.dialects.neutral import (
    Finish,
    FinishPiece,
    Piece,
    Request,
    Role,
    Text,
    TextPiece,
    ThinkingPiece,
    Turn,
)
from hotswap.dialects.openai.passage import OpenAIPassage

Object = dict[str, object]

DONE = b"data: [DONE]\n\n"
TEXT = 'Größe: "7"\n🎉 ok'
REQUEST = Request(turns=(Turn(Role.USER, (Text("Hi"),)),), stream=True, usage_asked=True)
ENVELOPE = Envelope("req-1", 1700000000, "other-model", REQUEST)
COUNTS = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


class Delta(msgspec.Struct):
    role: str | None = None
    content: str | None = None


class Choice(msgspec.Struct):
    index: int
    delta: Delta
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    system_fingerprint: str | None = None
    usage: Object | None = None


def event(choices: Sequence[object], **more: object) -> bytes:
    head: Object = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + msgspec.json.encode({**head, "choices": choices, **more}) + b"\n\n"


def piece(delta: Object, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    return event([{"index": index, "delta": delta, "finish_reason": finish, **more}])


ROLE = piece({"role": "assistant", "content": ""})
STOP = piece({}, "stop")
HI = piece({"content": "Hi"})


def openai_stream() -> bytes:
    said = {"system_fingerprint": "fp_1", "usage": None}
    role = {"index": 0, "delta": {"role": "assistant", "content": "", "refusal": None}}
    texts = [TEXT[:4], TEXT[4:9], TEXT[9:]]
    words = [{"index": 0, "delta": {"content": one}, "logprobs": None} for one in texts]
    stream = b"".join(event([one], **said) for one in (role, *words))
    last: Object = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return stream + event([last], **said) + event([], usage=COUNTS) + DONE


def azure_stream() -> bytes:
    first = event([], id="", created=0, model="", prompt_filter_results=[{"prompt_index": 0}])
    return first + ROLE + piece({"content": TEXT}) + STOP + DONE


def thinking_stream() -> bytes:
    thoughts = piece({"role": "assistant", "reasoning_content": "Hm"}) + piece({"reasoning": "m"})
    listed = piece({"content": [{"type": "thinking", "thinking": [{"text": "Hm"}]}]})
    return thoughts + listed + piece({"content": TEXT[:5]}) + piece({"content": TEXT[5:]}) + STOP


def roles_everywhere_stream() -> bytes:
    words = [piece({"role": "assistant", "content": one}) for one in (TEXT[:3], TEXT[3:])]
    return b": ping\n\n" + b"".join(words) + piece({"role": "assistant", "content": ""}, "stop")


def no_role_stream() -> bytes:
    return piece({"content": TEXT[:4]}) + piece({"content": TEXT[4:]}) + STOP + DONE


def odd_stream() -> bytes:
    parts = [{"type": "text", "text": TEXT[:4]}, {"type": "text", "text": TEXT[4:6]}]
    loose = piece({"content": {"text": TEXT[6:9]}, "role": 7})
    return ROLE + piece({"content": parts}) + loose + piece({"content": TEXT[9:]}) + STOP


STREAMS = {
    "OpenAI": openai_stream(),
    "Azure": azure_stream(),
    "shown reasoning": thinking_stream(),
    "a role in every chunk": roles_everywhere_stream(),
    "no role at all": no_role_stream(),
    "odd types": odd_stream(),
    "CRLF": openai_stream().replace(b"\n", b"\r\n"),
}


def chunks(stream: bytes) -> list[Chunk]:
    assert stream.endswith(DONE)
    events = stream.removesuffix(DONE).split(b"\n\n")[:-1]
    return [msgspec.json.decode(one.removeprefix(b"data: "), type=Chunk) for one in events]


def text_in(forwarded: bytes) -> str:
    """Return what a caller reads in bytes that were forwarded to it."""
    words = ""
    for one in forwarded.split(b"\n\n")[:-1]:
        choices = msgspec.json.decode(one.removeprefix(b"data: "))["choices"]
        words += "".join(choice["delta"].get("content") or "" for choice in choices)
    return words


def go_on(begun: Begun, rest: str) -> bytes:
    pieces: list[Piece] = [TextPiece(rest)] if rest else []
    pieces.append(FinishPiece(Finish.STOP))
    return begun.writer.write(pieces) + begun.writer.end(Usage(9, 4))


def broken(stream: bytes, *, hold_calls: bool = True) -> tuple[bytes, Begun]:
    watched = OpenAIPassage(usage_asked=True, hold_calls=hold_calls, prompt_tokens=9)
    forwarded = watched.feed(stream) + watched.end()
    assert watched.failure is not None
    return forwarded, watched.begun(ENVELOPE)


@pytest.mark.parametrize(
    "name", ["OpenAI", "CRLF", "Azure", "a role in every chunk", "no role at all"]
)
def test_at_every_byte_the_rest_makes_one_whole_stream(name: str):
    stream = STREAMS[name]
    for cut in range(stream.index(b'"stop"')):
        watched = OpenAIPassage(usage_asked=True, hold_calls=True, prompt_tokens=9)
        forwarded = watched.feed(stream[:cut])
        begun = watched.begun(ENVELOPE)

        whole = forwarded + go_on(begun, TEXT[len(begun.text) :])

        said = chunks(whole)
        fresh = OpenAIPassage(usage_asked=True)
        assert fresh.feed(whole) == whole
        assert (fresh.failure, fresh.complete, begun.bar) == (None, True, "")
        assert begun.text == text_in(forwarded)
        heads = {(one.id, one.created, one.model) for one in said if one.id}
        assert heads in [{("c1", 1, "m")}, {("chatcmpl-req-1", 1700000000, "other-model")}]
        deltas = [choice.delta for one in said for choice in one.choices]
        assert "".join(one.content or "" for one in deltas) == TEXT
        if name != "a role in every chunk":
            assert [one.role for one in deltas if one.role] == ["assistant"]
        assert [one.usage["total_tokens"] for one in said if one.usage] == [13]


@pytest.mark.parametrize("name", STREAMS)
def test_at_every_byte_the_text_is_what_was_forwarded(name: str):
    stream = STREAMS[name]
    texts: list[str] = []
    for cut in range(len(stream)):
        watched = OpenAIPassage(usage_asked=True, hold_calls=True)
        forwarded = watched.feed(stream[:cut])
        begun = watched.begun(ENVELOPE)
        texts.append(begun.text)
        assert TEXT.startswith(begun.text)
        reasoned = b'"reasoning' in forwarded or b'"thinking"' in forwarded
        assert watched.shown == (begun.text != "" or reasoned)
        assert not watched.holding

    assert texts[0] == ""
    assert texts[-1] == TEXT


def test_the_head_of_the_first_chunk_stays_with_its_fingerprint():
    stream = event(
        [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}],
        id="abc",
        created=5.0,
        model="x/y",
        system_fingerprint="fp_9",
    )

    _, begun = broken(stream)

    assert begun.writer.write([TextPiece("!")]) == (
        b'data: {"id":"abc","object":"chat.completion.chunk","created":5,"model":"x/y",'
        b'"system_fingerprint":"fp_9","choices":[{"index":0,"delta":{"content":"!"},'
        b'"finish_reason":null}],"usage":null}\n\n'
    )


def test_what_the_first_chunk_does_not_say_comes_from_the_envelope():
    _, begun = broken(b'data: {"choices":[{"delta":{"role":"assistant","content":"Hi"}}]}\n\n')

    assert begun.writer.write([TextPiece("!")]).startswith(
        b'data: {"id":"chatcmpl-req-1","object":"chat.completion.chunk","created":1700000000,'
        b'"model":"other-model","choices":[{"index":0,"delta":{"content":"!"}'
    )


def test_a_role_that_never_went_out_comes_first():
    _, begun = broken(HI)

    written = begun.writer.write([TextPiece("!")])

    assert written.count(b"data: ") == 2
    assert b'"delta":{"role":"assistant","content":""}' in written.split(b"\n\n")[0]


def test_shown_reasoning_is_neither_text_nor_bar():
    forwarded, begun = broken(ROLE + piece({"reasoning_content": "Hm"}))

    assert (begun.text, begun.bar) == ("", "")
    whole = forwarded + begun.writer.write([ThinkingPiece("Hm."), TextPiece("Hi")])
    assert whole.count(b'"role"') == 1


@pytest.mark.parametrize(
    ("said", "bar"),
    [
        (piece({"refusal": "No."}), "refusal"),
        (piece({"content": "b"}, index=1), "several"),
        (piece({"content": "!"}, logprobs={"content": [{"token": "!"}]}), "logprobs"),
        (piece({"audio": {"id": "a", "data": "AAAA"}}), "audio"),
        (piece({"images": [{"image_url": {"url": "data:"}}]}), "images"),
        (piece({"annotations": [{"type": "url_citation"}]}), "annotations"),
        (piece({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), "tool_calls"),
        (piece({"function_call": {"name": "f", "arguments": ""}}), "tool_calls"),
        (piece({"content": "", "refusal": ""}, index=1), ""),
        (piece({"audio": {}, "images": [], "annotations": [], "tool_calls": []}), ""),
        (piece({"content": 7, "logprobs": None}), ""),
    ],
)
def test_what_no_other_target_can_go_on_with_is_named(said: bytes, bar: str):
    forwarded, begun = broken(ROLE + HI + said, hold_calls=False)

    assert forwarded == ROLE + HI + said
    assert begun.bar == bar
    assert begun.text.startswith("Hi")


def test_an_error_behind_the_finish_leaves_nothing_to_go_on_with():
    forwarded, begun = broken(ROLE + HI + STOP + b'data: {"error":{"code":500}}\n\n')

    assert forwarded == ROLE + HI + STOP
    assert (begun.text, begun.bar) == ("Hi", "finished")


def test_words_in_an_event_that_fails_were_not_said():
    bad = event(
        [{"index": 0, "delta": {"content": " and"}, "finish_reason": "error"}],
        error={"code": 502, "message": "m"},
    )

    forwarded, begun = broken(ROLE + HI + bad)

    assert forwarded == ROLE + HI
    assert (begun.text, begun.bar) == ("Hi", "")


def test_what_precedes_a_failure_in_the_same_read_is_forwarded():
    stream = ROLE + HI + HI + b'data: {"error":{"code":500}}\n\n' + HI + STOP + DONE

    forwarded, begun = broken(stream)

    assert forwarded == ROLE + HI + HI
    assert begun.text == "HiHi"
