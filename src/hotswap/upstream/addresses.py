"""Which addresses connections may go to (server-side request forgery).

The check is made on the address itself, after the name was resolved and right before connecting
to that same address, so that a name can not change its mind in between.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure: a public address that only leads to the host
    )
)
"""Services of clouds that hand out credentials; those in 169.254.0.0/16 are link-local anyway."""
_NAT64: Final = IPv6Network("64:ff9b::/96")


@lru_cache(maxsize=1024)
def refusal(text: str, *, allow_private: bool) -> str | None:
    """Say why a connection may not go to this address; None: it may.

    Addresses of metadata services, link-local, multicast and unspecified ones are refused
    always; all others that are not globally reachable unless `allow_private`.
    """
    try:
        address: Address = ip_address(text)
    except ValueError:
        return f"{text!r} is not an address"
    for each in (address, *_embedded(address)):
        if each.is_link_local or each in _METADATA:
            return f"{text} is a link-local or metadata address"
        if each.is_multicast or each.is_unspecified or _is_this_network(each):
            return f"{text} is not the address of a single host"
        if not allow_private and not each.is_global:
            return f"{text} is not a public address, and allow_private is not set"
    return None


def _embedded(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 address that an IPv6 one leads to, if any."""
    if isinstance(address, IPv4Address):
        return ()
    mapped = address.ipv4_mapped or address.sixtofour
    if mapped is None and address in _NAT64:
        mapped = IPv4Address(int(address) & 0xFFFFFFFF)
    return () if mapped is None else (mapped,)


def _is_this_network(address: Address) -> bool:
    """Linux connects 0.0.0.0/8 to the machine itself."""
    return isinstance(address, IPv4Address) and int(address) >> 24 == 0
