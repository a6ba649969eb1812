"""The door of a scripted provider for tests and demos in other processes: `/_control`.

| request | does |
| --- | --- |
| `POST /_control/behave` with a `Step`, `?key=K` | sets the default, or that of a key |
| `POST /_control/script` with a list of `Step` | adds to the script |
| `POST /_control/keys` with a list, or null | sets the keys that are served; null: any |
| `POST /_control/limit` with a `Limit`, or null | sets the rate limit |
| `POST /_control/caps` with a `Caps`, or null | sets hard limits per minute (see `quota.py`) |
| `POST /_control/stop` | refuses connections, closes those that are open |
| `POST /_control/start` | listens again |
| `POST /_control/forget` | empties `seen` |
| `GET /_control/seen` | answers with a `Report` |

Bodies are JSON; bytes are base64 in it. Wrong ones get a 400 that says what is wrong.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct
from msgspec.json import Decoder, encode

from .answer import whole
from .moves import Move, Pause
from .openai_form import error_body
from .quota import Caps
from .step import Limit, Seen, Step

POLL_S: Final = 0.001
_read_step: Final = Decoder(Step).decode
_read_steps: Final = Decoder(tuple[Step, ...]).decode
_read_keys: Final = Decoder(set[str] | None).decode
_read_limit: Final = Decoder(Limit | None).decode
_read_caps: Final = Decoder(Caps | None).decode
_OK: Final = whole(200, b"{}")


class Report(Struct, frozen=True):
    """What a provider has seen."""

    name: str
    connections: int
    open_connections: int
    requests: int
    in_flight: int
    max_in_flight: int
    seen: list[Seen]


class Controlled(Protocol):
    """What can be driven from outside."""

    name: str
    keys: set[str] | None
    limit: Limit | None

    @property
    def seen(self) -> Sequence[Seen]: ...  # noqa: D102 - as `Report`
    @property
    def connections(self) -> int: ...  # noqa: D102 - as `Report`
    @property
    def open_connections(self) -> int: ...  # noqa: D102 - as `Report`
    @property
    def requests(self) -> int: ...  # noqa: D102 - as `Report`
    @property
    def in_flight(self) -> int: ...  # noqa: D102 - as `Report`
    @property
    def max_in_flight(self) -> int: ...  # noqa: D102 - as `Report`

    def script(self, *steps: Step) -> None:
        """Add steps."""

    def behave(self, step: Step, *, key: str | None = None) -> None:
        """Set the default step, or that of a key."""

    def cap(self, caps: Caps | None) -> None:
        """Set hard limits per minute."""

    def forget(self) -> None:
        """Empty `seen`."""

    def refuse(self) -> None:
        """Refuse connections."""

    def revive(self) -> Callable[[], bool]:
        """Begin to listen again; the result says whether it is done."""
        ...


def control(provider: Controlled, seen: Seen) -> bytes | Iterator[Move]:
    """Carry out one request to `/_control`."""
    url = urlsplit(seen.path)
    verb = url.path.removeprefix("/_control/")
    if seen.method == "GET" and verb == "seen":
        return whole(200, encode(report(provider)))
    act = _VERBS.get(verb) if seen.method == "POST" else None
    if act is None:
        return whole(404, error_body(404))
    key = parse_qs(url.query).get("key", [None])[0]
    try:
        done = act(provider, seen.body, key)
    except msgspec.DecodeError as error:
        return whole(400, encode({"error": {"message": str(error)}}))
    return _OK if done is None else _when(done)


def report(provider: Controlled) -> Report:
    """Say what `provider` has seen."""
    return Report(
        name=provider.name,
        connections=provider.connections,
        open_connections=provider.open_connections,
        requests=provider.requests,
        in_flight=provider.in_flight,
        max_in_flight=provider.max_in_flight,
        seen=list(provider.seen),
    )


def _when(done: Callable[[], bool]) -> Iterator[Move]:
    while not done():
        yield Pause(POLL_S)
    yield _OK


def _behave(provider: Controlled, body: bytes, key: str | None) -> None:
    provider.behave(_read_step(body), key=key)


def _script(provider: Controlled, body: bytes, _key: str | None) -> None:
    provider.script(*_read_steps(body))


def _keys(provider: Controlled, body: bytes, _key: str | None) -> None:
    provider.keys = _read_keys(body)


def _limit(provider: Controlled, body: bytes, _key: str | None) -> None:
    provider.limit = _read_limit(body)


def _caps(provider: Controlled, body: bytes, _key: str | None) -> None:
    provider.cap(_read_caps(body))


def _stop(provider: Controlled, _body: bytes, _key: str | None) -> None:
    provider.refuse()


def _start(provider: Controlled, _body: bytes, _key: str | None) -> Callable[[], bool]:
    return provider.revive()


def _forget(provider: Controlled, _body: bytes, _key: str | None) -> None:
    provider.forget()


_Act = Callable[[Controlled, bytes, str | None], Callable[[], bool] | None]
_VERBS: Final[Mapping[str, _Act]] = MappingProxyType(
    {
        "behave": _behave,
        "script": _script,
        "keys": _keys,
        "limit": _limit,
        "caps": _caps,
        "stop": _stop,
        "start": _start,
        "forget": _forget,
    }
)
