"""Answers of a hosted model and its base, for an evaluation: asked of the provider where the model was made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trainer.errors import Conflict
from trainer.jobs.child import Run
from trainer.providers.endpoint import remote_name
from trainer.providers.openai import OpenAI
from trainer.store.tables import Model
from trainer.types import GenerateRequest, GenerateResult

CANDIDATE = "candidate"
AT_ONCE = 8
RETRIES = 5


def hosted_generator(run: Run, model: Model) -> Callable[..., list[GenerateResult]] | None:
    """One function that answers for the base and, by `adapter`, for the candidate; None for a model that is here."""
    name = remote_name(model.base_location)
    if name is None:
        return None
    provider = OpenAI.of(run.services.settings, retries=RETRIES)
    if provider.endpoint.host != model.card.get("endpoint"):
        raise Conflict(
            f"{model.id} answers at {model.card.get('endpoint')}, and the settings name {provider.endpoint.host}.",
            fix="Set TUNESMITH_TUNING_BASE_URL to the provider that has it.",
            code="endpoint_changed",
        )
    models: dict[str | None, str] = {None: model.base, CANDIDATE: name}

    def generate(requests: Sequence[GenerateRequest], **_: Any) -> list[GenerateResult]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda request: provider.answer(request, models[request.adapter]), requests))

    return generate
