"""Rows to judge and judges of known character, who answer over real HTTP."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from pydantic import SecretStr

from tests.augment_llm import KEY, AugmentLLM, Says
from trainer.evals.case import BASE, CANDIDATE, Answer, Contestant
from trainer.evals.gate.spec import JudgeRule
from trainer.evals.judges import Label, judge
from trainer.evals.outcome import JudgeReport, Row
from trainer.settings import Settings
from trainer.store.database import Database
from trainer.types import ChatMessage

Json = dict[str, Any]
CONTESTANTS = (Contestant(BASE, "pebble-base"), Contestant(CANDIDATE, "ft:pebble-base:local:tidy:1"))


@contextmanager
def bench(judge_says: Says) -> Iterator[AugmentLLM]:
    """One server for all judges of a test process: only who sits there changes."""
    server = _server()
    server.says, server.asked = judge_says, []
    yield server


@cache
def _server() -> AugmentLLM:
    server = AugmentLLM(lambda asked: 500)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def row(number: int, candidate: str, other: str, expected: str = "the right one") -> Row:
    asked = (ChatMessage("user", f"Question {number}?"),)
    return Row("test", f"row-{number}", asked, expected, {BASE: Answer(other), CANDIDATE: Answer(candidate)}, {})


def rows(n: int, better: Callable[[int], str] = lambda number: "candidate") -> list[Row]:
    """Row i, where `better(i)` is candidate, other or tie: who answers rightly."""
    made = []
    for number in range(n):
        mine, theirs = ("right" if better(number) in (who, "tie") else "wrong" for who in ("candidate", "other"))
        made.append(row(number, f"{mine} answer {number}", f"{theirs} reply {number}"))
    return made


def rule(**more: Any) -> JudgeRule:
    return JudgeRule(**{"model": "arbiter-1", "rows": 1000} | more)


def settings_for(llm: AugmentLLM, home: Any, **more: Any) -> Settings:
    given: Json = {"judge_base_url": llm.url, "judge_api_key": SecretStr(KEY), "home": home}
    return Settings(**given | more)


def judged(llm: AugmentLLM, db: Database, given: Sequence[Row], **more: Any) -> JudgeReport:
    settings = more.pop("settings", None) or settings_for(llm, more.pop("home", "."))
    asked: Json = {"against": BASE, "contestants": CONTESTANTS, "settings": settings, "db": db}
    return judge(more.pop("rule", rule()), rows=given, **asked | more)


def labels(given: Sequence[Row], says: Callable[[int], str], voters: Sequence[str] = ("U1",)) -> list[Label]:
    return [Label("test", one.id, says(n), voter) for n, one in enumerate(given) for voter in voters]  # type: ignore[arg-type]


def data_of(asked: Json) -> Json:
    """What stands between the marks of the first question."""
    said = next(message["content"] for message in asked["messages"] if message["role"] == "user")
    found = re.fullmatch(r"<<<(DATA-\w+)\n(.*)\n\1>>>\n\n.*", said, re.DOTALL)
    assert found, said
    return json.loads(found[2])


def says(choice: str, reasoning: str = "because") -> str:
    return json.dumps({"reasoning": reasoning, "choice": choice})


def picking(pick: Callable[[Json], str]) -> Callable[[Json], str]:
    return lambda asked: says(pick(data_of(asked)))


def right_one(data: Json) -> str:
    a, b = ("right" in data[name] for name in "AB")
    return "tie" if a == b else "A" if a else "B"


def first_one(data: Json) -> str:
    return "A"


def longer_one(data: Json) -> str:
    return "A" if len(data["A"]) > len(data["B"]) else "B"


honest, firstly, at_length = picking(right_one), picking(first_one), picking(longer_one)


def scoring(asked: Json, high: int = 9, low: int = 4) -> str:
    """Right answers are given `high` on each criterion, others `low`."""
    criteria = asked["response_format"]["json_schema"]["schema"]["required"]
    score = high if "right" in data_of(asked)["answer"] else low
    return json.dumps({name: {"reasoning": f"{name} is plain", "score": score} for name in criteria})
