"""The answers of an evaluation, kept as they come inside the job's fence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from trainer.evals.asking import Key
from trainer.evals.case import Answer, Suite
from trainer.evals.gate import GateSpec
from trainer.jobs.child import JobRun
from trainer.jobs.contestants import Entrant
from trainer.store import answers


def key_of(entrants: Sequence[Entrant], gate: GateSpec, suites: Sequence[Suite]) -> str:
    """sha256 over everything that answers depend on: another job with the same goes on where this one ended."""
    told = {
        "contestants": {entrant.contestant.key: entrant.identity for entrant in entrants},
        "gate": gate.digest,
        "suites": {suite.name: suite.sha256 for suite in suites},
        "decoding": gate.decoding.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


class Kept:
    """The book of one run: answers of earlier attempts, and of earlier jobs that asked for the same."""

    def __init__(self, run: JobRun, key: str) -> None:
        self.run = run
        self.key = key

    def known(self) -> dict[Key, Answer]:
        found = self.run.services.answers.known(self.key)
        if found:
            text = f"{len(found):,} answers were there from an earlier attempt; they are not asked again."
            self.run.event("note", {"text": text, "code": "resumed"})
        return found

    def keep(self, given: Sequence[tuple[Key, Answer]]) -> None:
        with self.run.lease.fenced() as session:
            answers.keep(session, self.key, given)
