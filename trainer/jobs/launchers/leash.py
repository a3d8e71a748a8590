"""`python -m trainer.jobs.launchers.leash PARENT COMMAND…`: becomes COMMAND, which then dies with PARENT."""

from __future__ import annotations

import os
import sys

from trainer.jobs.processes import die_with_parent

if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the request to die with the parent outlives exec
