"""GET /v1/models: everything that may stand as `model`, in OpenAI's list shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter

from gateway.names import unknown_model
from trainer.bases import known_bases
from trainer.services import Services
from trainer.settings import Settings

MOST_MODELS = 10_000


def router(services: Services) -> APIRouter:
    routes = APIRouter(prefix="/v1/models")

    @routes.get("")
    def list_models() -> dict[str, Any]:
        return {
            "object": "list",
            "data": [*_aliases(services), *_models(services), *_bases(services.settings)],
        }

    @routes.get("/{name:path}")
    def retrieve_model(name: str) -> dict[str, Any]:
        everything = [*_aliases(services), *_models(services, name), *_bases(services.settings)]
        for entry in everything:
            if entry["id"] == name:
                return entry
        raise unknown_model(name)

    return routes


def _entry(name: str, created: float, owned_by: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": int(created), "owned_by": owned_by, **more}


def _aliases(services: Services) -> list[dict[str, Any]]:
    """`root` is the model that answers for the alias at the moment."""
    return [
        _entry(a.name, a.updated_at, services.settings.team, root=a.model_id, revision=a.revision)
        for a in services.aliases.list()
    ]


def _models(services: Services, name: str | None = None) -> list[dict[str, Any]]:
    if name is None:
        rows = services.models.list(MOST_MODELS)
    else:
        row = services.models.find(name)
        rows = [row] if row else []
    return [_entry(m.id, m.created_at, services.settings.team, root=m.id, parent=m.base) for m in rows]


def _bases(settings: Settings) -> list[dict[str, Any]]:
    return [
        _entry(name, _made_at(Path(location)), "base", root=name) for name, location in known_bases(settings).items()
    ]


def _made_at(folder: Path) -> float:
    try:
        return (folder / "config.json").stat().st_mtime
    except OSError:
        return 0.0
