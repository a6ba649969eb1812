"""The scripted upstreams, and the chains over them."""

import contextlib
import socket
from collections.abc import Generator, Mapping
from typing import Final

from msgspec import Struct

from hotswap.testing.process import ProviderProcess
from hotswap.testing.step import Cut, Step

from .machine import Cores

EVENTS: Final = 100
"""Events of a stream: the role, 97 pieces, the finish, `[DONE]`."""
SLOW_EVENTS: Final = 11
SLOW_GAP_S: Final = 0.5
SLOW_S: Final = SLOW_GAP_S * (SLOW_EVENTS - 3)
"""How long a slow stream lasts: the first content and `[DONE]` come without a pause."""

PROVIDER_HEADERS: Final[Mapping[str, str]] = {
    "date": "Sun, 22 Nov 2026 12:00:00 GMT",
    "content-type": "application/json",
    "connection": "keep-alive",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "example-organization",
    "openai-processing-ms": "412",
    "openai-project": "proj_0123456789abcdefghijklmn",
    "openai-version": "2020-10-01",
    "x-envoy-upstream-service-time": "431",
    "x-ratelimit-limit-requests": "10000000",
    "x-ratelimit-limit-tokens": "30000000000",
    "x-ratelimit-remaining-requests": "9999999",
    "x-ratelimit-remaining-tokens": "29999999750",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
    "x-request-id": "req_0123456789abcdef0123456789abcdef",
    "x-openai-proxy-wasm": "v0.1",
    "cf-cache-status": "DYNAMIC",
    "set-cookie": "__cf_bm=0123456789.abcdefghijklmnopqrstuvwxyz; path=/; HttpOnly; Secure",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "x-content-type-options": "nosniff",
    "server": "cloudflare",
    "cf-ray": "0123456789abcdef-FRA",
    "alt-svc": 'h3=":443"; ma=86400',
}
"""With the length these are the 25 headers that a real provider answers with; its limits are such
as would allow the load, because nobody is asked first who says that there is too much of it."""

CHAT: Final = "/v1/chat/completions"
MESSAGES: Final = "/v1/messages"

SMALL: Final = "small"
STREAM: Final = "stream"
SLOW: Final = "slow"
"""Streams that speak twice a second."""
FAULTS: Final[Mapping[str, Step | None]] = {
    "limited": Step(status=429, headers={"retry-after": "60"}),
    "failing": Step(status=500),
    "closing": Step(drop=Cut.EOF),
    "refused": None,
}
"""What the first target of a chain does while the second one is healthy; None: nobody listens."""

SPLICED: Final = ("spliced-asked", "spliced-native")
"""Chains whose first target breaks off in the middle of each answer."""

HEALTHY: Final = Step(text=(" word",) * (EVENTS - 3), gap_s=0.01)


class Chain(Struct, frozen=True):
    """Where the requests of one chain go, in order."""

    name: str
    ports: tuple[int, ...]
    account: str = ""
    """Chains of one account share its providers and ask them for a model each; empty: its own."""
    kind: str = "openai"
    """Of the providers; decides what they speak."""
    path: str = CHAT
    """Where its callers ask; decides what they speak."""


@contextlib.contextmanager
def upstreams(cores: Cores) -> Generator[dict[str, Chain]]:
    """Start the scripted upstreams on the load's core and yield the chains over them, by name."""
    slow = Step(text=(" word",) * (SLOW_EVENTS - 3), gap_s=SLOW_GAP_S)
    with contextlib.ExitStack() as stack:

        def start(name: str, step: Step | None) -> int:
            if step is None:
                return stack.enter_context(_held_port())
            return stack.enter_context(provider(name, step, cores)).port

        good, streaming = start("good", answer(1024)), start("streaming", HEALTHY)
        speaking = start("slow", slow)
        chains = [
            Chain(SMALL, (good, good, good)),
            Chain(STREAM, (streaming, streaming)),
            Chain(SLOW, (speaking, speaking)),
            *(Chain(name, (start(name, step), good)) for name, step in FAULTS.items()),
        ]
        yield {chain.name: chain for chain in chains}


def provider(name: str, step: Step, cores: Cores) -> ProviderProcess:
    """Return a scripted provider for the load's core that remembers no request."""
    return ProviderProcess(name, step, keep=0, prefix=cores.for_load())


def answer(size: int) -> Step:
    """Return a good answer of `size` bytes with the headers of a real provider."""
    head = (
        '{"id":"chatcmpl-bench","object":"chat.completion","created":1795000000,"model":"gpt-4o",'
        '"choices":[{"index":0,"message":{"role":"assistant","content":"'
    )
    tail = (
        '","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
        '"usage":{"prompt_tokens":200,"completion_tokens":130,"total_tokens":330}}'
    )
    words = "word " * ((size - len(head) - len(tail)) // 5)
    return Step(body=head + words + tail, headers=PROVIDER_HEADERS)


@contextlib.contextmanager
def _held_port() -> Generator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound without listening: connections are refused
        yield int(held.getsockname()[1])
