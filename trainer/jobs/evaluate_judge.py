"""A language model as a judge in an evaluation, where the gate names one."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.errors import LostLease, TunesmithError
from trainer.evals.case import BASE, HOLDER
from trainer.evals.gate import GateSpec
from trainer.evals.judges import Label, judge, unheard
from trainer.evals.outcome import JudgeReport, Row
from trainer.evals.run import Judge
from trainer.jobs.child import JobRun
from trainer.jobs.contestants import Entrant
from trainer.jobs.evaluate_progress import told
from trainer.methods.method import Stopped
from trainer.store.database import AWAY


def of(run: JobRun, gate: GateSpec, entrants: Sequence[Entrant]) -> Judge | None:
    """It compares the candidate with the model that serves now, else with the base. A judge that cannot judge is
    benched with its reason, and the evaluation goes on: the gate's own figures need none."""
    rule = gate.judge
    if rule is None:
        return None
    models = {entrant.contestant.key: entrant.contestant.model for entrant in entrants}
    against = HOLDER if HOLDER in models else BASE

    def judged(rows: Sequence[Row]) -> JudgeReport:
        try:
            said = judge(
                rule,
                rows=rows,
                against=against,
                contestants=[entrant.contestant for entrant in entrants],
                settings=run.services.settings,
                db=run.services.db,
                labels=_labels(run, against, models[against]),
                on_progress=told(run, "judging"),
                should_stop=run.should_stop,
            )
        except TunesmithError as error:
            if isinstance(error, LostLease) or error.code == AWAY:
                raise
            run.event("note", {"text": f"Judged without {rule.model}: {error}", "code": "judge_benched"})
            said = unheard(rule, against, str(error))
        if reason := run.should_stop():
            raise Stopped(reason)
        return said

    return judged


def _labels(run: JobRun, against: str, model: str) -> list[Label]:
    """What people said of this candidate's answers beside the same other model's, in earlier evaluations."""
    found: list[Label] = []
    for row in run.services.models.evaluations(run.job.model_id or ""):
        there = {one["key"]: one["model"] for one in row.report.get("contestants", ())}
        if there.get(against) == model:
            found += run.services.polls.labels(row.id, against)
    return found
