"""The grammar: commands, and plain English near them, to a tool and its arguments.

It never invents arguments: what a person did not say is left out. `RULES` are asked in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HELP = (
    "Drop a JSONL file into the channel and I check it. Then say, in its thread:\n"
    "• `advise` – prompt, RAG or fine-tune? e.g. “should we fine-tune for our tone with 400 examples?”\n"
    "• `check`, `split`, `estimate` – look at the dataset, and what a run would take\n"
    "• `train` – e.g. “train on tiny-base with lora replay 100% 15 epochs suffix tickets”; nothing runs unasked\n"
    "• `status`, `jobs`, `cancel` – how runs are, and stop one\n"
    "• `evaluate`, `show evaluation` – base against tuned on sealed rows\n"
    "• `promote to tickets`, `roll back tickets` – a second person decides\n"
    "• `models` – tuned models, bases and aliases"
)
UNKNOWN = "I did not understand that. Try `help`, `train`, `status`, or “should we fine-tune for …?”"
THANKS = "You are welcome."
WHICH_ALIAS = "Behind which alias? It is one word of letters, digits, dots or dashes: say, e.g., `promote to tickets`."
WHICH_ROLLBACK = "Which alias? Say, e.g., `roll back tickets`."
BY_BUTTON = "Words decide nothing here: somebody presses Approve or Reject on the card in the thread."
NOT_DONE = "All right, nothing is done. To stop a run, say `cancel`."

NUMBER = r"(?:(?<!\w)-)?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
ALIAS = r"(?P<alias>[\w][\w.-]*)"
MODEL = r"(?<![\w:])(?:ft:[\w.:-]*\w|ftjob-\w+)"
JOB = r"(?<![\w:])(?:ftjob|evaljob)-\w+"


@dataclass(frozen=True, slots=True)
class Command:
    """A tool and its arguments, or a text to answer with when `tool` is empty."""

    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    text: str = ""


def any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE)


MENTION = any_of(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>", r"(?<!\S)@tunesmith\b")
YOU = r"(?:you|a lot|so much|very much|again|work|job|one|tunesmith)\b"
POLITE = re.compile(
    r"^(?:(?:please|hey|hi|hello|ok|okay|now|so|and|then|can you|could you|would you|will you|let'?s|"
    r"i want to|i'?d like to|we want to|go ahead and|but|"
    rf"(?:thanks|thank you|great|nice|cool|perfect)(?![,!]? {YOU}))[,!.]?\s+)+",
    re.IGNORECASE,
)
ENDING = re.compile(r"(?:[\s,]*\bplease)?[.!\s]*$", re.IGNORECASE)


def parse(said: str) -> Command | None:
    """What was asked for, or None when the grammar does not know."""
    text = plain(said)
    for reads in RULES:
        found = reads(text)
        if found is not None:
            return found
    return None


def plain(said: str) -> str:
    """Without mentions, polite words and closing marks, on one line."""
    text = re.sub(r"\s+", " ", MENTION.sub(" ", said)).strip().strip("`").strip()
    return ENDING.sub("", POLITE.sub("", text) or text)


GREETING = any_of(r"help", r"\?", r"hi", r"hello", r"hey", r"commands", r"what can you do\??", r"")
GRATITUDE = re.compile(rf"(?:thanks|thank you|cheers|great|nice|cool|perfect)(?:[,!]? {YOU})*", re.IGNORECASE)
NOT = re.compile(r"(?:do not|don[’']?t|never|no,? don[’']?t)\b", re.IGNORECASE)


def _help(text: str) -> Command | None:
    if GREETING.fullmatch(text):
        return Command(text=HELP)
    if NOT.match(text):
        return Command(text=NOT_DONE)
    return Command(text=THANKS) if GRATITUDE.fullmatch(text) else None


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


def _advise(text: str) -> Command | None:
    if not ASKS_ADVICE.search(text):
        return None
    arguments: dict[str, Any] = {"question": ADVISE_WORD.sub("", text) or text}
    said = EXAMPLES.search(text)
    if said:
        arguments["examples"] = int(said[1].replace(",", "")) * (1000 if said[2] else 1)
    return Command("advise", arguments)


CHECK = any_of(
    r"(?:re-?)?check\b",
    r"(?:show|look at|see)(?: me)? (?:the |my |this )?(?:dataset|data|report|file)\b",
    r"report$",
    r"validate\b",
)
SPLIT = re.compile(r"(?:re-?)?split\b", re.IGNORECASE)


def _check(text: str) -> Command | None:
    if CHECK.match(text):
        return Command("check_dataset", _dataset(text))
    return Command("split_dataset", _dataset(text)) if SPLIT.match(text) else None


ESTIMATE = any_of(
    r"^estimate\b",
    r"how (?:long|much)\b.*\b(?:train|fine-?tun|run|take|cost)",
    r"what (?:would|will|does) .*cost",
)
ESTIMATED = {"base", "method", "epochs", "replay", "dataset"}


def _estimate(text: str) -> Command | None:
    if not ESTIMATE.search(text):
        return None
    return Command("estimate_training", {k: v for k, v in _run(text).items() if k in ESTIMATED})


TRAIN = re.compile(
    r"(?:(?:start|run|request|do|launch) (?:(?:a|the|another) )?)?(?:(?:lora|qlora|full) )?"
    r"(?:re-?train|train|training|fine-?\s?tun(?:e|ing))\b",
    re.IGNORECASE,
)


def _train(text: str) -> Command | None:
    return Command("request_training", _run(text)) if TRAIN.match(text) else None


LIST_JOBS = re.compile(r"(?:list |show )?(?:all )?(?:the |my )?jobs|list", re.IGNORECASE)
STATUS = any_of(
    r"(?:what(?:'?s| is) the )?status\b",
    r"how(?: is| far|'s| are)\b.*\b(?:it|job|run|training|evaluation|things)\b",
    r"progress\b",
    r"is it (?:done|ready)",
)
CANCEL = any_of(r"(?:cancel|stop|abort|kill)\b")


def _status(text: str) -> Command | None:
    if LIST_JOBS.fullmatch(text):
        return Command("list_jobs")
    return Command("job_status", _named("job", text, JOB)) if STATUS.match(text) else None


def _cancel(text: str) -> Command | None:
    return Command("cancel_job", _named("job", text, JOB)) if CANCEL.match(text) else None


SHOW_EVALUATION = any_of(
    r"show (?:me )?(?:the |its |last |latest )*(?:evaluation|eval|verdict|comparison|results?)",
    r"(?:evaluation|verdict|result)s?\??$",
)
EVALUATE = re.compile(r"(?:re-?)?(?:evaluate|eval|compare|test)\b(?: (?P<alias>[\w][\w.-]*))?", re.IGNORECASE)
VAGUE = {"it", "this", "that", "the", "model", "now", "again", "them", "run", "base", "our", "my", "against", "with"}


def _evaluate(text: str) -> Command | None:
    if SHOW_EVALUATION.match(text):
        return Command("show_evaluation", _named("model", text, MODEL))
    asked = EVALUATE.match(text)
    if not asked:
        return None
    named = _named("model", text, MODEL)
    if not named and asked["alias"] and asked["alias"].lower() not in VAGUE:
        named = {"model": asked["alias"]}
    return Command("evaluate_model", named)


PROMOTE = any_of(r"promote\b", r"point\b.*\b(?:to|at)\b")
BEHIND = re.compile(rf"\b(?:to|as|behind)(?: the)?(?: alias)? {ALIAS}$", re.IGNORECASE)
POINT = re.compile(rf"point {ALIAS} (?:to|at)\b", re.IGNORECASE)
BACK = re.compile(rf"(?:roll[- ]?back|revert|undo)(?: the)?(?: alias| promotion of)?(?: {ALIAS})?$", re.IGNORECASE)


def _promote(text: str) -> Command | None:
    back = BACK.match(text)
    if back:
        named = {"alias": back["alias"]} if back["alias"] else {}
        return Command("request_rollback", named) if named else Command(text=WHICH_ROLLBACK)
    if not PROMOTE.match(text):
        return None
    target = POINT.search(text) or BEHIND.search(text)
    if not target:
        return Command(text=WHICH_ALIAS)
    return Command("request_promotion", {"alias": target["alias"], **_named("model", text, MODEL)})


MODELS = re.compile(
    r"(?:(?:list|show|what) )?(?:me )?(?:all )?(?:(?:the|our|my) )?(?:tuned )?(?:models|aliases|bases)"
    r"(?: are there| do we have)?\??",
    re.IGNORECASE,
)


def _models(text: str) -> Command | None:
    return Command("list_models") if MODELS.fullmatch(text) else None


def _named(name: str, text: str, pattern: str) -> dict[str, Any]:
    found = re.search(pattern, text)
    return {name: found[0]} if found else {}


def _dataset(text: str) -> dict[str, Any]:
    return _named("dataset", text, r"(?<!\w)file-\w+")


NO_BASE = r"(?!file-|(?:this|it|that|the|my|our|them|these|those|all|data|dataset|rows|examples)\b)"
UNTAUGHT = "dora|ia3|dpo|orpo|kto|ppo|grpo|rlhf"  # asked for by name: refused by name, not trained as something else
AS = r"as(?! (?:soon|possible|well)\b)"
OPTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "base": (
        rf"\b(?:on|base)\s*[:=]?\s*(?:the\s+)?[“\"'`]?{NO_BASE}([\w./-]*\w)"
        rf"|^(?:re-?)?(?:train|fine-?tune) {NO_BASE}([A-Za-z][\w.]*[-/][\w./-]*\w)",
        str,
    ),
    "method": (rf"(?<![\w./-])(qlora|lora|full|{UNTAUGHT})(?![\w/-])", str.lower),
    "epochs": (rf"({NUMBER})\s*epochs?\b|\bepochs?\s*[:=]?\s*({NUMBER})", float),
    "learning_rate": (rf"\b(?:lr|learning[ _-]rate)\s*(?:of|[:=])?\s*({NUMBER})", float),
    "batch_size": (r"\bbatch(?:[ _-]size)?\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "max_length": (r"\b(?:max|maximum)?[ _-]?length\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "lora_r": (r"\b(?:r|rank)\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "seed": (r"\bseed\s*(?:of|[:=])?\s*(-?\d+)\b", int),
    "suffix": (rf"\b(?:suffix|named|called|{AS})\s*[:=]?\s*[“\"'`]?([^\s“”\"'`,;]+)", str.lower),
}


def _run(text: str) -> dict[str, Any]:
    """The options of a training run that the text names."""
    found: dict[str, Any] = _dataset(text)
    for name, (pattern, cast) in OPTIONS.items():
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            found[name] = cast(next(group for group in match.groups() if group))
    if str(found.get("base", "")).endswith((".jsonl", ".json")):
        found.pop("base")
    return found | _replay(text)


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


DECIDES = re.compile(
    r"(?:yes,?\s+)?(?:i\s+)?(?:approved?|reject(?:ed)?|confirm(?:ed)?|lgtm|ship it|do it|yes|ok|okay|go|go ahead)\b"
    r"(?:[,!]?\s+(?:it|this|that|the .{1,40}|do it|(?:appr|file|ftjob)-\w+|approved?))*|.*\bapprov\w+ it",
    re.IGNORECASE,
)


def _decide(text: str) -> Command | None:
    return Command(text=BY_BUTTON) if DECIDES.fullmatch(text) else None


RULES: tuple[Callable[[str], Command | None], ...] = (
    _help,
    _advise,
    _status,
    _models,
    _check,
    _estimate,
    _train,
    _cancel,
    _evaluate,
    _promote,
    _decide,
)
