from __future__ import annotations

import json
import runpy
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_committed_tickets_are_what_the_script_writes() -> None:
    made = runpy.run_path(str(EXAMPLES / "make_tickets.py"))
    assert (EXAMPLES / "tickets.jsonl").read_text(encoding="utf-8") == "\n".join(made["lines"]()) + "\n"


def test_good_tickets_differ_in_their_prompts_and_answer_with_json() -> None:
    rows = runpy.run_path(str(EXAMPLES / "make_tickets.py"))["good_rows"]()
    prompts = {row["messages"][1]["content"] for row in rows}
    assert len(rows) == len(prompts) == 420
    assert all(json.loads(row["messages"][2]["content"]).keys() == {"product", "severity", "intent"} for row in rows)
