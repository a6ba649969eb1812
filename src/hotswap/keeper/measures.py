"""What the workers measure of each target, as one picture."""

from collections.abc import Iterable, Sequence

from ..core.latency import Figures, Quantiles
from ..core.meter import Use
from ..ledger.link import Measured


class Measures:
    """Keeps the last figures of every worker, and merges them.

    Load is summed up. Of times the worst worker's count: quantiles can not be joined, and whoever
    looks for trouble wants to see it.
    """

    __slots__ = ("_by_boot", "_uses")

    def __init__(self) -> None:
        self._by_boot: dict[str, dict[str, Figures]] = {}
        self._uses: dict[str, dict[str, tuple[Use, ...]]] = {}

    def take(self, boot: str, measured: Measured) -> None:
        """Take in what a worker says of some targets."""
        self._by_boot.setdefault(boot, {}).update(measured.figures)
        self._uses.setdefault(boot, {}).update(measured.uses)

    def drop(self, boot: str) -> None:
        """Forget a worker that has left."""
        self._by_boot.pop(boot, None)
        self._uses.pop(boot, None)

    def uses_of(self, target: str) -> tuple[Use, ...]:
        """Return what is used of the known limits of a target's keys, by all workers."""
        found: dict[tuple[str, str], Use] = {}
        for uses in self._uses.values():
            for use in uses.get(target, ()):
                place = use.credential, use.unit
                found[place] = _joined(found[place], use) if place in found else use
        return tuple(found.values())

    def of(self, target: str) -> Figures | None:
        """Return what is measured of a target; None: nobody asked it."""
        found = [figures[target] for figures in self._by_boot.values() if target in figures]
        return _merged(found) if found else None


def _merged(found: Sequence[Figures]) -> Figures:
    if len(found) == 1:
        return found[0]
    return Figures(
        streamed=_worst_quantiles(one.streamed for one in found),
        whole=_worst_quantiles(one.whole for one in found),
        gap_p95_s=_worst(one.gap_p95_s for one in found),
        total_p95_s=_worst(one.total_p95_s for one in found),
        peak_s=_worst(one.peak_s for one in found),
        in_flight=sum(one.in_flight for one in found),
        attempts=sum(one.attempts for one in found),
        failed_share=_share(found),
        first_content_limit_s=max(one.first_content_limit_s for one in found),
        whole_limit_s=max(one.whole_limit_s for one in found),
        silence_limit_s=max(one.silence_limit_s for one in found),
    )


def _joined(one: Use, other: Use) -> Use:
    known = one.limit is not None and other.limit is not None
    return Use(
        one.credential,
        one.unit,
        one.used + other.used,
        (one.limit or 0.0) + (other.limit or 0.0) if known else None,
        _worst((one.told, other.told)),
    )


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _worst_quantiles(values: Iterable[Quantiles | None]) -> Quantiles | None:
    found = [value for value in values if value is not None]
    if not found:
        return None
    return Quantiles(
        max(one.p50_s for one in found),
        max(one.p95_s for one in found),
        max(one.p99_s for one in found),
    )


def _share(found: Iterable[Figures]) -> float | None:
    """Return the share of failures, each worker's weighted by its attempts."""
    failed = attempts = 0.0
    for one in found:
        if one.failed_share is not None:
            weight = max(1, one.attempts)
            failed += one.failed_share * weight
            attempts += weight
    return failed / attempts if attempts else None
