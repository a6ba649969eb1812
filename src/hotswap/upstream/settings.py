"""The client's own limits, each with its reason."""

from typing import Final

from msgspec import Struct

MIB: Final = 1024 * 1024


class ClientSettings(Struct, frozen=True, gc=False):
    """Bounds on what the client keeps, accepts and waits for."""

    max_header_bytes: int = 64 * 1024
    """Status line and headers of one response, 1xx responses before it included."""
    max_body_bytes: int = 64 * MIB
    """Decoded body of one response; an event stream has no such limit."""
    idle_s: float = 50.0
    """An idle connection is replaced after this, below the 60 to 75 s of common servers."""
    idle_jitter: float = 0.1
    """Share of `idle_s` by which that moment is brought forward at random."""
    stale_after_s: float = 1.0
    """Opened ahead, a connection may be stale after this; no server in use gives up sooner."""
    max_idle: int = 256
    """Idle connections kept per endpoint; the least recently used go first."""
    max_connections: int = 10_000
    """Connections per endpoint, idle, busy and opening; further requests wait for one."""
    dns_refresh_s: float = 30.0
    """Age at which a name is resolved anew."""
    dns_patience_s: float = 0.2
    """With an older result at hand, a new resolution is waited for no longer than this."""
    attempt_delay_s: float = 0.25
    """Head start of an address before the next one is tried (RFC 8305, section 5)."""
    warm_connect_s: float = 5.0
    """Limit for opening a connection that no request waits for."""
    warm_retry_s: float = 0.5
    """First pause after such a connection could not be opened; doubles, half of it jittered."""
    warm_retry_max_s: float = 30.0
