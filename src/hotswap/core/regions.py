"""The same model of the same vendor in several regions: which stands in for which.

Capacity fails region by region, so the same model elsewhere is the best that can stand in for one
that is down. What a vendor has in common, such as its sign-in, fails in all regions at once: once
two of them are down, the others are asked in their own turn only.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from .terms import Target

DOWN_MAX: Final = 2
"""Regions that are down before a vendor's other ones are preferred no longer."""


def are_sisters(one: Target, other: Target) -> bool:
    """Say whether two targets are one vendor's same model in two known regions."""
    return (
        one.model == other.model
        and one.vendor == other.vendor
        and one.region != other.region
        and bool(one.region and other.region and one.vendor)
    )


def stand_in(down: Target, left: Sequence[Target], others_down: Iterable[Target]) -> int | None:
    """Return the place of the target that stands in for one that is down; None: none does.

    Args:
        down: Failed, or is open.
        left: In the order in which they would be asked.
        others_down: Further targets that failed or are open, of whatever vendor.
    """
    if not down.region:
        return None
    regions = {one.region for one in others_down if are_sisters(down, one)}
    if len(regions) + 1 >= DOWN_MAX:
        return None
    return next((at for at, target in enumerate(left) if are_sisters(down, target)), None)
