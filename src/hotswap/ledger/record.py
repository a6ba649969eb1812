"""What happened, as values: one per attempt, one per change of standing.

Encoded without the fields that have their default, which spares half of link and disk.
"""

from msgspec import Struct

from ..core.terms import Needs, Usage


class AttemptRecord(Struct, frozen=True, gc=False, omit_defaults=True, tag="attempt"):
    """One attempt, or a request for which none could be made (`number` 0, empty `target`)."""

    request_id: str
    """Ascends in time, unique over workers."""
    number: int
    """1 for the first attempt of the request."""
    final: bool
    """The request ended with this attempt."""
    answered: bool
    """The caller got a whole answer from this attempt."""
    chain: str
    config: str
    """Digest of the configuration that decided."""
    caller: str
    """Id of the caller's key; empty: none was needed."""
    dialect: str
    route: str
    """`chat` or `embeddings`."""
    streamed: bool
    needs: Needs
    target: str
    credential: str
    started_at: float
    """Unix seconds when the attempt began."""
    sent_s: float | None = None
    """Seconds from the attempt's start until its request was written; None: it never was."""
    first_content_s: float | None = None
    """Seconds from the attempt's start to its first content."""
    last_s: float | None = None
    """Seconds from the attempt's start to the last byte that came."""
    end_s: float = 0.0
    """Seconds from the attempt's start to its classified end."""
    switch_s: float | None = None
    """Seconds from the former attempt's classified failure until this one's bytes were written."""
    status: int = 0
    """The provider's status; 0: no answer."""
    cause: str = ""
    """Empty: it went well."""
    detail: str = ""
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None
    skipped: tuple[str, ...] = ()
    """`target: reason` for every target that the plan left out or put behind the others, with what
    was measured; on the first attempt only."""
    usage: Usage | None = None
    cost_usd: float | None = None
    """None: the price is unknown."""
    splice_offset: int | None = None
    """Characters delivered before this attempt continued the answer; None: it did not."""
    hedged_s: float | None = None
    """How long the attempt beside it had waited when this one was begun; None: it is no hedge."""
    bar: str = ""
    """Why the answer, which broke off after content, did not go on at another target, such as
    `tool_calls`, `structured`, `off` or `no_target`; empty: it did, or was whole."""


class Transition(Struct, frozen=True, gc=False, omit_defaults=True, tag="transition"):
    """One change of standing."""

    at: float
    """Unix seconds."""
    target: str
    """`provider/model`, or `provider` for a credential's change; see `scope`."""
    credential: str
    """Empty: it concerns the target whatever the credential."""
    before: str
    after: str
    """closed, open, half_open, ramp; suspect, demoted, clear; drained, undrained, trial."""
    reason: str
    """failures, ratio, silence, throttled, exhausted, auth, gone, probe_ok, ramp_done, operator,
    ..."""
    rule: str = ""
    measured: float | None = None
    threshold: float | None = None
    until: float | None = None
    """Unix seconds of an opening's end, or of a ramp's; None: not timed."""
    hinted: bool = False
    """`until` is the provider's own word."""
    level: int = 0
    """How often the opening has grown."""
    scope: str = ""
    """model, endpoint, region, provider or network, of which `target` then holds the whole name,
    such as `endpoint api.openai.com:443`; empty: a target or a credential."""


Record = AttemptRecord | Transition
