"""Streams of the Responses dialect that broke off: what of them the caller has, and their rest."""

from collections.abc import Callable, Mapping
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotswap.core.terms import Usage
from hotswap.dialects.api import Begun, Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Piece,
    Request,
    TextPiece,
    ThinkingPiece,
)
from hotswap.dialects.responses.passage import ResponsesPassage

Json = dict[str, object]

ENVELOPE = Envelope("r9", 7, "m", Request(turns=()))
USAGE = Usage(9, 5)
TEXT = "Grüße \U0001f600: one, two."
CREATED: Json = {"response": {"id": "resp_a", "model": "m-1", "output": [], "store": True}}
STEPS: list[tuple[str, Json]] = [
    ("response.created", CREATED),
    ("response.in_progress", CREATED),
]


def no(number: int) -> Json:
    return {"sequence_number": number}


def words(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(index: int, *, text: str | None = None) -> Json:
    """Return a message: as it begins, or whole."""
    return {
        "id": f"msg_{index}",
        "type": "message",
        "status": "in_progress" if text is None else "completed",
        "role": "assistant",
        "content": [] if text is None else [words(text)],
        "phase": "final_answer",
    }


def summed(index: int, text: str) -> Json:
    parts = [{"type": "summary_text", "text": text}] if text else []
    return {"id": f"rs_{index}", "type": "reasoning", "summary": parts, "encrypted_content": "g"}


def said(index: int, *deltas: str) -> list[tuple[str, Json]]:
    """Return the events of a message."""
    text = "".join(deltas)
    at: Json = {"item_id": f"msg_{index}", "output_index": index, "content_index": 0}
    return [
        ("response.output_item.added", {"output_index": index, "item": message(index)}),
        ("response.content_part.added", {**at, "part": words("")}),
        *[("response.output_text.delta", {**at, "delta": delta}) for delta in deltas],
        ("response.output_text.done", {**at, "text": text}),
        ("response.content_part.done", {**at, "part": words(text)}),
        ("response.output_item.done", {"output_index": index, "item": message(index, text=text)}),
    ]


def thought(index: int, *deltas: str) -> list[tuple[str, Json]]:
    """Return the events of reasoning with a summary."""
    text = "".join(deltas)
    at: Json = {"item_id": f"rs_{index}", "output_index": index, "summary_index": 0}
    begun, whole = ({"type": "summary_text", "text": said} for said in ("", text))
    name = "response.reasoning_summary"
    return [
        ("response.output_item.added", {"output_index": index, "item": summed(index, "")}),
        (f"{name}_part.added", {**at, "part": begun}),
        *[(f"{name}_text.delta", {**at, "delta": delta}) for delta in deltas],
        (f"{name}_text.done", {**at, "text": text}),
        (f"{name}_part.done", {**at, "part": whole}),
        ("response.output_item.done", {"output_index": index, "item": summed(index, text)}),
    ]


def called(index: int, kind: str = "function_call") -> list[tuple[str, Json]]:
    """Return the events of a call; all of them have `CALL` in their bytes."""
    at: Json = {"item_id": "CALL", "output_index": index}
    begun = {"id": "CALL", "type": kind, "call_id": "CALL", "name": "f"}
    field = "arguments" if kind == "function_call" else "input"
    event = f"response.{kind}_{field}"
    return [
        ("response.output_item.added", {"output_index": index, "item": {**begun, field: ""}}),
        (f"{event}.delta", {**at, "delta": '{"x"'}),
        (f"{event}.delta", {**at, "delta": ":1}"}),
        (f"{event}.done", {**at, field: '{"x":1}'}),
        ("response.output_item.done", {"output_index": index, "item": {**begun, field: '{"x":1}'}}),
    ]


def ended() -> list[tuple[str, Json]]:
    return [("response.completed", {"response": {"id": "resp_a", "status": "completed"}})]


def numbered(steps: list[tuple[str, Json]]) -> list[bytes]:
    """Write events, numbered from 0."""
    return [
        b"event: %b\ndata: %b\n\n"
        % (kind.encode(), msgspec.json.encode({"type": kind, **fields, "sequence_number": number}))
        for number, (kind, fields) in enumerate(steps)
    ]


def stream(*parts: list[tuple[str, Json]]) -> bytes:
    return b"".join(numbered([*STEPS, *[step for part in parts for step in part], *ended()]))


def read(wire: bytes) -> list[Json]:
    payloads = [block.partition(b"data: ")[2] for block in wire.split(b"\n\n")[:-1]]
    return [cast("Json", msgspec.json.decode(payload)) for payload in payloads]


def of(kind: str, events: list[Json]) -> list[Json]:
    return [event for event in events if event["type"] == f"response.{kind}"]


def fields_of(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value)


def text_of(item: object) -> str:
    """Return the output text of an item."""
    parts = cast("list[Json]", fields_of(item).get("content") or [])
    return "".join([str(part["text"]) for part in parts if part["type"] == "output_text"])


def broken(wire: bytes, *, hold_calls: bool = True) -> tuple[bytes, Begun]:
    """Return what was forwarded of a stream that broke off, and what it amounts to."""
    passage = ResponsesPassage(hold_calls=hold_calls)
    forwarded = passage.feed(wire)
    return forwarded, passage.begun(ENVELOPE)


def after(kind: str, steps: list[tuple[str, Json]], *, nth: int = 1) -> bytes:
    """Return the stream up to its nth event of a kind, that included."""
    events = numbered(steps)
    places = [place for place, (name, _) in enumerate(steps) if name == f"response.{kind}"]
    return b"".join(events[: places[nth - 1] + 1])


def go_on(wire: bytes, *pieces: Piece) -> tuple[list[Json], list[Json]]:
    """Return the events that were forwarded, and those that follow."""
    forwarded, begun = broken(wire)
    return read(forwarded), read(begun.writer.write(pieces) + begun.writer.end(USAGE))


def heard(events: list[Json]) -> str:
    """Return the text of the deltas; every event that is whole must say the same of it."""
    texts: dict[tuple[object, object], str] = {}
    for event in of("output_text.delta", events):
        at = event["output_index"], event["content_index"]
        texts[at] = texts.get(at, "") + str(event["delta"])
    for event in of("output_text.done", events):
        assert event["text"] == texts[event["output_index"], event["content_index"]]
    for event in of("content_part.done", events):
        text = fields_of(event["part"])["text"]
        assert text == texts[event["output_index"], event["content_index"]]
    for event in of("output_item.done", events):
        if fields_of(event["item"])["type"] == "message":
            parts = [text for (item, _), text in texts.items() if item == event["output_index"]]
            assert text_of(event["item"]) == "".join(parts)
    return "".join(texts.values())


DELTAS = ("Grüße ", "\U0001f600: one,", " two.")
PLAIN = stream(said(0, *DELTAS))
THOUGHTFUL = stream(thought(0, "Hm,", " so."), said(1, *DELTAS))


@pytest.mark.parametrize("whole", [PLAIN, THOUGHTFUL])
def test_a_text_cut_between_or_in_any_events_goes_on_to_its_end(whole: bytes):
    edges = [place + 2 for place in range(len(whole)) if whole[place : place + 2] == b"\n\n"]

    for cut in [edge + more for edge in [0, *edges[:-1]] for more in (0, 60)]:
        forwarded, begun = broken(whole[:cut])
        rest = begun.writer.write([TextPiece(TEXT.removeprefix(begun.text))])
        joined = forwarded + rest + begun.writer.end(USAGE)

        again = ResponsesPassage(hold_calls=True)
        events = read(joined)
        assert TEXT.startswith(begun.text)
        assert not begun.bar
        assert again.feed(joined) == joined
        assert again.complete
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert heard(events) == TEXT
        output = cast("list[Json]", fields_of(events[-1]["response"])["output"])
        assert "".join([text_of(item) for item in output]) == TEXT


def test_words_follow_in_the_same_part_under_the_same_names():
    wire = after("output_text.delta", [*STEPS, *said(0, "Hel", "lo")])

    before, rest = go_on(wire, TextPiece("p"), TextPiece("!"), FinishPiece(Finish.STOP))

    at = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
    whole = {**message(0, text="Help!"), "status": "completed"}
    assert len(before) == 5
    assert rest[:5] == [
        {"type": "response.output_text.delta", **at, "delta": "p", "logprobs": [], **no(5)},
        {"type": "response.output_text.delta", **at, "delta": "!", "logprobs": [], **no(6)},
        {"type": "response.output_text.done", **at, "text": "Help!", "logprobs": [], **no(7)},
        {"type": "response.content_part.done", **at, "part": words("Help!"), **no(8)},
        {"type": "response.output_item.done", "output_index": 0, "item": whole, **no(9)},
    ]
    assert rest[5:] == [
        {
            "type": "response.completed",
            "response": {
                "id": "resp_a",
                "model": "m-1",
                "store": False,
                "status": "completed",
                "incomplete_details": None,
                "output": [whole],
                "usage": {
                    "input_tokens": 9,
                    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                    "output_tokens": 5,
                    "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": 14,
                },
            },
            **no(10),
        }
    ]


def test_a_limit_of_the_next_target_leaves_the_answer_incomplete():
    wire = after("output_text.delta", [*STEPS, *said(0, "Hi")])

    _, rest = go_on(wire, TextPiece("!"), FinishPiece(Finish.LENGTH))

    assert [event["type"] for event in rest[-2:]] == [
        "response.output_item.done",
        "response.incomplete",
    ]
    assert fields_of(rest[-2]["item"])["status"] == "incomplete"
    assert fields_of(rest[-1]["response"])["incomplete_details"] == {"reason": "max_output_tokens"}


def test_words_that_were_whole_are_followed_by_another_part():
    wire = after("output_text.done", [*STEPS, *said(0, "Hi")])

    _, rest = go_on(wire, TextPiece("!"))

    assert [event["type"] for event in rest[:3]] == [
        "response.content_part.done",
        "response.content_part.added",
        "response.output_text.delta",
    ]
    assert [event["content_index"] for event in rest[:3]] == [0, 1, 1]
    assert [text_of(event["item"]) for event in of("output_item.done", rest)] == ["Hi!"]


def test_a_message_that_was_whole_is_followed_by_another():
    wire = after("output_item.done", [*STEPS, *said(0, "Hi")])

    _, rest = go_on(wire, TextPiece("!"))

    assert rest[0]["type"] == "response.output_item.added"
    assert rest[0]["output_index"] == 1
    assert fields_of(rest[0]["item"])["id"] == "msg_r9_1"
    output = cast("list[Json]", fields_of(rest[-1]["response"])["output"])
    assert output[0] == message(0, text="Hi")
    assert [text_of(item) for item in output] == ["Hi", "!"]


def test_an_answer_that_lacks_its_end_only_is_ended():
    wire = after("output_item.done", [*STEPS, *said(0, "Hi")])

    _, rest = go_on(wire, FinishPiece(Finish.STOP))

    assert [event["type"] for event in rest] == ["response.completed"]
    assert fields_of(rest[0]["response"])["output"] == [message(0, text="Hi")]


@pytest.mark.parametrize(
    ("cut", "closing"),
    [
        ("output_item.added", ["output_item.done"]),
        (
            "reasoning_summary_part.added",
            ["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"],
        ),
        (
            "reasoning_summary_text.delta",
            ["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"],
        ),
        ("reasoning_summary_text.done", ["reasoning_summary_part.done", "output_item.done"]),
        ("reasoning_summary_part.done", ["output_item.done"]),
        ("output_item.done", []),
    ],
)
@pytest.mark.parametrize("kind", [TextPiece, ThinkingPiece])
def test_reasoning_that_is_open_is_closed_without_a_proof(
    cut: str, closing: list[str], kind: Callable[[str], Piece]
):
    wire = after(cut, [*STEPS, *thought(0, "Hm")])
    thinks = [] if cut in {"output_item.added", "reasoning_summary_part.added"} else ["Hm"]

    _, begun = broken(wire)
    rest = read(begun.writer.write([kind("A")]))

    names = [str(event["type"]).removeprefix("response.") for event in rest]
    assert begun.text == ""
    assert not begun.bar
    assert names[: len(closing) + 1] == [*closing, "output_item.added"]
    assert rest[len(closing)]["output_index"] == 1
    if closing:
        item = fields_of(of("output_item.done", rest)[0]["item"])
        assert item["id"] == "rs_0"
        assert item["encrypted_content"] == ""
        assert item["status"] == "incomplete"
        parts = cast("list[Json]", item["summary"])
        assert [part["text"] for part in parts if part["text"]] == thinks


@pytest.mark.parametrize(
    ("steps", "proof"),
    [
        (thought(0, "Hm"), ""),
        ([*thought(0, "Hm"), *called(1)], ""),
        ([*thought(0, "Hm"), *said(1, "Hi")[:3]], "g"),
    ],
)
def test_openai_takes_reasoning_back_only_with_what_it_led_to(
    steps: list[tuple[str, Json]], proof: str
):
    _, rest = go_on(b"".join(numbered([*STEPS, *steps])), TextPiece("!"))

    output = cast("list[Json]", fields_of(rest[-1]["response"])["output"])
    assert output[0] == {**summed(0, "Hm"), "encrypted_content": proof}
    assert [item["type"] for item in output] == ["reasoning", "message"]


@pytest.mark.parametrize("frame", ["content_part", "reasoning_part"])
def test_thoughts_that_are_open_are_closed_by_the_name_they_were_opened_with(frame: str):
    at: Json = {"item_id": "rs_0", "output_index": 0, "content_index": 0}
    part = {"type": "reasoning_text", "text": ""}
    wire = b"".join(
        numbered(
            [
                *STEPS,
                ("response.output_item.added", {"output_index": 0, "item": summed(0, "")}),
                (f"response.{frame}.added", {**at, "part": part}),
                ("response.reasoning_text.delta", {**at, "delta": "Hm"}),
            ]
        )
    )

    _, rest = go_on(wire, TextPiece("A"))

    whole = {"type": "reasoning_text", "text": "Hm"}
    assert rest[0] == {"type": "response.reasoning_text.done", **at, "text": "Hm", **no(5)}
    assert rest[1] == {"type": f"response.{frame}.done", **at, "part": whole, **no(6)}
    assert fields_of(rest[2]["item"])["content"] == [whole]


def test_calls_of_the_next_target_follow_the_words():
    wire = after("output_text.delta", [*STEPS, *said(0, "Hi")])

    _, rest = go_on(
        wire,
        TextPiece("!"),
        CallPiece(0, "c", "f"),
        ArgumentsPiece(0, "{}"),
        FinishPiece(Finish.TOOL_CALLS),
    )

    output = cast("list[Json]", fields_of(rest[-1]["response"])["output"])
    assert [item["type"] for item in output] == ["message", "function_call"]
    assert [event["output_index"] for event in of("output_item.added", rest)] == [1]


ITEM = "response.output_item.added"
AT: Json = {"item_id": "msg_0", "output_index": 0, "content_index": 0}
OPEN = [(ITEM, {"output_index": 0, "item": message(0)})]


def item_of(kind: str, **fields: object) -> list[tuple[str, Json]]:
    return [(ITEM, {"output_index": 0, "item": {"id": "i", "type": kind, **fields}})]


@pytest.mark.parametrize(
    ("steps", "bar"),
    [
        (called(0), "tool_calls"),
        (called(0)[1:], "tool_calls"),
        (called(0)[-1:], "tool_calls"),
        (called(0, "custom_tool_call"), "tool_calls"),
        (item_of("web_search_call"), "server_tools"),
        (item_of("file_search_call"), "server_tools"),
        (item_of("code_interpreter_call"), "server_tools"),
        (item_of("mcp_call"), "server_tools"),
        (item_of("mcp_list_tools"), "server_tools"),
        (item_of("image_generation_call"), "server_tools"),
        (item_of("some_later_call"), "server_tools"),
        ([("response.audio.delta", {"delta": "AA=="})], "server_tools"),
        ([*OPEN, ("response.refusal.delta", {**AT, "delta": "No"})], "refusal"),
        (
            [*OPEN, ("response.content_part.added", {**AT, "part": {"type": "refusal"}})],
            "refusal",
        ),
        (
            item_of("message", content=[{"type": "refusal", "refusal": "No"}]),
            "refusal",
        ),
        (
            [*said(0, "Hi")[:3], ("response.output_text.annotation.added", {**AT})],
            "annotations",
        ),
        (
            [
                *said(0, "Hi")[:4],
                ("response.content_part.done", {**AT, "part": {**words("Hi"), "annotations": [1]}}),
            ],
            "annotations",
        ),
        ([*OPEN, ("response.content_part.added", {**AT, "part": {"type": "odd"}})], "server_tools"),
        (thought(0, "Hm"), ""),
        (said(0, "Hi"), ""),
        (item_of("reasoning"), ""),
    ],
)
def test_what_no_other_target_can_go_on_with_is_barred(steps: list[tuple[str, Json]], bar: str):
    wire = b"".join(numbered([*STEPS, *steps]))

    forwarded, begun = broken(wire, hold_calls=False)

    assert forwarded == wire
    assert begun.bar == bar


def test_a_stream_without_anything_can_be_begun_anew():
    _, begun = broken(b": ping\n\n" + numbered(STEPS)[0][:40])

    rest = read(begun.writer.write([TextPiece("Hi")]))

    assert (begun.text, begun.bar) == ("", "")
    assert rest[0]["type"] == "response.created"
    assert fields_of(rest[0]["response"])["id"] == "resp_r9"
    assert rest[0]["sequence_number"] == 0


def test_a_response_that_only_began_goes_on_under_its_name():
    _, rest = go_on(b"".join(numbered(STEPS)), TextPiece("Hi"))

    assert rest[0] == {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {
            "id": "msg_r9_0",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        },
        **no(2),
    }
    assert fields_of(rest[-1]["response"])["id"] == "resp_a"


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (
            [("response.output_text.delta", {"item_id": "x", "output_index": 0, "delta": "Hi"})],
            "Hi",
        ),
        ([("response.output_text.delta", {"delta": "Hi"})], "Hi"),
        (said(0, "Hi")[2:], "Hi"),
        (said(0, "Hi")[-1:], "Hi"),
        (said(0, "Hi")[:2] + said(0, "Hi")[3:4], "Hi"),
        (said(0, "Hi")[:2] + said(0, "Hi")[4:5], "Hi"),
        ([(ITEM, {"output_index": 0, "item": message(0, text="Hi")})], "Hi"),
        ([*said(0, "H"), *said(1, "i")], "Hi"),
        ([*said(0, "Hi")[:1], *said(1, "!")[:3], *said(0, "Hi")[1:3]], "Hi!"),
        ([*thought(0, "Hm"), *said(2, "Hi")], "Hi"),
        ([("response.output_item.added", {"output_index": 0}), *said(1, "Hi")], "Hi"),
        ([("response.content_part.added", {"output_index": 0, "part": 5}), *said(1, "Hi")], "Hi"),
        (
            [
                ("response.reasoning_text.delta", {"output_index": 0, "delta": "Hm"}),
                ("response.output_text.delta", {"output_index": 0, "delta": "Hi"}),
            ],
            "Hi",
        ),
    ],
)
def test_the_words_are_those_that_were_forwarded_however_they_came(
    steps: list[tuple[str, Json]], text: str
):
    wire = b"".join(numbered([*STEPS, *steps]))

    _, begun = broken(wire)
    rest = begun.writer.write([TextPiece("?")]) + begun.writer.end(USAGE)

    output = cast("list[Json]", fields_of(read(rest)[-1]["response"])["output"])
    assert begun.text == text
    assert "".join([text_of(item) for item in output]) == f"{text}?"


def test_numbers_go_on_after_the_highest_and_not_after_what_was_not_forwarded():
    later = {"type": "response.later.delta", "delta": {"a": 1}, "sequence_number": 7}
    wire = (
        after("output_text.delta", [*STEPS, *said(0, "Hi")])
        + b"data: %b\n\n" % msgspec.json.encode(later)
        + b'data: {"type":"keepalive","sequence_number":0}\n\n'
        + b'data: {"type":"keepalive","sequence_number":"9"}\n\n'
        + b'data: {"type":"error","message":"m","sequence_number":8}\n\n'
    )

    _, rest = go_on(wire, TextPiece("!"))

    assert rest[0]["sequence_number"] == 8


def test_half_a_surrogate_pair_is_one_character_of_the_words():
    half = b'data: {"type":"response.output_text.delta","output_index":0,"delta":"a\\ud83d"}\n\n'

    _, begun = broken(b"".join(numbered([*STEPS, *said(0, "Hi")[:2]])) + half)

    assert begun.text == "a\ufffd"


def test_a_response_of_many_lines_stays_one_line():
    created = (
        b'event: response.created\ndata: {"type":"response.created","response":{\ndata: "id":"r"}}'
    )

    _, begun = broken(created + b"\n\n")
    rest = begun.writer.write([TextPiece("Hi")]) + begun.writer.end(None)

    assert fields_of(read(rest)[-1]["response"])["id"] == "r"
    assert all(block.count(b"\n") == 1 for block in rest.split(b"\n\n")[:-1])


ODD: list[object] = [None, 5, "x", [1], {"type": 5}, {"type": "message", "content": 5}, {}]
KINDS = [
    "response.created",
    ITEM,
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_part.done",
    "response.output_text.done",
    "response.output_text.delta",
    "response.reasoning_text.delta",
    "response.refusal.delta",
    "response.later.delta",
]
POOL = [*said(0, "Hi", "!"), *thought(0, "Hm"), *said(1, "Ho"), *called(2), *STEPS]
ANY_STEP = st.one_of(
    st.sampled_from(POOL),
    st.tuples(
        st.sampled_from(KINDS),
        st.fixed_dictionaries(
            {},
            optional={
                "output_index": st.sampled_from([None, 0, 1, 2]),
                "delta": st.just("d"),
                "item": st.sampled_from(ODD),
                "part": st.sampled_from(ODD),
                "response": st.sampled_from(ODD),
                "text": st.sampled_from(ODD[:3]),
            },
        ),
    ),
)


@given(st.lists(ANY_STEP, max_size=12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_whatever_came_there_is_a_way_to_go_on(steps: list[tuple[str, Json]], hold_calls: bool):  # noqa: FBT001 - drawn by hypothesis
    passage = ResponsesPassage(hold_calls=hold_calls)
    read(b"".join([passage.feed(event) for event in numbered(steps)]))

    begun = passage.begun(ENVELOPE)
    rest = begun.writer.write([TextPiece("?")]) + begun.writer.end(USAGE)

    again = ResponsesPassage(hold_calls=True)
    assert again.feed(rest) == rest
    assert again.complete
