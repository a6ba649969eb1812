"""The types of the official SDKs as judges of request bodies.

A `TypedDict` lets unknown keys pass and an `Iterable` is not looked into; a provider is not so
kind. So both are tightened in the schema that pydantic makes of the types, and nothing is
coerced.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal, NotRequired, TypeAlias, cast

from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming as AnthropicWhole,
)
from anthropic.types.message_create_params import MessageCreateParamsStreaming as AnthropicStream
from google.genai import types as google
from mistralai.client.models import ChatCompletionRequest as MistralRequest
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming as ChatWhole,
)
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming as ChatStream
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming as ResponsesWhole,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsStreaming as ResponsesStream,
)
from pydantic import TypeAdapter  # noqa: TID251 - the SDKs' types are pydantic's
from pydantic_core import CoreSchema, ErrorDetails, SchemaValidator, ValidationError
from typing_extensions import TypedDict

from hotswap.testing.provider import Check
from hotswap.testing.step import Seen


class GeminiRequest(TypedDict):
    """A body of generateContent; the SDK has types for all that it holds, but none for it."""

    contents: list[google.Content]
    systemInstruction: NotRequired[google.Content]
    tools: NotRequired[list[google.Tool]]
    toolConfig: NotRequired[google.ToolConfig]
    generationConfig: NotRequired[google.GenerationConfig]
    safetySettings: NotRequired[list[google.SafetySetting]]


class LlamaCppWhole(ChatWhole):
    """The server's own switches, of which OpenAI knows nothing."""

    chat_template_kwargs: NotRequired[dict[str, object]]


class LlamaCppStream(ChatStream):
    """As `LlamaCppWhole`."""

    chat_template_kwargs: NotRequired[dict[str, object]]


class GroqWhole(ChatWhole):
    """Groq's way to say where reasoning goes."""

    reasoning_format: NotRequired[Literal["hidden", "raw", "parsed"]]


class GroqStream(ChatStream):
    """As `GroqWhole`."""

    reasoning_format: NotRequired[Literal["hidden", "raw", "parsed"]]


LONGEST: Final = 1024 * 1024
"""Bytes of a body that are judged; for 30 MiB of an image in base64 pydantic takes 5 seconds."""

Judge: TypeAlias = tuple[object, object]
"""The types of a whole and of a streamed request."""

JUDGES: Final[Mapping[str, Judge]] = {
    "openai": (ChatWhole, ChatStream),
    "responses": (ResponsesWhole, ResponsesStream),
    "anthropic": (AnthropicWhole, AnthropicStream),
    "gemini": (GeminiRequest, GeminiRequest),
    "azure": (ChatWhole, ChatStream),
    "mistral": (MistralRequest, MistralRequest),
    "groq": (GroqWhole, GroqStream),
    "llamacpp": (LlamaCppWhole, LlamaCppStream),
}
"""By the kind of target."""


def typed(kind: str) -> Check:
    """Return the check of a kind's requests: what the types of its SDK do not allow is wrong."""

    def check(seen: Seen) -> str:
        if len(seen.body) > LONGEST:
            return ""
        stream = b'"stream":true' in seen.body.replace(b" ", b"")
        try:
            _validator(kind, stream=stream).validate_json(seen.body, strict=True)
        except ValidationError as error:
            return "; ".join(f"{_place(each)}: {each['msg']}" for each in error.errors())
        return ""

    return check


def _place(error: ErrorDetails) -> str:
    return ".".join(str(step) for step in error["loc"])


@cache
def _validator(kind: str, *, stream: bool) -> SchemaValidator:
    adapter: TypeAdapter[object] = TypeAdapter(JUDGES[kind][stream])
    return SchemaValidator(cast("CoreSchema", _tight(adapter.core_schema)))


def _tight(schema: object) -> object:
    """Return a schema that forbids unknown fields and looks into every list."""
    if isinstance(schema, dict):
        nodes = cast("Mapping[str, object]", schema)
        tight = {key: _tight(value) for key, value in nodes.items()}
        match tight.get("type"):
            case "typed-dict" | "model-fields":
                tight["extra_behavior"] = "forbid"
            case "model" if not _forbids(tight):
                return _fields(tight)
            case "function-before":
                # Mistral's makes something of parts that it does not know.
                return tight["schema"]
            case "generator":
                tight["type"] = "list"
            case _:
                pass
        return tight
    if isinstance(schema, list | tuple):
        inner = [_tight(item) for item in cast("Iterable[object]", schema)]
        return inner if isinstance(schema, list) else tuple(inner)
    return schema


def _forbids(model: Mapping[str, object]) -> bool:
    config = cast("Mapping[str, object]", model.get("config") or {})
    return config.get("extra_fields_behavior") == "forbid"


def _fields(model: Mapping[str, object]) -> Mapping[str, object]:
    """Return a model's fields alone: for a class pydantic would take its own, lax validator."""
    inner = cast("Mapping[str, object]", model["schema"])
    if inner.get("type") != "model-fields":
        return model
    return {**inner, "ref": model["ref"]} if "ref" in model else inner
