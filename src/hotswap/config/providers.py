"""From the file's providers to endpoints and credentials."""

from collections.abc import Mapping
from os.path import isfile
from pathlib import Path as FilePath
from typing import Final

from msgspec import Struct

from ..core.terms import Credential, Endpoint, Provider
from .catalog import KINDS, OPENAI, Kind, kind_of
from .endpoints import Url, is_private, proxy_problem, read_url, vendor_of
from .findings import Findings, join, suggest
from .nodes import Path
from .proxy_choice import proxy_from_environment
from .schema import ConfigFile, KeyFile, ProviderFile

DIRECT: Final = "direct"
"""As `proxy`: none, whatever the environment says."""
_NO_KEY: Final = (Credential("none", ""),)


class Absent(Struct, frozen=True, gc=False):
    """A provider that is configured well and yet cannot be used."""

    reason: str


class Account(Struct, frozen=True):
    """A provider that chains may name."""

    provider: Provider | Absent
    vendor: str
    """Accounts of one vendor go down together."""


def build_accounts(
    file: ConfigFile, environ: Mapping[str, str], folder: FilePath, findings: Findings
) -> dict[str, Account | None]:
    """Return all providers that chains may name; None stands for one that holds mistakes."""
    used = {link.provider: link for chain in file.fallback.chains for link in chain.models}
    builder = _Builder(environ, folder, findings)
    accounts = {
        name: builder.account(name, entry, ("providers", name))
        for name, entry in file.providers.items()
    }
    for at_chain, chain in enumerate(file.fallback.chains):
        for at_link, link in enumerate(chain.models):
            name = link.provider
            if name in KINDS and name not in accounts:
                path = ("fallback", "chains", at_chain, "models", at_link, "provider")
                accounts[name] = builder.account(name, ProviderFile(), path)
    for name in file.providers:
        if name not in used:
            findings.warnings.append(f"provider {name}: no chain uses it")
    return accounts


class _Builder:
    """Turns entries into accounts; what is wrong with them goes to the findings."""

    def __init__(self, environ: Mapping[str, str], folder: FilePath, findings: Findings) -> None:
        self._environ = environ
        self._folder = folder
        self._findings = findings

    def account(self, name: str, entry: ProviderFile, path: Path) -> Account | None:
        kind_name = entry.kind or (name if name in KINDS else OPENAI)
        kind = kind_of(kind_name)
        if "/" in name:
            self._findings.mistake(path, "a provider's name holds no slash", at_key=True)
        url = self._url(entry, kind_name, path)
        credentials = self._credentials(entry, kind, path)
        endpoint = self._endpoint(entry, url, kind, path) if url else None
        if url is None or endpoint is None:
            return None
        reason = ""
        if credentials is None:
            reason = f"no key: the environment has no {join(kind.key_variables, 'or')}"
        provider = Provider(
            name=name,
            kind=kind_name,
            endpoint=endpoint,
            base_path=url.path,
            query=url.query,
            credentials=credentials or _NO_KEY,
            region=entry.region,
            zone=entry.zone,
            vendor=entry.vendor or vendor_of(url),
            limits=entry.limits,
            dialect=self._dialect(entry, kind, path),
        )
        self._warn(provider)
        return Account(Absent(reason) if reason else provider, provider.vendor)

    def _dialect(self, entry: ProviderFile, kind: Kind, path: Path) -> str:
        if entry.api == "chat":
            return kind.dialect
        if kind.dialect != "openai_chat":
            problem = "is for providers of the OpenAI family only"
            self._findings.mistake((*path, "api"), problem)
        return "openai_responses"

    def _url(self, entry: ProviderFile, kind_name: str, path: Path) -> Url | None:
        text = entry.base_url or kind_of(kind_name).base_url
        if not text:
            hint = suggest(kind_name, KINDS) if kind_name not in KINDS else ""
            problem = f"needs a base_url: providers of kind {kind_name} have no usual one"
            self._findings.mistake(path, problem, hint)
            return None
        url = read_url(text)
        if isinstance(url, str):
            self._findings.mistake((*path, "base_url"), url)
            return None
        return url

    def _endpoint(self, entry: ProviderFile, url: Url, kind: Kind, path: Path) -> Endpoint | None:
        private = is_private(url.host)
        allowed = entry.allow_private
        if allowed is None:
            allowed = private and kind.self_hosted
        if private and not allowed:
            self._findings.mistake(
                (*path, "base_url"), "is a private address", "allow_private: true allows it"
            )
            return None
        return Endpoint(
            host=url.host,
            port=url.port,
            tls=url.scheme == "https",
            allow_private=allowed,
            proxy=self._proxy(entry, url, path),
            ca_file=self._ca_file(entry, path),
        )

    def _proxy(self, entry: ProviderFile, url: Url, path: Path) -> str | None:
        if entry.proxy == DIRECT:
            return None
        tls = url.scheme == "https"
        proxy = entry.proxy or proxy_from_environment(
            url.host, self._environ, tls=tls, port=url.port
        )
        problem = proxy_problem(proxy) if proxy else ""
        if problem:
            where = "" if entry.proxy else "the proxy that the environment names "
            self._findings.mistake((*path, "proxy"), f"{where}{problem}")
        return proxy

    def _ca_file(self, entry: ProviderFile, path: Path) -> str | None:
        if not entry.ca_file:
            return None
        file = str(self._folder / entry.ca_file)
        if not isfile(file):  # noqa: PTH113 - never raises, whatever the text
            self._findings.mistake((*path, "ca_file"), "there is no such file")
        return file

    def _credentials(
        self, entry: ProviderFile, kind: Kind, path: Path
    ) -> tuple[Credential, ...] | None:
        """Return the keys of an account; None: it needs one and has none."""
        if entry.keys is not None:
            return self._configured(entry.keys, path) or _NO_KEY
        elsewhere = bool(entry.base_url and kind.base_url and entry.base_url != kind.base_url)
        if not kind.key_variables or elsewhere:
            # A company's key is not sent to whoever listens at another address.
            return _NO_KEY
        for variable in kind.key_variables:
            secret = self._environ.get(variable, "").strip()
            if secret:
                if not _sendable(secret):
                    self._findings.mistake(path, f"{variable} holds characters that no key has")
                return (Credential(variable, secret),)
        return None

    def _configured(self, keys: tuple[KeyFile, ...], path: Path) -> tuple[Credential, ...]:
        credentials: dict[str, Credential] = {}
        for at, key in enumerate(keys):
            place = (*path, "keys", at)
            secret = key.secret.strip()
            if key.id in credentials:
                shown = self._findings.quote((*place, "id"), key.id)
                self._findings.mistake((*place, "id"), f"another key is called {shown} already")
            if not secret:
                self._findings.mistake((*place, "secret"), "is empty")
            elif not _sendable(secret):
                self._findings.mistake((*place, "secret"), "holds characters that no key has")
            credentials[key.id] = Credential(key.id, secret)
        return tuple(credentials.values())

    def _warn(self, provider: Provider) -> None:
        endpoint = provider.endpoint
        clear = not endpoint.tls and not is_private(endpoint.host)
        if clear and any(credential.secret for credential in provider.credentials):
            self._findings.warnings.append(
                f"provider {provider.name}: its key travels in clear, because base_url is http://"
            )
        if provider.kind not in KINDS and (hint := suggest(provider.kind, KINDS)):
            self._findings.warnings.append(
                f"provider {provider.name}: its kind is unknown and treated as openai ({hint})"
            )


def _sendable(secret: str) -> bool:
    return all("!" <= char <= "~" for char in secret)
