"""What targets cost: by the file, by its catalog, or by the genai-prices library.

The library's table is asked once for each target, while a configuration is loaded: the processes
that serve import nothing of it. Of prices that depend on the length of a prompt the one of a short
prompt is taken, of those that depend on the hour the dearest of the day.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices
from genai_prices.types import Provider as Seller
from msgspec import ValidationError

from ..core.terms import Price, Provider
from .catalog import kind_of
from .model_catalog import ModelCatalog
from .schema import ModelFile

_FREE: Final = Price(0.0, 0.0)


class Prices:
    """Knows the prices of one configuration."""

    def __init__(self, models: Mapping[str, ModelFile], catalog: ModelCatalog, unix: float) -> None:
        """Take what the user says.

        Args:
            models: By `provider/model`: they count most.
            catalog: Counts more than the library.
            unix: Unix seconds; prices change from one day to another.
        """
        self._models = models
        self._catalog = catalog
        day = datetime.fromtimestamp(unix, UTC)
        self._hours = tuple(day.replace(hour=hour, minute=0) for hour in range(24))

    def price_of(self, provider: Provider, model: str) -> Price | None:
        """Return what a target costs; None: nobody knows, which never means nothing.

        A server of one's own sends no bill for tokens: it costs nothing unless the user says so.
        """
        entry = self._models.get(f"{provider.name}/{model}")
        if entry is not None and entry.price is not None:
            return Price(entry.price.input, entry.price.output)
        if kind_of(provider.kind).self_hosted and provider.endpoint.allow_private:
            return _FREE
        try:
            told = self._catalog.price(provider.kind, model)
        except ValidationError:
            return None  # A mistake of the file, which `Knowledge.abilities` tells.
        return self._listed(provider, model) if told is None else told

    def _listed(self, provider: Provider, model: str) -> Price | None:
        """Return the library's price: of who is at the provider's address, else of its kind."""
        known = get_snapshot()
        try:
            _, found = known.find_provider_model(model, _seller(provider), None, None)
        except LookupError:
            return None
        prices = (_price(found.get_prices(hour)) for hour in self._hours)
        return max(filter(None, prices), key=lambda price: price.input + price.output, default=None)


def _seller(provider: Provider) -> Seller:
    """Raises `LookupError`."""
    known = get_snapshot()
    endpoint = provider.endpoint
    scheme = "https" if endpoint.tls else "http"
    try:
        return known.find_provider(None, None, f"{scheme}://{endpoint.host}{provider.base_path}")
    except LookupError:
        return known.find_provider(None, provider.kind, None)


def _price(listed: ModelPrice) -> Price | None:
    sent = _rate(listed.input_mtok)
    if sent is None:
        return None
    # Whoever lists no price for output has none to sell: embeddings, and models that only judge.
    return Price(sent, _rate(listed.output_mtok) or 0.0)


def _rate(listed: Decimal | TieredPrices | None) -> float | None:
    if listed is None:
        return None
    return float(listed.base if isinstance(listed, TieredPrices) else listed)
