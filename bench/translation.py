"""What translation costs: the same request passed on, and said in another dialect.

A caller of OpenAI's chat sends 13 kB with tools to a target that speaks alike, and to one that
speaks Anthropic's Messages; the same for streams, and there a caller of Messages asks that target
too. `python -m bench.translation` sends the requests.
"""

import argparse
import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct

from hotswap.testing.step import Step

from . import load, tree
from .caller import post
from .figures import Bench
from .measure import SLOTS
from .setups import Gateway, hotswap
from .streams import GRACE_S, Slots
from .upstreams import (
    CHAT,
    EVENTS,
    HEALTHY,
    MESSAGES,
    PROVIDER_HEADERS,
    SMALL,
    Chain,
    answer,
    provider,
)

CONNECTIONS: Final = 16
TOOLS: Final = 7
TURN_S: Final = 1.0
PASSED: Final = "passed"
TRANSLATED: Final = "translated"
NAMED: Final = "named"
"""Passed on too, but in Anthropic's Messages, whose events have names."""
_SENTENCE: Final = "The quick brown fox jumps over the lazy dog and reads the quarterly report. "


class Result(Struct, frozen=True, gc=False):
    """What became of the requests."""

    answers: int
    failed: int


def asked(model: str) -> dict[str, object]:
    """Return a chat request of 13 kB: instructions, a call with its result, seven tools."""
    call = {"name": "tool_1", "arguments": '{"field_0":"brown"}'}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": _SENTENCE * 20},
            {"role": "user", "content": _SENTENCE * 20},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": _SENTENCE * 20},
            {"role": "assistant", "content": _SENTENCE * 10},
            {"role": "user", "content": _SENTENCE * 13},
        ],
        "tools": [{"type": "function", "function": _tool(number)} for number in range(TOOLS)],
        "temperature": 0.7,
        "max_completion_tokens": 500,
    }


def measure(bench: Bench, folder: Path) -> None:
    """Compare the worker's CPU for what passes with that for what is translated."""
    with ExitStack() as stack:

        def chain(name: str, step: Step, kind: str, path: str = CHAT) -> Chain:
            port = stack.enter_context(provider(name, step, bench.cores)).port
            return Chain(name, (port,), kind=kind, path=path)

        chains = [
            bench.chains[SMALL],
            chain(PASSED, answer(1024), "openai"),
            chain(TRANSLATED, _message(1024), "anthropic"),
            chain(f"{PASSED}-stream", HEALTHY, "openai"),
            chain(f"{TRANSLATED}-stream", HEALTHY, "anthropic"),
            chain(f"{NAMED}-stream", HEALTHY, "anthropic", MESSAGES),
        ]
        gateway = stack.enter_context(hotswap(chains, folder, prefix=bench.cores.for_gateway()))
        for number in range(bench.effort.pairs):
            # There and back, so that a drift of the machine does not favour either.
            order = (PASSED, TRANSLATED)[:: -1 if number % 2 else 1]
            costs = {name: _requests(gateway, name, bench) for name in order}
            bench.figures.add("hotswap", "passed_request", costs[PASSED])
            bench.figures.add("hotswap", "translated_request", costs[TRANSLATED] - costs[PASSED])
        for number in range(bench.effort.rounds):
            streams = (PASSED, TRANSLATED, NAMED)[:: -1 if number % 2 else 1]
            read = {name: _events(gateway, f"{name}-stream", bench) for name in streams}
            more = read[TRANSLATED].busiest_us - read[PASSED].busiest_us
            bench.figures.add("hotswap", "translated_event", more / EVENTS)
            for name in (TRANSLATED, NAMED):
                bench.figures.add("hotswap", f"{name}_stream_cpu", read[name].cpu_us / EVENTS)


def _requests(gateway: Gateway, chain: str, bench: Bench) -> float:
    """Return the worker's CPU per request in microseconds."""
    words = (sys.executable, "-m", "bench.translation", gateway.urls[chain], chain)
    meter = tree.Meter(gateway.pid)
    output = load.run((*bench.cores.for_load(), *words, "--seconds", str(TURN_S)))
    used = meter.read()
    result = msgspec.json.decode(output, type=Result)
    bench.figures.note(gateway.name, chain, result.failed / max(result.answers, 1))
    return used.busiest_s * 1e6 / max(result.answers, 1)


def _events(gateway: Gateway, chain: str, bench: Bench) -> load.StreamCost:
    """Read streams of `EVENTS` events."""
    cost = load.read_streams(
        gateway, chain, bench.cores, slots=SLOTS, seconds=bench.effort.stream_s
    )
    bench.figures.note(gateway.name, chain, cost.failed)
    return cost


def _tool(number: int) -> dict[str, object]:
    fields = {f"field_{at}": {"type": "string", "description": _SENTENCE} for at in range(5)}
    return {
        "name": f"tool_{number}",
        "description": _SENTENCE * 2,
        "parameters": {"type": "object", "properties": fields, "required": ["field_0"]},
    }


def _message(size: int) -> Step:
    """Return a good answer of Anthropic's dialect of about `size` bytes."""
    body = {
        "id": "msg_0123456789abcdefghijklmn",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "word " * ((size - 250) // 5)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 200, "output_tokens": 130},
    }
    return Step(body=body, headers=PROVIDER_HEADERS)


async def send(url: str, model: str, seconds: float) -> Result:
    """Send requests as fast as they are answered."""
    place = urlsplit(url)
    slots = Slots(post(url, asked(model)), seconds)
    for _ in range(CONNECTIONS):
        await slots.open(place.hostname or "", place.port or 80)
    try:
        async with asyncio.timeout(seconds + GRACE_S):
            await slots.finished.wait()
    except TimeoutError:
        slots.failed += slots.running
    return Result(slots.whole, slots.failed)


def main() -> None:
    """Send and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.translation")
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=TURN_S)
    options = parser.parse_args()
    result = uvloop.run(send(options.url, options.model, options.seconds))
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the bench reads it


if __name__ == "__main__":
    main()
