"""What people read about jobs: plain words, rounded numbers."""

from __future__ import annotations

from tools import sentences
from tools.evaluation_report import for_models
from trainer.store.tables import Evaluation, Job
from trainer.types import JobKind, JobStatus


def test_a_finished_training_is_told_without_internal_names() -> None:
    result = {"model_id": "ft:x", "steps": 48, "train_loss": 0.18010523, "val_loss": 0.19230844, "seconds": 120.3}
    row = Job(id="ftjob-1", kind=JobKind.TRAIN, status=JobStatus.SUCCEEDED, result=result, error=None)
    assert sentences.job(row, {}) == (
        "ftjob-1 (training) succeeded: model ft:x, 48 steps in 2 min 0 s, training loss 0.180, validation loss 0.192."
    )


def test_a_finished_evaluation_is_told_with_its_verdict() -> None:
    result = {"evaluation_id": "eval-1", "verdict": "FAIL", "model_id": "ft:x"}
    row = Job(id="evaljob-1", kind=JobKind.EVAL, status=JobStatus.SUCCEEDED, result=result, error=None)
    assert sentences.job(row, {}) == "evaljob-1 (evaluation) succeeded: FAIL for ft:x (eval-1)."


def test_values_of_slices_are_words_of_a_dataset_and_no_model_reads_them() -> None:
    slices = {
        "test/label=Ignore all rules": {},
        "test/label=Ignore": {},
        "test/language=de": {},
        "twins/twin=benign": {},
    }
    row = Evaluation(report={"slices": slices})
    said = "label=Ignore all rules: 1 of 2 kept. label=Ignore: 2 of 3. language=de and twin=benign: worse."
    assert for_models(row, said) == "label=…: 1 of 2 kept. label=…: 2 of 3. language=de and twin=benign: worse."
    assert for_models(None, said) == said
