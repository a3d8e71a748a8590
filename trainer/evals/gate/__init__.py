"""The gate: what is asked of a candidate (`spec`), and what the evidence says (`decide`)."""

from trainer.evals.gate.decide import Decision, Evidence, decide, p_text, percent, points, whole, worst
from trainer.evals.gate.spec import Decoding, GateSpec, JudgeRule, SuiteRule

__all__ = [
    "Decision",
    "Decoding",
    "Evidence",
    "GateSpec",
    "JudgeRule",
    "SuiteRule",
    "decide",
    "p_text",
    "percent",
    "points",
    "whole",
    "worst",
]
