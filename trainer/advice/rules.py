"""From facts to advice: the rules that hold, what they add up to, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from trainer.advice.hosted import notices
from trainer.advice.request import AdviceRequest, from_text
from trainer.advice.table import (
    BANDS,
    ENOUGH,
    FEW,
    MATRIX,
    RULES,
    WHY_GUIDES_DISAGREE,
    Band,
    MatrixRow,
    Rule,
    band,
)

__all__ = ["Advice", "AdviceRequest", "Way", "advise", "from_text"]


class Way(StrEnum):
    PROMPT = "prompt"
    RAG = "rag"
    FINE_TUNE = "fine_tune"
    RAG_AND_FINE_TUNE = "rag_and_fine_tune"
    COLLECT_DATA = "collect_data"


TUNING = frozenset({Way.FINE_TUNE, Way.RAG_AND_FINE_TUNE})

HEADLINES: dict[Way, str] = {
    Way.PROMPT: "Start with prompting.",
    Way.RAG: "Use retrieval (RAG), not fine-tuning.",
    Way.FINE_TUNE: "Fine-tune.",
    Way.RAG_AND_FINE_TUNE: "Do both: retrieval for the facts, fine-tuning for the way of answering.",
    Way.COLLECT_DATA: "Fine-tuning fits, but collect better data first.",
}


@dataclass(frozen=True, slots=True)
class Reason:
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class MethodAdvice:
    name: str  # lora | qlora | full | dpo
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The verdict with everything that speaks for and against it. `points` are the rules' sums."""

    verdict: Way
    headline: str
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    assumed: tuple[str, ...]
    questions: tuple[str, ...]  # at most two: the answers that would change most
    method: MethodAdvice | None
    data_band: Band | None
    notes: tuple[str, ...]
    next_steps: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]
    notices: tuple[str, ...]
    points: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        return msgspec.to_builtins(self)


def advise(request: AdviceRequest, *, today: date | None = None) -> Advice:
    """What to do about a wish. `today` dates the notices about hosted services."""
    held = [rule for rule in RULES if rule.when(request)]
    points = {way: sum(getattr(rule, way) for rule in held) for way in ("prompt", "rag", "fine_tune")}
    verdict = _verdict(request, points)
    tuning = verdict in TUNING or verdict is Way.COLLECT_DATA
    return Advice(
        verdict=verdict,
        headline=HEADLINES[verdict],
        reasons_for=_reasons(held, verdict, for_it=True),
        reasons_against=_reasons(held, verdict, for_it=False) + (_UPKEEP if tuning else ()),
        assumed=_assumed(request, verdict),
        questions=_questions(request),
        method=_method(request) if tuning else None,
        data_band=band(request.examples) if request.examples is not None else None,
        notes=_notes(request, tuning),
        next_steps=_STEPS[verdict],
        matrix=MATRIX,
        notices=tuple(notices(today or date.today())) if tuning else (),
        points=points,
    )


def _verdict(request: AdviceRequest, points: dict[str, int]) -> Way:
    tune = request.about_behaviour and points["fine_tune"] > 0
    if points["rag"] > 0 and request.about_knowledge:
        enough = request.examples is None or request.examples >= FEW
        return Way.RAG_AND_FINE_TUNE if tune and enough and not request.noisy_data else Way.RAG
    if tune and points["fine_tune"] > points["prompt"]:
        return Way.COLLECT_DATA if request.noisy_data else Way.FINE_TUNE
    short = request.noisy_data or (request.examples is not None and request.examples < FEW)
    if request.about_behaviour and request.tried_prompting and short:
        return Way.COLLECT_DATA
    return Way.PROMPT


_PARTS: dict[Way, tuple[str, ...]] = {
    Way.PROMPT: ("prompt",),
    Way.RAG: ("rag",),
    Way.FINE_TUNE: ("fine_tune",),
    Way.RAG_AND_FINE_TUNE: ("rag", "fine_tune"),
    Way.COLLECT_DATA: ("fine_tune",),
}


def _reasons(held: list[Rule], verdict: Way, *, for_it: bool) -> tuple[Reason, ...]:
    """For the way: rules that lift it. Against: rules that lower it, or lift another way above it."""
    chosen = _PARTS[verdict]
    lifting = [rule for rule in held if any(getattr(rule, part) > 0 for part in chosen)]
    if for_it:
        picked = lifting
        if verdict in (Way.PROMPT, Way.RAG):  # what speaks against tuning speaks for these
            picked += [rule for rule in held if rule not in lifting and rule.fine_tune < 0]
    else:
        others = [part for part in ("prompt", "rag", "fine_tune") if part not in chosen]
        picked = [
            rule
            for rule in held
            if rule not in lifting
            and (any(getattr(rule, p) < 0 for p in chosen) or any(getattr(rule, p) > 0 for p in others))
        ]
        picked = [r for r in picked if not (verdict in (Way.PROMPT, Way.RAG) and r.fine_tune < 0)]
    return tuple(Reason(rule.why, rule.source) for rule in picked)


_UPKEEP = (
    Reason("A tuned model needs upkeep: data, evaluation and retraining whenever the base or task changes.", "S4-5"),
)


def _assumed(request: AdviceRequest, verdict: Way) -> tuple[str, ...]:
    assumed: list[str] = []
    if verdict in TUNING and request.examples is None:
        assumed.append(f"that you have, or can get, about {ENOUGH} good examples")
    if verdict in TUNING and request.tried_prompting is None:
        assumed.append("that prompting has been tried and falls short")
    if request.changing_knowledge is None and verdict in (Way.FINE_TUNE, Way.PROMPT):
        assumed.append("that the answers do not rest on facts that change often")
    if not request.about_behaviour and not request.about_knowledge:
        assumed.append("that nothing special about format, style or facts is asked for")
    return tuple(assumed)


def _questions(request: AdviceRequest) -> tuple[str, ...]:
    asked: list[str] = []
    if not request.about_behaviour and not request.about_knowledge and not request.simple_task:
        asked.append("What shall be different: how the model answers (format, tone), or what it knows?")
    if request.examples is None and (request.about_behaviour or not request.about_knowledge):
        asked.append("How many good examples of question and answer do you have?")
    if request.tried_prompting is None and request.about_behaviour:
        asked.append("Have you tried a good prompt with a few examples in it, and where did it fall short?")
    if request.changing_knowledge is None and request.about_behaviour:
        asked.append("Do the answers rest on facts that change often?")
    return tuple(asked[:2])


def _method(request: AdviceRequest) -> MethodAdvice:
    examples, size = request.examples or ENOUGH, request.model_billions or 8.0
    if request.preference_pairs:
        few = "" if request.preference_pairs >= 1000 else " Yours are below the usual 1,000 to 10,000 pairs."
        why = f"You have pairs of better and worse answers; DPO learns from them and is simpler than RLHF.{few}"
        return MethodAdvice("dpo", why, "S0-13, S1-7")
    memory = request.gpu_memory_gb
    if memory is not None and memory < 2.5 * size:
        why = f"{memory:g} GB is little for a {size:g}B model: QLoRA keeps the base in 4 bits while training."
        return MethodAdvice("qlora", why, "S1-6, S3-17, X11")
    if examples >= BANDS[-1].low and memory is not None and memory >= 16 * size:
        why = "You have 10,000 or more examples and the memory: compare full fine-tuning with LoRA."
        return MethodAdvice("full", why, "S0-11, S3-14")
    why = "LoRA trains a fraction of a percent of the weights, forgets less and needs one GPU."
    return MethodAdvice("lora", why, "S0-12, S1-5")


def _notes(request: AdviceRequest, tuning: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if request.needs_facts or request.regulated:
        notes.append(
            "The guides disagree: one expects better factual accuracy from tuning (S2-2), another says that tuning "
            "changes behaviour, not knowledge (S0-7). We follow the second: keep facts in retrieval, and measure."
        )
    if tuning or request.examples is not None:
        notes.append(WHY_GUIDES_DISAGREE)
    if request.regulated:
        notes.append("In a regulated field, document data, settings and evaluation, and check data for personal data.")
    return tuple(notes)


_TRY = "Write down 20 to 50 real cases with the answers you want, and score your best prompt on them."
_STEPS: dict[Way, tuple[str, ...]] = {
    Way.PROMPT: (
        _TRY,
        "Add three to five examples to the prompt and score again.",
        "Come back with the failures: if they are about format or style, they become training data.",
    ),
    Way.RAG: (
        "Collect the documents that hold the facts and index them.",
        _TRY,
        "If the facts are right and the form is not, come back: that part can be tuned.",
    ),
    Way.FINE_TUNE: (
        "Keep the score of your best prompt as the baseline to beat.",
        "Drop your JSONL file here: it is checked line by line and split into train, dev and test.",
        "Train a LoRA, then let the gate compare it with the base, old skills included.",
    ),
    Way.RAG_AND_FINE_TUNE: (
        "Build retrieval first and score it: it fixes what is missing in knowledge.",
        "Collect examples that hold retrieved text in the prompt, as the model will see it in use.",
        "Tune for the form only, and test on questions whose facts are new.",
    ),
    Way.COLLECT_DATA: (
        f"Collect or repair examples until there are {FEW} at the least, {ENOUGH} if you can, reviewed by a person.",
        "Cover the edge cases, and write all answers in one consistent form.",
        "Drop the file here: the check says line by line what is still wrong.",
    ),
}
