"""Takes out of a provider's words what a caller must not learn."""

import re
from typing import Final

MAX_CHARS: Final = 2000

_MASK: Final = "[masked]"
_secrets: Final = re.compile(
    # Every repetition is bounded or ends at a mark of its own: the text may be hostile.
    r"""https?://[^\s"'<>)]+                                      # addresses
    |\b(?:bearer|key:)\s+[^\s"',;]{6,}                            # a key after its announcement
    |\b(?:sk|pk|rk|gsk|xai|hf|nvapi|csk|fw|pplx|tgp)[-_][\w.*-]*  # keys and their fragments
    |\bAIza[\w-]*
    |[\w-]{0,40}\*{3,}[\w*-]*                                     # keys that are masked already
    |\borg[-_][A-Za-z0-9]{6,}[\w-]*                               # organisations, projects
    |\b(?:proj|user|acct|team)[-_](?=\w{0,64}\d)\w{6,}[\w-]*
    |\b(?=\w{0,64}\d)(?=\w{0,64}[A-Za-z])\w{32,}\b              # long opaque words
    |\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b                        # IP addresses, host names
    |\b(?:[a-z0-9-]{1,63}\.){1,6}
     (?:com|ai|net|io|org|dev|cloud|internal|local|svc|corp|lan)\b(?::\d+)?
    """,
    re.VERBOSE | re.IGNORECASE,
).sub


def masked(message: str) -> str:
    """Return `message`, shortened, without keys, organisation ids, addresses and host names."""
    return _secrets(_MASK, message[:MAX_CHARS])
