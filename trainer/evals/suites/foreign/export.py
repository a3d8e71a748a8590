"""A suite of ours as promptfoo's configuration."""

from __future__ import annotations

import json
from typing import Any

import yaml

from trainer.evals.case import Case, Suite
from trainer.evals.suites.foreign.asserts import write_asserts

Json = dict[str, Any]


def to_promptfoo(suite: Suite) -> tuple[str, tuple[str, ...]]:
    """The configuration without providers, which everybody fills in, and what could not be said in it. A chat of
    several messages is one variable that holds it as JSON: promptfoo reads such a prompt as a chat."""
    left: list[str] = []
    tests: list[Json] = []
    for case in suite.cases:
        written, missing = write_asserts(case, suite.primary)
        left += [f"{case.id}: {metric} has no counterpart in promptfoo." for metric in missing]
        if written:
            tests.append({"description": case.id, "vars": {"prompt": _prompt(case)}, "assert": written})
    document = {
        "description": suite.about or suite.name,
        "prompts": ["{{prompt}}"],
        "providers": ["openai:chat:NAME-OF-A-MODEL"],
        "tests": tests,
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110), tuple(left)


def _prompt(case: Case) -> str:
    if [message.role for message in case.messages] == ["user"]:
        text = case.messages[0].content
    else:
        text = json.dumps([{"role": m.role, "content": m.content} for m in case.messages], ensure_ascii=False)
    return f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text else text
