"""Who answers in an evaluation, and how they are asked: adapters of one base in one loaded model, in mixed batches;
other bases one after another, so that only one is in memory; hosted ones at their provider."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.bases import Base, find_base
from trainer.evals.asking import Ask, Question
from trainer.evals.case import BASE, CANDIDATE, FEW_SHOT, HOLDER, Answer, Contestant
from trainer.evals.gate import GateSpec
from trainer.jobs import hosted_answers
from trainer.jobs.child import JobRun
from trainer.jobs.train import ready_base
from trainer.providers.endpoint import remote_name
from trainer.services import Services
from trainer.store.tables import Model
from trainer.types import GenerateRequest

BATCH = 32
WINDOW = 8 * BATCH  # prompts among which those of like length are answered together


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contestant and what it takes to ask it. `model` is None for the base, with examples or without."""

    contestant: Contestant
    base: Base
    model: Model | None = None

    @property
    def remote(self) -> str | None:
        """The provider's name for it; None for what is here."""
        tuned = remote_name(self.base.location)
        return tuned if tuned is None or self.model else self.base.name

    @property
    def place(self) -> str:
        """What has to be loaded: entrants of one place are asked together."""
        if self.remote is not None:
            return "hosted"
        return self.base.location if self.model is None or self.model.is_adapter else f"weights of {self.model.id}"

    @property
    def identity(self) -> dict[str, Any]:
        """What its answers depend on."""
        shots = {"shots": self.contestant.shots} if self.contestant.shots else {}
        if self.model is None:
            return {"base": self.base.name, "location": self.base.location, **shots}
        return {"model": self.model.id, "files": self.model.manifest}


def line_up(
    services: Services, model: Model, gate: GateSpec, asked: Mapping[str, Any]
) -> tuple[list[Entrant], list[str]]:
    """The entrants, base and candidate first, and notes on those who are missing. `asked` is the job's spec: an
    `alias`, the models named under `against`, and whether prompts `may_send` to the provider of a hosted holder."""
    base = base_of(model)
    found = [Entrant(Contestant(BASE, model.base), base), Entrant(Contestant(CANDIDATE, model.id), base, model)]
    notes: list[str] = []
    if gate.few_shot and services.jobs.get(model.job_id).spec.get("objective") != "classify":  # examples are turns
        found.append(Entrant(Contestant(FEW_SHOT, model.base, gate.few_shot), base))
    for alias in dict.fromkeys(name for name in (asked.get("alias"), gate.alias) if name):
        held, note = _held(services, model, alias, bool(asked.get("may_send")))
        notes += [note] if note else []
        if held:
            first = not any(entrant.contestant.key == HOLDER for entrant in found)
            found.append(_entrant(held, HOLDER if first else ""))
    found += [_entrant(services.models.get(other)) for other in asked.get("against", ())]
    once = {(entrant.contestant.model, entrant.contestant.shots): entrant for entrant in reversed(found)}
    return [entrant for entrant in found if entrant in once.values()], notes


def base_of(model: Model) -> Base:
    return Base(model.base, model.base_location)


def _entrant(who: Model | Base, key: str = "") -> Entrant:
    if isinstance(who, Base):
        return Entrant(Contestant(key or who.name, who.name), who)
    return Entrant(Contestant(key or who.id, who.id), base_of(who), who)


def _held(services: Services, model: Model, alias: str, may_send: bool) -> tuple[Model | Base | None, str]:
    """What the alias serves now, where it can be asked beside the candidate; else perhaps why not."""
    held = services.aliases.find(alias)
    if held is None:
        return None, f"The alias {alias} serves nothing yet: there is no model of its to compare with."
    if held.model_id == model.id:
        return None, f"The alias {alias} serves this very model."
    if held.model_id == model.base:
        return None, ""  # it answers already
    found = services.models.find(held.model_id)
    if found is None:
        base = find_base(held.model_id, services.settings)
        said = (
            f"The alias {alias} serves {held.model_id}, which is neither a tuned model nor a base here: not compared."
        )
        return base, "" if base else said
    if remote_name(found.base_location) and not may_send:
        said = f"The alias {alias} serves {found.id}, which answers at a provider: not compared, since only somebody "
        return None, f"{said}at the terminal may send the test prompts there (tunesmith eval {model.id})."
    return found, ""


def asker(run: JobRun, entrants: Sequence[Entrant]) -> Ask:
    """One function that asks everybody, place by place."""
    by_key = {None if e.contestant.key == BASE else e.contestant.key: e for e in entrants}

    def ask(requests: Sequence[GenerateRequest]) -> Iterator[tuple[int, Answer]]:
        waiting: dict[str, list[int]] = {entrant.place: [] for entrant in entrants}
        for at, request in enumerate(requests):
            waiting[by_key[request.adapter].place].append(at)
        for place, at in waiting.items():
            there = {key: e for key, e in by_key.items() if e.place == place}
            if at:
                yield from (_hosted if place == "hosted" else _here)(run, there, requests, at)

    return ask


def _hosted(
    run: JobRun, there: dict[str | None, Entrant], requests: Sequence[GenerateRequest], at: list[int]
) -> Iterator[tuple[int, Answer]]:
    provider = hosted_answers.provider_of(run.services.settings, [e.model for e in there.values() if e.model])
    names = {key: e.remote or "" for key, e in there.items()}
    return hosted_answers.answers(provider, names, requests, at)


def _here(
    run: JobRun, there: dict[str | None, Entrant], requests: Sequence[GenerateRequest], at: list[int]
) -> Iterator[tuple[int, Answer]]:
    from trainer.inference.model import load, make_room

    for base in {entrant.base for entrant in there.values()}:
        ready_base(run, base)
    folders = {key: _folder(run, e.model) for key, e in there.items() if e.model}
    adapters = {key: path for key, path in folders.items() if key and there[key].place == there[key].base.location}
    whole = next((path for key, path in folders.items() if key not in adapters), None)
    generator = load(whole or next(iter(there.values())).base.location, adapters=adapters)
    try:
        yield from _in_batches(generator, requests, at)
    finally:
        del generator
        make_room()


def _folder(run: JobRun, model: Model) -> str:
    folder = run.folder / "models" / model.job_id
    return str(folder if folder.is_dir() else run.services.blobs.get_folder(model.manifest, folder))


def _in_batches(generator: Any, requests: Sequence[GenerateRequest], at: list[int]) -> Iterator[tuple[int, Answer]]:
    """Prompts of like length together; an adapter that this model does not wear is the model itself."""
    for window in (at[start : start + WINDOW] for start in range(0, len(at), WINDOW)):
        asked = [(place, requests[place]) for place in window]
        asked.sort(key=lambda one: sum(len(m.content) for m in one[1].messages))
        for batch in (asked[start : start + BATCH] for start in range(0, len(asked), BATCH)):
            plain = [_plain(request, generator.adapters) for _, request in batch]
            began = time.monotonic()
            results = generator.generate(plain, batch_size=BATCH)
            seconds = (time.monotonic() - began) / len(batch)
            nats = _nats(generator, plain, [request for _, request in batch])
            for (place, _), said, (sum_of, tokens) in zip(batch, results, nats, strict=True):
                cut = said.finish_reason == "length"
                answer = Answer(said.text, cut, said.prompt_tokens, said.completion_tokens, seconds, sum_of, tokens)
                yield place, answer


def _plain(request: GenerateRequest, worn: Sequence[str]) -> GenerateRequest:
    adapter = request.adapter if request.adapter in worn else None
    return GenerateRequest(request.messages, adapter, request.max_tokens, request.temperature, seed=request.seed)


def _nats(
    generator: Any, plain: Sequence[GenerateRequest], asked: Sequence[GenerateRequest]
) -> Sequence[tuple[float | None, int]]:
    wanted = [request.expected if isinstance(request, Question) else None for request in asked]
    if not any(wanted):
        return [(None, 0)] * len(plain)
    from trainer.inference.likelihood import nats

    return nats(generator, plain, wanted)
