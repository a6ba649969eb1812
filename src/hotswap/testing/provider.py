"""A provider that does what a script says: a server of four APIs with every fault.

In a test it runs in the test's own loop::

    async with ScriptedProvider("openai") as provider:
        provider.script(Step(status=429), Step(text="Hello there."))
        ...  # point the chain at provider.base_url
        await provider.wait_for(lambda p: p.requests == 2, timeout_s=1)
        assert provider.seen[0].key == "sk-test"

As a process of its own it prints one line of JSON, `name`, `port`, `base_url` and `control`, and
is driven over HTTP (see `control.py`)::

    python -m hotswap.testing.provider --port 0 --name openai

It serves under any prefix, each in its API's own form and streamed or not:

* OpenAI: `POST .../chat/completions`, `.../responses`, `.../responses/input_tokens`,
  `.../embeddings`;
* Anthropic: `POST .../v1/messages`, `.../v1/messages/count_tokens`;
* Gemini: `POST .../models/M:generateContent`, `:streamGenerateContent`, `:countTokens`,
  `:embedContent`, `:batchEmbedContents`;
* `GET .../models`: Anthropic's list where `anthropic-version` is sent, Gemini's under `v1beta` or
  with `x-goog-api-key`, otherwise OpenAI's.

Steps apply to everything that is posted.
"""

import argparse
import asyncio
import signal
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import msgspec
import uvloop

from ..clock import Clock, SystemClock
from .answer import fixed, moves_of, whole
from .connection import Connection, Tally
from .control import control
from .form import Form
from .moves import Move
from .quota import Caps, Quotas
from .routes import Route, find_route, form_of
from .step import Answers, Check, Cut, Limit, Seen, Step

HEALTHY: Final = Step()


class ScriptedProvider:
    """A provider on loopback whose every answer is decided beforehand.

    A request takes the next step of the script; without one, the step of its key; without that,
    the default. A refused key, a used-up limit and a request that does not pass the check are
    answered before and take no step.

    Args:
        name: Shows in answers and in ids.
        default: The step of requests that the script and their key say nothing about.
        port: 0: a free one. It stays the same over `stop` and `start`, and refuses connections
            in between.
        keys: Only these are served, others get a 401 (of Gemini's API a 400); None: any, or none.
        models: What `GET .../models` lists.
        limit: Requests per window and key; None: no limit.
        caps: Hard limits of requests and tokens per minute and key, in a real provider's manner.
            A request beyond them takes its step as well, and is answered with a 429.
        check: Looks at each request that is posted; what it finds wrong is a 400 with its words,
            or the step that it returns. Such as `strictness.strict`.
        tls: Serve HTTPS with this context; None: plain HTTP.
        keep: So many requests are remembered in `seen`; 0 where nobody looks and speed matters.
    """

    def __init__(
        self,
        name: str = "scripted",
        default: Step = HEALTHY,
        *,
        port: int = 0,
        keys: Iterable[str] | None = None,
        models: Sequence[str] = ("gpt-4o", "gpt-4o-mini"),
        limit: Limit | None = None,
        caps: Caps | None = None,
        check: Check | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        keep: int = 100_000,
    ) -> None:
        self.name = name
        self.default = default
        self.port = port
        self.keys = None if keys is None else set(keys)
        self.models = tuple(models)
        self.limit = limit
        self.check: Check | None = check
        self.refusals: list[str] = []
        """What `check` found wrong, oldest first; a step that refuses counts as its body."""
        self.key_steps: dict[str, Step | Answers] = {}
        self._tls = tls
        self._clock: Clock = SystemClock() if clock is None else clock
        self._tally = Tally(keep)
        self._script: deque[Step] = deque()
        self._taken: dict[str, deque[float]] = {}
        self._quotas: Quotas | None = None
        self.cap(caps)
        self._fixed: tuple[Step, Route, bytes] | None = None
        self._held: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._control_server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None

    # Life

    @property
    def base_url(self) -> str:
        """What the `base_url` setting of OpenAI's clients takes: with the version."""
        return f"{self.root_url}/v1"

    @property
    def root_url(self) -> str:
        """What the `base_url` setting of Anthropic's, Google's and Mistral's clients takes."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, or listen again after `stop` on the same port."""
        if self._server is not None:
            return
        if self._held is None:
            self._held = _bound(self.port)
            self.port = int(self._held.getsockname()[1])
        loop = asyncio.get_running_loop()
        sock = _bound(self.port)
        self._server = await loop.create_server(
            self._connect, sock=sock, ssl=self._tls, backlog=1024
        )

    async def stop(self) -> None:
        """Refuse new connections and close those that are open, in whatever state they are."""
        self.refuse()
        await asyncio.sleep(0)

    def refuse(self) -> None:
        """As `stop`; under uvloop the listening socket is closed in the loop's next turn."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in tuple(self._tally.open):
            connection.drop()

    def revive(self) -> Callable[[], bool]:
        """Begin to listen again; the result says whether it is done."""
        self._starting = asyncio.get_running_loop().create_task(self.start())
        return self._starting.done

    async def close(self) -> None:
        """Stop, and let go of the port."""
        await self.stop()
        if self._control_server is not None:
            self._control_server.close()
            self._control_server = None
        if self._held is not None:
            self._held.close()
            self._held = None

    async def start_control(self, port: int = 0) -> int:
        """Serve `/_control` on a port of its own as well, and return the port.

        It keeps answering while the provider refuses, cuts or hangs.
        """
        loop = asyncio.get_running_loop()
        sock = _bound(port)
        self._control_server = await loop.create_server(self._connect_control, sock=sock)
        return int(sock.getsockname()[1])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # Behaviour

    def script(self, *steps: Step) -> None:
        """Add one step for each of the next requests."""
        self._script.extend(steps)

    def behave(self, step: Step, *, key: str | None = None) -> None:
        """Set the default, or what requests with `key` get, once the script is used up."""
        if key is None:
            self.default = step
        else:
            self.key_steps[key] = step

    def answer(self, key: str, answers: Answers) -> None:
        """Let requests with `key` get what they ask for, once the script is used up."""
        self.key_steps[key] = answers

    def cap(self, caps: Caps | None) -> None:
        """Set the hard limits, with nothing used of them; None: no limits."""
        self._quotas = None if caps is None else Quotas(caps, self._clock)

    def forget(self) -> None:
        """Empty `seen`; counters and numbers go on."""
        self._tally.seen.clear()

    # What happened

    @property
    def seen(self) -> Sequence[Seen]:
        """The requests that were received, oldest first."""
        return self._tally.seen

    @property
    def connections(self) -> int:
        """Connections accepted so far."""
        return self._tally.connections

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return len(self._tally.open)

    @property
    def requests(self) -> int:
        """Requests received so far, refused ones included."""
        return self._tally.requests

    @property
    def in_flight(self) -> int:
        """Requests that are being answered now."""
        return self._tally.in_flight

    @property
    def max_in_flight(self) -> int:
        """The most requests that were being answered at one time."""
        return self._tally.max_in_flight

    async def wait_for(
        self, condition: Callable[["ScriptedProvider"], bool], *, timeout_s: float = 5.0
    ) -> None:
        """Wait until `condition` holds; raises `TimeoutError`.

        It is looked at whenever a connection or a request begins or ends.
        """
        loop = asyncio.get_running_loop()
        holds: asyncio.Future[None] = loop.create_future()

        def look() -> None:
            if not holds.done() and condition(self):
                holds.set_result(None)

        look()
        self._tally.waiting.append(look)
        try:
            async with asyncio.timeout(timeout_s):
                await holds
        finally:
            self._tally.waiting.remove(look)

    async def wait_closed_early(self, index: int = 0, *, timeout_s: float = 5.0) -> float:
        """Wait until the client of `seen[index]` closed before its end; return when it did.

        Raises `TimeoutError`.
        """

        def closed(provider: ScriptedProvider) -> bool:
            seen = provider.seen
            return len(seen) > index and seen[index].closed_early_at is not None

        await self.wait_for(closed, timeout_s=timeout_s)
        return self.seen[index].closed_early_at or 0.0

    # The connections' questions

    def _connect(self) -> Connection:
        return Connection(self._tally, self._clock, self._accept, self._respond, self._steer)

    def _connect_control(self) -> Connection:
        return Connection(self._tally, self._clock, None, self._respond, self._steer)

    def _steer(self, seen: Seen) -> bytes | Iterator[Move]:
        return control(self, seen)

    def _accept(self) -> Cut | None:
        step = self._script[0] if self._script else self.default
        if step.accept is not None and self._script:
            self._script.popleft()
        return step.accept

    def _respond(self, seen: Seen) -> bytes | Iterator[Move]:
        route = find_route(seen.path) if seen.method == "POST" else None
        if route is not None:
            refusal = self._refusal(seen, route.form)
            return self._next(seen, route) if refusal is None else refusal
        form = form_of(seen)
        if seen.method == "GET" and seen.path.partition("?")[0].endswith("/models"):
            models = whole(200, form.models_body(self.models, self.name), form)
            return self._refusal(seen, form) or models
        return whole(404, form.error_body(404), form)

    def _next(self, seen: Seen, route: Route) -> bytes | Iterator[Move]:
        if self.check is not None and (wrong := self.check(seen)):
            return self._refuse(wrong, seen, route)
        if self._script:
            step = self._script.popleft()
        else:
            said = self.key_steps.get(seen.key, self.default) if self.key_steps else self.default
            step = said if isinstance(said, Step) else said(seen)
        if self._quotas is not None:
            step = self._quotas.answer(step, seen.key)
        known = self._fixed
        if known is not None and known[0] is step and known[1] is route:
            return known[2]
        answer = fixed(step, route.form)
        if answer is not None:
            self._fixed = (step, route, answer)
            return answer
        try:
            return moves_of(step, seen, route, self.name)
        except msgspec.DecodeError:
            return whole(400, route.form.error_body(400), route.form)

    def _refuse(self, wrong: str | Step, seen: Seen, route: Route) -> bytes | Iterator[Move]:
        if isinstance(wrong, str):
            self.refusals.append(wrong)
            return whole(400, route.form.error_body(400, wrong), route.form)
        self.refusals.append(msgspec.json.encode(wrong.body).decode())
        return moves_of(wrong, seen, route, self.name)

    def _refusal(self, seen: Seen, form: Form) -> bytes | Iterator[Move] | None:
        if self.keys is not None and seen.key not in self.keys:
            return fixed(form.wrong_key(), form)
        if self.limit is None:
            return None
        taken = self._taken.setdefault(seen.key, deque())
        while taken and seen.at >= taken[0] + self.limit.window_s:
            taken.popleft()
        if len(taken) < self.limit.requests:
            taken.append(seen.at)
            return None
        return fixed(form.limited(taken[0] + self.limit.window_s - seen.at), form)


def _bound(port: int) -> socket.socket:
    # SO_REUSEPORT lets one socket hold the port while another listens on it, or none does.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class StartProvider(Protocol):
    """What the fixture `scripted_provider` gives: starts one more provider for this test."""

    async def __call__(
        self,
        name: str = "scripted",
        default: Step = HEALTHY,
        *,
        keys: Iterable[str] | None = None,
        limit: Limit | None = None,
        check: Check | None = None,
    ) -> ScriptedProvider:
        """Return a provider that listens; the arguments are those of `ScriptedProvider`."""
        ...


class Announcement(msgspec.Struct, frozen=True):
    """The line that a provider process prints once it listens."""

    name: str
    port: int
    base_url: str
    control: str
    """URL of `/_control` on a port of its own, which answers whatever the provider does."""


async def _serve(name: str, port: int, step: Step, keep: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ScriptedProvider(name, step, port=port, keep=keep) as provider:
        control_port = await provider.start_control()
        control_url = f"http://127.0.0.1:{control_port}/_control"
        said = Announcement(name, provider.port, provider.base_url, control_url)
        print(msgspec.json.encode(said).decode(), flush=True)  # noqa: T201 - whoever starts it reads it
        await stopped.wait()


def main() -> None:
    """Run one provider until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m hotswap.testing.provider")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--name", default="scripted")
    parser.add_argument("--step", default="{}", help="the default step as JSON, or @FILE")
    parser.add_argument("--keep", type=int, default=100_000, help="requests to remember")
    options = parser.parse_args()
    text: str = options.step
    step = msgspec.json.decode(
        Path(text[1:]).read_bytes() if text.startswith("@") else text, type=Step
    )
    uvloop.run(_serve(options.name, options.port, step, options.keep))


if __name__ == "__main__":
    main()
