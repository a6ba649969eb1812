"""Errors of vLLM, Ollama and llama.cpp, row by row."""

from collections.abc import Callable

import pytest


def error(message: str = "m", **fields: object) -> dict[str, object]:
    return {"error": {"message": message, **fields}}


def old(kind: str, message: str = "m", **fields: object) -> dict[str, object]:
    return {"object": "error", "type": kind, "message": message, "param": None, **fields}


VLLM = [
    (
        400,
        old("BadRequestError", "This model's maximum context length is 9 tokens."),
        "context context_length_exceeded",
    ),
    (400, error(param="input_tokens", code=400), "context context_length_exceeded"),
    (400, old("BadRequestError", code=400), "caller invalid_request"),
    (400, error(type="BadRequestError", code=400), "caller invalid_request"),
    (
        400,
        error('"auto" tool choice requires --enable-auto-tool-choice and a parser'),
        "capability capability_mismatch",
    ),
    (400, error("m is not a multimodal model"), "capability capability_mismatch"),
    (
        400,
        error("Conversation roles must alternate user/assistant/user/assistant"),
        "capability capability_mismatch",
    ),
    (400, error("System role not supported"), "capability capability_mismatch"),
    (404, error(type="NotFoundError", code=404), "gone not_found"),
    (401, {"error": "Unauthorized"}, "auth auth"),
    (422, {"detail": "Not a request."}, "caller invalid_request"),
    (499, error(), "hard server_error"),
    (500, error(type="InternalServerError", code=500), "hard server_error"),
    (500, error("EngineCore encountered an issue", type="EngineDeadError"), "hard server_error"),
    (501, error(type="NotImplementedError", code=501), "capability capability_mismatch"),
    (501, "", "capability capability_mismatch"),
    (503, "", "hard overloaded"),
]

OLLAMA = [
    (400, {"error": '"x" does not support tools'}, "capability capability_mismatch"),
    (400, {"error": "library/x:2b does not support tools"}, "capability capability_mismatch"),
    (400, {"error": "x does not support thinking"}, "capability capability_mismatch"),
    (400, {"error": "x does not support generate"}, "capability capability_mismatch"),
    (400, error("x does not support chat", type="api_error"), "capability capability_mismatch"),
    (
        500,
        {"error": "this model is missing data required for image input"},
        "capability capability_mismatch",
    ),
    (
        400,
        {"error": "the input length exceeds the context length"},
        "context context_length_exceeded",
    ),
    (400, {"error": "bad"}, "caller invalid_request"),
    (401, {"error": "unauthorized"}, "auth auth"),
    (402, {"error": "subscription"}, "exhausted quota_exhausted"),
    (404, error('model "x" not found, try pulling it first'), "gone not_found"),
    (413, {"error": "too large"}, "caller invalid_request"),
    (429, {"error": "you have reached your hourly usage limit"}, "throttle rate_limit"),
    (500, {"error": "model requires more system memory"}, "hard server_error"),
    (500, {"error": "model runner has unexpectedly stopped"}, "hard server_error"),
    (502, {"error": "no"}, "hard server_error"),
    (503, {"error": "server busy, maximum pending requests exceeded"}, "hard overloaded"),
]

LLAMACPP = [
    (
        400,
        error(type="exceed_context_size_error", code=400, n_prompt_tokens=9, n_ctx=4),
        "context context_length_exceeded",
    ),
    (
        400,
        error("the request exceeds the available context size."),
        "context context_length_exceeded",
    ),
    (400, error(type="invalid_request_error", code=400), "caller invalid_request"),
    (
        400,
        error("Assistant response prefill is incompatible with enable_thinking."),
        "capability capability_mismatch",
    ),
    (
        400,
        error("Cannot have 2 or more assistant messages at the end of the list."),
        "capability capability_mismatch",
    ),
    (500, error("tools param requires --jinja flag"), "capability capability_mismatch"),
    (401, error(type="authentication_error", code=401), "auth auth"),
    (403, error(type="permission_error", code=403), "gone permission"),
    (404, error(type="not_found_error", code=404), "gone not_found"),
    (501, error(type="not_supported_error", code=501), "capability capability_mismatch"),
    (503, error("Loading model", type="unavailable_error", code=503), "hard overloaded"),
    (500, error(type="server_error", code=500), "hard server_error"),
    (500, error("Context size has been exceeded."), "hard overloaded"),
    (
        500,
        error("input (3004 tokens) is too large to process. increase the physical batch"),
        "context context_length_exceeded",
    ),
    (
        500,
        error("image input is not supported - hint: you may need to provide the mmproj"),
        "capability capability_mismatch",
    ),
    (
        500,
        error("audio input is not supported - hint: you may need to provide the mmproj"),
        "capability capability_mismatch",
    ),
    (500, error("Failed to load image or audio file"), "caller invalid_request"),
]


@pytest.mark.parametrize(("status", "body", "expected"), VLLM)
def test_an_error_of_vllm_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("vllm", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), OLLAMA)
def test_an_error_of_ollama_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("ollama", status, body) == expected


@pytest.mark.parametrize(("status", "body", "expected"), LLAMACPP)
def test_an_error_of_llamacpp_is_what_its_row_says(
    classify: Callable[[str, int, object], str], status: int, body: object, expected: str
):
    assert classify("llamacpp", status, body) == expected
