"""inspect_ai and lm-eval ask the gateway the rows that we score, and agree with our exact match on each of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.gateway.doorway import Door, add_model, open_door, point, served_engine
from tests.gateway.scripted_engine import ScriptedEngine
from trainer.evals.case import Answer, Case
from trainer.evals.metrics import load_metric
from trainer.inference.tiny_tasks import sealed
from trainer.types import ChatMessage

TOOLS = ROOT / ".venv-interop" / "bin"
EXAMPLES = ROOT / "examples" / "interop"
ROWS = 40
pytestmark = pytest.mark.interop  # `make interop` installs them in an environment of their own, and runs this


class Answers(ScriptedEngine):
    """Every third row wrong, every fourth in other letters, every fifth with white space around it."""

    def _whole(self, asked: dict[str, Any]) -> dict[str, Any]:
        made = super()._whole(asked)
        made["choices"][0]["message"]["content"] = said(asked["messages"][-1]["content"])
        return made


ITEMS = {item.prompt: (number, item.answer) for number, item in enumerate(sealed(23, ROWS))}


def said(prompt: str) -> str:
    number, right = ITEMS[prompt]
    answer = "something else" if number % 3 == 0 else right.swapcase() if number % 4 == 0 else right
    return f"\n {answer} \n" if number % 5 == 0 else answer


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    engine = Answers()
    with served_engine(engine) as url, open_door(tmp_path_factory.mktemp("home"), url, engine) as door:
        add_model(door.services, "ft:tiny-base:t:interop:1")
        point(door.services, "interop", "ft:tiny-base:t:interop:1", expected=0)
        yield door


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    rows = [
        {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]}
        for prompt, (_, answer) in ITEMS.items()
    ]
    shutil.copy(EXAMPLES / "inspect_suite.py", folder)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def ours() -> list[bool]:
    exact = load_metric("exact_match")
    cases = [Case(str(n), (ChatMessage("user", p),), right) for p, (n, right) in ITEMS.items()]
    scores = [exact.score(case, Answer(said(case.messages[-1].content))) for case in cases]
    assert 0 < sum(scores) < ROWS
    return [score == 1 for score in scores]


def run(door: Door, folder: Path, *command: object) -> None:
    env = os.environ | {"OPENAI_BASE_URL": f"{door.url}/v1", "OPENAI_API_KEY": door.key, "HF_HUB_OFFLINE": "1"}
    env |= {"HOME": str(folder), "INSPECT_LOG_DIR": str(folder / "logs")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_inspect_agrees_row_by_row(door: Door, folder: Path, ours: list[bool]) -> None:
    model = ("--model", "openai-api/openai/interop", "--log-format", "json", "--display", "none")
    run(door, folder, TOOLS / "inspect", "eval", "inspect_suite.py", *model, "-T", f"rows={folder / 'rows.jsonl'}")
    (log,) = (folder / "logs").glob("*.json")
    samples = json.loads(log.read_text(encoding="utf-8"))["samples"]
    theirs = {sample["id"]: sample["scores"]["match"]["value"] == "C" for sample in samples}
    assert [theirs[number] for number in range(1, ROWS + 1)] == ours


def test_lm_eval_agrees_row_by_row(door: Door, folder: Path, ours: list[bool]) -> None:
    model = f"model=interop,base_url={door.url}/v1/chat/completions,num_concurrent=4,tokenizer_backend=None"
    words = ["--model", "local-chat-completions", "--model_args", model, "--include_path", EXAMPLES]
    words += ["--tasks", "tunesmith_suite", "--apply_chat_template", "--log_samples", "--output_path", "out"]
    run(door, folder, TOOLS / "lm-eval", "run", *words)
    (log,) = (folder / "out").rglob("samples_*.jsonl")
    samples = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    theirs = {sample["doc_id"]: sample["exact_match"] == 1 for sample in samples}
    assert [theirs[number] for number in range(ROWS)] == ours
