"""Pieces, written as a stream of the Responses dialect."""

from collections.abc import Sequence
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from hotswap.core.terms import Usage
from hotswap.dialects.api import Envelope
from hotswap.dialects.neutral import (
    ArgumentsPiece,
    CallPiece,
    Finish,
    FinishPiece,
    Format,
    Mode,
    Piece,
    Reasoning,
    RefusalPiece,
    Request,
    Role,
    SignaturePiece,
    Text,
    TextPiece,
    ThinkingPiece,
    Tool,
    ToolChoice,
    Turn,
)
from hotswap.dialects.responses.reader import ResponsesReader
from hotswap.dialects.responses.writer import ResponsesWriter

HEAD = b'{"id":"resp_r1","object":"response","created_at":7,"status":%b,"background":false,'
ASKED = (
    b'"parallel_tool_calls":true,"previous_response_id":null,'
    b'"reasoning":{"effort":null,"summary":null},"store":false,"temperature":1.0,'
    b'"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,'
    b'"truncation":"disabled","usage":%b,"user":null,"metadata":{}}'
)
BEGUN = (
    HEAD % b'"in_progress"'
    + b'"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,'
    + b'"model":"m","output":[],'
    + ASKED % b"null"
)
ENDED = FinishPiece(Finish.STOP)
CALLED = FinishPiece(Finish.TOOL_CALLS)
HI = b'{"type":"output_text","text":"Hi \\"you\\"","annotations":[],"logprobs":[]}'


def writer(**fields: object) -> ResponsesWriter:
    request = msgspec.structs.replace(Request(turns=()), **fields)
    return ResponsesWriter(Envelope("r1", 7, "m", request))


def event(kind: str, number: int, fields: bytes) -> bytes:
    name = f"response.{kind}".encode()
    return b'event: %b\ndata: {"type":"%b",%b,"sequence_number":%d}\n\n' % (
        name,
        name,
        fields,
        number,
    )


def written(pieces: Sequence[Piece], usage: Usage | None = None, **fields: object) -> bytes:
    out = writer(**fields)
    return out.write(pieces) + out.end(usage)


def events(wire: bytes) -> list[dict[str, object]]:
    payloads = [block.partition(b"\ndata: ")[2] for block in wire.split(b"\n\n")[:-1]]
    return [cast("dict[str, object]", msgspec.json.decode(payload)) for payload in payloads]


def kinds(wire: bytes) -> list[str]:
    return [str(each["type"]).removeprefix("response.") for each in events(wire)]


def final(wire: bytes) -> dict[str, object]:
    return cast("dict[str, object]", events(wire)[-1]["response"])


def test_a_text_is_told_event_by_event():
    out = writer()
    item = b'{"id":"msg_r1_0","type":"message","status":%b,"role":"assistant","content":[%b]}'
    at = b'"item_id":"msg_r1_0","output_index":0,"content_index":0'

    begun = out.write([TextPiece("Hi ")])
    more = out.write([TextPiece('"you"'), ENDED])
    end = out.end(Usage(9, 5, 4, 2, 3))

    assert begun == (
        event("created", 0, b'"response":' + BEGUN)
        + event("in_progress", 1, b'"response":' + BEGUN)
        + event(
            "output_item.added", 2, b'"output_index":0,"item":' + item % (b'"in_progress"', b"")
        )
        + event(
            "content_part.added",
            3,
            at + b',"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}',
        )
        + event("output_text.delta", 4, at + b',"delta":"Hi ","logprobs":[]')
    )
    assert more == event("output_text.delta", 5, at + b',"delta":"\\"you\\"","logprobs":[]')
    whole = item % (b'"completed"', HI)
    usage = (
        b'{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},'
        b'"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":14}'
    )
    response = (
        HEAD % b'"completed"'
        + b'"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,'
        + b'"model":"m","output":['
        + whole
        + b"],"
        + ASKED % usage
    )
    assert end == (
        event("output_text.done", 6, at + b',"text":"Hi \\"you\\"","logprobs":[]')
        + event("content_part.done", 7, at + b',"part":' + HI)
        + event("output_item.done", 8, b'"output_index":0,"item":' + whole)
        + event("completed", 9, b'"response":' + response)
    )


def test_a_call_is_told_event_by_event():
    wire = written([CallPiece(0, "a", "f"), ArgumentsPiece(0, '{"x"'), ArgumentsPiece(0, ":1}")])
    at = b'"item_id":"fc_r1_0","output_index":0'
    item = (
        b'"output_index":0,"item":{"id":"fc_r1_0","type":"function_call","status":%b,'
        b'"call_id":"a","name":"f","arguments":%b}'
    )

    assert b"".join(wire.partition(b"event: response.output_item.added")[1:]).startswith(
        event("output_item.added", 2, item % (b'"in_progress"', b'""'))
        + event("function_call_arguments.delta", 3, at + rb',"delta":"{\"x\""')
        + event("function_call_arguments.delta", 4, at + b',"delta":":1}"')
        + event("function_call_arguments.done", 5, at + rb',"name":"f","arguments":"{\"x\":1}"')
        + event("output_item.done", 6, item % (b'"completed"', rb'"{\"x\":1}"'))
    )


def test_thinking_is_a_summary_without_proof_of_its_maker():
    wire = written([ThinkingPiece("Hm"), ENDED])
    at = b'"item_id":"rs_r1_0","output_index":0,"summary_index":0'
    item = (
        b'"output_index":0,"item":{"id":"rs_r1_0","type":"reasoning","status":%b,'
        b'"summary":[%b],"encrypted_content":""}'
    )
    part = b'{"type":"summary_text","text":"Hm"}'

    assert b"".join(wire.partition(b"event: response.output_item.added")[1:]).startswith(
        event("output_item.added", 2, item % (b'"in_progress"', b""))
        + event(
            "reasoning_summary_part.added", 3, at + b',"part":{"type":"summary_text","text":""}'
        )
        + event("reasoning_summary_text.delta", 4, at + b',"delta":"Hm"')
        + event("reasoning_summary_text.done", 5, at + b',"text":"Hm"')
        + event("reasoning_summary_part.done", 6, at + b',"part":' + part)
        + event("output_item.done", 7, item % (b'"completed"', part))
    )


def test_text_and_refusal_are_parts_of_one_message():
    wire = written([TextPiece("Hi"), RefusalPiece("No"), ENDED])

    assert kinds(wire) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "content_part.added",
        "refusal.delta",
        "refusal.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert final(wire)["output"] == [
        {
            "id": "msg_r1_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No"},
            ],
        }
    ]


def test_items_come_one_after_another():
    wire = written(
        [
            ThinkingPiece("Hm"),
            SignaturePiece("sig"),
            TextPiece("Hi"),
            CallPiece(0, "a", "f"),
            ArgumentsPiece(0, "{}"),
            CallPiece(1, "b", "g"),
            ArgumentsPiece(1, '{"x":1}'),
            CALLED,
        ]
    )

    framed = [kind for kind in kinds(wire) if kind.startswith("output_item")]
    assert framed == ["output_item.added", "output_item.done"] * 4
    output = cast("list[dict[str, object]]", final(wire)["output"])
    assert [item["id"] for item in output] == ["rs_r1_0", "msg_r1_1", "fc_r1_2", "fc_r1_3"]


def test_a_call_stays_open_until_its_arguments_are_whole():
    wire = written(
        [
            CallPiece(0, "a", "f"),
            ArgumentsPiece(0, '{"x"'),
            CallPiece(1, "b", "g"),
            ArgumentsPiece(1, "{}"),
            ArgumentsPiece(0, ":1}"),
            TextPiece("Hi"),
            CALLED,
        ]
    )

    assert kinds(wire)[2:-1] == [
        "output_item.added",
        "function_call_arguments.delta",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    output = cast("list[dict[str, object]]", final(wire)["output"])
    assert [item.get("arguments") for item in output] == ['{"x":1}', "{}", None]


def test_a_call_without_arguments_gets_an_empty_object_and_an_id():
    wire = written([CallPiece(0, "", "f"), ArgumentsPiece(0, ""), CALLED])

    assert kinds(wire)[3] == "function_call_arguments.delta"
    assert final(wire)["output"] == [
        {
            "id": "fc_r1_0",
            "type": "function_call",
            "status": "completed",
            "call_id": "call_r1_0",
            "name": "f",
            "arguments": "{}",
        }
    ]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [(Finish.LENGTH, "max_output_tokens"), (Finish.CONTENT_FILTER, "content_filter")],
)
def test_an_answer_that_was_cut_short_is_incomplete(finish: Finish, reason: str):
    pieces = [
        TextPiece("Hi"),
        CallPiece(0, "a", "f"),
        ArgumentsPiece(0, '{"x'),
        FinishPiece(finish),
    ]
    wire = written(pieces)

    assert kinds(wire)[-1] == "incomplete"
    response = final(wire)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": reason}
    output = cast("list[dict[str, object]]", response["output"])
    assert [item["status"] for item in output] == ["completed", "incomplete"]


def test_nothing_is_written_before_there_is_something_to_say():
    out = writer()

    assert out.write([]) == b""
    assert kinds(out.write([TextPiece("Hi")]))[0] == "created"


def test_an_answer_without_words_still_begins_and_ends():
    out = writer()

    assert kinds(out.write([FinishPiece(Finish.LENGTH)]) + out.end(None)) == [
        "created",
        "in_progress",
        "incomplete",
    ]
    assert kinds(writer().end(None)) == ["created", "in_progress", "completed"]


def test_empty_words_open_nothing():
    assert kinds(written([TextPiece(""), ThinkingPiece(""), ENDED])) == [
        "created",
        "in_progress",
        "completed",
    ]


def test_the_response_says_what_was_asked():
    response = final(
        written(
            [ENDED],
            turns=(Turn(Role.SYSTEM, (Text("Be brief."),)),),
            tools=(Tool("f", "d", Raw(b'{"type":"object"}'), strict=True),),
            tool_choice=ToolChoice(Mode.REQUIRED, ("f",)),
            parallel=False,
            format=Format(Raw(b'{"type":"object"}'), "n", "d", strict=True),
            max_tokens=300,
            temperature=0.5,
            top_p=0.9,
            reasoning=Reasoning("low", shown=True),
            user="u",
        )
    )

    assert (
        response.items()
        >= {
            "instructions": "Be brief.",
            "tool_choice": {"type": "function", "name": "f"},
            "parallel_tool_calls": False,
            "max_output_tokens": 300,
            "temperature": 0.5,
            "top_p": 0.9,
            "reasoning": {"effort": "low", "summary": "auto"},
            "user": "u",
        }.items()
    )
    assert response["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object"},
            "strict": True,
        }
    ]
    assert response["text"] == {
        "format": {
            "type": "json_schema",
            "name": "n",
            "schema": {"type": "object"},
            "description": "d",
            "strict": True,
        }
    }


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_schema_that_is_set_out_in_lines_does_not_break_events(line_end: bytes):
    schema = Raw(line_end.join([b"{", b' "type": "object",', b' "title": "a\\nb"', b"}"]))

    wire = written([TextPiece("Hi"), ENDED], tools=(Tool("f", schema=schema),))

    assert b"\r" not in wire
    assert kinds(wire)[-1] == "completed"
    assert b'"parameters":{"type":"object","title":"a\\nb"}' in wire


words = st.text(min_size=1, max_size=6)


@st.composite
def answers(draw: st.DrawFn) -> list[Piece]:
    """Pieces of an answer, in which the arguments of calls may be mixed."""
    pieces: list[Piece] = []
    left: dict[int, list[str]] = {}
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["text", "thinking", "refusal", "call", "arguments"]))
        if kind == "call":
            index = len(left)
            pieces.append(CallPiece(index, f"c{index}", "f"))
            left[index] = ['{"a"', ':"', draw(st.sampled_from(["x", "é"])), '"}']
        elif kind == "arguments":
            waiting = [index for index, parts in left.items() if parts]
            if waiting:
                index = draw(st.sampled_from(waiting))
                pieces.append(ArgumentsPiece(index, left[index].pop(0)))
        else:
            made = {"text": TextPiece, "thinking": ThinkingPiece, "refusal": RefusalPiece}[kind]
            pieces.append(made(draw(words)))
    for index, parts in left.items():
        pieces += [ArgumentsPiece(index, part) for part in parts]
    pieces = pieces or [TextPiece("Hi")]
    return [*pieces, FinishPiece(Finish.TOOL_CALLS if left else draw(st.sampled_from(FINISHES)))]


FINISHES = [Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER]


@settings(max_examples=50)
@given(answers(), st.integers(1, 4))
def test_what_is_written_reads_as_the_same_pieces(pieces: list[Piece], at_once: int):
    out = writer()
    wire = b"".join(
        [out.write(pieces[at : at + at_once]) for at in range(0, len(pieces), at_once)]
    ) + out.end(Usage(9, 5))
    reader = ResponsesReader()

    assert [*reader.feed(wire), *reader.end()] == pieces
    assert reader.failure is None
    assert reader.usage == Usage(9, 5)


@settings(max_examples=50)
@given(answers())
def test_events_are_numbered_and_the_last_one_says_it_all(pieces: list[Piece]):
    seen = events(written(pieces))

    assert [each["sequence_number"] for each in seen] == list(range(len(seen)))
    done = {
        cast("int", each["output_index"]): each["item"]
        for each in seen
        if each["type"] == "response.output_item.done"
    }
    response = cast("dict[str, object]", seen[-1]["response"])
    assert response["output"] == [done[index] for index in range(len(done))]


def test_a_stream_that_fails_says_so_by_its_own_name_and_numbers():
    out = writer()
    begun = out.write([TextPiece("Hi"), CallPiece(0, "c", "f"), ArgumentsPiece(0, '{"x"')])

    failed, error = events(out.fail("upstream_interrupted", "Broke off."))

    response = cast("dict[str, object]", failed["response"])
    output = cast("list[dict[str, object]]", response["output"])
    assert failed["type"] == "response.failed"
    assert failed["sequence_number"] == len(events(begun))
    assert "error" not in failed
    assert response["id"] == "resp_r1"
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "Broke off."}
    assert [(item["type"], item["status"]) for item in output] == [
        ("message", "completed"),
        ("function_call", "incomplete"),
    ]
    assert output[1]["arguments"] == '{"x"'
    assert error == {
        "type": "error",
        "code": "upstream_interrupted",
        "message": "Broke off.",
        "param": None,
        "error": {
            "type": "server_error",
            "code": "upstream_interrupted",
            "message": "Broke off.",
            "param": None,
        },
        "sequence_number": len(events(begun)) + 1,
    }


def test_an_open_message_that_fails_has_its_words_so_far():
    out = writer()
    out.write([TextPiece("Hi")])

    failed = events(out.fail("upstream_interrupted", "Broke off."))[0]

    response = cast("dict[str, object]", failed["response"])
    output = cast("list[dict[str, object]]", response["output"])
    assert [item["status"] for item in output] == ["incomplete"]
    assert output[0]["content"] == [
        {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}
    ]


def test_a_stream_that_fails_before_its_first_word_begins_all_the_same():
    assert kinds(writer().fail("no_target_left", "Nobody answers.")) == [
        "created",
        "in_progress",
        "failed",
        "error",
    ]
