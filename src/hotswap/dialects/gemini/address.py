"""Paths: Gemini's requests name the model and the action there, not in the body."""

from typing import Final
from urllib.parse import quote, unquote

STREAM: Final = "streamGenerateContent"
GENERATE: Final = "generateContent"

_PREFIXES: Final = ("/v1beta/models/", "/v1/models/")


def split_path(path: str) -> tuple[str, str] | None:
    """Return a path's model (or chain) and action; None: it is no path of Gemini's.

    The name may hold slashes, colons and percent-encoding, and begin with `models/` once more.
    """
    for prefix in _PREFIXES:
        if path.startswith(prefix):
            rest = path[len(prefix) :]
            if "%" in rest:
                rest = unquote(rest)
            name, colon, action = rest.rpartition(":")
            if not colon or not action or "/" in action:
                return None
            return name.removeprefix("models/"), action
    return None


def path_to(model: str, action: str) -> str:
    """Return the path of an action of a model; streams are asked for as events."""
    path = f"/v1beta/models/{quote(model.removeprefix('models/'))}:{action}"
    return f"{path}?alt=sse" if action == STREAM else path
