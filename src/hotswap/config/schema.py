"""The configuration file, field by field.

These models say what may be written; `load` turns them into the `Snapshot` that the processes
use. The names are a promise to users. Numbers with a meaning live in `core.settings`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, Literal, cast

from annotated_types import MinLen
from msgspec import Struct
from pydantic import (  # noqa: TID251 - this package reads the configuration file
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from ..core.settings import (
    AuthRule,
    ErrorRateRule,
    ErrorRule,
    Exhausted,
    Health,
    Hedging,
    LatencyRule,
    RateLimitRule,
    RateLimits,
    RegionRule,
    Retry,
    ServerSettings,
    Share,
    Sticky,
    StoreSettings,
    Streaming,
    Timeouts,
)
from .describe import described, keys_at
from .fields import (
    Above,
    AsStruct,
    AsTrigger,
    Count,
    Flag,
    Later,
    Listed,
    Pause,
    Size,
    Whole,
    Word,
    without_nulls,
)
from .nodes import plain

Ability = Literal[
    "images",
    "vision",
    "audio",
    "video",
    "files",
    "tools",
    "forced_tool",
    "json_object",
    "json_schema",
    "several",
    "logprobs",
    "sampling",
    "stop",
    "prefill",
    "reasoning",
]
"""What a model can do, by the names that `models` and `require` use; vision is another word for
images."""

_SERVER: Final = ServerSettings()
_STORE: Final = StoreSettings()


def _off_is_none(value: object) -> object:
    return None if (plain(value) if isinstance(value, str) else value) is False else value


_EXHAUSTED: Final[Mapping[str | bool, Mapping[str, object]]] = {
    "error": {},
    "least_bad": {"least_bad": True},
}
"""Words for `on_exhausted`."""


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_defaults(cls, values: object) -> object:
        return without_nulls(values, tuple(cls.model_fields))


class TlsFile(_Section):
    """Certificate of the public listener."""

    cert: str
    """PEM file with the certificate and the chain behind it."""
    key: str
    """PEM file with the private key, without a password."""


class ServerFile(_Section):
    """The public listener, the admin listener, and the processes behind them."""

    listen: str = f"{_SERVER.host}:{_SERVER.port}"
    """Address and port for callers. Without an access key only a loopback address is allowed."""
    admin: str = f"{_SERVER.admin_host}:{_SERVER.admin_port}"
    """Address and port of the admin API; always guarded by the admin key."""
    workers: Count = _SERVER.workers
    """Processes that serve callers; one per core at most."""
    state_dir: str = _SERVER.state_dir
    """Folder of the admin key and other state, relative to this file's folder."""
    max_body: Size = _SERVER.max_body_bytes
    """Largest request body."""
    max_header: Size = _SERVER.max_header_bytes
    """Largest request head."""
    max_connections: Count = _SERVER.max_connections
    header_s: Above = _SERVER.header_s
    body_s: Above = _SERVER.body_s
    idle_s: Above = _SERVER.idle_s
    drain_s: Pause = _SERVER.drain_s
    linger_s: Pause = _SERVER.linger_s
    keep_alive_s: Above = _SERVER.keep_alive_s
    regions: tuple[Word, ...] = ()
    warm: Whole = _SERVER.warm
    tls: TlsFile | None = None
    """Serve HTTPS. Without it: HTTP."""
    trusted_proxies: Later = None
    """Not supported yet: proxies whose forwarded addresses are believed."""


class RecordsFile(_Section):
    """How records are written and how long they are kept."""

    commit_s: Above = _STORE.commit_s
    retention_days: Above = _STORE.retention_days
    """Older records are deleted."""
    buffer: Count = _STORE.buffer


class KeyFile(_Section):
    """One key of a provider."""

    id: Word
    """Name of the key in records and commands."""
    secret: str
    """The key itself: `${NAME}` or `${file:/path}` rather than in clear."""


class ProviderFile(_Section):
    """An account at a company, or a server of your own."""

    kind: Word | None = None
    """openai, anthropic, google, mistral, azure, openrouter, groq, deepseek, vllm, ollama,
    llamacpp; any other is treated as openai. Default: the provider's name, or openai."""
    api: Literal["chat", "responses"] = "chat"
    """Which API of the OpenAI family is spoken."""
    base_url: str | None = None
    """What that provider's SDK takes: with /v1 for the OpenAI family, without version for
    anthropic and google; a query goes with every request, as Azure's `?api-version=2024-10-21`
    after `/openai/deployments/NAME`. Default: the usual one of the kind."""
    region: str = ""
    """Where the provider computes. The same model in another region of the same vendor is the first
    to stand in."""
    zone: str = ""
    """Where data may be processed, such as eu, us, global: chains and keys may require it."""
    allow_private: Flag | None = None
    """Allow private and loopback addresses. Implied by vllm, ollama and llamacpp with a literal
    private address."""
    proxy: str | None = None
    """URL of an HTTP proxy that connections go through, http:// only; `direct`: none.

    Null: what `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    """
    ca_file: str | None = None
    """PEM file of the authorities to trust instead of the system's."""
    keys: tuple[KeyFile, ...] | None = None
    """In order of preference. Default: the usual environment variable of the kind; an empty
    list: the provider wants no key."""
    vendor: Word | None = None
    """Who runs it: accounts of one vendor go down together. Default: the registered domain of its
    address, or the machine."""
    limits: Annotated[RateLimits, AsStruct()] | None = None
    """What the account may do in a minute, with each key and model. Default: learned from what the
    provider says."""


class PriceFile(_Section):
    """Price per million tokens; both are known, or neither is."""

    input: Pause
    """Of what is sent, in USD."""
    output: Pause
    """Of what is generated, in USD."""


class ModelFile(_Section):
    """What is known of one target, in place of what the built-in table and `catalog_file` say."""

    context: Count | None = None
    """Tokens of the window."""
    max_output: Count | None = None
    """Tokens of an answer; larger limits are lowered to it."""
    can: tuple[Ability, ...] = ()
    """What the model can do although the table says, or might say, that it can not."""
    cannot: tuple[Ability, ...] = ()
    """What it can not do: requests that need it go to other targets."""
    price: PriceFile | None = None
    """In place of what `catalog_file` and the built-in table of prices say."""


class LinkFile(_Section):
    """One target of a chain."""

    provider: Word
    """A name of `providers`, or a well-known kind."""
    model: Word
    """As the provider calls it."""
    priority: Whole | None = None
    """Lower is asked first. Without any in the chain, list order counts."""
    weight: Above = 1.0
    """Share among targets of equal priority."""
    overrides: Mapping[str, object] = Field(default_factory=dict[str, object])
    """Fields that replace those of the request, such as `temperature`."""


class RequireFile(_Section):
    """What every target of a chain must have; those that lack it are left out with a warning."""

    can: tuple[Ability, ...] = ()
    """What its model must be able to do."""
    context: Count | None = None
    """Tokens that its window must have. An unknown window passes."""
    regions: tuple[Word, ...] = ()
    """Its provider's `region` must be one of these."""
    zones: tuple[Word, ...] = ()
    """Its provider's `zone` must be one of these."""


class CostRule(Struct, frozen=True):
    """Trigger `cost`. Not active yet."""

    budget: str = ""
    """Name of the budget."""
    at: Share = 0.8
    """Share of the budget from which on price decides."""


class QualityRule(Struct, frozen=True):
    """Trigger `quality`. Not active yet."""

    checks: tuple[object, ...] = ()
    """What is looked for in an answer."""
    threshold: Share | None = None
    """Score below which a target is suspect."""


class EveryRule(Struct, frozen=True):
    """Trigger `all`: every trigger with its defaults."""


TRIGGER_RULES: Final[Mapping[str, type[Struct]]] = {
    "rate_limit": RateLimitRule,
    "latency": LatencyRule,
    "error": ErrorRule,
    "availability": ErrorRule,
    "error_rate": ErrorRateRule,
    "cost": CostRule,
    "quality": QualityRule,
    "auth": AuthRule,
    "region": RegionRule,
    "all": EveryRule,
}


class ChainFile(_Section):
    """A named, ordered set of targets; callers name it as their model."""

    name: Word
    """What callers name as their model."""
    aliases: tuple[Word, ...] = ()
    """Further names, such as a model that applications already ask for."""
    models: Annotated[tuple[LinkFile, ...], MinLen(1)]
    """The targets; each at most once."""
    balance: Literal["priority", "weighted", "least_latency", "least_busy", "cheapest"] = "priority"
    """How the first target is chosen: by priority, and by weight among those of one priority;
    `weighted`: by weight among all of them; the others: among those of one priority, which all have
    that have none written."""
    sticky: Annotated[
        Annotated[Sticky, AsStruct({True: {}})] | None, BeforeValidator(_off_is_none)
    ] = None
    """`true`, or its settings: requests of one conversation go to the same target, whose prompt
    cache is warm. Default: every request is balanced anew."""
    require: RequireFile = Field(default_factory=RequireFile)
    """What every target must have."""
    triggers: tuple[Annotated[Listed, AsTrigger(TRIGGER_RULES)], ...] | None = None
    """What moves requests on. `error`, `auth` and `region` act unless disabled, the others
    when listed; `all` lists every one. Default: rate_limit, error, auth, region."""
    timeouts: Annotated[Timeouts, AsStruct()] = Field(default_factory=Timeouts)
    retry: Annotated[Retry, AsStruct()] = Field(default_factory=Retry)
    stream: Annotated[Streaming, AsStruct()] = Field(default_factory=Streaming)
    hedge: Annotated[Hedging, AsStruct()] | None = None
    """Default: no request is sent twice, unless a `latency` trigger says `action: hedge`."""
    on_exhausted: Annotated[Exhausted, AsStruct(_EXHAUSTED)] = Field(default_factory=Exhausted)
    """What happens when no target is left: `error`; `least_bad`, it is asked in any case; or
    `{wait_s: 2}`, one may come back within so many seconds."""
    quality: Later = None
    """Not supported yet."""


class FallbackFile(_Section):
    """The chains, and how the health of their targets is judged."""

    chains: Annotated[tuple[ChainFile, ...], MinLen(1)]
    """What callers may name as their model."""
    health: Annotated[Health, AsStruct()] = Field(default_factory=Health)


class AccessKeyFile(_Section):
    """A caller's key, given by its digest."""

    id: Word
    """Name of the key in records."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
    """Hex digest of the key: `printf %s "$KEY" | sha256sum`."""
    fallback: Flag = True
    """Off: its requests are served by the first candidate only."""
    splice: Flag = True
    """Off: its answers never go on at another target; one that breaks off ends with an error."""
    scopes: tuple[Literal["order"], ...] = ()
    """What it may do beyond asking. `order`: name the targets of a request by `x-hotswap-order`."""
    zones: tuple[Word, ...] = ()
    """Its requests go to providers of these zones only, whatever else is down. Empty: to all."""


class AccessFile(_Section):
    """Who may call. Without any key the listener stays on loopback and takes every credential."""

    keys: tuple[AccessKeyFile, ...] = ()
    """The keys that callers may have; empty: none is needed."""
    allow: Later = None
    """Not supported yet: addresses that may call."""
    deny: Later = None
    """Not supported yet: addresses that may not call."""


class ConfigFile(_Section):
    """The whole of `hotswap.yaml`."""

    server: ServerFile = Field(default_factory=ServerFile)
    store: str = _STORE.url
    """Where records go: `sqlite:` and a path relative to this file's folder."""
    records: RecordsFile = Field(default_factory=RecordsFile)
    share: Literal["memory"] = "memory"
    """What machines share their state through."""
    providers: dict[Word, ProviderFile] = Field(default_factory=dict[str, ProviderFile])
    """By the name that chains use. The well-known kinds need no entry."""
    models: dict[str, ModelFile] = Field(default_factory=dict[str, ModelFile])
    """By `provider/model`: what is known better than by the built-in table."""
    catalog_file: str | None = None
    """JSON file in the form of LiteLLM's `model_prices_and_context_window.json`, relative to this
    file's folder: what it says of a model, or of its price, counts more than built-in tables."""
    fallback: FallbackFile
    budgets: Later = None
    """Not supported yet."""
    access: AccessFile = Field(default_factory=AccessFile)
    audit: Later = None
    """Not supported yet."""
    telemetry: Later = None
    """Not supported yet."""


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of the file, for editors."""
    schema = described(ConfigFile.model_json_schema(), _owners())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def known_keys(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys that may stand at `path`; a trigger's type is a step after its index."""
    return keys_at(_plain_schema(), path)


@cache
def _plain_schema() -> dict[str, object]:
    return ConfigFile.model_json_schema()


def _owners() -> dict[str, tuple[type, ...]]:
    """Return the classes whose fields a part of the JSON Schema has, by its title."""
    health = cast("list[type]", list(Health.__annotations__.values()))
    rules = (Timeouts, Retry, Streaming, Hedging, Health, Sticky, Exhausted, RateLimits)
    known: list[type] = [*_Section.__subclasses__(), *rules, *health]
    owners: dict[str, tuple[type, ...]] = {owner.__name__: (owner,) for owner in known}
    owners |= {f"Trigger {name}": (rule,) for name, rule in TRIGGER_RULES.items()}
    owners["ServerFile"] = (ServerFile, ServerSettings)
    owners["RecordsFile"] = (RecordsFile, StoreSettings)
    return owners
