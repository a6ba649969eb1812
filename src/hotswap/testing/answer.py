"""From a step and a request to the moves of the answer."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import Final

from msgspec.json import encode
from msgspec.structs import replace

from . import openai_form
from .form import Answer, Asked, Form
from .moves import Hang, Leave, Move, Pause, chunked, cut_after, sliced, with_pings
from .routes import Route
from .step import Cut, Seen, Step, ToolCall

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
_words: Final = re.compile(r"\s*\S+|\s+$").findall


def moves_of(step: Step, seen: Seen, route: Route, name: str) -> Iterator[Move]:
    """Say what is sent in answer to a request, and when; raises `msgspec.DecodeError`."""
    asked = route.form.read_asked(seen)
    if step.accept is not None or step.drop is not None:
        return iter((Leave(step.accept or step.drop or Cut.EOF),))
    if step.hang:
        return iter((Hang(),))
    moves = _wire(step, seen, route, asked, name)
    if step.first_byte_s > 0:
        moves = chain((Pause(step.first_byte_s),), moves)
    if step.drip_s is not None:
        moves = sliced(moves, step.drip_bytes, step.drip_s)
    return moves


def fixed(step: Step, form: Form) -> bytes | None:
    """Return the whole answer, where it is the same for every request and goes out at once."""
    if step.body is None:
        return None
    plain = Step(status=step.status, headers=step.headers, padding=step.padding, body=step.body)
    if step != plain:
        return None
    body = _given(step.body)
    return _head(step, form, _json_type(step), len(body)) + body


def whole(status: int, body: bytes, form: Form = openai_form) -> bytes:
    """Write a complete JSON answer."""
    return _head(Step(status=status), form, "application/json", len(body)) + body


def _wire(step: Step, seen: Seen, route: Route, asked: Asked, name: str) -> Iterator[Move]:
    if step.raw is not None:
        return _raw(step, step.raw)
    if step.garbage is not None and step.garbage_after is None:
        return iter((step.garbage, Leave(Cut.EOF)))
    form = route.form
    body = _body(step, seen, route)
    if body is not None:
        return _whole(step, form, body)
    answer = _answer(step, seen, asked, name)
    if not asked.stream:
        return _whole(step, form, form.answer_body(answer, asked))
    return _stream(step, form, form.answer_events(answer, asked))


def _body(step: Step, seen: Seen, route: Route) -> bytes | None:
    """Return the body of everything but an answer."""
    if step.body is not None:
        return _given(step.body)
    if step.status >= 400:
        return route.form.error_body(step.status)
    if route.other is not None:
        return route.other(seen, step.prompt_tokens)
    return None


def _raw(step: Step, raw: bytes) -> Iterator[Move]:
    if step.cut is None:
        return iter((raw,))
    size = len(raw) if step.cut_after_bytes is None else step.cut_after_bytes
    return cut_after((raw,), size, step.cut)


def _whole(step: Step, form: Form, body: bytes) -> Iterator[Move]:
    size = step.cut_after_bytes or 0
    if step.cut is Cut.END:
        body = body[:size]
    yield _head(step, form, _json_type(step), len(body))
    if step.first_content_s > 0:
        yield Pause(step.first_content_s)
    if step.silent_after is not None:
        yield Hang()
    if step.cut is None or step.cut is Cut.END:
        yield body
    else:
        yield body[:size]
        yield Leave(step.cut)


def _stream(step: Step, form: Form, events: Iterator[bytes]) -> Iterator[Move]:
    body = _disturbed(step, form, events)
    if step.ping_s is not None:
        body = with_pings(body, form.PING, step.ping_s)
    if step.crlf:
        body = (_with_crlf(move) if isinstance(move, bytes) else move for move in body)
    if step.cut is not None and step.cut_after_bytes is not None:
        body = cut_after(body, step.cut_after_bytes, step.cut)
    return chain((_head(step, form, EVENT_STREAM, None),), chunked(body))


def _with_crlf(event: bytes) -> bytes:
    return event.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _disturbed(step: Step, form: Form, events: Iterator[bytes]) -> Iterator[Move]:
    """Put the pauses between the events, and after the n-th what is to go wrong there."""
    cut = step.cut if step.cut_after_bytes is None else None
    gap = Pause(step.gap_s) if step.gap_s > 0 else None
    wait = Pause(step.first_content_s) if step.first_content_s > 0 else None
    for number, event in enumerate(events):
        if number == step.silent_after:
            yield Hang()
        if cut is not None and number == step.cut_after:
            yield Leave(cut)
            return
        if step.error is not None and number == step.error_after:
            yield form.error_event(step.error, number)
            break
        if step.garbage is not None and number == step.garbage_after:
            yield step.garbage
        pause = wait if number == 1 else gap
        if pause is not None and number:
            yield pause
        yield event
    if step.silent_after is not None:
        yield Hang()
    if cut is not None:
        yield Leave(cut)
    elif not step.no_done:
        yield form.DONE


def _answer(step: Step, seen: Seen, asked: Asked, name: str) -> Answer:
    tools = _with_ids(step.tools) if step.tools else ()
    reason = step.finish_reason or ("tool_calls" if tools else "stop")
    thinking = _pieces(step.thinking) if step.thinking else ()
    pieces = _text(step, name)
    spent = step.completion_tokens
    return Answer(
        id=f"{name}-{seen.number}",
        model=asked.model,
        thinking=thinking,
        signature=step.signature,
        pieces=pieces,
        tools=tools,
        finish_reason=None if step.no_finish else reason,
        prompt_tokens=step.prompt_tokens,
        cached_tokens=step.cached_tokens,
        completion_tokens=len(thinking) + len(pieces) if spent is None else spent,
    )


def _with_ids(tools: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    return tuple(
        tool if tool.id else replace(tool, id=f"call_{number}")
        for number, tool in enumerate(tools, 1)
    )


def _text(step: Step, name: str) -> tuple[str, ...]:
    if step.empty:
        return ()
    if step.text is not None:
        return _pieces(step.text)
    return () if step.tools else _pieces(f"This answer was written by {name}.")


def _pieces(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else tuple(_words(text))


def _given(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else encode(body)


def _json_type(step: Step) -> str:
    html = isinstance(step.body, str) and step.body.lstrip().startswith("<")
    return "text/html; charset=utf-8" if html else "application/json"


def _head(step: Step, form: Form, content_type: str, length: int | None) -> bytes:
    headers = {"content-type": content_type}
    if form.REQUEST_ID:
        headers[form.REQUEST_ID] = "req_scripted"
    headers |= {name.lower(): value for name, value in step.headers.items()}
    for framing in ("content-length", "transfer-encoding"):
        headers.pop(framing, None)
    if length is None:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["content-length"] = str(length)
    for number in range(-(-step.padding // 1024)):
        headers[f"x-padding-{number}"] = "p" * min(1024, step.padding - 1024 * number)
    try:
        reason = HTTPStatus(step.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {step.status} {reason}\r\n{lines}\r\n".encode("latin-1")
