"""What the `model` of a request means: an alias, a model that came out of a job, or a base."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import ApiError
from gateway.fresh import Fresh
from trainer.bases import known_bases
from trainer.providers.endpoint import remote_name
from trainer.services import Services

ALIAS_TTL_S = 0.5  # a moved alias is seen well within a second
MODEL_TTL_S = 5.0  # models and bases never change, they only come and go
LONGEST_NAME = 512


@dataclass(frozen=True, slots=True)
class Target:
    """`model` goes to the engine; `alias` and `revision` say how the name led there. `hosted` is what a model that
    answers at a provider is called there."""

    model: str
    alias: str | None = None
    revision: int | None = None
    hosted: str | None = None

    def headers(self) -> dict[str, str]:
        told = {"x-tunesmith-model": self.model}
        if self.alias is not None:
            told |= {
                "x-tunesmith-alias": self.alias,
                "x-tunesmith-alias-revision": str(self.revision),
            }
        return told


class Names:
    """Resolves names from a cache in this process; what may be an alias is asked for again after half a second."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._words: Fresh[str, Target] = Fresh(self._find_word, ttl_s=ALIAS_TTL_S)
        self._models: Fresh[str, Target] = Fresh(self._find_model, ttl_s=MODEL_TTL_S)

    async def resolve(self, name: str) -> Target:
        target = None
        if len(name) <= LONGEST_NAME:
            target = await (self._models if ":" in name else self._words).get(name)
        if target is None:
            raise unknown_model(name)
        return target

    def _find_word(self, name: str) -> Target | None:
        """Aliases come first: they are the names that people decided about."""
        alias = self._services.aliases.find(name)
        if alias is None:
            return self._find_model(name)
        model = self._services.models.find(alias.model_id)
        return Target(alias.model_id, alias.name, alias.revision, remote_name(model.base_location) if model else None)

    def _find_model(self, name: str) -> Target | None:
        if name in known_bases(self._services.settings):
            return Target(name)
        model = self._services.models.find(name)
        return Target(name, hosted=remote_name(model.base_location)) if model else None


def unknown_model(name: str) -> ApiError:
    shown = "".join(c if c.isprintable() else "?" for c in name[:80])
    return ApiError(
        404,
        f"The model `{shown}` does not exist here. GET /v1/models lists what does.",
        code="model_not_found",
        param="model",
    )
