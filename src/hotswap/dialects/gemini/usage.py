"""Token counts as Gemini reports them: prompts include the cache, answers exclude thoughts."""

from msgspec import Struct

from ...core.terms import Usage


class Counts(Struct, rename="camel", gc=False):
    """The object `usageMetadata`, as far as it is counted here."""

    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


def read_usage(counts: Counts | None) -> Usage | None:
    """Normalise the counts; None: there are none."""
    if counts is None or (
        counts.prompt_token_count is None and counts.candidates_token_count is None
    ):
        return None
    thoughts = counts.thoughts_token_count or 0
    return Usage(
        (counts.prompt_token_count or 0) + (counts.tool_use_prompt_token_count or 0),
        (counts.candidates_token_count or 0) + thoughts,
        counts.cached_content_token_count or 0,
        0,
        thoughts,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Write the counts as Google's SDK reads them."""
    wire: dict[str, object] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(usage.output_tokens - usage.reasoning_tokens, 0),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.reasoning_tokens:
        wire["thoughtsTokenCount"] = usage.reasoning_tokens
    if usage.cache_read_tokens:
        wire["cachedContentTokenCount"] = usage.cache_read_tokens
    return wire
