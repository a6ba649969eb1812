"""How a target or a key stands, in words."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from ..keeper.pictures import ChainTarget, Turn
from ..keeper.standing import Standing
from .showing import ahead
from .telling import measure

_STYLES: Final[Mapping[str, str]] = {
    "closed": "green",
    "ramp": "cyan",
    "half_open": "yellow",
    "open": "red",
    "drained": "magenta",
}
_TURN_STYLES: Final[Mapping[Turn, str]] = {
    Turn.ELIGIBLE: "green",
    Turn.LAST: "yellow",
    Turn.LEFT_OUT: "red",
}


def state(standing: Standing) -> Text:
    """Name the state with what lies over it."""
    names = [standing.state, *(overlay.name for overlay in standing.overlays)]
    style = _STYLES.get(standing.state, "")
    return Text(", ".join(names), style="yellow" if standing.overlays and not style else style)


def why(standing: Standing, at: float) -> str:
    """Tell why it stands so, and what comes when.

    Args:
        standing: At `at`.
        at: Unix seconds.
    """
    parts: list[str] = []
    if standing.reason:
        opened = measure(standing.rule, standing.measured, standing.threshold)
        parts.append(standing.reason + opened)
    for overlay in standing.overlays:
        said = measure(overlay.rule, overlay.measured, overlay.threshold)
        parts.append(overlay.name + said)
    parts += _next(standing, at)
    return "; ".join(parts)


def turn(target: ChainTarget, at: float, *, first: bool) -> Text:
    """Tell what a target would do for a request now.

    Args:
        target: Drawn at `at`.
        at: Unix seconds.
        first: No other one would be asked before it.
    """
    where = f" of {target.place}" if target.place else ""
    if target.turn is Turn.ELIGIBLE:
        said = "asked first" if first else "eligible"
    elif target.turn is Turn.LAST:
        done = "" if target.until is None else f", all traffic {ahead(target.until - at)}"
        said = f"asked last: {target.reason}{where}{done}"
    else:
        said = f"left out: {target.reason}{where}{_again(target, at)}"
    return Text(said, style=_TURN_STYLES[target.turn])


def _again(target: ChainTarget, at: float) -> str:
    if target.until is not None:
        return f", tried again {ahead(target.until - at)}"
    return ", waits for its probe" if target.reason == "half_open" else ""


def _next(standing: Standing, at: float) -> list[str]:
    match standing.state:
        case "open" if standing.until is not None:
            word = " as it said" if standing.hinted else ""
            return [f"tried again {ahead(standing.until - at)}{word}"]
        case "half_open":
            return ["waits for its probe"]
        case "ramp" if standing.until is not None:
            return [f"all traffic {ahead(standing.until - at)}"]
        case _:
            return []
