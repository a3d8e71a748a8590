"""What is asked in an evaluation job, and what training may have seen of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from trainer.bases import Base
from trainer.data.split import prompt_keys
from trainer.errors import BadInput, NotFound
from trainer.evals import lessons
from trainer.evals.case import Check, Role, Suite
from trainer.evals.contamination import Seen
from trainer.evals.gate import GateSpec, SuiteRule
from trainer.evals.suites import load_suite
from trainer.jobs import replay
from trainer.jobs.child import JobRun
from trainer.jobs.evaluate_code import laid_out
from trainer.store.tables import Model
from trainer.types import ChatMessage

TEST, OLD_SKILLS = "test", "old-skills"


def of(run: JobRun, model: Model, gate: GateSpec, test: Path) -> list[Suite]:
    """The sealed part, every suite that the gate names, and what the base carries of old skills."""
    suites = [load_suite(test, TEST, Role.TEST)]
    carried = Base(model.base, model.base_location).carried("suite.jsonl")
    for rule in gate.suites:
        path = _bytes_of(run, rule) or (carried if rule.suite == OLD_SKILLS else None)
        if path is None:
            raise _gone(rule)
        suites.append(laid_out(run, load_suite(path, rule.suite, rule.role, files=False, kept=True)))
    if carried and OLD_SKILLS not in {suite.name for suite in suites}:
        suites.append(load_suite(carried, OLD_SKILLS, Role.REGRESSION))
    learned = _lessons(run, model, gate)
    return [*suites, learned] if learned else suites


def _lessons(run: JobRun, model: Model, gate: GateSpec) -> Suite | None:
    """What people made of failures of models before this one; it has no say in the verdict."""
    line = run.services.datasets.lineage(model.dataset_id)
    versions = {version.id: version.version for version in line}
    return lessons.suite(run.services.lessons.of(line[0].id), versions, Check(gate.primary, gate.arguments))


def _bytes_of(run: JobRun, rule: SuiteRule) -> Path | None:
    """The suite as it was registered."""
    if not rule.sha256:
        return None
    target = run.folder / "suites" / rule.sha256
    try:
        found = run.services.blobs.get_file(rule.sha256, target)
    except NotFound:
        raise _gone(rule) from None
    with found.open("rb") as file:
        rows = file.read(256).lstrip().startswith(b"{")
    return found.rename(found.with_suffix(".jsonl" if rows else ".yaml"))


def _gone(rule: SuiteRule) -> BadInput:
    return BadInput(
        f"The suite {rule.suite}, which the gate names, is gone.",
        fix="Put it back, or train again under a gate without it.",
        code="suite_gone",
    )


def seen(run: JobRun, model: Model, train: Path) -> Seen:
    """Every row that training saw: the train part, and rows replayed beside it."""
    spec = run.services.jobs.get(model.job_id).spec
    replayed = _replayed(run, model, spec.get("replay_dataset")) if spec.get("replay") else None
    files = [train, replayed] if replayed else [train]
    return Seen(frozenset().union(*(prompt_keys(file) for file in files)), tuple(files))


def _replayed(run: JobRun, model: Model, dataset_id: str | None) -> Path | None:
    """Another dataset's rows as training had them, which is without those of this one's sealed parts; or the base's."""
    if not dataset_id:
        return Base(model.base, model.base_location).carried("replay.jsonl")
    try:
        return replay.lay_out(run, dataset_id)[0]
    except BadInput as error:
        raise BadInput(
            f"{error.what} So nobody can tell whether training saw what is asked here.",
            fix="Put them back, or train again without them.",
            code=error.code,
        ) from None


def shots(train: Path, count: int) -> tuple[ChatMessage, ...]:
    """So many examples of the train part, the same ones every time, as turns."""
    if not count:
        return ()
    cases = load_suite(train).cases
    chosen = sorted(cases, key=lambda case: hashlib.blake2b(case.key.encode()).digest())[:count]
    turns: list[ChatMessage] = []
    for case in chosen:
        turns += [m for m in case.messages if m.role not in ("system", "developer")]
        turns.append(ChatMessage("assistant", case.expected))
    return tuple(turns)
