"""Language models as judges: asked in both orders, read strictly, watched for their likings, and advisory until people
agree with them."""

from trainer.evals.judges.agreement import Agreement, Label, agreement, krippendorff_alpha
from trainer.evals.judges.court import IMPROVEMENT, OVERALL, judge, recall, unheard
from trainer.evals.judges.prompts import prompt_digest
from trainer.evals.judges.rubric import Criterion, Rubric, load_rubric, rubrics
from trainer.evals.judges.ruling import Ruling, chosen

__all__ = [
    "IMPROVEMENT",
    "OVERALL",
    "Agreement",
    "Criterion",
    "Label",
    "Rubric",
    "Ruling",
    "agreement",
    "chosen",
    "judge",
    "krippendorff_alpha",
    "load_rubric",
    "prompt_digest",
    "recall",
    "rubrics",
    "unheard",
]
