"""Every way in which a stream of OpenAI's dialect ends wrongly is found, whoever watches it."""

from collections.abc import Callable, Sequence

import pytest

from hotswap.core.terms import Failure, Usage
from hotswap.dialects.neutral import FinishPiece, Piece, TextPiece
from hotswap.dialects.openai.chat import KEEP_ALIVE, write_note
from hotswap.dialects.openai.passage import OpenAIPassage
from hotswap.dialects.openai.reader import OpenAIReader

DONE = b"data: [DONE]\n\n"
_OPEN = b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":'


def chunk(choices: str, more: str = "") -> bytes:
    return b"%b%b%b}\n\n" % (_OPEN, choices.encode(), more.encode())


ROLE = chunk('[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]')
HI = chunk('[{"index":0,"delta":{"content":"Größe"},"finish_reason":null}]')
STOP = chunk('[{"index":0,"delta":{},"finish_reason":"stop"}]')
USAGE = chunk("[]", ',"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}')
BEGUN = ROLE + HI
WHOLE = ROLE + HI + STOP + USAGE + DONE


def finished(word: str) -> bytes:
    return chunk(f'[{{"index":0,"delta":{{"content":""}},"finish_reason":"{word}"}}]')


WRONG = {
    "a clean end without a finish": (b"", "hard truncated"),
    "the terminator without a finish": (DONE, "hard truncated"),
    "OpenAI's error": (
        b'data: {"error":{"message":"m","type":"server_error","code":null,"param":null}}\n\n',
        "hard server_error",
    ),
    "Azure's error": (
        b'data: {"error":{"code":"InternalServerError","message":"m"}}\n\n',
        "hard server_error",
    ),
    "Mistral's finish": (finished("error"), "hard server_error"),
    "OpenRouter's error beside a finish": (
        chunk(
            '[{"index":0,"delta":{"content":""},"finish_reason":"error"}]',
            ',"error":{"code":502,"message":"m","metadata":{"error_type":"provider_error"}}',
        ),
        "hard server_error",
    ),
    "Groq's error in x_groq": (
        chunk('[{"index":0,"delta":{}}]', ',"x_groq":{"error":"over capacity"}'),
        "hard server_error",
    ),
    "Groq's event of an error": (
        b'event: error\ndata: {"error":{"message":"m","type":"internal_server_error"}}\n\n',
        "hard server_error",
    ),
    "DeepSeek's finish": (finished("insufficient_system_resource"), "hard overloaded"),
    "vLLM's error and the terminator": (
        b'data: {"error":{"message":"m","type":"InternalServerError","param":null,"code":500}}\n\n'
        + DONE,
        "hard server_error",
    ),
    "vLLM's finish of an abort": (finished("abort"), "hard server_error"),
    "llama.cpp's error": (
        b'data: {"error":{"code":500,"message":"m","type":"server_error"}}\n\n',
        "hard server_error",
    ),
    "llama.cpp's older error": (
        b'error: {"code":500,"message":"m","type":"server_error"}\n\n',
        "hard server_error",
    ),
    "an error without an event around it": (
        b'{"error":{"code":503,"message":"m"}}',
        "hard overloaded",
    ),
    "a page of HTML": (b"<html>bad gateway</html>\n\n", "hard server_error"),
    "a frame of garbage": (b"data: {garbage\n\n", "hard malformed"),
    "a frame of text": (b"data: Bad gateway\n\n", "hard malformed"),
    "a cut inside a code point": (HI[: HI.index(b"\xc3") + 1], "hard truncated"),
    "a cut inside a field's name": (b"dat", "hard truncated"),
    "a cut behind a field's name": (b"data:", "hard truncated"),
    "a cut inside the finish": (STOP[:-20], "hard truncated"),
    "a cut inside the terminator without a finish": (b"data: [DO", "hard truncated"),
    "a cut inside a comment": (b": pi", "hard truncated"),
}

WHOLE_ENOUGH = {
    "nothing is missing": WHOLE,
    "no terminator": ROLE + HI + STOP + USAGE,
    "a cut inside the terminator": ROLE + HI + STOP + USAGE + b"data: [DO",
    "a cut inside the terminator's name": ROLE + HI + STOP + USAGE + b"da",
    "a cut inside the terminator's blank line": ROLE + HI + STOP + USAGE + DONE[:-1],
    "a cut inside the finish's blank line": ROLE + HI + STOP[:-1],
    "no usage": ROLE + HI + STOP + DONE,
    "neither usage nor terminator": ROLE + HI + STOP,
    "a cut inside the usage": ROLE + HI + STOP + USAGE[:-12],
    "pings everywhere": b": ping\n\n".join([b"", ROLE, HI, STOP, DONE]),
}


def watched(parts: Sequence[bytes]) -> tuple[OpenAIPassage, bytes]:
    passage = OpenAIPassage(usage_asked=False, hold_calls=True)
    forwarded = b"".join([passage.feed(part) for part in parts])
    return passage, forwarded + passage.end()


def read(parts: Sequence[bytes]) -> tuple[OpenAIReader, list[Piece]]:
    reader = OpenAIReader()
    pieces = [piece for part in parts for piece in reader.feed(part)]
    return reader, [*pieces, *reader.end()]


def at_once(stream: bytes) -> Sequence[bytes]:
    return [stream]


def byte_by_byte(stream: bytes) -> Sequence[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def said(failure: Failure | None) -> str:
    return "" if failure is None else f"{failure.cause} {failure.detail}"


both = pytest.mark.parametrize("cut", [at_once, byte_by_byte])
Cut = Callable[[bytes], Sequence[bytes]]


@both
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_end_is_a_failure_and_nothing_follows_what_precedes_it(name: str, cut: Cut):
    wrong, expected = WRONG[name]

    passage, forwarded = watched(cut(BEGUN + wrong))
    reader, pieces = read(cut(BEGUN + wrong))

    assert (said(passage.failure), said(reader.failure)) == (expected, expected)
    assert forwarded == BEGUN
    assert pieces == [TextPiece("Größe")]
    assert not passage.complete
    assert not reader.complete


@pytest.mark.parametrize(
    "name", [name for name, (wrong, _) in WRONG.items() if wrong[-2:] == b"\n\n"]
)
def test_what_follows_a_failure_in_the_same_read_is_dropped(name: str):
    wrong, expected = WRONG[name]

    passage, forwarded = watched([BEGUN + wrong + HI + STOP + DONE])
    reader, pieces = read([BEGUN + wrong + HI + STOP + DONE])

    assert (said(passage.failure), said(reader.failure)) == (expected, expected)
    assert forwarded == BEGUN
    assert pieces == [TextPiece("Größe")]


@both
@pytest.mark.parametrize("name", WHOLE_ENOUGH)
def test_an_answer_whose_finish_was_seen_is_whole(name: str, cut: Cut):
    passage, forwarded = watched(cut(WHOLE_ENOUGH[name]))
    reader, pieces = read(cut(WHOLE_ENOUGH[name]))

    assert (passage.failure, reader.failure) == (None, None)
    assert passage.complete
    assert reader.complete
    assert forwarded == ROLE + HI + STOP + DONE
    assert pieces[0] == TextPiece("Größe")
    assert isinstance(pieces[-1], FinishPiece)


@pytest.mark.parametrize(
    "frame",
    [KEEP_ALIVE, write_note("a remark"), b": OPENROUTER PROCESSING\n\n", b"\n", ROLE, chunk("[]")],
)
def test_pings_remarks_and_roles_are_no_progress(frame: bytes):
    passage, _ = watched([frame, frame])
    reader, pieces = read([frame, frame])

    assert (passage.started, passage.shown, passage.progress) == (False, False, 0)
    assert (reader.started, reader.progress, pieces) == (False, 0, [])
    assert (said(passage.failure), said(reader.failure)) == ("hard truncated", "hard truncated")


@both
@pytest.mark.parametrize("end", [b"", DONE, USAGE[:-9], USAGE[: len(_OPEN)]])
def test_a_usage_that_never_came_is_estimated_for_a_caller_that_asked(end: bytes, cut: Cut):
    passage = OpenAIPassage(usage_asked=True, hold_calls=True, prompt_tokens=12)

    forwarded = b"".join([passage.feed(part) for part in cut(ROLE + HI + STOP + end)])
    forwarded += passage.end()

    estimate = (
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
        b'"usage":{"prompt_tokens":12,"completion_tokens":2,"total_tokens":14,'
        b'"prompt_tokens_details":{"cached_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":0}}}\n\n'
    )
    assert forwarded == ROLE + HI + STOP + estimate + DONE
    assert passage.usage == Usage(12, 2, estimated=True)


def test_a_usage_that_came_is_not_estimated():
    passage = OpenAIPassage(usage_asked=True, hold_calls=True, prompt_tokens=12)

    assert passage.feed(WHOLE) == WHOLE
    assert passage.usage == Usage(9, 2)


def test_a_caller_that_did_not_ask_gets_no_estimate():
    passage = OpenAIPassage(usage_asked=False, hold_calls=True, prompt_tokens=12)

    assert passage.feed(ROLE + HI + STOP + DONE) == ROLE + HI + STOP + DONE
    assert passage.usage is None


def test_a_remark_is_a_comment_of_one_line():
    assert write_note("goes on at b/m") == b": goes on at b/m\n\n"
    assert write_note("a\nb\r\ndata: c\u2028") == b": a b data: c\n\n"
