"""Awkward requests of each client to each kind of target: an answer or a clear error, never a 500.

The targets are as strict as in the matrix, so an answer proves that they were not asked for what
they refuse. Where both sides speak alike bytes pass, and only the target could object; there it
takes anything.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, cast

import pytest

from hotswap.testing.serving import Answer

from .awkward import BROKEN, DIALECTS, ODD, written
from .grid import Grid
from .targets import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

OWN: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "openai chat": frozenset({"openai", "azure", "groq", "llamacpp"}),
        "openai responses": frozenset({"responses"}),
        "anthropic": frozenset({"anthropic"}),
        "google-genai": frozenset({"gemini"}),
    }
)
"""Targets to which a client's bytes pass."""

PREFILL: Final[Mapping[str, str]] = dict.fromkeys(
    ("openai", "azure", "groq", "responses", "anthropic", "gemini"), "prefill"
)
FIRST_TURN: Final[Mapping[str, str]] = dict.fromkeys(("anthropic", "gemini"), "first_turn")
SKIPPED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "nothing but empty text": {**FIRST_TURN, "mistral": "first_turn"},
        "system alone": {**FIRST_TURN, "mistral": "first_turn"},
        "assistant first": FIRST_TURN,
        "assistant last": PREFILL,
        "call comes last": {"responses": "prefill"},
        "30 MiB": {"groq": "images"},
    }
)
"""Request and target -> what the target lacks; all others answer."""
LACKING: Final = frozenset({"images"})
"""What is known before translation, so that it holds for bytes that would pass as well."""


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("client", DIALECTS)
async def test_what_means_something_is_answered_or_the_target_is_skipped(
    grid: Grid, client: str, case: str
) -> None:
    dialect = DIALECTS[client]
    for target, kind in KINDS.items():
        own = target in OWN[client]
        need = SKIPPED.get(case, {}).get(target, "")
        answer = await grid.post(
            target,
            dialect.path.replace("%s", target),
            written(dialect, target, ODD[case](dialect)),
            lenient=own,
        )

        provider = grid.providers[target]
        assert provider.refusals == []
        if need and (not own or need in LACKING):
            assert f"{target}/{kind.model} no {need}." in refusal(client, answer)
            assert len(provider.seen) == 0
        else:
            assert (target, answer.status, len(provider.seen)) == (target, 200, 1)


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("client", DIALECTS)
async def test_what_means_nothing_is_refused_in_the_callers_dialect(
    grid: Grid, client: str, case: str
) -> None:
    dialect = DIALECTS[client]
    for target in KINDS:
        own = target in OWN[client]
        answer = await grid.post(
            target,
            dialect.path.replace("%s", target),
            BROKEN[case](dialect, target),
            lenient=own,
        )

        asked = len(grid.providers[target].seen)
        if own and asked:
            assert answer.status == 200
        else:
            assert asked == 0
            assert refusal(client, answer)


def refusal(client: str, answer: Answer) -> str:
    """Return what a 400 says, in the form that the client's SDK reads."""
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    body = cast("Mapping[str, Mapping[str, object]]", answer.json())
    error = body["error"]
    match client:
        case "anthropic":
            assert body["type"] == "error"
            assert error["type"] == "invalid_request_error"
        case "google-genai":
            assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
        case _:
            assert error["type"] == "invalid_request_error"
    return str(error["message"])
