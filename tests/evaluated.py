"""An evaluation with its answers, as its job would have left it: something that people can vote on."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from trainer.registry.models import add_evaluation, add_model
from trainer.services import Services
from trainer.store.ids import new_id
from trainer.store.tables import Evaluation


def answered(number: int, mine: str, theirs: str, **more: Any) -> dict[str, Any]:
    """A row of an evaluation's report; `more` are answers of other contestants."""
    answers = {"candidate": {"text": mine}, "base": {"text": theirs}} | {k: {"text": v} for k, v in more.items()}
    asked = [{"role": "user", "content": f"What is ticket {number} about? <!channel>"}]
    return {"suite": "test", "id": f"row-{number}", "messages": asked, "expected": "", "answers": answers}


def rows(differ: int = 6, equal: int = 2) -> list[dict[str, Any]]:
    made = [answered(n, f"tuned says {n} & more", f"base says {n} <@U0ADA>") for n in range(differ)]
    return made + [answered(differ + n, "the same", "the same") for n in range(equal)]


def evaluated(services: Services, kept: list[dict[str, Any]] | None = None, **origin: str) -> Evaluation:
    """A model with an evaluation; the thread of `origin` is about it."""
    model_id = f"ft:tiny-base:T0SANDBOX:people:{new_id('')[:8]}"
    job: Any = SimpleNamespace(id=new_id("ftjob-"), dataset_id="file-none", owner="U0ADA", model_id=model_id)
    columns = {"base": "tiny-base", "base_location": "/nowhere", "method": "lora", "is_adapter": True}
    report = {
        "rows_sha256": services.blobs.put_bytes(json.dumps(rows() if kept is None else kept).encode()),
        "contestants": [{"key": "base", "model": "tiny-base"}, {"key": "candidate", "model": model_id}],
        "reasons": [],
    }
    with services.db.write() as session:
        add_model(session, job, model_id=model_id, manifest={"files": {}}, card={}, **columns)
        made = add_evaluation(session, job, verdict="PASS", report=report)
    if origin:
        services.threads.link(origin, model_id=model_id)
    return made
