"""The configuration as the processes use it: checked, resolved, ready to send over the link.

Light on purpose: workers import this, and neither YAML nor pydantic.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from ..core.settings import Health
from ..core.terms import Chain, Provider

MIB = 1024 * 1024


class ServerSettings(Struct, frozen=True):
    """The public listener and the processes behind it."""

    host: str = "127.0.0.1"
    port: int = 8100
    admin_host: str = "127.0.0.1"
    admin_port: int = 8101
    workers: int = 1
    state_dir: str = ".hotswap"
    """Absolute, or relative to the configuration file's folder; resolved when loaded."""
    max_body_bytes: int = 32 * MIB
    max_header_bytes: int = 64 * 1024
    max_connections: int = 10_000
    """Per worker; further ones are closed at once."""
    header_s: float = 10.0
    """A request's head must be complete within this."""
    body_s: float = 60.0
    """A request's body must make progress at least this often."""
    idle_s: float = 75.0
    """A connection without a request is closed after this; above the pools of common clients."""
    drain_s: float = 120.0
    """How long requests in flight may go on after SIGTERM."""
    linger_s: float = 0.0
    """After SIGTERM: how long new requests are still accepted while `/readyz` says no."""
    keep_alive_s: float = 15.0
    """A stream without content so far gets its head and a ping after this."""
    warm: int = 1
    """Idle connections kept open to every eligible fallback endpoint, per worker."""
    tls_cert: str = ""
    tls_key: str = ""


class AccessKey(Struct, frozen=True, gc=False):
    """A caller's key, of which only the digest is known."""

    id: str
    sha256: str
    """Lower-case hex digest of the key."""


class StoreSettings(Struct, frozen=True, gc=False):
    """Where records go."""

    url: str = "sqlite:.hotswap/hotswap.db"
    commit_s: float = 0.02
    """Group commit; a larger one stalls a shared core for longer."""
    retention_days: float = 30.0
    buffer: int = 20_000
    """Records that a worker holds while the keeper is away."""


class Snapshot(Struct, frozen=True):
    """One whole, valid configuration."""

    digest: str
    """First 16 hex digits of the SHA-256 over the file's resolved content, secrets left out."""
    chains: Mapping[str, Chain]
    """By name and by alias, and by `provider/model` for every target of every chain."""
    providers: Mapping[str, Provider]
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    keys: tuple[AccessKey, ...] = ()
    health: Health = field(default_factory=Health)
    listed: tuple[str, ...] = ()
    """Names that `GET /v1/models` shows, in order."""
    warnings: tuple[str, ...] = ()
