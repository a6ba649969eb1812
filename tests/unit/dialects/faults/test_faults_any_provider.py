"""Errors that no provider wrote itself: pages of proxies and networks, empty bodies."""

from collections.abc import Callable

import pytest

CLOUDFLARE = "<!DOCTYPE html><html><title>Just a moment...</title></html>"
NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head></html>"

ROWS = [
    (301, "", "hard server_error"),
    (307, "", "hard server_error"),
    (400, "", "caller invalid_request"),
    (401, NGINX, "auth auth"),
    (403, CLOUDFLARE, "hard server_error"),
    (403, "error code: 1020", "hard server_error"),
    (403, "", "gone permission"),
    (404, NGINX, "gone not_found"),
    (405, "", "gone not_found"),
    (407, "", "hard server_error"),
    (411, "", "caller invalid_request"),
    (413, NGINX, "caller invalid_request"),
    (414, NGINX, "caller invalid_request"),
    (415, "", "caller invalid_request"),
    (418, "", "hard server_error"),
    (429, CLOUDFLARE, "throttle rate_limit"),
    (431, "", "caller invalid_request"),
    (451, "", "hard region_unavailable"),
    (500, NGINX, "hard server_error"),
    (501, "", "capability capability_mismatch"),
    (502, NGINX, "hard server_error"),
    (503, f"\n{CLOUDFLARE}", "hard server_error"),
    (503, "upstream connect error or disconnect/reset before headers", "hard overloaded"),
    (503, "", "hard overloaded"),
    (504, NGINX, "hard timeout"),
    (511, "", "hard server_error"),
    (520, CLOUDFLARE, "hard server_error"),
    (521, CLOUDFLARE, "hard server_error"),
    (522, CLOUDFLARE, "hard server_error"),
    (523, CLOUDFLARE, "hard server_error"),
    (524, CLOUDFLARE, "hard timeout"),
    (525, CLOUDFLARE, "hard server_error"),
    (529, CLOUDFLARE, "hard overloaded"),
    (530, "error code: 1033", "hard server_error"),
    (599, "", "hard server_error"),
]


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google", "vllm"])
@pytest.mark.parametrize(("status", "body", "expected"), ROWS)
def test_what_no_provider_wrote_is_judged_by_its_status(
    classify: Callable[[str, int, object], str], kind: str, status: int, body: str, expected: str
):
    assert classify(kind, status, body) == expected
