"""An evaluation on a real dataset whose candidate failed in several ways, as its job would have left it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from trainer.registry.models import add_evaluation, add_model
from trainer.services import Services
from trainer.store.ids import new_id
from trainer.store.tables import Dataset, Evaluation

WANTED = '{"kind": "bug", "level": "high"}'
SAID = {  # case → (expected, the candidate's answer, the base has it right)
    "t1": (WANTED, '{"kind": "bug", "level": "low"}', False),
    "t2": (WANTED, "It is a bug, and <!channel> level high.", True),
    "t3": ("Paris", "paris.", False),
    "t4": ("Rome", "", False),
    "t5": ("Bern", "I'm sorry, but I can't help with that.", False),
    "t6": ("Oslo", "Oslo", True),
}


def failed(services: Services, dataset: Dataset, *more: dict[str, Any], **origin: str) -> Evaluation:
    """A model with its evaluation: five of six rows wrong, one of them lost, and `more`. The thread of `origin` is
    about it."""
    model_id = f"ft:tiny-base:T0SANDBOX:failing:{new_id('')[:8]}"
    job: Any = SimpleNamespace(id=new_id("ftjob-"), dataset_id=dataset.id, owner="U0ADA", model_id=model_id)
    columns = {"base": "tiny-base", "base_location": "/nowhere", "method": "lora", "is_adapter": True}
    kept = json.dumps([*(row(case, *said) for case, said in SAID.items()), *more]).encode()
    report = {
        "rows_sha256": services.blobs.put_bytes(kept),
        "suites": {name: {"primary": "exact_match"} for name in ("test", "old-skills")},
        "contestants": [{"key": "base", "model": "tiny-base"}, {"key": "candidate", "model": model_id}],
        "reasons": [],
        "test_rows": len(SAID),
    }
    with services.db.write() as session:
        add_model(session, job, model_id=model_id, manifest={"files": {}}, card={}, **columns)
        made = add_evaluation(session, job, verdict="FAIL", report=report)
    if origin:
        services.threads.link(origin, model_id=model_id)
    return made


def row(case: str, expected: str, said: str, base_right: bool, suite: str = "test") -> dict[str, Any]:
    answers = {"candidate": {"text": said}, "base": {"text": expected if base_right else "no idea"}}
    right = float(said == expected)
    return {
        "suite": suite,
        "id": case,
        "messages": [{"role": "user", "content": f"Which one is number {case}?"}],
        "expected": expected,
        "answers": answers,
        "scores": {"candidate": {"exact_match": right}, "base": {"exact_match": float(base_right)}},
    }
