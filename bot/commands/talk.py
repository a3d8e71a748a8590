"""Words that ask for no tool: greetings, thanks, and decisions that only a button takes."""

from __future__ import annotations

import re

from bot.commands.words import Command, any_of

HELP = (
    "Drop a data file into the channel (JSONL, JSON, CSV, Parquet, also packed) and I check it. "
    "Then say, in its thread:\n"
    "• `advise` – prompt, RAG or fine-tune? e.g. “should we fine-tune for our tone with 400 examples?”\n"
    "• `check`, `report` – what is wrong and where; `fix`, `redact` – a new version, mended or without personal data\n"
    "• `split` – e.g. “split by customer_id, stratify by label, 20% test”; `estimate` – what a run would take\n"
    "• `audit`, `lineage`, `license mit`, `retain 90 days` – what it holds, where it comes from, how long it stays\n"
    "• `train` – e.g. “train on tiny-base with lora replay 100% 15 epochs suffix tickets”, “train with dpo preset "
    "careful”, “train with provider openai on gpt-4o-mini-2024-07-18”; somebody approves before anything runs\n"
    "• `train … with gate effect=3% alias=tickets suites=general` – what the model must show, frozen before training\n"
    "• `suggest settings`, `presets`, `sweep lr=1e-4..1e-2 rank=8,16` – which values to train with; `preflight` – try "
    "a run for a minute\n"
    "• `make an example of this thread` – a row for a dataset; `paraphrase`, `augment`, `distill` – a language model "
    "writes rows, once somebody approved the cost; `recipes` – four ready-made scenarios\n"
    "• `status`, `jobs`, `cancel` – how runs are, and stop one\n"
    "• `evaluate`, `evaluate against tickets`, `show evaluation` – base against tuned on sealed rows\n"
    "• `blind vote`, `rate it`, `show votes` – people compare answers without knowing whose they are\n"
    "• `what went wrong?`, `make the next version` – failures by cause, and data that mends them; `suites` – what else "
    "models are asked\n"
    "• `promote to tickets`, `roll back tickets` – a second person decides; `override to tickets because …` – two\n"
    "• `models` – tuned models, bases and aliases"
)
UNKNOWN = "I did not understand that. Try `help`, `train`, `status`, or “should we fine-tune for …?”"
THANKS = "You are welcome."
BY_BUTTON = "Words decide nothing here: somebody presses Approve or Reject on the card in the thread."
NOT_DONE = "All right, nothing is done. To stop a run, say `cancel`."

YOU = r"(?:you|a lot|so much|very much|again|work|job|one|tunesmith)\b"
GREETING = any_of(r"help", r"\?", r"hi", r"hello", r"hey", r"commands", r"what can you do\??", r"")
GRATITUDE = re.compile(rf"(?:thanks|thank you|cheers|great|nice|cool|perfect)(?:[,!]? {YOU})*", re.IGNORECASE)
NOT = re.compile(r"(?:do not|don[’']?t|never|no,? don[’']?t)\b", re.IGNORECASE)


def helps(text: str) -> Command | None:
    if GREETING.fullmatch(text):
        return Command(text=HELP)
    if NOT.match(text):
        return Command(text=NOT_DONE)
    return Command(text=THANKS) if GRATITUDE.fullmatch(text) else None


DECIDES = re.compile(
    r"(?:yes,?\s+)?(?:i\s+)?(?:approved?|reject(?:ed)?|confirm(?:ed)?|lgtm|ship it|do it|yes|ok|okay|go|go ahead)\b"
    r"(?:[,!]?\s+(?:it|this|that|the .{1,40}|do it|(?:appr|file|ftjob)-\w+|approved?))*|.*\bapprov\w+ it",
    re.IGNORECASE,
)


def decides(text: str) -> Command | None:
    return Command(text=BY_BUTTON) if DECIDES.fullmatch(text) else None
