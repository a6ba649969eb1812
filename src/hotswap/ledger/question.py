"""What a worker can be asked about: a request without its words."""

from msgspec import Struct, field

from ..core.terms import Needs


class Question(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A request as far as it bears on where it goes."""

    chain: str
    """A chain, an alias, or `provider/model`."""
    needs: Needs = field(default_factory=Needs)
    streamed: bool = False
    one_model: bool = False
    """As for embeddings: only the first target's model may answer."""
    order: tuple[str, ...] = ()
    """The targets that the caller names; empty: the chain's."""
    caller: str = ""
    """Id of the key whose rules apply; empty: those of a caller who needs none."""
