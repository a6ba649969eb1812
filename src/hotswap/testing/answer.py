"""From a step and a request to the moves of the answer."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import Final

from msgspec.json import encode

from .moves import Hang, Leave, Move, Pause, chunked, cut_after, sliced, with_pings
from .openai_form import (
    DONE,
    ERRORS,
    OTHER_ERROR,
    Answer,
    Asked,
    chat_body,
    chat_events,
    embeddings_body,
    error_body,
    error_event,
)
from .step import Cut, Seen, Step

PING: Final = b": keep-alive\n\n"
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
_words: Final = re.compile(r"\s*\S+|\s+$").findall


def moves_of(step: Step, seen: Seen, asked: Asked, name: str) -> Iterator[Move]:
    """Say what is sent in answer to a chat or embeddings request, and when."""
    if step.accept is not None or step.drop is not None:
        return iter((Leave(step.accept or step.drop or Cut.EOF),))
    if step.hang:
        return iter((Hang(),))
    moves = _wire(step, seen, asked, name)
    if step.first_byte_s > 0:
        moves = chain((Pause(step.first_byte_s),), moves)
    if step.drip_s is not None:
        moves = sliced(moves, step.drip_bytes, step.drip_s)
    return moves


def fixed(step: Step) -> bytes | None:
    """Return the whole answer, where it is the same for every request and goes out at once."""
    if step.body is None:
        return None
    plain = Step(status=step.status, headers=step.headers, padding=step.padding, body=step.body)
    if step != plain:
        return None
    body = _given(step.body)
    return _head(step, _json_type(step), len(body)) + body


def whole(status: int, body: bytes) -> bytes:
    """Write a complete JSON answer."""
    return _head(Step(status=status), "application/json", len(body)) + body


def _wire(step: Step, seen: Seen, asked: Asked, name: str) -> Iterator[Move]:
    if step.raw is not None:
        return _raw(step, step.raw)
    if step.garbage is not None and step.garbage_after is None:
        return iter((step.garbage, Leave(Cut.EOF)))
    body = _body(step, seen, asked)
    if body is not None:
        return _whole(step, body)
    answer = _answer(step, seen, asked, name)
    if not asked.stream:
        return _whole(step, chat_body(answer))
    usage = asked.stream_options is not None and asked.stream_options.include_usage
    return _stream(step, chat_events(answer, usage=usage))


def _body(step: Step, seen: Seen, asked: Asked) -> bytes | None:
    """Return the body of everything but a chat answer."""
    if step.body is not None:
        return _given(step.body)
    if step.status >= 400:
        return error_body(ERRORS.get(step.status, OTHER_ERROR))
    if "/embeddings" in seen.path:
        return embeddings_body(asked, step.prompt_tokens)
    return None


def _raw(step: Step, raw: bytes) -> Iterator[Move]:
    if step.cut is None:
        return iter((raw,))
    size = len(raw) if step.cut_after_bytes is None else step.cut_after_bytes
    return cut_after((raw,), size, step.cut)


def _whole(step: Step, body: bytes) -> Iterator[Move]:
    size = step.cut_after_bytes or 0
    if step.cut is Cut.END:
        body = body[:size]
    yield _head(step, _json_type(step), len(body))
    if step.first_content_s > 0:
        yield Pause(step.first_content_s)
    if step.silent_after is not None:
        yield Hang()
    if step.cut is None or step.cut is Cut.END:
        yield body
    else:
        yield body[:size]
        yield Leave(step.cut)


def _stream(step: Step, events: Iterator[bytes]) -> Iterator[Move]:
    body = _disturbed(step, events)
    if step.ping_s is not None:
        body = with_pings(body, PING, step.ping_s)
    if step.crlf:
        body = (m.replace(b"\n", b"\r\n") if isinstance(m, bytes) else m for m in body)
    if step.cut is not None and step.cut_after_bytes is not None:
        body = cut_after(body, step.cut_after_bytes, step.cut)
    return chain((_head(step, EVENT_STREAM, None),), chunked(body))


def _disturbed(step: Step, events: Iterator[bytes]) -> Iterator[Move]:
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
            yield error_event(step.error)
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
        yield DONE


def _answer(step: Step, seen: Seen, asked: Asked, name: str) -> Answer:
    reason = step.finish_reason or ("tool_calls" if step.tool else "stop")
    pieces = () if step.empty or step.tool else _pieces(step, name)
    spent = step.completion_tokens
    return Answer(
        id=f"chatcmpl-{name}-{seen.number}",
        model=asked.model,
        pieces=pieces,
        tool=step.tool,
        finish_reason=None if step.no_finish else reason,
        prompt_tokens=step.prompt_tokens,
        completion_tokens=len(pieces) if spent is None else spent,
    )


def _pieces(step: Step, name: str) -> tuple[str, ...]:
    text = f"This answer was written by {name}." if step.text is None else step.text
    return text if isinstance(text, tuple) else tuple(_words(text))


def _given(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else encode(body)


def _json_type(step: Step) -> str:
    html = isinstance(step.body, str) and step.body.lstrip().startswith("<")
    return "text/html; charset=utf-8" if html else "application/json"


def _head(step: Step, content_type: str, length: int | None) -> bytes:
    headers = {"content-type": content_type, "x-request-id": "req_scripted"}
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
