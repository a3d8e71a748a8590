"""The rows of a suite as an inspect_ai task, asked of whatever the gateway serves.

    tunesmith suite export NAME --to jsonl --out rows.jsonl
    OPENAI_BASE_URL=http://127.0.0.1:8900/v1 OPENAI_API_KEY=… \
        inspect eval inspect_suite.py --model openai-api/openai/ALIAS -T rows=rows.jsonl
"""

import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, GenerateConfig
from inspect_ai.scorer import match
from inspect_ai.solver import generate

SPEAKERS = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}


@task
def suite(rows: str) -> Task:
    return Task(
        dataset=MemoryDataset([_sample(number, line) for number, line in enumerate(_lines(rows), start=1)]),
        solver=generate(),
        scorer=match(location="exact", ignore_case=False),
        config=GenerateConfig(temperature=0.0, max_tokens=256),
    )


def _lines(rows: str) -> list[str]:
    return [line for line in Path(rows).read_text(encoding="utf-8").splitlines() if line.strip()]


def _sample(number: int, line: str) -> Sample:
    said = json.loads(line)["messages"]
    asked = [SPEAKERS[message["role"]](content=message["content"]) for message in said[:-1]]
    return Sample(id=number, input=asked, target=said[-1]["content"])
