"""In which of its vendor's regions a model is asked first: in the nearest one."""

from collections.abc import Sequence

from msgspec import structs

from ..core.terms import Target


def nearest_first(targets: Sequence[Target], regions: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets with one vendor's same model, in several regions, in order of nearness.

    Only their places are exchanged, with the priorities of these places; everybody else stays.

    Args:
        targets: Of a chain, sorted by priority.
        regions: Nearest first; those that it does not name are the farthest, as they are listed.
    """
    placed = list(targets)
    groups: dict[tuple[str, str], list[int]] = {}
    for at, target in enumerate(targets):
        groups.setdefault((target.vendor, target.model), []).append(at)
    distance = {region: steps for steps, region in enumerate(regions)}
    for places in groups.values():
        near = sorted(places, key=lambda at: distance.get(targets[at].region, len(regions)))
        for at, found in zip(places, near, strict=True):
            placed[at] = structs.replace(targets[found], priority=targets[at].priority)
    return tuple(placed)
