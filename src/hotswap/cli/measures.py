"""What is measured of a target, in words."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.text import Text

from ..core.latency import Figures, Quantiles
from ..core.meter import Use
from .showing import span


def figures_parts(figures: Figures | None) -> list[RenderableType]:
    """Lay out what the workers measure of a target; None: nothing yet."""
    if figures is None:
        return []
    return [Text(line) for line in figures_lines(figures)]


def figures_lines(figures: Figures) -> list[str]:
    """Tell what is measured, one subject per line."""
    lines = [f"now       {_load(figures)}"]
    for name, found in (("streams", figures.streamed), ("whole", figures.whole)):
        if found is not None:
            lines.append(f"{name:<9} first content {_quantiles(found)}")
    more = [
        f"{name} {span(seconds)}"
        for name, seconds in (
            ("longest pause p95", figures.gap_p95_s),
            ("whole stream p95", figures.total_p95_s),
            ("peak", figures.peak_s),
        )
        if seconds is not None
    ]
    if more:
        lines.append(f"times     {'; '.join(more)}")
    lines.append(
        f"limits    first content {span(figures.first_content_limit_s)} streamed,"
        f" {span(figures.whole_limit_s)} whole; silence {span(figures.silence_limit_s)}"
    )
    return lines


def uses_lines(uses: Iterable[Use]) -> list[str]:
    """Tell how much of the rate limits is used, one per line."""
    return [f"key {use.credential}: {_use(use)}" for use in uses]


def _use(use: Use) -> str:
    parts: list[str] = []
    if use.limit is not None:
        share = use.used / use.limit if use.limit else 1.0
        parts.append(
            f"{use.used:g} of {use.limit:g} {use.unit} used in the last minute, {share:.0%}"
        )
    if use.told is not None:
        parts.append(f"{use.told:.0%} of the {use.unit} used as the provider says")
    return "; ".join(parts) or f"{use.used:g} {use.unit} used in the last minute"


def figures_words(figures: Figures) -> str:
    """Tell the most telling in one line."""
    parts = [_load(figures)]
    if figures.streamed is not None:
        parts.append(f"first content p95 {span(figures.streamed.p95_s)}")
    if figures.whole is not None:
        parts.append(f"whole answers p95 {span(figures.whole.p95_s)}")
    return "; ".join(parts)


def _load(figures: Figures) -> str:
    failed = figures.failed_share
    share = "" if failed is None else f", {failed:.1%} of them failed"
    return f"{figures.in_flight} in flight, {figures.attempts} begun in the last minute{share}"


def _quantiles(found: Quantiles) -> str:
    return f"p50 {span(found.p50_s)}, p95 {span(found.p95_s)}, p99 {span(found.p99_s)}"
