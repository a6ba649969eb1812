"""One configuration, ready to serve by. Requests in flight keep the one they began with."""

from collections.abc import Mapping
from typing import Final

from ..config.snapshot import Snapshot
from ..core.terms import Chain, Credential, Endpoint, Provider, Target
from ..dialects.api import Outgoing
from ..dialects.registry import DIALECTS
from ..errors import RefusedError
from ..upstream.request import authority
from .access import Access

TRACE: Final = (b"traceparent", b"tracestate")
"""Request headers that travel on, whatever the dialect."""

_CONSTANT_LINES: Final = (
    b"content-type: application/json\r\naccept: */*\r\naccept-encoding: identity\r\n"
    b"user-agent: hotswap\r\n"
)


class Plane:
    """What the line needs of a snapshot, with the request heads prepared once."""

    __slots__ = ("_heads", "access", "chains", "digest", "providers", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.digest = snapshot.digest
        self.chains: Mapping[str, Chain] = snapshot.chains
        self.providers: Mapping[str, Provider] = snapshot.providers
        self.access = Access(snapshot.keys)
        self._heads: dict[tuple[str, bytes, str, str], bytes] = {}

    def chain(self, name: str) -> Chain:
        """Return the chain that a caller named; raises `RefusedError`."""
        chain = self.chains.get(name)
        if chain is None:
            listed = ", ".join(self.snapshot.listed[:12])
            raise RefusedError(
                404,
                "model_not_found",
                f"No chain or model is named {name[:80]!r}. This gateway serves: {listed}.",
                param="model",
            )
        return chain

    def endpoints(self) -> dict[Endpoint, int]:
        """Return the endpoints to keep warm, with the number of idle connections for each."""
        names = {target.provider for chain in self.chains.values() for target in chain.targets}
        warm = self.snapshot.server.warm
        return {self.providers[name].endpoint: warm for name in names}

    def request(
        self,
        outgoing: Outgoing,
        target: Target,
        credential: Credential,
        headers: Mapping[bytes, bytes],
        forwarded: bytes = b"",
    ) -> bytes:
        """Write the complete HTTP request for `target`.

        Args:
            outgoing: Path, body and constant headers.
            target: Where it goes.
            credential: Whose key it carries.
            headers: The caller's, for the trace context.
            forwarded: Further lines of the caller's that travel on.
        """
        key = (outgoing.path, outgoing.headers, target.provider, credential.id)
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._head(outgoing, target, credential)
        for name in TRACE:
            if value := headers.get(name):
                forwarded += b"%b: %b\r\n" % (name, value)
        body = outgoing.body
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, forwarded, len(body), body)

    def _head(self, outgoing: Outgoing, target: Target, credential: Credential) -> bytes:
        provider = self.providers[target.provider]
        path = f"{provider.base_path}{outgoing.path}"
        if provider.query:
            path += f"{'&' if '?' in path else '?'}{provider.query}"
        return b"POST %b HTTP/1.1\r\nhost: %b\r\n%b%b%b" % (
            path.encode(),
            authority(provider.endpoint),
            DIALECTS[provider.dialect].credential_headers(credential, provider.kind),
            outgoing.headers,
            _CONSTANT_LINES,
        )
