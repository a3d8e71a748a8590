"""One evaluation, from suites to verdict: did training see them, what does everybody answer, how good is it, and what
does the gate say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer.errors import BadInput
from trainer.evals import lessons
from trainer.evals.asking import Ask, Book, Progress, ask_all
from trainer.evals.case import CANDIDATE, FEW_SHOT, Contestant, Role, Suite
from trainer.evals.compare import compare
from trainer.evals.contamination import Seen, sift
from trainer.evals.gate import GateSpec
from trainer.evals.outcome import EvalReport, JudgeReport, Row
from trainer.evals.scoring import fitted, metrics_of, rows_of
from trainer.types import ChatMessage

Judge = Callable[[Sequence[Row]], JudgeReport]
LIKELIHOOD = ("perplexity", "val_loss")  # metrics that need how likely a model found the right answer


def evaluate(
    suites: Sequence[Suite],
    contestants: Sequence[Contestant],
    *,
    ask: Ask,
    gate: GateSpec | None = None,
    seen: Seen | None = None,
    shots: tuple[ChatMessage, ...] = (),
    book: Book | None = None,
    judge: Judge | None = None,
    registered: Mapping[str, Any] | None = None,
    looks: int = 1,
    notes: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> EvalReport:
    """Compare the candidate with everybody else on every suite, and judge. Contestants hold at least base and
    candidate, suites one of role test.

    A test row that training saw makes the verdict FAIL (code `contaminated`) before any model is asked; rows of other
    suites that it saw are left out, counted and named. `shots` are the examples of the few-shot contestant; `book`
    knows earlier answers and keeps new ones. Raises BadInput for an empty suite or a metric that fails, Unavailable
    when a contestant answers no more."""
    gate = gate or GateSpec()
    _need(suites, contestants)
    sifted = sift([fitted(suite, gate) for suite in suites], seen)
    named = [metric.name for suite in sifted.suites for metric in metrics_of(suite)]
    rows: tuple[Row, ...] = ()
    said = [*notes, *sifted.notes]
    judges: tuple[JudgeReport, ...] = ()
    if not sifted.found.test_rows:
        answers = ask_all(
            sifted.suites,
            contestants,
            ask=ask,
            decoding=gate.decoding,
            shots=shots,
            likelihood=any(name in LIKELIHOOD for name in named),
            book=book,
            on_progress=on_progress,
        )
        rows = rows_of(sifted.suites, contestants, answers, on_progress)
        said += [*_remarks(rows, sifted.suites), *lessons.told(rows, gate.primary)]
        judges = (judge(rows),) if judge else ()
    return compare(
        gate,
        suites=[fitted(suite, gate) for suite in suites],
        contestants=contestants,
        rows=rows,
        contamination=sifted.found,
        registered=registered,
        looks=looks,
        judges=judges,
        notes=said,
    )


def _need(suites: Sequence[Suite], contestants: Sequence[Contestant]) -> None:
    for suite in suites:
        if not suite.cases:
            name = "test suite" if suite.role is Role.TEST else f"suite {suite.name}"
            raise BadInput(f"The {name} is empty.", fix="Give at least one row with an answer.", param=suite.name)
    if not any(suite.role is Role.TEST for suite in suites):
        raise BadInput("The test suite is empty.", fix="Give at least one row with an answer.", param="test")
    if CANDIDATE not in {who.key for who in contestants}:
        raise BadInput("There is no candidate to compare.", fix="Name a model.", param="model")


def _remarks(rows: Sequence[Row], suites: Sequence[Suite]) -> list[str]:
    """What a reader of the figures must know of how the answers came about."""
    tests = {suite.name for suite in suites if suite.role is Role.TEST}
    test = [row for row in rows if row.suite in tests]
    remarks = [note for suite in suites if suite.role is Role.TEST for note in suite.notes]
    cut = sum(row.answers[CANDIDATE].cut for row in test)
    if cut:
        remarks.append(f"{cut} of {len(test)} answers of the candidate ran into the token limit.")
    shots = [row.answers[FEW_SHOT] for row in test if FEW_SHOT in row.answers]
    full = sum(answer.cut and not answer.text for answer in shots)
    if full:
        remarks.append(f"The few-shot examples left no room for an answer to {full} of {len(shots)} test rows.")
    return remarks + [_skipped(suite) for suite in suites if suite.skipped]


def _skipped(suite: Suite) -> str:
    rows = f"{len(suite.skipped)} rows of {suite.name}"
    return f"{rows}, in which tools take part or nothing is asked, were not scored."
