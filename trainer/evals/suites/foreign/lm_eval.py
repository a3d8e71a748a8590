"""lm-eval's samples (`--log_samples`, a line of JSON each): the prompts and targets of generated answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trainer.errors import BadInput
from trainer.evals.case import Case, Check, Role, Suite
from trainer.evals.suites.foreign.taken import Taken, messages_of, taken
from trainer.types import ChatMessage

ABOUT = "Imported from a log of lm-eval. Right is an answer that equals the target."


def take(data: bytes, name: str, filename: str) -> Taken:
    left: list[str] = []
    cases: dict[str, Case] = {}
    filters: set[str] = set()
    for line, sample in _samples(data, filename):
        filters |= {str(sample["filter"])} if sample.get("filter") not in (None, "none") else set()
        key = str(sample.get("doc_id", line))
        if key in cases:  # once more, for another filter
            continue
        made = _case(sample, key)
        if isinstance(made, Case):
            cases[key] = made
        else:
            left.append(f"line {line}: not imported: {made}")
    if filters:
        shown = ", ".join(sorted(filters))[:200]
        left.append(f"filters: not imported: {shown}. Here the whole answer is compared, not a part picked out of it.")
    suite = Suite(name, "", tuple(cases.values()), Role.REGRESSION, "exact_match", (Check("exact_match"),), ABOUT)
    return taken(suite, left, filename)


def _samples(data: bytes, filename: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            sample = json.loads(line)
        except (ValueError, RecursionError):
            sample = None
        if not isinstance(sample, dict) or "arguments" not in sample or "target" not in sample:
            said = f"Line {number} of {filename} is no sample of lm-eval: it needs `arguments` and `target`."
            raise BadInput(said, fix="Run lm_eval with --log_samples and give its samples_….jsonl.", code="bad_log")
        yield number, sample


def _case(sample: dict[str, Any], key: str) -> Case | str:
    """The case, or why it is none."""
    found = _first(sample["arguments"])
    if found is None:
        return "its arguments have no prompt."
    prompt, more = found
    if isinstance(more, str):
        return "it asks for the likelihood of a text, not for an answer."
    messages = _messages(prompt)
    if messages is None:
        return "its prompt does not end with a user's message."
    target = sample["target"]
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    if not isinstance(target, str | int | float) or isinstance(target, bool) or not str(target).strip():
        return "its target is no text."
    return Case(key, messages, str(target).strip())


def _first(arguments: Any) -> tuple[Any, Any] | None:
    """The first request's prompt and what stands beside it: {"gen_args_0": {"arg_0", "arg_1"}}, or lists, as before."""
    if isinstance(arguments, dict):
        first = arguments.get("gen_args_0")
        return (first.get("arg_0"), first.get("arg_1")) if isinstance(first, dict) else None
    if isinstance(arguments, list) and arguments and isinstance(arguments[0], list) and arguments[0]:
        return arguments[0][0], (arguments[0] + [None])[1]
    return None


def _messages(prompt: Any) -> tuple[ChatMessage, ...] | None:
    """A text, or, of chat models, a list that holds the messages as JSON."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]
    if isinstance(prompt, str) and prompt.startswith("[{"):
        try:
            prompt = json.loads(prompt)
        except (ValueError, RecursionError):
            return messages_of(prompt)
    return messages_of(prompt)
