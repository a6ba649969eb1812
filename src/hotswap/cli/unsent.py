"""A request that is to be explained and goes nowhere, read as the gateway reads it."""

from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote

from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder, encode
from typing_extensions import override

from ..config.snapshot import Snapshot
from ..errors import RefusedError
from ..gateway.access import NOBODY
from ..gateway.asking import checked_order
from ..gateway.line import Line
from ..gateway.options import read_options
from ..gateway.plane import Plane
from ..gateway.routes import CHAT, route_of
from ..processes.exits import Exit
from ..server.api import Exchange, Incoming
from .failing import CommandError

DialectName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "openai_embeddings"]

_PATHS: Final[Mapping[str, str]] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "openai_embeddings": "/v1/embeddings",
}

_decode_fields: Final = Decoder(dict[str, Raw]).decode


class Wishes(Struct, frozen=True):
    """What the caller's headers and key say."""

    order: str = ""
    """As `x-hotswap-order` says it; empty: it is not there."""
    caller: str = ""


def incoming(body: bytes, dialect: DialectName, model: str) -> Incoming:
    """Return the request with this body, asking for `model` unless that is empty.

    Raises:
        CommandError: Nothing names the model.
    """
    if dialect != "gemini":
        path = _PATHS[dialect]
        body = _asking_for(model, body) if model else body
    elif model:
        path = f"/v1beta/models/{quote(model, safe='/')}:generateContent"
    else:
        raise CommandError(Exit.USAGE, "hotswap: gemini names the model in its path: say --model")
    return Incoming("POST", path, "", {}, body, "", 0.0)


def _asking_for(model: str, body: bytes) -> bytes:
    """Return the body with another model; what is no JSON object stays as it is."""
    try:
        fields = _decode_fields(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return body
    return encode({**fields, "model": model})


def unsent(snapshot: Snapshot, asked: Incoming, wishes: Wishes) -> Line:
    """Return the line of a request; raises `RefusedError` where the gateway would."""
    route = route_of(asked.path) or CHAT
    plane = Plane(snapshot)
    request = route.dialect.peek(asked.body, asked.path, asked.query)
    chain = plane.chain(request.model)
    keys = {key.id: key for key in snapshot.keys}
    if wishes.caller and wishes.caller not in keys:
        raise RefusedError(401, "unknown_key", f"There is no key {wishes.caller!r}.")
    headers = {b"x-hotswap-order": wishes.order.encode()} if wishes.order else {}
    options = read_options(headers, keys.get(wishes.caller, NOBODY))
    checked_order(options, chain)
    return Line(
        exchange=_Unsent(asked),
        plane=plane,
        route=route,
        caller=wishes.caller,
        request=request,
        chain=chain,
        options=options,
        request_id="",
    )


class _Unsent(Exchange):
    """An exchange with nobody."""

    def __init__(self, incoming: Incoming) -> None:
        self.incoming = incoming
        self.on_leave = self.on_pause = self.on_resume = None

    @property
    @override
    def gone(self) -> bool:
        return True

    @override
    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        return

    @override
    def start(self, status: int, headers: bytes) -> None:
        return

    @override
    def write(self, data: bytes) -> None:
        return

    @override
    def finish(self) -> None:
        return

    @override
    def abort(self) -> None:
        return
