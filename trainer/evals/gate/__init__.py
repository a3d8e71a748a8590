"""The gate: what is asked of a candidate (`spec`), how many rows that takes (`advice`), and what the evidence says
(`decide`)."""

from trainer.evals.gate.advice import Advice, advised_rows
from trainer.evals.gate.decide import decide, worst
from trainer.evals.gate.evidence import Decision, Evidence, Gain, Level, Retention, called
from trainer.evals.gate.spec import Decoding, GateSpec, JudgeRule, SuiteRule
from trainer.evals.gate.words import amount, change, p_text, percent, points, whole

__all__ = [
    "Advice",
    "Decision",
    "Decoding",
    "Evidence",
    "Gain",
    "GateSpec",
    "JudgeRule",
    "Level",
    "Retention",
    "SuiteRule",
    "advised_rows",
    "amount",
    "called",
    "change",
    "decide",
    "p_text",
    "percent",
    "points",
    "whole",
    "worst",
]
