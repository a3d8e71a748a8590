"""Advice, estimates, training runs and jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.commands.gates import gate_named
from bot.commands.words import JOB, NUMBER, Command, any_of, dataset_named, named

TUNING = r"fine-?\s?tun\w*"
ASKS_ADVICE = any_of(
    r"^(?:advise|advice)\b",
    rf"\b(?:should|shall) (?:we|i)\b.*(?:{TUNING}|train|\brag\b|prompt)",
    rf"\b(?:{TUNING}|rag|prompt\w*)\b.*\b(?:or|vs\.?|versus)\b",
    rf"\b(?:is|does|would|do (?:we|i)) .*{TUNING}.*\?",
    rf"\bworth (?:it to )?(?:{TUNING}|train)",
    rf"\bdo (?:we|i) need (?:to )?(?:{TUNING}|train)",
)
ADVISE_WORD = re.compile(r"^(?:advise|advice)\b(?: me| us)?(?: on| about| whether)?:?\s*", re.IGNORECASE)
EXAMPLES = re.compile(
    r"(?<![\w.,])(\d[\d,]*)\s*(k)?\s*(?:[\w-]+\s){0,2}(?:examples?|rows?|samples?|pairs?|tickets?)", re.IGNORECASE
)


def advises(text: str) -> Command | None:
    if not ASKS_ADVICE.search(text):
        return None
    arguments: dict[str, Any] = {"question": ADVISE_WORD.sub("", text) or text}
    said = EXAMPLES.search(text)
    if said:
        arguments["examples"] = int(said[1].replace(",", "")) * (1000 if said[2] else 1)
    return Command("advise", arguments)


ESTIMATE = any_of(
    r"^estimate\b",
    r"how (?:long|much)\b.*\b(?:train|fine-?tun|run|take|cost)",
    r"what (?:would|will|does) .*cost",
)
ESTIMATED = {
    *("base", "method", "objective", "preset", "settings", "epochs", "replay", "dataset"),
    *("batch_size", "max_length", "lora_r"),
}


def estimates(text: str) -> Command | None:
    if not ESTIMATE.search(text):
        return None
    return Command("estimate_training", {k: v for k, v in run_named(text).items() if k in ESTIMATED})


TRAIN = re.compile(
    r"(?:(?:start|run|request|do|launch) (?:(?:a|the|another) )?)?(?:(?:[qd]?lora|full|dpo|orpo|kto|ia3|hosted) )?"
    r"(?:re-?train|train|training|fine-?\s?tun(?:e|ing))\b",
    re.IGNORECASE,
)


def trains(text: str) -> Command | None:
    if not TRAIN.match(text):
        return None
    rest, gate = gate_named(text)
    return Command("request_training", run_named(rest) | ({"gate": gate} if gate else {}))


LIST_JOBS = re.compile(r"(?:list |show )?(?:all )?(?:the |my )?jobs|list", re.IGNORECASE)
STATUS = any_of(
    r"(?:what(?:'?s| is) the )?status\b",
    r"how(?: is| far|'s| are)\b.*\b(?:it|job|run|training|evaluation|things)\b",
    r"progress\b",
    r"is it (?:done|ready)",
)
CANCEL = any_of(r"(?:cancel|stop|abort|kill)\b")


def tells_status(text: str) -> Command | None:
    if LIST_JOBS.fullmatch(text):
        return Command("list_jobs")
    return Command("job_status", named("job", text, JOB)) if STATUS.match(text) else None


def cancels(text: str) -> Command | None:
    return Command("cancel_job", named("job", text, JOB)) if CANCEL.match(text) else None


def _objective(word: str) -> str:
    return "classify" if word.lower() == "classif" else word.lower()


NO_BASE = (
    r"(?!file-|(?:this|it|that|the|my|our|them|these|those|all|data|dataset|rows|examples|"
    r"warm-up|max-length|(?:p|prompt|prefix)-tuning)\b|[\w-]+\s*=)"
)
METHODS = "qlora|rslora|lora|dora|full|ia3|prefix(?:-tuning)?|prompt-tuning|p-tuning"
UNTAUGHT = "ppo|grpo|rlhf"  # asked for by name: refused by name, not trained as something else
AS = r"as(?! (?:soon|possible|well|an? classif\w+)\b)"
OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "base": (
        rf"\b(?:on|base)\s*[:=]?\s*(?:the\s+)?[“\"'`]?{NO_BASE}([\w./-]*\w)"
        rf"|^(?:re-?)?(?:train|fine-?tune) {NO_BASE}([A-Za-z][\w.]*[-/][\w./-]*\w)",
        str,
    ),
    "method": (rf"(?<![\w./-])({METHODS}|{UNTAUGHT})(?![\w/-])", str.lower),
    "objective": (r"(?<![\w./-])(dpo|orpo|kto)(?![\w/-])|\b(?:as an?|to) (classif)(?:y|ier)\b", _objective),
    "preset": (r"\bpreset\s*[:=]?\s*[“\"'`]?([a-z][\w-]*)|\b(quick|careful) preset\b", str.lower),
    "epochs": (rf"({NUMBER})\s*epochs?\b(?!\s*[:=])|\bepochs?\s*[:=]?\s*({NUMBER})", float),
    "learning_rate": (rf"\b(?:lr|learning[ _-]rate)\s*(?:of|[:=])?\s*({NUMBER})", float),
    "batch_size": (r"\bbatch(?:[ _-]size)?\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "max_length": (r"\b(?:max|maximum)?[ _-]?length\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "lora_r": (r"\b(?:r|rank)\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "seed": (r"\bseed\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "suffix": (rf"\b(?:suffix|named|called|{AS})\s*[:=]?\s*[“\"'`]?([^\s“”\"'`,;]+)", str.lower),
}


SETTINGS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "beta": (any_of(rf"\bbeta\s*(?:of|[:=])?\s*({NUMBER})"), float),
    "lora_alpha": (any_of(r"\balpha\s*(?:of|[:=])?\s*(\d+)\b"), int),
    "lora_dropout": (any_of(rf"\bdropout\s*(?:of|[:=])?\s*({NUMBER})"), float),
    "learning_rate_multiplier": (
        any_of(rf"\b(?:lr|learning[ _-]rate)[ _-]multiplier\s*(?:of|[:=])?\s*({NUMBER})"),
        float,
    ),
    "warmup_ratio": (any_of(r"\bwarm-?up(?:[ _]ratio)?\s*(?:of|[:=])?\s*(0?\.\d+)\b"), float),
    "warmup_steps": (any_of(r"\bwarm-?up(?:[ _]steps)?\s*(?:of|[:=])?\s*(\d+)\b(?!\.\d)"), int),
    "gradient_accumulation": (any_of(r"\b(?:gradient[ _-])?accumulation\s*(?:of|[:=])?\s*(\d+)\b"), int),
    "max_hours": (any_of(rf"\b(?:at most|max(?:imum)?|no more than)\s*({NUMBER})\s*h(?:ours?)?\b"), float),
    "template": (any_of(r"\b(instruction) template\b"), str.lower),
    "provider": (
        any_of(r"\bprovider\s*[:=]?\s*(\w+)", r"\b(?:at|with|through|via) (openai)\b", r"(?<![\w-])(hosted)\b"),
        lambda word: "openai" if word.lower() == "hosted" else word.lower(),
    ),
    "scheduler": (any_of(r"\b(linear|cosine|constant)(?: learning rate| lr)? schedul"), str.lower),
    "precision": (any_of(r"\b(bf16|fp16|fp32)\b"), str.lower),
}


REPLAYED = re.compile(
    r"\breplay(?:ing)?(?:\s*[\d.]+\s*%?)?(?:\s+(?:of|from)|[_ ]dataset\s*[:=]?)\s*(?P<dataset>file-\w+)", re.IGNORECASE
)


def run_named(text: str) -> dict[str, Any]:
    """The options of a training run that the text names."""
    found: dict[str, Any] = dataset_named(REPLAYED.sub(" ", text))
    for name, (pattern, cast) in OPTIONS.items():
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            found[name] = cast(next(group for group in match.groups() if group))
    if str(found.get("base", "")).endswith((".jsonl", ".json")):
        found.pop("base")
    settings = {
        name: cast(next(group for group in match.groups() if group))
        for name, (pattern, cast) in SETTINGS.items()
        if (match := pattern.search(text))
    }
    if replayed := REPLAYED.search(text):
        settings["replay_dataset"] = replayed["dataset"]
    settings = {name: value for name, value in _assigned(text).items() if name not in found} | settings
    return found | _replay(text) | ({"settings": settings} if settings else {})


ASSIGNED = re.compile(r"(?<![\w./-])([A-Za-z][\w-]*)\s*=\s*[“\"'`]?([^\s;“”\"'`]+)")
READ_ABOVE = re.compile(
    r"r|rank|alpha|dropout|lr|batch|length|maximum-length|warm-?up|accumulation|epoch|replay|preset|suffix|named|called|on"
)


def _assigned(text: str) -> dict[str, str]:
    """`weight_decay=0.01`: any value of a run by its name. One that a run does not have is refused by that name."""
    found = {name.lower().replace("-", "_"): value.rstrip(",.") for name, value in ASSIGNED.findall(text)}
    return {name: value for name, value in found.items() if not READ_ABOVE.fullmatch(name.replace("_", "-"))}


NO_REPLAY = re.compile(r"\b(?:no|without)\s+replay|\breplay\s*[:=]?\s*(?:off|none)\b", re.IGNORECASE)
REPLAY_AMOUNT = re.compile(
    rf"\breplay(?:ing)?(?:\s+of)?\s*[:=]?\s*({NUMBER})\s*(%)?(?!\s*epoch)|({NUMBER})\s*(%)(?:\s+of)?\s+replay",
    re.IGNORECASE,
)


def _replay(text: str) -> dict[str, float]:
    """`replay 100%` and `100 % replay` are 1.0; a bare `with replay` is as many old rows as new."""
    if not re.search(r"\breplay", text, re.IGNORECASE):
        return {}
    if NO_REPLAY.search(text):
        return {"replay": 0.0}
    said = REPLAY_AMOUNT.search(text)
    if not said:
        return {"replay": 1.0}
    share, percent = float(said[1] or said[3]), said[2] or said[4]
    return {"replay": share / 100 if percent or share > 10 else share}
