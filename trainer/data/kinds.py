"""What rows of each kind can teach: their objectives, the usual one first. Everybody who pairs the two looks here."""

from __future__ import annotations

from trainer.errors import BadInput

TEACHES: dict[str, tuple[str, ...]] = {
    "chat": ("supervised", "classify"),
    "text": ("supervised",),
    "preference": ("dpo", "orpo", "kto"),
    "unpaired": ("kto",),
    "reinforcement": (),
}
HOLDS = {
    "chat": "prompts with answers",
    "text": "plain texts",
    "preference": "pairs of a better and a worse answer",
    "unpaired": "answers marked good or bad",
    "reinforcement": "prompts with a goal to grade",
}
_OLD = "chat"  # rows of datasets from before kinds were kept


def teaches(kind: str) -> tuple[str, ...]:
    """The objectives that rows of a kind can teach; none for rows that nothing here learns from."""
    return TEACHES.get(kind or _OLD, ())


def objective_for(kind: str, asked: str | None = None, *, name: str = "The dataset") -> str:
    """The objective that was asked for, or the kind's usual one. BadInput where rows of this kind cannot teach it."""
    can = teaches(kind)
    if not can:
        raise BadInput(
            f"{name} holds {HOLDS.get(kind, kind)}: such rows teach by grading what the model answers, and training "
            "here does not grade.",
            fix="Bring an answer to each prompt (it trains as supervised), or a better and a worse one (as dpo).",
            code="not_trainable",
            param="dataset",
        )
    if asked is None or asked in can:
        return asked or can[0]
    others = [other for other, objectives in TEACHES.items() if asked in objectives]
    takes = _or([HOLDS[other] for other in others]) if others else "rows that no format here has"
    raise BadInput(
        f"{name} holds {HOLDS[kind or _OLD]}, and {asked} learns from {takes}.",
        fix=f"Ask for {_or([*can])}, or bring {takes}.",
        code="objective_does_not_fit",
        param="objective",
    )


def _or(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " or " * (len(names) > 1) + names[-1]
