"""Answers of models at a provider, for an evaluation: several at once, each handed on as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from trainer.errors import Conflict, TunesmithError
from trainer.evals.asking import Silent
from trainer.evals.case import BASE, Answer
from trainer.providers.openai import OpenAI
from trainer.settings import Settings
from trainer.store.tables import Model
from trainer.types import GenerateRequest

AT_ONCE = 8
RETRIES = 5


def provider_of(settings: Settings, models: Sequence[Model]) -> OpenAI:
    """The provider where all of these models answer. Raises Conflict when the settings name another."""
    provider = OpenAI.of(settings, retries=RETRIES)
    for model in models:
        if provider.endpoint.host != model.card.get("endpoint"):
            raise Conflict(
                f"{model.id} answers at {model.card.get('endpoint')}, and the settings name {provider.endpoint.host}.",
                fix="Set TUNESMITH_TUNING_BASE_URL to the provider that has it.",
                code="endpoint_changed",
            )
    return provider


def answers(
    provider: OpenAI, names: Mapping[str | None, str], requests: Sequence[GenerateRequest], places: Sequence[int]
) -> Iterator[tuple[int, Answer]]:
    """The answers to the requests at `places`; `names` are the provider's, by contestant (None: the base). Raises
    Silent for a contestant that gives none, after everything that was on its way has been handed on."""
    pool = ThreadPoolExecutor(AT_ONCE)
    todo = iter(places)
    flying: dict[Future[Answer], int] = {}
    failed: tuple[int, TunesmithError] | None = None
    try:
        while True:
            while failed is None and len(flying) < AT_ONCE and (place := next(todo, None)) is not None:
                request = requests[place]
                flying[pool.submit(_answer, provider, request, names[request.adapter])] = place
            if not flying:
                break
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                place = flying.pop(future)
                try:
                    yield place, future.result()
                except TunesmithError as error:
                    failed = failed or (place, error)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if failed:
        raise Silent(requests[failed[0]].adapter or BASE, str(failed[1])) from failed[1]


def _answer(provider: OpenAI, request: GenerateRequest, model: str) -> Answer:
    began = time.monotonic()
    said = provider.answer(request, model)
    spent = time.monotonic() - began
    return Answer(said.text, said.finish_reason == "length", said.prompt_tokens, said.completion_tokens, spent)
