"""How many tokens a prompt has, by its bytes and by what providers counted before."""

from typing import Final

from msgspec import Struct

LEAST: Final = 0.7
"""Times the estimate, where nothing was measured: no text has more than 5.1 bytes to a token."""
MOST: Final = 1.1
"""Times the estimate, where nothing was measured: it errs on the high side already."""
MARGIN: Final = 0.1
"""Either way, once `SAMPLES` were measured."""
SAMPLES: Final = 3
WEIGHT: Final = 0.1
"""Of a new measurement against all before it; the first ones weigh as in a plain mean."""
MIN_TOKENS: Final = 100
"""The frame around a shorter prompt says more of the dialect than of the text."""
FACTOR_MIN: Final = 0.2
FACTOR_MAX: Final = 5.0
"""What lies beyond is a fault of counting, such as a cache that was left out."""
MODELS_MAX: Final = 1000


class Span(Struct, frozen=True, gc=False):
    """A number of tokens that is not known exactly."""

    least: float
    most: float


class _Density:
    __slots__ = ("factor", "samples")

    def __init__(self) -> None:
        self.factor = 1.0
        """Tokens counted for each token estimated."""
        self.samples = 0

    def learn(self, factor: float) -> None:
        self.samples += 1
        self.factor += (factor - self.factor) * max(WEIGHT, 1 / self.samples)


class Densities:
    """How dense the text of each model's prompts is, learned from what providers count.

    An exponentially weighted mean of counted against estimated tokens: tokenizers differ between
    models, and callers between languages.
    """

    __slots__ = ("_densities",)

    def __init__(self) -> None:
        self._densities: dict[str, _Density] = {}

    def learn(self, model: str, estimated_tokens: int, counted_tokens: int) -> None:
        """Take what a provider counted for a prompt, cached tokens included."""
        if estimated_tokens < MIN_TOKENS or counted_tokens <= 0:
            return
        factor = counted_tokens / estimated_tokens
        if not FACTOR_MIN <= factor <= FACTOR_MAX:
            return
        density = self._densities.get(model)
        if density is None:
            if len(self._densities) >= MODELS_MAX:
                del self._densities[next(iter(self._densities))]
            density = self._densities[model] = _Density()
        density.learn(factor)

    def span(self, model: str, estimated_tokens: int) -> Span:
        """Return between which numbers the tokens of a prompt lie."""
        density = self._densities.get(model)
        if density is None or density.samples < SAMPLES:
            return Span(estimated_tokens * LEAST, estimated_tokens * MOST)
        likely = estimated_tokens * density.factor
        return Span(likely * (1 - MARGIN), likely * (1 + MARGIN))
