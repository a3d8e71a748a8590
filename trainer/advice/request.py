"""What is known about a wish before advice is given, and how much of it a plain sentence tells.

`from_text` is modest: it looks for words and numbers, understands no grammar beyond a `not` right before a
word, and leaves everything it does not find as unknown. Unknown is not no: the advice says what it assumed.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class AdviceRequest(BaseModel):
    """Facts about the wish. None means not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: Annotated[str, Field(max_length=4000)] = ""
    examples: Count | None = None
    preference_pairs: Count | None = None
    changing_knowledge: bool | None = None  # what the answers rest on changes weekly or faster
    needs_facts: bool | None = None  # answers must hold facts or cite sources
    strict_format: bool | None = None
    style: bool | None = None  # tone, brand voice, code style
    terminology: bool | None = None
    latency: bool | None = None  # shorter prompts, faster answers
    smaller_model: bool | None = None
    remove_behaviour: bool | None = None  # something the model must no longer do
    simple_task: bool | None = None
    instant_edits: bool | None = None  # behaviour must be changeable within minutes
    budget_tight: bool | None = None
    tried_prompting: bool | None = None
    noisy_data: bool | None = None
    regulated: bool | None = None
    model_billions: Annotated[float, Field(gt=0)] | None = None
    gpu_memory_gb: Annotated[float, Field(ge=0)] | None = None

    @property
    def about_behaviour(self) -> bool:
        return any((self.strict_format, self.style, self.terminology, self.latency, self.smaller_model,
                    self.remove_behaviour, bool(self.preference_pairs)))  # fmt: skip

    @property
    def about_knowledge(self) -> bool:
        return bool(self.changing_knowledge or self.needs_facts)


# fact → words that tell it
WORDS: dict[str, str] = {
    "changing_knowledge": r"daily|hourly|weekly|every (?:day|hour|week)|up[- ]to[- ]date|latest|real[- ]time|"
    r"live (?:data|prices?)|chang(?:es?|ing) (?:often|daily|constantly|frequently)|often changes?|prices?|"
    r"inventory|stock levels?|news|current (?:data|status|events|prices?)",
    "needs_facts": r"cit(?:e|es|ing|ations?)|sources?|facts?|factual|knowledge base|documentation|handbook|wiki|"
    r"(?:our|company|internal) (?:documents?|docs|policies|policy|manuals?)|look(?:ing)? up|knowledge",
    "strict_format": r"json|sql|xml|yaml|schema|structured|(?:strict|fixed|consistent|output) format|function calls?",
    "style": r"tone|voice|style|brand|persona|formal|friendly|politely?|sounds? like|wording",
    "terminology": r"terminology|vocabulary|jargon|domain language|(?:medical|legal|technical) terms?",
    "latency": r"latency|faster|shorter prompts?|long prompts?|prompt (?:is )?too long|tokens? cost",
    "smaller_model": r"small(?:er)? model|cheaper model|distil\w*|on[- ]device|edge device",
    "remove_behaviour": r"stop (?:doing|saying)|never (?:say|answer|do)|unlearn|refuse[sd]?|safety tuning",
    "simple_task": r"simple|easy|trivial|one[- ]off|just (?:summari[sz]e|translate|classify)",
    "instant_edits": r"instant(?:ly)?|immediately|quick(?:ly)? (?:change|edit|fix|update|debug)\w*|hot ?fix|"
    r"change (?:it )?(?:any|every) (?:time|day)",
    "budget_tight": r"(?:tight|small|low|no|limited) budget|cheap(?:ly)?|little money|cannot afford",
    "noisy_data": r"noisy|messy|unreviewed|inconsistent (?:data|labels?|answers?)|bad data|dirty",
    "regulated": r"regulated|compliance|gdpr|hipaa|medical|legal|financial|bank\w*|health\w*|clinical|lawyers?",
}
_NOT = r"(?:\bnot|n['’]t|\bno|\bwithout|\bnever)\s+(?:\w+\s+)?"
_NUMBER = r"(\d[\d,.]*)\s*(k|thousand|m|million)?\b\s*\+?\s*"
_NOUNS = (
    r"examples?|tickets?|rows?|samples?|conversations?|chats?|dialogues?|emails?|e-mails?|records?|answers?|"
    r"transcripts?|lines?|questions?|demonstrations?"
)
_EXAMPLES = re.compile(rf"\b{_NUMBER}(?:[\w-]+\s+){{0,3}}?(?:{_NOUNS})\b", re.I)
_PAIRS = re.compile(rf"\b{_NUMBER}(?:[\w-]+\s+){{0,2}}?(?:preferences?(?: pairs?)?|comparisons?|votes?)\b", re.I)
_BILLIONS = re.compile(r"\b(\d+(?:\.\d+)?)\s?b\b", re.I)
_GPU = re.compile(r"\b(\d+)\s?gi?b\b", re.I)
_UNTRIED = re.compile(r"(?:not|n['’]t|never)\s+(?:yet\s+)?tried|before (?:trying|we try) prompt|no prompts? yet", re.I)
_TRIED = re.compile(r"(?:already )?(?:tried|tested|exhausted)\b.{0,40}\b(?:prompt\w*|few[- ]shot)|"
                    r"prompt\w* (?:is|are|was|were)(?: not|n['’]t) enough|prompt\w* fail", re.I)  # fmt: skip
_UNITS = {"": 1, "k": 1000, "thousand": 1000, "m": 10**6, "million": 10**6}


def from_text(text: str) -> AdviceRequest:
    """Read what a free English question tells. What it does not tell stays None."""
    text = text[:4000]
    facts: dict[str, object] = {name: _told(words, text) for name, words in WORDS.items()}
    tried = False if _UNTRIED.search(text) else True if _TRIED.search(text) else None
    billions, gpu = _BILLIONS.search(text), _GPU.search(text)
    return AdviceRequest(
        goal=text,
        examples=_count(_EXAMPLES, text),
        preference_pairs=_count(_PAIRS, text),
        tried_prompting=tried,
        model_billions=float(billions[1]) or None if billions else None,
        gpu_memory_gb=float(gpu[1]) if gpu else None,
        **facts,  # type: ignore[arg-type]
    )


def _told(words: str, text: str) -> bool | None:
    if re.search(rf"{_NOT}(?:{words})\b", text, re.I):
        return False
    return True if re.search(rf"\b(?:{words})\b", text, re.I) else None


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    if not found:
        return None
    digits = found[1].rstrip(".,")
    grouped = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", digits)
    try:
        number = float(re.sub(r"[.,]", "", digits) if grouped else digits.replace(",", "."))
    except ValueError:
        return None
    return int(number * _UNITS[(found[2] or "").lower()])
