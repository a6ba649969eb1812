"""Lists of models, as OpenAI's SDK reads them."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.json import Encoder


class _Model(Struct):
    id: str
    created: int
    object: str = "model"
    owned_by: str = "hotswap"


class _Models(Struct):
    data: list[_Model]
    object: str = "list"


_encode: Final = Encoder().encode


def write_model(name: str, created: int) -> bytes:
    """Write one model; `created` is in Unix seconds."""
    return _encode(_Model(name, created))


def write_models(names: Sequence[str], created: int) -> bytes:
    """Write the list of models that this gateway serves; `created` is in Unix seconds."""
    return _encode(_Models([_Model(name, created) for name in names]))
