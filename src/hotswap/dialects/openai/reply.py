"""Judges complete answers of OpenAI's dialect."""

from typing import Final

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from ...core.terms import Cause, Failure, Usage
from ..api import Verdict
from ..fault import read_in_band
from ..surrogates import mended
from ..unsound import EMPTY, MALFORMED, TRUNCATED
from .answer import FAILED_FINISHES, Answer, Choice, decode
from .content import ABSENT, present, size_of
from .loose import read_loosely
from .usage import read_usage


class _Embeddings(Struct, gc=False):
    data: list[Raw] | None = None
    usage: Raw = ABSENT
    error: Raw = ABSENT


_decode_embeddings: Final = Decoder(_Embeddings).decode


def read_chat(body: bytes) -> Verdict | Failure:
    """Judge a chat completion."""
    answer: Answer | None
    try:
        answer = decode(body)
    except ValidationError:
        answer = read_loosely(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        whole = mended(body)
        return read_chat(whole) if whole != body else MALFORMED
    if answer is None:
        return MALFORMED
    if answer.error and present(answer.error):
        return read_in_band("", body)
    if answer.choices is None:
        return MALFORMED
    usage = read_usage(answer.usage)
    for choice in answer.choices:
        failure = _fault_of(choice, usage)
        if failure is not None:
            return failure
    return Verdict(usage, answer.choices[0].finish_reason or "") if answer.choices else EMPTY


def read_embeddings(body: bytes) -> Verdict | Failure:
    """Judge an embeddings answer."""
    try:
        answer = _decode_embeddings(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return MALFORMED
    if present(answer.error):
        return read_in_band("", body)
    if answer.data is None:
        return MALFORMED
    return Verdict(read_usage(answer.usage)) if answer.data else EMPTY


def _fault_of(choice: Choice, usage: Usage | None) -> Failure | None:
    finish = choice.finish_reason
    if choice.error and present(choice.error):
        return read_in_band("", bytes(choice.error))
    if not finish:
        return TRUNCATED
    if finish in FAILED_FINISHES:
        return Failure(Cause.HARD, FAILED_FINISHES[finish], 200)
    if choice.message is not None and size_of(choice.message):
        return None
    reasoned = usage is not None and usage.reasoning_tokens > 0
    if finish == "content_filter" or (finish == "length" and reasoned):
        return None
    return EMPTY
