"""Which hosted service is meant, and with which key: from the settings, never from a model or a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from trainer.errors import BadInput
from trainer.providers.quirks import Quirks, load_quirks
from trainer.settings import Settings

SCHEME = "openai:"  # begins the `base_location` of what answers at a provider
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    quirks: Quirks
    base_url: str
    key: SecretStr
    query: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0

    @property
    def host(self) -> str:
        """What a person approves: rows go there and nowhere else."""
        return urlsplit(self.base_url).netloc

    @property
    def title(self) -> str:
        return self.quirks.title or self.host


def endpoint_of(settings: Settings) -> Endpoint:
    """BadInput names the setting that is missing.

    A key goes only to the server it was set for: OPENAI_API_KEY and OPENAI_BASE_URL are used as a pair, and only
    where neither TUNESMITH_TUNING_BASE_URL nor TUNESMITH_TUNING_API_KEY is set."""
    quirks = load_quirks(settings.tuning_provider)
    url, key = settings.tuning_base_url, settings.tuning_api_key
    if not url and not key.get_secret_value():
        url, key = settings.llm_base_url, settings.llm_api_key
    url = (url or quirks.base_url).strip()
    parts = _parts(url)
    if not key.get_secret_value() and parts.hostname not in LOOPBACK:
        raise BadInput(
            f"There is no API key for {quirks.title or parts.hostname}.",
            fix="Set TUNESMITH_TUNING_API_KEY (where it is not OpenAI, TUNESMITH_TUNING_PROVIDER and "
            "TUNESMITH_TUNING_BASE_URL too), or train locally.",
            code="no_provider_key",
            param="provider",
        )
    query = {"api-version": settings.tuning_api_version} if settings.tuning_api_version else {}
    return Endpoint(quirks, url, key, query, settings.tuning_timeout_s)


def _parts(url: str):
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or (parts.scheme == "http" and parts.hostname not in LOOPBACK):
        raise BadInput(
            "TUNESMITH_TUNING_BASE_URL is not the address of a provider."
            if url
            else "The provider has no address yet.",
            fix="Set TUNESMITH_TUNING_BASE_URL to an https address ending in /v1; plain http is for this machine.",
            code="bad_provider_url",
            param="provider",
        )
    return parts


def remote_name(base_location: str) -> str | None:
    """A model's name at its provider; None for what lies here."""
    return base_location.removeprefix(SCHEME) if base_location.startswith(SCHEME) else None
