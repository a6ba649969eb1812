"""llama.cpp's own server in this process, until SIGTERM: `python llama_server.py OPTIONS`.

When it serves, one line on stdout says where it listens; its log goes to stderr.
"""

import signal
import sys
from importlib import import_module
from typing import Protocol, cast

import msgspec
from msgspec import Struct

NAME = "tiny"
"""What the model is called in answers; llama.cpp serves it whatever a request names."""


class Options(Struct, frozen=True):
    """How to serve; given as JSON."""

    model: str
    port: int = 0
    """0: a free one."""
    slots: int = 2
    """Requests that are answered at a time; further ones wait."""
    context: int = 4096
    """Tokens per slot."""
    pool: int = 0
    """Tokens that all slots share, in place of `context`; 0: none."""
    key: str = ""
    """Callers must have it; empty: none is needed."""
    embeddings: bool = False
    gate: str = ""
    """A FIFO: the model is loaded when somebody has written to it, or just closed it."""


class _Threads(Protocol):
    n_threads: int


class _Model(Protocol):
    path: str


class _Ngrams(Protocol):
    lookup_cache_static: str


class _Speculation(Protocol):
    types: list[object]
    ngram_cache: _Ngrams


class _Params(Protocol):
    model: _Model
    model_alias: set[str]
    port: int
    n_parallel: int
    n_ctx: int
    kv_unified: bool
    api_keys: list[str]
    embedding: bool
    pooling_type: object
    speculative: _Speculation
    cpuparams: _Threads
    cpuparams_batch: _Threads
    cache_ram_mib: int
    warmup: bool
    ui: bool


class _Server(Protocol):
    listening_address: str


class _Bindings(Protocol):
    """The part of `xllamacpp` that is used here; it has no types of its own."""

    llama_pooling_type: type
    common_speculative_type: type

    def CommonParams(self) -> _Params: ...  # noqa: N802 - its name
    def Server(self, params: _Params, /) -> _Server: ...  # noqa: N802 - its name


def _params(llama: _Bindings, options: Options) -> _Params:
    params = llama.CommonParams()
    params.model.path = options.model
    params.model_alias = {NAME}
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.pool or options.context * options.slots
    params.kv_unified = bool(options.pool)
    params.api_keys = [options.key] if options.key else []
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    params.warmup = params.ui = False
    if options.embeddings:
        params.embedding = True
        params.pooling_type = _member(llama.llama_pooling_type, "LLAMA_POOLING_TYPE_MEAN")
    if options.gate:
        # Guesses are read from a file after the port is open and before the model is there.
        kind = _member(llama.common_speculative_type, "COMMON_SPECULATIVE_TYPE_NGRAM_CACHE")
        params.speculative.types = [kind]
        params.speculative.ngram_cache.lookup_cache_static = options.gate
    return params


def _member(kind: type, name: str) -> object:
    return cast("object", getattr(kind, name))


def main() -> None:
    """Serve."""
    options = msgspec.json.decode(sys.argv[1], type=Options)
    # Threads inherit this, so that the signal waits for the one that asks for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    llama = cast("_Bindings", import_module("xllamacpp"))
    server = llama.Server(_params(llama, options))
    print(server.listening_address, flush=True)  # noqa: T201 - who started it waits for this
    signal.sigwait({signal.SIGTERM})
    del server  # the same end as that of llama.cpp's own program


if __name__ == "__main__":
    main()
