"""What the tests of faults share."""

from collections.abc import Callable

import msgspec
import pytest

from hotswap.dialects.fault import read_fault

Classify = Callable[[str, int, object], str]


@pytest.fixture
def classify() -> Classify:
    """Say the cause and the detail of an error: of a kind, with a status and a body."""

    def read(kind: str, status: int, body: object) -> str:
        raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        headers = {b"retry-after": b"7"} if status == 429 else {}
        failure = read_fault(kind, status, headers, raw)
        assert failure.status == status
        return f"{failure.cause} {failure.detail}"

    return read
