"""Who trains: this machine, or a hosted service with OpenAI's fine-tuning API. `RunSpec.provider` names one of the
table; which service answers is a setting, and how it differs stands in `providers.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

from trainer.errors import BadInput

PROVIDERS: dict[str, str] = {
    "local": "trainer.providers.local:Local",
    "openai": "trainer.providers.openai:OpenAI",
}
LOCAL = "local"


def resolve_provider(name: str) -> Any:
    """Name → class. Each says by `hosted` whether others do the work, and by `queue` who waits for it."""
    if name not in PROVIDERS:
        raise BadInput(
            f"I don't know a provider called “{name[:40]}”.",
            fix=f"Known: {', '.join(PROVIDERS)}.",
            code="unknown_provider",
            param="provider",
        )
    return resolve_name(PROVIDERS[name])


def is_hosted(spec: Mapping[str, Any]) -> bool:
    """Whether a job's spec goes to a hosted provider. Loads nothing."""
    return spec.get("provider", LOCAL) != LOCAL
