"""The engine process: names of the registry → folders of this machine → the engine over HTTP."""

from __future__ import annotations

from pathlib import Path

from trainer.bases import TINY, known_bases, resolve_base
from trainer.errors import BadInput, NotFound
from trainer.inference.pool import ModelRef
from trainer.providers.endpoint import remote_name
from trainer.services import Services


class Resolver:
    """Lays a model's files out below `home/serving` the first time it is asked for."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.folder = services.settings.home / "serving"

    def __call__(self, name: str) -> ModelRef:
        model = self.services.models.find(name)
        if model is None:
            return self._base(name)
        if remote_name(model.base_location):
            raise BadInput(
                f"{model.id} answers at its hosted provider, not in the engine.",
                fix="Call it through the gateway, which asks the provider.",
                code="hosted_model",
                param="model",
            )
        # A model's id is fresh for every artifact, so the folder of an id never changes its content.
        target = self.folder / Path(model.id.replace(":", "_")).name
        folder = str(self.services.blobs.get_folder(model.manifest, target))
        if model.base == TINY:
            self._base(TINY)
        if model.is_adapter:
            return ModelRef(model.id, model.base_location, adapter_dir=folder)
        return ModelRef(model.id, model.base_location, artifact_dir=folder)

    def _base(self, name: str) -> ModelRef:
        settings = self.services.settings
        try:
            base = resolve_base(name, settings)
        except BadInput:
            raise NotFound(
                f"There is no model “{name[:80]}” here.",
                fix=f"Ask for an ft:… id or one of: {', '.join(known_bases(settings))}.",
                code="model_not_found",
                param="model",
            ) from None
        if base.name == TINY:
            from trainer.inference.tiny_base import ensure_tiny_base

            ensure_tiny_base(settings)
        return ModelRef(base.name, base.location)


def run(services: Services) -> None:
    """Serve until told to stop. Models are loaded at their first request."""
    import uvicorn

    from trainer.inference.engine import create_app

    settings = services.settings
    services.heartbeats.keep_beating("engine", url=settings.engine)
    app = create_app(settings, Resolver(services))
    uvicorn.run(app, host=settings.engine_host, port=settings.engine_port, log_level="warning", access_log=False)
