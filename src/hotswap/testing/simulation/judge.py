"""Whether one caller got what it was promised: the whole answer, or an error that it notices."""

from collections.abc import Iterator
from typing import Final

from msgspec import DecodeError
from msgspec.json import decode

from ...core.settings import Streaming
from .caller import Ending, SimExchange
from .heard import Heard, HeardCall, hear_stream, hear_whole
from .scenario import Shape, Wish
from .texts import calls_of, expected, text_of

REFUSALS: Final = frozenset({400, 429, 503, 504})
"""Error statuses that a caller may get; a provider's own trouble with a key is none of them."""
Flaw = tuple[str, str]
"""The promise, and how it was broken."""


def judge(
    wish: Wish, exchange: SimExchange, body: bytes, *, hold: Streaming
) -> tuple[Heard, list[Flaw]]:
    """Return what the caller heard, and what is wrong with it."""
    streamed = exchange.ending is not Ending.ANSWERED
    if not exchange.status:
        return Heard(), []
    if exchange.status != 200:
        return Heard(), list(_refused(wish, exchange, body))
    if streamed:
        heard = hear_stream(wish.dialect, body, array=wish.array)
    else:
        heard = hear_whole(wish.dialect, body)
    if exchange.ending in {Ending.FINISHED, Ending.ANSWERED}:
        return heard, list(_whole(wish, heard))
    return heard, list(_partial(wish, heard, hold, left=exchange.ending is Ending.LEFT))


def _refused(wish: Wish, exchange: SimExchange, body: bytes) -> Iterator[Flaw]:
    if exchange.ending is Ending.LEFT:
        return
    # A caller whose own order leads out of its zones has only itself to blame.
    own_order = exchange.status == 403 and wish.order and b"x-hotswap-order" in body
    if exchange.status not in REFUSALS and not own_order:
        yield "I2", f"an error with status {exchange.status}"
    if b"x-should-retry: false" not in exchange.headers:
        yield "I11", "an error that SDKs would retry"
    try:
        decode(body)
    except DecodeError:
        yield "I2", f"an error that is not readable: {body[:80]!r}"


def _whole(wish: Wish, heard: Heard) -> Iterator[Flaw]:
    """Judge an answer that ended cleanly."""
    if heard.flaw:
        yield "I3", heard.flaw
    if heard.error:
        yield "I2", "a clean end after an error"
    elif not heard.ended or not heard.finish:
        yield "I2", "a clean end without the dialect's own"
    text, right = heard.text, expected(wish)
    longer = wish.max_tokens is not None and text_of(wish).startswith(text) and len(text) > 0
    if text != right and not (longer and text.startswith(right)):
        kind = "I2" if right.startswith(text) else "I3"
        yield kind, _difference(text, right)
    calls = calls_of(wish)
    if [(c.name, _value(c)) for c in heard.calls] != [(c.name, decode(c.arguments)) for c in calls]:
        yield "I2", f"calls {heard.calls}"


def _partial(wish: Wish, heard: Heard, hold: Streaming, *, left: bool) -> Iterator[Flaw]:
    """Judge an answer that broke off."""
    if heard.flaw:
        yield "I3", heard.flaw
    if not left and not heard.error:
        yield "I2", "cut without an error in the stream"
    if not text_of(wish).startswith(heard.text):
        yield "I3", _difference(heard.text, text_of(wish))
    if hold.tool_calls == "hold":
        whole = [(call.name, decode(call.arguments)) for call in calls_of(wish)]
        if [(call.name, _value(call)) for call in heard.calls] != whole[: len(heard.calls)]:
            yield "I2", f"part of a call: {heard.calls}"
    if heard.text and wish.shape is Shape.JSON and hold.structured == "hold" and not left:
        yield "I2", "a part of a structured answer"


def _value(call: HeardCall) -> object:
    try:
        return decode(call.arguments)
    except DecodeError:
        return None


def _difference(text: str, right: str) -> str:
    """Say where two texts part."""
    at = next((n for n, (a, b) in enumerate(zip(text, right, strict=False)) if a != b), None)
    if at is None:
        at = min(len(text), len(right))
    near = slice(max(at - 20, 0), at + 40)
    came = f"{len(text)} of {len(right)} characters came"
    return f"the text parts after {at}, {came}: {text[near]!r}, not {right[near]!r}"
