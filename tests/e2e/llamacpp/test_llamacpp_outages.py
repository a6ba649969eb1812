"""A real llama.cpp that is killed, stopped, started and overfilled while callers stream from it."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import Struct, field
from msgspec.structs import replace
from openai import APIError, AsyncOpenAI, OpenAI

from hotswap.clock import SystemClock

from .llama_server import Options
from .site import HELLO, LOCAL, SPARE, SPARE_TEXT, running, until
from .tiny_model import WORDS

pytestmark = pytest.mark.slow


class Stream(Struct):
    """One caller's stream, as far as it came."""

    target: str = ""
    pieces: list[str] = field(default_factory=list[str])
    finish: str | None = None
    problem: str = ""
    """What the SDK raised; empty: nothing."""

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self.pieces)


class Callers:
    """Stream at the same time through one SDK client, each for as long as the model can talk.

    Args:
        client: Asks.
        count: So many streams.
        talking: `talk` waits until so many have content.
    """

    def __init__(self, client: AsyncOpenAI, count: int, *, talking: int) -> None:
        self._client = client
        self._streams = [Stream() for _ in range(count)]
        self._silent = talking
        self._talk = asyncio.Event()
        self._tasks = [asyncio.ensure_future(self._ask(stream)) for stream in self._streams]

    async def talk(self) -> None:
        """Wait until `talking` streams have content."""
        await self._talk.wait()

    async def over(self) -> list[Stream]:
        """Wait until every stream has ended, one way or the other."""
        await asyncio.gather(*self._tasks)
        return self._streams

    async def _ask(self, stream: Stream) -> None:
        try:
            raw = await self._client.chat.completions.with_raw_response.create(
                model="assist", messages=HELLO, stream=True
            )
            stream.target = raw.headers["x-hotswap-target"]
            async for chunk in raw.parse():
                piece = chunk.choices[0].delta.content or ""
                if piece and not stream.text:
                    self._on_content()
                stream.pieces.append(piece)
                stream.finish = chunk.choices[0].finish_reason
        except APIError as error:
            stream.problem = error.message

    def _on_content(self) -> None:
        self._silent -= 1
        if self._silent == 0:
            self._talk.set()


def healed(streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams that broke off in the middle, and went on at the fallback."""
    return [
        stream
        for stream in streams
        if stream.target == LOCAL
        and set(stream.text.split()) & set(WORDS)
        and stream.text.endswith(SPARE_TEXT)
        and stream.finish == "stop"
        and not stream.problem
    ]


def spared(streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams that are the fallback's whole answer."""
    return [
        stream
        for stream in streams
        if stream.target == SPARE
        and stream.text == SPARE_TEXT
        and stream.finish == "stop"
        and not stream.problem
    ]


async def target_of_an_answer(client: AsyncOpenAI) -> str:
    """Return who answers a short request."""
    raw = await client.chat.completions.with_raw_response.create(
        model="assist", messages=HELLO, max_completion_tokens=4
    )
    assert raw.parse().choices[0].message.content
    return raw.headers["x-hotswap-target"]


@pytest.mark.timeout(60)
async def test_killed_under_fifty_streams_it_cheats_nobody_and_is_back_by_one_probe(
    model: str, tmp_path: Path
) -> None:
    """Forty are answered at a time, so ten have no content yet when it dies."""
    clock = SystemClock()
    with running(Options(model, slots=40), tmp_path) as site:
        async with AsyncOpenAI(base_url=site.base_url, api_key="any") as client:
            callers = Callers(client, 50, talking=40)
            await callers.talk()
            site.llama.kill()
            streams = await callers.over()

            assert (len(healed(streams)), len(spared(streams))) == (40, 10)
            assert await target_of_an_answer(client) == SPARE

            site.llama.start()
            back_at = clock.now()
            while await target_of_an_answer(client) != LOCAL:  # noqa: ASYNC110 - the callers' pace
                await asyncio.sleep(0.02)
            assert clock.now() - back_at < 10.0

        probes = until(site.probes)
        assert [(probe["target"], probe["status"]) for probe in probes] == [(LOCAL, 200)]
        assert site.llama.answers() == 2  # to the probe, and to the last caller


async def test_stopped_in_mid_stream_it_falls_silent_which_the_limits_end(
    model: str, tmp_path: Path
) -> None:
    """On SIGTERM it generates no more, and keeps its connections for half a minute."""
    limits = "silence_s: 2, first_content_s: 2"
    with running(Options(model, slots=2), tmp_path, limits) as site:
        async with AsyncOpenAI(base_url=site.base_url, api_key="any") as client:
            callers = Callers(client, 3, talking=2)
            await callers.talk()
            site.llama.terminate()
            streams = await callers.over()
            assert (len(healed(streams)), len(spared(streams))) == (2, 1)
            assert await target_of_an_answer(client) == SPARE


def test_while_it_loads_its_model_others_answer(model: str, tmp_path: Path) -> None:
    options = Options(model)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with (
        running(options, tmp_path) as site,
        OpenAI(base_url=site.base_url, api_key="any") as client,
    ):
        site.llama.kill()
        site.llama.options = replace(site.llama.options, gate=str(gate))
        site.llama.begin()
        with gate.open("w"):  # waits until it is at the point of reading
            raw = client.chat.completions.with_raw_response.create(model="assist", messages=HELLO)
            first = site.attempts(raw.headers["x-hotswap-request-id"])[0]
        site.llama.await_ready()
        after = client.chat.completions.with_raw_response.create(
            model="assist", messages=HELLO, max_completion_tokens=1
        )

        assert raw.headers["x-hotswap-target"] == SPARE
        assert (first["target"], first["cause"]) == (LOCAL, "hard")
        assert (first["detail"], first["status"]) == ("overloaded", 503)
        assert after.headers["x-hotswap-target"] == LOCAL


async def test_after_an_error_within_a_stream_the_answer_goes_on_elsewhere(
    model: str, tmp_path: Path
) -> None:
    """When the answers in flight fill the pool that its slots share, all of them end at once."""
    with running(Options(model, slots=4, pool=1024), tmp_path) as site:
        async with AsyncOpenAI(base_url=site.base_url, api_key="any") as client:
            streams = await Callers(client, 4, talking=4).over()

            assert len(healed(streams)) == 4
            assert await target_of_an_answer(client) == LOCAL
