"""A sweep, on a base so small that it takes seconds; tests/tools/test_tuning.py has one in its real child process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.trainer.jobs.test_training_job import NEW, SPEC, context, keep, pebble, run_here  # noqa: F401  (fixtures)
from tools import approvals, sweep
from tools.context import Context
from trainer.errors import BadInput
from trainer.jobs import sweep as sweep_job
from trainer.methods.spec import RunSpec
from trainer.methods.sweep import Axis, make_sweep

LONG = [f"word {n * 53} " + "and one " * 5 for n in range(40)]


def test_trials_mix_in_the_rows_that_were_approved_and_prove_themselves_once(context: Context, pebble: Path) -> None:  # noqa: F811
    services, other = context.services, keep(context, "old", LONG)
    wanted = {"base": str(pebble), **SPEC, "max_length": 128, "epochs": 1, "replay_dataset": other.id, "replay": 1.0}
    over = ["replay=0,1.0", "learning_rate=0.001..0.02"]
    asked = sweep.request(context, keep(context, "new", NEW).id, wanted, over=over, trials=3)
    assert asked.approval.subject["replay"]["dataset_id"] == other.id
    job = approvals.decide(context, asked.approval.id, approve=True).job
    assert job is not None

    run_here(services, job, sweep_job.run)

    events = services.jobs.events(job.id, limit=1000)
    trials = [e.data for e in events if e.type == "trial"]
    tokens = {float(t["values"]["replay"]): t["trained_tokens"] for t in trials}
    assert len(trials) == 3 and tokens[1.0] > 2.5 * tokens[0.0]  # the long rows of the other dataset
    told = [e.data["stage"] for e in events if e.type == "progress"]
    assert told.count("preflight") == 3 + 1  # once for the rows of each trial, once to prove the first


@pytest.mark.parametrize(
    ("method", "over", "says"),
    [("prompt", "virtual_tokens=8,600", "context of 256"), ("lora", "replay=0,0.5", "no old-task rows")],
)
def test_a_sweep_is_refused_for_a_value_that_cannot_be_run(
    context: Context,  # noqa: F811
    pebble: Path,  # noqa: F811
    tmp_path: Path,
    method: str,
    over: str,
    says: str,
) -> None:
    forgetful = shutil.copytree(pebble, tmp_path / "forgetful", ignore=shutil.ignore_patterns("tunesmith"))
    asked = {"base": str(forgetful), "method": method, "max_length": 64}
    with pytest.raises(BadInput, match=says):
        sweep.request(context, keep(context, "new", NEW).id, asked, over=[over], trials=2)


def test_a_trial_without_replay_names_no_rows_to_replay() -> None:
    common = RunSpec(replay=0.5, replay_dataset="file-1")
    made = make_sweep(common, (Axis(name="replay", choices=(0.0, 0.5)),), 2)
    assert [one.replay_dataset for one in made.ends()] == [None, "file-1"]
