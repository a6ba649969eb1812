"""The configuration as the processes use it: checked, resolved, ready to send over the link.

Light on purpose: workers import this, and neither YAML nor pydantic.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from ..core.settings import Health, ServerSettings, StoreSettings
from ..core.terms import Chain, Provider


class AccessKey(Struct, frozen=True, gc=False):
    """A caller's key, of which only the digest is known."""

    id: str
    sha256: str
    """Lower-case hex digest of the key."""
    fallback: bool = True
    splice: bool = True
    order: bool = False
    """It may name the targets of a request."""
    zones: tuple[str, ...] = ()
    """Its requests go to these only; empty: to all."""


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
    source: str = ""
    """SHA-256 of the file's bytes, by which a change made meanwhile is noticed."""
