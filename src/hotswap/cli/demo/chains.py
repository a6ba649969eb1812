"""The demo's providers and chains, as one configuration file."""

from collections.abc import Mapping
from typing import Final

PROVIDERS: Final = ("openai", "anthropic", "google", "mistral", "local")
"""Names of the simulated providers; all of them speak the OpenAI dialect here."""

CHAINS: Final = ("complex-reasoning", "long-form", "multimodal", "high-volume", "self-hosted")

_CONFIG: Final = """\
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0", state_dir: state, drain_s: 5}}
store: "sqlite:records.db"

providers:
{providers}

fallback:
  chains:
    - name: complex-reasoning
      models:
        - {{provider: openai, model: gpt-4-turbo}}
        - {{provider: anthropic, model: claude-3-opus}}
        - {{provider: google, model: gemini-pro}}
      triggers: [{{type: rate_limit}}, {{type: error}}]
      timeouts: &timeouts {{connect_s: 0.5, first_content_s: 1, silence_s: 2, total_s: 20}}
    - name: long-form
      models:
        - {{provider: anthropic, model: claude-3-opus}}
        - {{provider: openai, model: gpt-4}}
        - {{provider: openai, model: gpt-3.5-turbo}}
      triggers: [{{type: latency, threshold_ms: 500}}, {{type: rate_limit}}]
      timeouts: *timeouts
    - name: multimodal
      models:
        - {{provider: google, model: gemini-ultra}}
        - {{provider: openai, model: gpt-4}}
        - {{provider: anthropic, model: claude-3-opus}}
      triggers: [{{type: availability}}, {{type: rate_limit}}]
      timeouts: *timeouts
    - name: high-volume
      models:
        - {{provider: openai, model: gpt-3.5-turbo}}
        - {{provider: anthropic, model: claude-instant}}
        - {{provider: google, model: gemini-flash}}
      triggers: [{{type: rate_limit}}]
      timeouts: *timeouts
    - name: self-hosted
      models:
        - {{provider: local, model: llama-3-70b}}
        - {{provider: mistral, model: mistral-large}}
        - {{provider: openai, model: gpt-3.5-turbo}}
      triggers: [{{type: rate_limit}}, {{type: latency}}, {{type: error_rate}}]
      timeouts: *timeouts

  # What takes seconds and minutes in earnest takes less than a second here.
  health:
    breaker:
      failures: 3
      open_s: 0.3
      open_max_s: 0.6
      throttle_s: 0.2
      throttle_max_s: 0.5
      auth_s: 0.4
      ramp_s: 0.4
"""


def write_config(base_urls: Mapping[str, str]) -> str:
    """Return the configuration for providers at these addresses."""
    providers = "\n".join(
        f'  {name}: {{kind: openai, base_url: "{base_urls[name]}", allow_private: true,'
        f" keys: [{{id: demo, secret: demo-{name}}}]}}"
        for name in PROVIDERS
    )
    return _CONFIG.format(providers=providers)
