"""What Google's Gemini API refuses."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import Decoder

from ..step import Seen
from .rules import first_wrong

KNOWN: Final = frozenset(
    {
        *("cachedContent", "contents", "generationConfig", "labels", "model", "safetySettings"),
        *("serviceTier", "store", "systemInstruction", "toolConfig", "tools"),
    }
)
"""Fields of a request; they are taken with underscores as well."""
CONFIG: Final = frozenset(
    {
        *("candidateCount", "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig"),
        *("logprobs", "maxOutputTokens", "mediaResolution", "presencePenalty"),
        *("responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities"),
        *("responseSchema", "seed", "speechConfig", "stopSequences", "temperature"),
        *("thinkingConfig", "topK", "topP"),
    }
)
"""Fields of its `generationConfig`."""
OPAQUE: Final = frozenset(
    {
        *("args", "parameters", "parametersJsonSchema", "response", "responseJsonSchema"),
        "responseSchema",
    }
)
"""Fields whose names belong to the caller."""
SCHEMA: Final = frozenset(
    {
        *("$anchor", "$defs", "$id", "$ref", "additionalProperties", "anyOf", "description"),
        *("enum", "format", "items", "maxItems", "maximum", "minItems", "minimum", "oneOf"),
        *("prefixItems", "properties", "propertyOrdering", "required", "title", "type"),
    }
)
"""Keywords of a JSON Schema."""
NAMED: Final = ("$defs", "properties")
"""Keywords whose value maps names to schemas."""
_fits_name: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}").fullmatch


class _Call(Struct):
    name: str
    args: dict[str, object] | None = None
    id: str = ""


class _Response(Struct):
    name: str
    response: dict[str, object]
    id: str = ""


class _Part(Struct, rename="camel"):
    text: str | UnsetType = UNSET
    function_call: _Call | None = None
    function_response: _Response | None = None
    inline_data: object | UnsetType = UNSET
    file_data: object | UnsetType = UNSET
    executable_code: object | UnsetType = UNSET
    code_execution_result: object | UnsetType = UNSET
    thought_signature: str = ""


class _Content(Struct):
    parts: list[_Part] = []
    role: str = "user"


class _Declaration(Struct, rename="camel"):
    name: str
    parameters_json_schema: object = None


class _Tool(Struct, rename="camel"):
    function_declarations: list[_Declaration] = []


class _Config(Struct, rename="camel"):
    temperature: float | None = None
    response_mime_type: str = ""
    response_json_schema: object = None
    response_schema: object = None


class _Body(Struct, rename="camel"):
    contents: list[_Content]
    system_instruction: _Content | None = None
    tools: list[_Tool] = []
    generation_config: _Config | None = None


_decode: Final = Decoder(dict[str, object]).decode


def find(seen: Seen, prefill: bool) -> str:  # noqa: FBT001 - the shape of all checks
    """Say what is wrong with a request."""
    path = seen.path.partition("?")[0]
    if not path.endswith((":generateContent", ":streamGenerateContent")):
        return ""
    fields = {_camel(name): value for name, value in _decode(seen.body).items()}
    if wrong := _unknown(fields, KNOWN) or _unknown(
        _fields(fields.get("generationConfig")), CONFIG
    ):
        return wrong
    body = msgspec.convert(_in_camel(fields), _Body)
    return first_wrong(body, _RULES) or ("" if prefill else _begun(body))


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _in_camel(value: object) -> object:
    """Spell names in one way, except in what belongs to the caller."""
    if isinstance(value, list):
        return [_in_camel(each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    spelt = {_camel(name): each for name, each in cast("dict[str, object]", value).items()}
    return {name: each if name in OPAQUE else _in_camel(each) for name, each in spelt.items()}


def _fields(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _unknown(fields: Mapping[str, object], known: frozenset[str]) -> str:
    for name in fields:
        if _camel(name) not in known:
            return f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.'
    return ""


def _config(body: _Body) -> str:
    config = body.generation_config
    if config is None:
        return ""
    if config.temperature is not None and not 0 <= config.temperature <= 2:
        return "temperature must be in the range [0.0, 2.0]"
    schema = config.response_json_schema
    if schema is None and config.response_schema is None:
        return ""
    if config.response_mime_type != "application/json":
        return "response_schema is only allowed with response_mime_type application/json"
    return _wrong_keyword(schema)


def _tools(body: _Body) -> str:
    for tool in body.tools:
        for declared in tool.function_declarations:
            if not _fits_name(declared.name):
                return f"Invalid function name: {declared.name}"
            if wrong := _wrong_keyword(declared.parameters_json_schema):
                return wrong
    return ""


def _wrong_keyword(schema: object) -> str:
    """Say which keyword of a schema is not taken."""
    for name, value in _fields(schema).items():
        if name not in SCHEMA:
            return f'Invalid JSON payload received. Unknown name "{name}" in schema.'
        if name in NAMED:
            inner = list(_fields(value).values())
        else:
            inner = cast("list[object]", value) if isinstance(value, list) else [value]
        for each in inner:
            if wrong := _wrong_keyword(each):
                return wrong
    return ""


def _roles(body: _Body) -> str:
    roles = [content.role for content in body.contents]
    if not roles:
        return "contents is not specified"
    if not {"user", "model"}.issuperset(roles):
        return "Please use a valid role: user, model."
    if roles[0] != "user" or any(one == other for one, other in pairwise(roles)):
        return "Please ensure that multiturn requests alternate between user and model."
    return ""


def _parts(body: _Body) -> str:
    system = [body.system_instruction] if body.system_instruction is not None else []
    for content in (*system, *body.contents):
        if not content.parts:
            return "contents.parts must not be empty."
        if any(_is_empty(part) for part in content.parts):
            return "Unable to submit request because it must have a text parameter."
    return ""


def _is_empty(part: _Part) -> bool:
    data = (part.inline_data, part.file_data, part.executable_code, part.code_execution_result)
    if any(each is not UNSET for each in data) or part.thought_signature:
        return False
    return part.function_call is None and part.function_response is None and not part.text


def _results(body: _Body) -> str:
    for before, content in pairwise((_Content(), *body.contents, _Content())):
        calls = [part.function_call for part in before.parts if part.function_call]
        results = [part.function_response for part in content.parts if part.function_response]
        if results and not calls:
            return (
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        if len(calls) != len(results):
            return (
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        for call, result in zip(calls, results, strict=True):
            if call.name != result.name or (call.id and result.id and call.id != result.id):
                return (
                    f"Please ensure that function responses are in the order of calls: {call.name}"
                )
    return ""


def _signatures(body: _Body) -> str:
    for content in body.contents:
        calls = [part for part in content.parts if part.function_call is not None]
        if calls and not calls[0].thought_signature:
            return "Function call is missing a thought_signature in functionCall parts."
    return ""


def _begun(body: _Body) -> str:
    last = body.contents[-1].role == "model"
    return "Please ensure that the last turn is of the user role." if last else ""


_RULES: Final = (_config, _tools, _roles, _parts, _results, _signatures)
