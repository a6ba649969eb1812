"""Pictures, sounds, documents and films: inline, or by an address that Google can read."""

from typing import Final

from msgspec import Raw, Struct
from msgspec.json import Decoder

from ..api import UnableError
from ..neutral import Audio, File, Image, Video
from .spelling import camel

Media = Image | Audio | File | Video

_OWN: Final = ("gs://", "https://generativelanguage.googleapis.com/")
"""Beginnings of addresses that lead into an account at Google."""
_NULL_BYTES: Final = len(b"null")


class _Blob(Struct, rename="camel", gc=False):
    mime_type: str | None = None
    data: str | None = None


class _Address(Struct, rename="camel", gc=False):
    mime_type: str | None = None
    file_uri: str | None = None


_decode_blob: Final = Decoder(_Blob).decode
_decode_address: Final = Decoder(_Address).decode


def read_media(inline: Raw, address: Raw) -> Media | None:
    """Read a part's `inlineData` or `fileData`; None: it has neither."""
    if len(inline) > _NULL_BYTES:
        blob = _decode_blob(camel(inline))
        data = blob.data or ""
        if "-" in data or "_" in data:
            # Quirk: Google's SDK sends the alphabet of URLs, which others refuse.
            data = data.replace("-", "+").replace("_", "/")
        return _media(blob.mime_type or "", data, "")
    if len(address) > _NULL_BYTES:
        file = _decode_address(camel(address))
        return _media(file.mime_type or "", "", file.file_uri or "")
    return None


def is_reference(media: Media) -> bool:
    """Say whether only Google can read it: by its address, or a sound that has no bytes."""
    if isinstance(media, Audio):
        return not media.data
    return media.url.startswith(_OWN)


def write_media(media: Media) -> dict[str, object]:
    """Write a part; raises `UnableError` for addresses on the open web: nobody fetches them."""
    match media:
        case Audio():
            return _inline(media.media_type, media.data)
        case Image():
            return _either(media, "images")
        case File():
            return _either(media, "files")
        case Video():
            return _either(media, "video")


def _media(media_type: str, data: str, url: str) -> Media:
    match media_type.partition("/")[0]:
        case "image":
            return Image(media_type, data, url)
        case "audio":
            return Audio(media_type, data)
        case "video":
            return Video(media_type, data, url)
        case _:
            return File(media_type or "application/octet-stream", data, url)


def _either(media: Image | File | Video, need: str) -> dict[str, object]:
    if not media.url:
        return _inline(media.media_type, media.data)
    if not media.url.startswith(_OWN):
        raise UnableError(need)
    address = {"fileUri": media.url}
    if media.media_type:
        address["mimeType"] = media.media_type
    return {"fileData": address}


def _inline(media_type: str, data: str) -> dict[str, object]:
    return {"inlineData": {"mimeType": media_type, "data": data}}
