"""Logs of inspect_ai as JSON: the inputs and targets of their samples."""

from __future__ import annotations

from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Case, Check, Role, Suite
from trainer.evals.suites.foreign.taken import Taken, check, messages_of, no_json, taken

ABOUT = "Imported from a log of inspect_ai. Right is an answer that equals the target."
ZIP = b"PK\x03\x04"


def take(data: bytes, name: str, filename: str) -> Taken:
    if data.startswith(ZIP):
        said = f"{filename} is a log in inspect_ai's own packed form."
        raise BadInput(said, fix="Make JSON of it: inspect log convert --to json --output-dir . FILE", code="bad_log")
    log = no_json(data, filename, "inspect_ai")
    if not isinstance(log, dict) or not isinstance(log.get("samples"), list):
        said = f"{filename} is no log of inspect_ai with samples."
        raise BadInput(said, fix="Give a log that was written with its samples, as JSON.", code="bad_log")
    task = (log.get("eval") or {}).get("task") if isinstance(log.get("eval"), dict) else ""
    left: list[str] = []
    cases: dict[str, Case] = {}
    for number, sample in enumerate(log["samples"]):
        place = f"samples[{number}]"
        made = _case(sample)
        if isinstance(made, str):
            left.append(f"{place}: not imported: {made}")
        else:
            cases.setdefault(made.id or place, made)  # later epochs ask the same again
    about = f"{ABOUT} Task: {str(task)[:100]}." if task else ABOUT
    several = any(case.checks for case in cases.values())
    primary = "checks" if several else "exact_match"
    suite = Suite(name, "", tuple(cases.values()), Role.REGRESSION, primary, (Check(primary),), about)
    return taken(suite, left, filename)


def _case(sample: Any) -> Case | str:
    if not isinstance(sample, dict):
        return "it is no sample."
    if sample.get("choices"):
        return "it is multiple choice; the log does not say how the choices were put to the model."
    messages = messages_of(sample.get("input"))
    if messages is None:
        return "its input does not end with a user's text."
    target = sample.get("target")
    targets = [target] if isinstance(target, str) else target if isinstance(target, list) else []
    texts = [text.strip() for text in targets if isinstance(text, str) and text.strip()]
    if not texts or len(texts) != len(targets):
        return "its target is no text."
    slices = _slices(sample.get("metadata"))
    own = str(sample.get("id", ""))[:100]
    if len(texts) == 1:
        return Case(own, messages, texts[0], slices)
    any_of = check("contains", any=texts)
    return Case(own, messages, texts[0], slices, (any_of,))


def _slices(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    texts = {str(k)[:60]: v for k, v in metadata.items() if isinstance(v, str) and 0 < len(v) <= 80 and "\n" not in v}
    return dict(list(texts.items())[:10])
