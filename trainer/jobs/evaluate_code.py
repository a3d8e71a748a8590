"""The code that a suite brings, laid out where the trainer process can run it."""

from __future__ import annotations

from dataclasses import replace

from trainer.errors import BadInput, NotFound
from trainer.evals.case import Suite
from trainer.evals.metrics import named
from trainer.evals.metrics.checks import load_check
from trainer.evals.suites.code import checks_of
from trainer.jobs.child import JobRun


def laid_out(run: JobRun, suite: Suite) -> Suite:
    """The suite with a folder of its files, each metric in them tried before any model is asked. Raises BadInput that
    names the suite for a file that is gone (code metric_gone) and for one that cannot be run."""
    if not suite.files:
        return suite
    folder = run.folder / "code" / suite.sha256
    for name, sha256 in suite.files.items():
        try:
            run.services.blobs.get_file(sha256, folder / name)
        except NotFound:
            raise BadInput(
                f"The file {name}, a metric of the suite {suite.name}, is gone from the store.",
                fix="Restore it from a backup, or add the suite again and train under the new one.",
                code="metric_gone",
            ) from None
    try:
        for check in checks_of(suite):
            if check in suite.metrics:
                named(check.metric, check.arguments, folder)
            else:
                load_check(check, folder)
    except BadInput as error:
        raise BadInput(f"The suite {suite.name}: {error.what}", fix=error.fix, code=error.code) from error
    return replace(suite, folder=folder)
