"""A suite back as the YAML that people read, or as chat rows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from trainer.evals.case import Case, Check, Suite


class _Dumper(yaml.SafeDumper):
    """Quotes every text that a reader of YAML 1.1 or 1.2 would take for a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_NUMBER = re.compile(r"^[-+]?[\d.]+(?:[eE][-+]?\d+)?$")
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    if not all(char.isprintable() or char in "\n\t" for char in text):
        style = '"'  # escaped: readers take several of these for the end of a line
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(suite: Suite, rule: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None) -> str:
    """The suite as YAML; `rule` holds its margin, floor and by, `files` the sha256 of each file of Python.
    `read_suite` makes the same cases of it."""
    document: dict[str, Any] = {"suite": suite.name, "about": suite.about, "role": suite.role.value}
    document |= {"metrics": [_metric(metric) for metric in suite.metrics], "primary": suite.primary}
    document |= {**(rule or {}), "files": dict(files or {}), "cases": [_case(case) for case in suite.cases]}
    kept = {key: value for key, value in document.items() if value or key == "cases"}
    return yaml.dump(kept, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def rows(suite: Suite) -> tuple[str, int]:
    """The cases as chat rows, a line of JSON each, with slices and id in the metadata; and how many have no expected
    answer, which no row can do without."""
    told = [_row(case) for case in suite.cases if case.expected]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in told]
    return "".join(lines), len(suite.cases) - len(lines)


def _row(case: Case) -> dict[str, Any]:
    said = [{"role": m.role, "content": m.content} for m in case.messages]
    metadata = {**case.slices, **({"conversation_id": case.group} if case.group else {}), "id": case.id}
    return {"messages": [*said, {"role": "assistant", "content": case.expected}], "metadata": metadata}


def _metric(check: Check) -> Any:
    return {check.metric: dict(check.arguments)} if check.arguments else check.metric


def _case(case: Case) -> dict[str, Any]:
    made: dict[str, Any] = {"id": case.id} | _asked(case)
    if case.expected:
        made["expected"] = case.expected
    if case.slices:
        made["slices"] = dict(case.slices)
    if case.checks:
        made["checks"] = [_metric(check) for check in case.checks]
    return made | ({"group": case.group} if case.group else {})


def _asked(case: Case) -> dict[str, Any]:
    roles = [message.role for message in case.messages]
    if roles == ["user"]:
        return {"prompt": case.messages[0].content}
    if roles == ["system", "user"] and case.messages[0].content:
        return {"system": case.messages[0].content, "prompt": case.messages[1].content}
    return {"messages": [{"role": m.role, "content": m.content} for m in case.messages]}
