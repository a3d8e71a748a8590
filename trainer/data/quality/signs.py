"""Signs in the text of a row: refusals, template and HTML residue, injected orders, invisible characters.

One pass over the bytes of a batch finds the few lines that deserve a look; only these are looked at.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from trainer.data.analyze import Batch, Scene
from trainer.data.findings import Problem
from trainer.data.quality import patterns
from trainer.data.quality.suspects import CHECKS, suspects
from trainer.types import Finding

CODES = ("refusal_answer", "template_residue", "html_residue", "prompt_injection", "invisible_characters")
MANY_REFUSALS = 0.2  # of the rows


class Signs:
    """Memory: one number a code."""

    def __init__(self, scene: Scene) -> None:
        self.rows = 0
        self.counts: Counter[str] = Counter()

    def add(self, batch: Batch) -> list[Finding]:
        self.rows += len(batch.numbers)
        found: list[Finding] = []
        hint = patterns.hint(*(check.HINT for check in CHECKS))
        for index, line in batch.once(suspects):
            if not hint.search(line):
                continue
            view = batch.views[index]
            problems = [p for check in CHECKS if patterns.hint(check.HINT).search(line) for p in check.look(view)]
            if problems:
                self.counts.update({problem.code for problem in problems})
                found += (problem.at(batch.numbers[index]) for problem in problems)
        return found

    def finish(self) -> list[Finding]:
        refused = self.counts["refusal_answer"]
        if not refused or refused <= MANY_REFUSALS * self.rows:
            return []
        share = f"{refused / self.rows:.0%} of the answers refuse ({refused} of {self.rows}). The model would learn it."
        return [Problem("many_refusals", share).at(0)]

    def stats(self) -> dict[str, Any]:
        if not self.rows:
            return {}
        shares = {code: {"rows": n, "share": round(n / self.rows, 4)} for code in CODES if (n := self.counts[code])}
        return {"signs": shares}
