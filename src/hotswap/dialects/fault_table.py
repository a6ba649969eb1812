"""What each error that providers are known to send means, as tables.

The decision order is that of `fault.read_fault`: words (codes and types) of the kind, words of
all, fragments of the message, the status, and last the types that say little.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ..core.terms import Cause


class Meaning(Struct, frozen=True, gc=False):
    """One class of error."""

    cause: Cause
    detail: str


RATE_LIMIT: Final = Meaning(Cause.THROTTLE, "rate_limit")
QUOTA: Final = Meaning(Cause.EXHAUSTED, "quota_exhausted")
AUTH: Final = Meaning(Cause.AUTH, "auth")
PERMISSION: Final = Meaning(Cause.GONE, "permission")
"""This key may not use this model; the key itself may be good for others."""
NOT_FOUND: Final = Meaning(Cause.GONE, "not_found")
CONTEXT: Final = Meaning(Cause.CONTEXT, "context_length_exceeded")
POLICY: Final = Meaning(Cause.POLICY, "content_policy")
INVALID: Final = Meaning(Cause.CALLER, "invalid_request")
CAPABILITY: Final = Meaning(Cause.CAPABILITY, "capability_mismatch")
OVERLOADED: Final = Meaning(Cause.HARD, "overloaded")
SERVER: Final = Meaning(Cause.HARD, "server_error")
TIMEOUT: Final = Meaning(Cause.HARD, "timeout")
REGION: Final = Meaning(Cause.HARD, "region_unavailable")
BAD_OUTPUT: Final = Meaning(Cause.QUALITY, "server_error")
"""The model's own output was bad: neither the caller nor the server's health is at fault."""

ANY: Final = 0
"""Stands for every status."""

Words = Mapping[tuple[int, str], Meaning]
"""(status or `ANY`, code or type in lower case) -> meaning."""

WORDS: Final[Words] = {
    # The credential.
    (ANY, "invalid_api_key"): AUTH,
    (ANY, "ip_not_authorized"): AUTH,
    (ANY, "authentication"): AUTH,
    (ANY, "authentication_error"): AUTH,
    (ANY, "api_key_invalid"): AUTH,
    (ANY, "api_key_expired"): AUTH,
    (ANY, "consumer_suspended"): AUTH,
    (ANY, "account_deactivated"): AUTH,
    (ANY, "organization_on_hold"): AUTH,
    (ANY, "service_disabled"): AUTH,
    (ANY, "api_key_service_blocked"): AUTH,
    (ANY, "api_key_ip_address_blocked"): AUTH,
    (ANY, "api_key_http_referrer_blocked"): AUTH,
    (400, "cmek_key_disabled"): AUTH,
    (400, "cmek_key_network_blocked"): AUTH,
    (ANY, "unrecognizedclientexception"): AUTH,
    (ANY, "expiredtokenexception"): AUTH,
    (ANY, "invalidsignatureexception"): AUTH,
    (401, "permission_denied"): AUTH,
    # The account's money and quota.
    (ANY, "insufficient_quota"): QUOTA,
    (ANY, "credit_balance_exhausted"): QUOTA,
    (ANY, "organization_spend_limit_exceeded"): QUOTA,
    (ANY, "project_spend_limit_exceeded"): QUOTA,
    (ANY, "organization_usage_limit_exceeded"): QUOTA,
    (ANY, "billing_not_active"): QUOTA,
    (ANY, "billing_hard_limit_reached"): QUOTA,
    (ANY, "billing_error"): QUOTA,
    (ANY, "billing_disabled"): QUOTA,
    (ANY, "enforced_spend_limit_reached"): QUOTA,
    (ANY, "contract_spend_limit_reached"): QUOTA,
    (ANY, "payment_required"): QUOTA,
    (ANY, "quota_per_day"): QUOTA,
    (ANY, "servicequotaexceededexception"): QUOTA,
    (402, "resource_exhausted"): QUOTA,
    # Limits that a clock heals.
    (ANY, "openrouter_in_flight_budget"): RATE_LIMIT,
    (ANY, "rate_limit_exceeded"): RATE_LIMIT,
    (ANY, "rate_limit_error"): RATE_LIMIT,
    (ANY, "rate_limited"): RATE_LIMIT,
    (ANY, "ramp_limit_exceeded"): RATE_LIMIT,
    (ANY, "slow_down"): RATE_LIMIT,
    (ANY, "too_many_requests"): RATE_LIMIT,
    (ANY, "throttlingexception"): RATE_LIMIT,
    (429, "resource_exhausted"): RATE_LIMIT,
    # The model.
    (ANY, "model_not_found"): NOT_FOUND,
    (ANY, "model_decommissioned"): NOT_FOUND,
    (ANY, "deploymentnotfound"): NOT_FOUND,
    (ANY, "invalid_model"): NOT_FOUND,
    (ANY, "quota_limit_zero"): NOT_FOUND,
    (ANY, "resourcenotfoundexception"): NOT_FOUND,
    # The prompt.
    (ANY, "context_length_exceeded"): CONTEXT,
    (ANY, "exceed_context_size_error"): CONTEXT,
    (ANY, "token_limit_exceeded"): CONTEXT,
    (400, "param=input_tokens"): CONTEXT,
    (ANY, "content_policy_violation"): POLICY,
    (ANY, "content_filter"): POLICY,
    (ANY, "responsibleaipolicyviolation"): POLICY,
    (ANY, "invalid_prompt"): POLICY,
    (ANY, "bio_policy"): POLICY,
    (ANY, "misalignment_policy_violation"): POLICY,
    (ANY, "image_content_policy_violation"): POLICY,
    (ANY, "refusal"): POLICY,
    (ANY, "moderation"): POLICY,
    (400, "unsupported_value"): INVALID,
    (400, "unsupported_parameter"): INVALID,
    (400, "invalid_value"): INVALID,
    (400, "missing_required_parameter"): INVALID,
    (400, "string_above_max_length"): INVALID,
    (400, "string_too_long"): INVALID,
    # The target.
    (ANY, "tool_use_failed"): BAD_OUTPUT,
    (ANY, "json_validate_failed"): BAD_OUTPUT,
    (ANY, "extra_forbidden"): CAPABILITY,
    (ANY, "operationnotsupported"): CAPABILITY,
    (ANY, "not_supported_error"): CAPABILITY,
    (ANY, "notimplementederror"): CAPABILITY,
    (ANY, "server_is_overloaded"): OVERLOADED,
    (ANY, "service_unavailable_error"): OVERLOADED,
    (ANY, "service_tier_capacity_exceeded"): OVERLOADED,
    (ANY, "overloaded_error"): OVERLOADED,
    (ANY, "provider_overloaded"): OVERLOADED,
    (ANY, "capacity_exceeded"): OVERLOADED,
    (ANY, "unavailable_error"): OVERLOADED,
    (ANY, "modelnotreadyexception"): OVERLOADED,
    (ANY, "serviceunavailableexception"): OVERLOADED,
    (ANY, "shared_capacity_used_up"): OVERLOADED,
    (503, "cmek"): SERVER,
    (ANY, "provider_unavailable"): SERVER,
    (ANY, "modelerrorexception"): SERVER,
    (ANY, "modelstreamerrorexception"): SERVER,
    (ANY, "timeout"): TIMEOUT,
    (ANY, "timeout_error"): TIMEOUT,
    (ANY, "vector_store_timeout"): TIMEOUT,
    (ANY, "modeltimeoutexception"): TIMEOUT,
    (ANY, "incorrect_hostname"): REGION,
    (ANY, "unsupported_country_region_territory"): REGION,
    (ANY, "data_residency_mismatch"): REGION,
}

KIND_WORDS: Final[Mapping[str, Words]] = {
    "mistral": {
        (ANY, "1300"): RATE_LIMIT,
        (ANY, "1500"): NOT_FOUND,
        (ANY, "3051"): CONTEXT,
        (ANY, "3505"): OVERLOADED,
    },
    "openrouter": {
        (ANY, "permission_denied"): PERMISSION,
        (ANY, "precondition_failed"): INVALID,
        (ANY, "payload_too_large"): INVALID,
        (ANY, "unprocessable"): INVALID,
        (ANY, "server"): SERVER,
        (ANY, "invalid_request"): INVALID,
        (ANY, "invalid_prompt"): INVALID,
        (ANY, "max_tokens_exceeded"): CONTEXT,
        (ANY, "not_found"): NOT_FOUND,
    },
}


class Fragment(Struct, frozen=True):
    """Words of a message that tell what no code told."""

    text: str
    """In lower case."""
    meaning: Meaning
    statuses: frozenset[int] = frozenset()
    """Where it counts; empty: everywhere. An error without a status fits each."""
    also: str = ""
    """What the message must hold besides."""


_BAD_REQUEST: Final = frozenset({400})
_BAD_REQUEST_OR_500: Final = frozenset({400, 500})
"""Quirk: llama.cpp says 500 for some requests that it can never answer."""
_FORBIDDEN: Final = frozenset({403})
_LENGTH: Final = frozenset({400, 413, 422, 500})
_MODEL: Final = frozenset({400, 404, 422})
_REFUSED: Final = frozenset({400, 403})
_MONEY: Final = frozenset({400, 403, 429})

FRAGMENTS: Final[tuple[Fragment, ...]] = (
    # Before the context's: "tokens per minute" speaks of limits, not of the prompt.
    Fragment("tokens per minute", CAPABILITY, frozenset({413})),
    Fragment("maximum context length", CONTEXT),
    Fragment("exceeds the context window", CONTEXT),
    Fragment("available context size", CONTEXT),
    Fragment("exceed context limit", CONTEXT),
    Fragment("prompt is too long", CONTEXT, _LENGTH),
    Fragment("input is too long", CONTEXT, _LENGTH),
    Fragment("input token count", CONTEXT, _LENGTH),
    Fragment("exceeds the maximum number of tokens", CONTEXT, _LENGTH),
    Fragment("too large for model with", CONTEXT, _LENGTH),
    Fragment("too many tokens", CONTEXT, _LENGTH),
    Fragment("exceeds the context length", CONTEXT, _LENGTH),
    # Quirk: llama.cpp, a text to embed that is longer than a physical batch.
    Fragment("is too large to process", CONTEXT, _LENGTH),
    # Quirk: llama.cpp, when the requests in flight together fill the pool of all its slots.
    Fragment("context size has been exceeded", OVERLOADED, frozenset({500})),
    # Before the region's: Google says that a free plan has no right to a country, and billing has.
    Fragment("enable billing", QUOTA, _REFUSED),
    Fragment("country, region, or territory not supported", REGION),
    Fragment("not available in your country", REGION),
    Fragment("user location is not supported", REGION),
    Fragment("credit balance is too low", QUOTA),
    Fragment("you have reached your specified", QUOTA),
    Fragment("exceeded your current quota", QUOTA, _MONEY),
    Fragment("insufficient balance", QUOTA, _MONEY),
    Fragment("insufficient credits", QUOTA, _MONEY),
    Fragment("tokens per day, please wait", QUOTA, _MONEY),
    Fragment("billing hard limit", QUOTA, _REFUSED),
    Fragment("billing is not", QUOTA, _REFUSED),
    Fragment("billing account", QUOTA, _REFUSED),
    Fragment("key limit exceeded", QUOTA, _FORBIDDEN),
    Fragment("trial key", QUOTA, frozenset({429}), also="month"),
    Fragment("incorrect api key", AUTH, _REFUSED),
    Fragment("invalid api key", AUTH, _REFUSED),
    Fragment("api key not valid", AUTH, _REFUSED),
    Fragment("api key expired", AUTH, _REFUSED),
    Fragment("api key not found", AUTH, _REFUSED),
    Fragment("api key", AUTH, _FORBIDDEN),
    Fragment("api-key", AUTH, _FORBIDDEN),
    Fragment("api_key", AUTH, _FORBIDDEN),
    Fragment("subscription key", AUTH, _FORBIDDEN),
    Fragment("your key", AUTH, _FORBIDDEN),
    Fragment("access token", AUTH, _FORBIDDEN),
    Fragment("invalid token", AUTH, _FORBIDDEN),
    Fragment("credential", AUTH, _FORBIDDEN),
    Fragment("authenticat", AUTH, _FORBIDDEN),
    Fragment("unauthorized", AUTH, _FORBIDDEN),
    Fragment("organization has been disabled", AUTH, _REFUSED),
    Fragment("content management policy", POLICY, _REFUSED),
    Fragment("content filtering policy", POLICY, _REFUSED),
    Fragment("usage policies", POLICY, _REFUSED),
    Fragment("content policy", POLICY, _REFUSED),
    Fragment("safety system", POLICY, _REFUSED),
    Fragment("rate limit", RATE_LIMIT, frozenset({403, 503})),
    Fragment("currently overloaded", OVERLOADED, frozenset({429, 500})),
    Fragment("does not exist or you do not have access", NOT_FOUND, _MODEL),
    Fragment("is not a valid model", NOT_FOUND, _MODEL),
    Fragment("invalid model:", NOT_FOUND, _MODEL),
    Fragment("model not found", NOT_FOUND, _MODEL),
    Fragment("unknown model", NOT_FOUND, _MODEL),
    Fragment("has been decommissioned", NOT_FOUND, _MODEL),
    Fragment("has been deprecated", NOT_FOUND, _MODEL),
    Fragment("has been retired", NOT_FOUND, _MODEL),
    Fragment("model identifier is invalid", NOT_FOUND, _MODEL),
    Fragment("on-demand throughput isn", NOT_FOUND, _MODEL),
    # The target, not the request, is what lacks something.
    Fragment("does not support tools", CAPABILITY, _BAD_REQUEST),
    Fragment("does not support thinking", CAPABILITY, _BAD_REQUEST),
    Fragment("does not support generate", CAPABILITY, _BAD_REQUEST),
    Fragment("does not support chat", CAPABILITY, _BAD_REQUEST),
    Fragment("does not support function calling", CAPABILITY, _BAD_REQUEST),
    Fragment("is not enabled for", CAPABILITY, _BAD_REQUEST),
    Fragment("is deprecated for this model", CAPABILITY, _BAD_REQUEST),
    Fragment("is not a multimodal model", CAPABILITY, _BAD_REQUEST),
    Fragment("missing data required for image input", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("enable-auto-tool-choice", CAPABILITY, _BAD_REQUEST),
    Fragment("requires --jinja", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("type is unavailable now", CAPABILITY, _BAD_REQUEST),
    Fragment("no endpoints found that", CAPABILITY, frozenset({404})),
    *(
        Fragment("extra inputs are not permitted", CAPABILITY, _BAD_REQUEST, also=f"{name}:")
        for name in ("temperature", "top_p", "top_k", "output_config")
    ),
    # Roles in an order that other targets take.
    Fragment("does not support assistant message prefill", CAPABILITY, _BAD_REQUEST),
    Fragment("prefill is incompatible", CAPABILITY, _BAD_REQUEST),
    Fragment("image input is not supported", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("audio input is not supported", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("failed to load image or audio file", INVALID, _BAD_REQUEST_OR_500),
    Fragment("ending with a model turn are not supported", CAPABILITY, _BAD_REQUEST),
    Fragment("expected last role user or tool", CAPABILITY, _BAD_REQUEST),
    Fragment("assistant messages at the end of the list", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("conversation roles must alternate", CAPABILITY, _BAD_REQUEST_OR_500),
    Fragment("system role not supported", CAPABILITY, _BAD_REQUEST_OR_500),
    # History that another model made.
    Fragment("must be passed back to the api", CAPABILITY, _BAD_REQUEST),
    Fragment("thought_signature", CAPABILITY, _BAD_REQUEST),
    Fragment("thought signature", CAPABILITY, _BAD_REQUEST),
)

_EVERYWHERE: Final = tuple(fragment for fragment in FRAGMENTS if not fragment.statuses)
_AT: Final[Mapping[int, tuple[Fragment, ...]]] = {
    status: tuple(each for each in FRAGMENTS if not each.statuses or status in each.statuses)
    for status in sorted({status for fragment in FRAGMENTS for status in fragment.statuses})
}


def fragments_at(status: int) -> tuple[Fragment, ...]:
    """Return the fragments that count with `status`, in their order; with `ANY` all of them."""
    return FRAGMENTS if status == ANY else _AT.get(status, _EVERYWHERE)


STATUSES: Final[Mapping[int, Meaning]] = {
    400: INVALID,
    401: AUTH,
    402: QUOTA,
    403: PERMISSION,
    404: NOT_FOUND,
    405: NOT_FOUND,
    408: TIMEOUT,
    410: NOT_FOUND,
    411: INVALID,
    413: INVALID,
    414: INVALID,
    415: INVALID,
    422: INVALID,
    429: RATE_LIMIT,
    431: INVALID,
    451: REGION,
    501: CAPABILITY,
    503: OVERLOADED,
    504: TIMEOUT,
    524: TIMEOUT,
    529: OVERLOADED,
}
"""Every other status is `SERVER`: what is unknown is taken for transient."""

KIND_STATUSES: Final[Mapping[str, Mapping[int, Meaning]]] = {
    "cohere": {498: AUTH},
    "groq": {422: BAD_OUTPUT, 498: OVERLOADED},
    "openrouter": {503: NOT_FOUND},
}

PAGES: Final = frozenset({403, 503})
"""With one of these statuses an HTML page speaks for a CDN, not for the provider."""

PAGE_STARTS: Final = (b"<", b"error code: 1")
"""First bytes of such a page, and of Cloudflare's short form of it."""

UNHINTED_429: Final[Mapping[str, Meaning]] = {"anthropic": QUOTA, "vertex": OVERLOADED}
"""A 429 that names no time: at these kinds it is not a rate limit."""

TYPES: Final[Mapping[str, Meaning]] = {
    "invalid_request_error": INVALID,
    "invalid_request": INVALID,
    "badrequesterror": INVALID,
    "bad_request": INVALID,
    "invalid_argument": INVALID,
    "validationexception": INVALID,
    "unprocessable": INVALID,
    "payload_too_large": INVALID,
    "precondition_failed": INVALID,
    "permission_error": PERMISSION,
    "permission_denied": PERMISSION,
    "accessdeniedexception": PERMISSION,
    "not_found_error": NOT_FOUND,
    "notfounderror": NOT_FOUND,
    "not_found": NOT_FOUND,
    "unauthenticated": AUTH,
    "resource_exhausted": RATE_LIMIT,
    "unavailable": OVERLOADED,
    "deadline_exceeded": TIMEOUT,
}
"""Types that say little: they decide only where there is no status, as inside a stream."""
