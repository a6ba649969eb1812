"""The echo model reads what it is to go on with from the wire, and says what is missing of it."""

from typing import Final

import pytest
from msgspec.json import encode

from hotswap.dialects.neutral import Reply, Text, TextPiece
from hotswap.dialects.registry import TRANSLATORS
from hotswap.testing.answer import moves_of
from hotswap.testing.echo import ELSEWHERE, Begun, Echo, Manner, Prefilled, read_begun
from hotswap.testing.routes import find_route
from hotswap.testing.step import Cut, Seen, Step

TEXT: Final = "The three largest lakes are Superior, Victoria and Huron."
SAID: Final = "The three largest lakes are Superior, Vic"
CHAT: Final = "/v1/chat/completions"
RESPONSES: Final = "/v1/responses"
MESSAGES: Final = "/v1/messages"
GEMINI: Final = "/v1beta/models/m:generateContent"
GEMINI_STREAM: Final = "/v1beta/models/m:streamGenerateContent?alt=sse"


Body = dict[str, object]


def chat(*messages: Body, **fields: object) -> tuple[str, Body]:
    return CHAT, {"messages": messages, **fields}


def responses(*items: Body) -> tuple[str, Body]:
    return RESPONSES, {"input": items}


def anthropic(*messages: Body) -> tuple[str, Body]:
    return MESSAGES, {"messages": messages}


def gemini(*contents: Body) -> tuple[str, Body]:
    return GEMINI, {"contents": contents}


def turn(role: str, content: object, **fields: object) -> Body:
    return {"role": role, "content": content, **fields}


def spoken(role: str, text: str) -> Body:
    return {"role": role, "parts": [{"text": text}]}


def text(words: str, kind: str = "text") -> list[Body]:
    return [{"type": kind, "text": words}]


def seen(path: str, body: Body) -> Seen:
    return Seen(1, 1, "POST", path, {}, encode(body), 0.0)


ASK: Final = turn("user", "?")
GO_ON: Final = turn("user", "Go on.")
BEGUN: Final = turn("assistant", SAID)
PREFILLED: Final = {
    "chat": chat(ASK, BEGUN),
    "mistral": chat(ASK, turn("assistant", SAID, prefix=True)),
    "vllm": chat(ASK, BEGUN, add_generation_prompt=False, continue_final_message=True),
    "responses": responses(ASK, turn("assistant", text(SAID, "output_text"), type="message")),
    "anthropic": anthropic(ASK, turn("assistant", text(SAID))),
    "gemini": gemini(spoken("user", "?"), spoken("model", SAID)),
}
ASKED: Final = {
    "chat": chat(turn("system", "!"), ASK, BEGUN, GO_ON),
    "responses": responses(ASK, BEGUN, turn("user", text("Go on.", "input_text"))),
    "anthropic": anthropic(ASK, BEGUN, turn("user", text("Go on."))),
    "gemini": gemini(spoken("user", "?"), spoken("model", SAID), spoken("user", "Go on.")),
}
NEW: Final = {
    "one question": chat(ASK),
    "a string": (RESPONSES, Body(input="?")),
    "another answer in the history": chat(ASK, turn("assistant", "Hello!"), ASK),
    "the answer long ago": chat(ASK, BEGUN, ASK, ASK),
    "the result of a call": responses(
        ASK,
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "rain"},
    ),
}


@pytest.mark.parametrize("request_", PREFILLED.values(), ids=PREFILLED)
def test_an_answer_that_stands_last_is_a_prefill(request_: tuple[str, Body]):
    assert read_begun(seen(*request_).body) == Begun(SAID, prefilled=True)


@pytest.mark.parametrize("request_", ASKED.values(), ids=ASKED)
def test_a_user_after_the_answer_asks_to_go_on(request_: tuple[str, Body]):
    assert read_begun(seen(*request_).body) == Begun(SAID, prefilled=False)


@pytest.mark.parametrize("request_", [*PREFILLED.values(), *ASKED.values()])
def test_what_is_missing_is_said_exactly(request_: tuple[str, Body]):
    assert Echo(TEXT).answer(seen(*request_)) == "toria and Huron."


@pytest.mark.parametrize("request_", NEW.values(), ids=NEW)
def test_every_other_request_gets_the_whole_text(request_: tuple[str, Body]):
    echo = Echo(TEXT, manner=Manner.TAIL, preamble="Sure:\n\n")

    assert (echo.answer(seen(*request_)), echo.refusal(seen(*request_))) == (TEXT, "")


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (Manner.EXACT, "toria and Huron."),
        (Manner.TAIL, "erior, Victoria and Huron."),
        (Manner.WORD, "Victoria and Huron."),
        (Manner.RESTART, TEXT),
        (Manner.ASTRAY, SAID[:20] + ELSEWHERE),
    ],
)
def test_it_goes_on_in_its_manner(manner: Manner, words: str):
    plain = Echo(TEXT, manner=manner, tail=10)
    announced = Echo(TEXT, manner=manner, tail=10, preamble="Sure:\n\n")

    assert plain.answer(seen(*ASKED["chat"])) == words
    assert announced.answer(seen(*ASKED["chat"])) == "Sure:\n\n" + words


def test_between_words_no_partial_one_is_said_again():
    ended = seen(*chat(ASK, turn("assistant", SAID + "toria"), GO_ON))

    assert Echo(TEXT, manner=Manner.WORD).answer(ended) == " and Huron."


@pytest.mark.parametrize(
    ("api", "words"),
    [
        ("anthropic", "This model does not support assistant message prefill."),
        ("gemini", "Requests ending with a model turn are not supported."),
        ("chat", "This model does not support assistant message prefill."),
    ],
)
def test_a_prefill_is_refused_in_the_words_of_the_api(api: str, words: str):
    echo = Echo(TEXT, prefilled=Prefilled.REFUSES)

    refused, served = echo(seen(*PREFILLED[api])), echo(seen(*ASKED[api]))

    assert refused.status == 400
    assert isinstance(refused.body, bytes)
    assert words in refused.body.decode()
    assert served.status == 200


def test_a_model_that_takes_a_prefill_for_finished_answers_anew():
    echo = Echo(TEXT, prefilled=Prefilled.ANEW)

    assert echo.answer(seen(*PREFILLED["chat"])) == TEXT
    assert echo.answer(seen(*ASKED["chat"])) == "toria and Huron."


def test_space_at_the_end_of_a_prefill_is_refused_where_the_api_does():
    spaced = turn("assistant", "The three ")

    assert "trailing whitespace" in Echo(TEXT).refusal(seen(*anthropic(ASK, spaced)))
    assert Echo(TEXT).refusal(seen(*anthropic(ASK, spaced, GO_ON))) == ""
    assert Echo(TEXT).refusal(seen(*chat(ASK, spaced))) == ""


def test_words_that_were_altered_on_the_way_are_refused():
    altered = turn("assistant", "The three  largest lakes")

    assert Echo(TEXT)(seen(*chat(ASK, altered, GO_ON))).status == 400


def test_faults_are_chosen_by_the_number_of_the_request():
    cut = Step(cut=Cut.EOF, cut_after=3)
    echo = Echo("Hello there", size=6, fault=lambda _, number: cut if number == 1 else Step())
    question = seen(*NEW["one question"])

    assert echo(question) == Step(text=("Hello ", "there"), cut=Cut.EOF, cut_after=3)
    assert echo(question) == Step(text=("Hello ", "there"))


@pytest.mark.parametrize(
    ("dialect", "path", "body"),
    [
        ("openai_chat", *ASKED["chat"]),
        ("openai_responses", *ASKED["responses"]),
        ("anthropic", *ASKED["anthropic"]),
        ("gemini", *ASKED["gemini"]),
    ],
)
def test_its_step_is_an_answer_in_every_api(dialect: str, path: str, body: Body):
    stream = GEMINI_STREAM if path == GEMINI else path
    reader = TRANSLATORS[dialect].reader()

    reply = TRANSLATORS[dialect].read_reply(answered(seen(path, body)))
    events = dechunked(answered(seen(stream, {**body, "stream": True})))
    pieces = [*reader.feed(events), *reader.end()]

    assert isinstance(reply, Reply)
    assert list(reply.parts) == [Text("toria and Huron.")]
    words = [piece.text for piece in pieces if isinstance(piece, TextPiece)]
    assert words == ["tori", "a an", "d Hu", "ron."]


def answered(request: Seen) -> bytes:
    """Return the body of the answer."""
    route = find_route(request.path)
    assert route is not None
    moves = moves_of(Echo(TEXT)(request), request, route, "echo")
    return b"".join(move for move in moves if isinstance(move, bytes)).partition(b"\r\n\r\n")[2]


def dechunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole
