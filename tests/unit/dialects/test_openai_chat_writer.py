"""Pieces, written as a stream of OpenAI's chat."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    RefusalPiece,
    Request,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from hotswap.dialects.openai.reader import OpenAIReader
from hotswap.dialects.openai.writer import OpenAIWriter

HEAD = b'data: {"id":"chatcmpl-r1","object":"chat.completion.chunk","created":7,"model":"m",'
DONE = b"data: [DONE]\n\n"
ENDED = FinishPiece(Finish.STOP)


def writer(*, usage_asked: bool = False) -> OpenAIWriter:
    return OpenAIWriter(Envelope("r1", 7, "m", Request(turns=(), usage_asked=usage_asked)))


def delta(fields: bytes, finish: bytes = b"null", more: bytes = b"") -> bytes:
    choice = b'{"index":0,"delta":{%b},"finish_reason":%b}' % (fields, finish)
    return HEAD + b'"choices":[' + choice + b"]" + more + b"}\n\n"


ROLE = delta(b'"role":"assistant","content":""')
STOP = delta(b"", b'"stop"')


def test_a_text_is_a_role_its_words_a_finish_and_the_end():
    out = writer()

    assert out.write([TextPiece("Hi")]) == ROLE + delta(b'"content":"Hi"')
    assert out.write([TextPiece(' "you"\n'), ENDED]) == delta(rb'"content":" \"you\"\n"')
    assert out.end(Usage(9, 1)) == STOP + DONE


def test_nothing_is_written_before_there_is_something_to_say():
    out = writer()

    assert out.write([]) == b""
    assert out.write([SignaturePiece("sig")]) == b""
    assert out.write([TextPiece("Hi")]) == ROLE + delta(b'"content":"Hi"')


def test_usage_comes_where_it_was_asked_for_and_is_null_before():
    out = writer(usage_asked=True)
    null = b',"usage":null'

    written = out.write([TextPiece("Hi"), ENDED]) + out.end(Usage(9, 5, 4, 2, 3))

    assert written == (
        delta(b'"role":"assistant","content":""', more=null)
        + delta(b'"content":"Hi"', more=null)
        + delta(b"", b'"stop"', null)
        + HEAD
        + b'"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,'
        b'"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},'
        b'"completion_tokens_details":{"reasoning_tokens":3}}}\n\n' + DONE
    )


def test_usage_that_nobody_knows_is_not_made_up():
    out = writer(usage_asked=True)

    out.write([TextPiece("Hi")])

    assert b'"prompt_tokens"' not in out.end(None)


def test_thinking_and_refusals_have_fields_of_their_own():
    assert writer().write([ThinkingPiece("Hm"), RefusalPiece("No")]) == (
        ROLE + delta(b'"reasoning_content":"Hm"') + delta(b'"refusal":"No"')
    )


def test_a_call_begins_with_its_name_and_goes_on_with_its_arguments():
    out = writer()
    begun = CallPiece(1, "a", "f", "sig")

    written = out.write([begun]) + out.write([ArgumentsPiece(1, '{"x":')])

    assert written == (
        ROLE
        + delta(
            b'"tool_calls":[{"index":1,"id":"a","type":"function",'
            b'"extra_content":{"google":{"thought_signature":"sig"}},'
            b'"function":{"name":"f","arguments":""}}]'
        )
        + delta(rb'"tool_calls":[{"index":1,"function":{"arguments":"{\"x\":"}}]')
    )
    assert out.write([ArgumentsPiece(1, "1}")]) == delta(
        b'"tool_calls":[{"index":1,"function":{"arguments":"1}"}}]'
    )


def test_quirk_a_call_that_comes_whole_stays_whole_for_mistrals_sdk():
    out = writer()
    calls = [
        *(CallPiece(0, "a,b", "f"), ArgumentsPiece(0, '{"x":1}')),
        *(CallPiece(1, "c", "g"), ArgumentsPiece(0, " "), ArgumentsPiece(1, "{}")),
    ]

    assert out.write(calls) == (
        ROLE
        + delta(
            b'"tool_calls":[{"index":0,"id":"a,b","type":"function",'
            rb'"function":{"name":"f","arguments":"{\"x\":1}"}}]'
        )
        + delta(
            b'"tool_calls":[{"index":1,"id":"c","type":"function",'
            b'"function":{"name":"g","arguments":""}}]'
        )
        + delta(b'"tool_calls":[{"index":0,"function":{"arguments":" "}}]')
        + delta(b'"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]')
    )


def test_a_call_without_arguments_gets_an_empty_object():
    out = writer()
    out.write([CallPiece(0, "a", "f"), ArgumentsPiece(0, ""), FinishPiece(Finish.TOOL_CALLS)])

    assert out.end(None) == (
        delta(b'"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]')
        + delta(b"", b'"tool_calls"')
        + DONE
    )


def test_an_answer_without_a_word_still_has_its_role():
    out = writer()

    assert out.write([FinishPiece(Finish.CONTENT_FILTER)]) == b""
    assert out.end(None) == ROLE + delta(b"", b'"content_filter"') + DONE


@pytest.mark.parametrize(
    ("piece", "word"), [(TextPiece("Hi"), b'"stop"'), (CallPiece(0, "a", "f"), b'"tool_calls"')]
)
def test_an_end_without_a_finish_says_what_the_answer_was(piece: Piece, word: bytes):
    out = writer()
    out.write([piece, ArgumentsPiece(0, "{}")])

    assert out.end(None) == delta(b"", word) + DONE


def test_ids_and_models_are_escaped():
    out = OpenAIWriter(Envelope('r"1', 7, 'm"', Request(turns=())))

    chunk = msgspec.json.decode(out.write([TextPiece("Hi")]).split(b"\n\n")[1][6:])

    assert (chunk["id"], chunk["model"]) == ('chatcmpl-r"1', 'm"')


WORDS = st.text(min_size=1, max_size=6)
SAID = st.one_of(
    st.builds(TextPiece, WORDS), st.builds(ThinkingPiece, WORDS), st.builds(RefusalPiece, WORDS)
)


@st.composite
def answers(draw: st.DrawFn) -> Sequence[Piece]:
    """Pieces of a whole answer whose calls interleave."""
    pieces: list[Piece] = draw(st.lists(SAID, min_size=1, max_size=4))
    count = draw(st.integers(0, 3))
    pieces += [
        CallPiece(index, f"id{index}", draw(WORDS), draw(st.sampled_from(["", "sig"])))
        for index in range(count)
    ]
    for _ in range(draw(st.integers(0, 4)) if count else 0):
        pieces.append(ArgumentsPiece(draw(st.integers(0, count - 1)), draw(WORDS)))
    pieces += [ArgumentsPiece(index, "}") for index in range(count)]
    finish = Finish.TOOL_CALLS if count else draw(st.sampled_from([Finish.STOP, Finish.LENGTH]))
    return [*pieces, FinishPiece(finish)]


@given(answers(), st.booleans())
def test_what_is_written_is_read_again(pieces: Sequence[Piece], usage_asked: bool):  # noqa: FBT001 - drawn
    usage = Usage(9, 5, 4, 2, 3)
    out, reader = writer(usage_asked=usage_asked), OpenAIReader()

    read = [*reader.feed(out.write(pieces) + out.end(usage)), *reader.end()]

    assert read == list(pieces)
    assert reader.failure is None
    assert reader.usage == (usage if usage_asked else None)
