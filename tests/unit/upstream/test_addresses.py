"""Which addresses may be connected to."""

import pytest

from hotswap.upstream.addresses import refusal

NEVER = [
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "localhost",
    "127.1",
    "0177.0.0.1",
    "",
]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "::1",
    "::ffff:127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "::ffff:192.168.1.1",
    "64:ff9b::10.0.0.1",
    "100.64.0.1",
    "198.18.0.1",
    "240.0.0.1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
]
PUBLIC = ["1.1.1.1", "104.18.6.192", "::ffff:1.1.1.1", "2606:4700::6812:6c0", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_some_addresses_are_never_used(address: str, *, allow_private: bool) -> None:
    assert refusal(address, allow_private=allow_private) is not None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_have_to_be_allowed(address: str) -> None:
    assert refusal(address, allow_private=False) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_used(address: str) -> None:
    assert refusal(address, allow_private=False) is None


def test_a_refusal_names_the_address_and_the_reason() -> None:
    assert refusal("10.0.0.1", allow_private=False) == (
        "10.0.0.1 is not a public address, and allow_private is not set"
    )
