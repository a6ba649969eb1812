"""Recorded answers of real providers, read from files and played back byte by byte.

Each file of a folder of recordings is a JSON object with `provider`, `dialect`, `request` (`path`,
`body`) and `response` (`status`, `headers`, `body`). A body is JSON, or text such as a stream.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Raw, Struct, field
from msgspec.json import Decoder, decode

from .step import Step


class Recording(Struct, frozen=True):
    """One request to a provider and what came back."""

    name: str
    """That of its file."""
    provider: str
    dialect: str
    """In the words of the recordings, such as `chat` or `messages`."""
    path: str
    request: bytes
    status: int
    headers: Mapping[str, str]
    """Of the answer, names in lower case."""
    body: bytes
    streamed: bool
    """The body is a stream of events."""

    def step(self) -> Step:
        """Return the step that plays the answer back; its framing is the scripted provider's."""
        return Step(status=self.status, headers=self.headers, body=self.body)


def read_recordings(folder: Path) -> list[Recording]:
    """Read every recording of a folder, by name; there are none where there is no folder."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


class _Request(Struct):
    path: str = ""
    body: Raw = Raw(b"null")


class _Response(Struct):
    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Raw = Raw(b"null")


class _File(Struct):
    provider: str
    dialect: str
    request: _Request
    response: _Response


_decode: Final = Decoder(_File).decode


def _read(path: Path) -> Recording:
    file = _decode(path.read_bytes())
    answer = file.response
    raw = bytes(answer.body)
    text = raw.startswith(b'"')
    return Recording(
        name=path.stem,
        provider=file.provider,
        dialect=file.dialect,
        path=file.request.path,
        request=bytes(file.request.body),
        status=answer.status,
        headers={key.lower(): value for key, value in answer.headers.items()},
        body=decode(raw, type=str).encode() if text else raw,
        streamed=text,
    )
