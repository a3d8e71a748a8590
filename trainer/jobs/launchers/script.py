"""What sbatch gets: its options, and a script that anybody may read. Secrets go into a file for the owner alone."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from trainer.jobs.launchers import command
from trainer.jobs.launchers.command import Shape
from trainer.jobs.launchers.control import Control
from trainer.settings import Settings
from trainer.store.tables import Job

WARNING_S = 60  # between Slurm's SIGTERM and the time limit: a checkpoint
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What belongs to the worker's machine or session, to Slurm, or to the doors; the trainer needs none of it.
LEFT_BEHIND = re.compile(
    r"(SLURM|SBATCH|SLACK|PMI|SSH|BASH|DBUS)_?.*|.*_VISIBLE_DEVICES|TMPDIR|HOSTNAME|PWD|OLDPWD|SHLVL|_|DISPLAY"
    r"|XDG_RUNTIME_DIR|RANK|LOCAL_RANK|WORLD_SIZE|MASTER_(ADDR|PORT)"
)

SCRIPT = """\
#!/bin/bash
# {title}
# Written by Tunesmith. Secrets are not in here: they are in a file that only its owner may read, gone at the end.
set -u
unset SLURM_EXPORT_ENV  # or srun would start its tasks without what follows
source {env} || exit 1
cd {cwd} || exit 1
rm -f {stop} {code}

stopping=0
trainer=
stop() {{  # SIGTERM: the time limit is near, or somebody asked
  stopping=1
  touch {stop}{hand_on}
}}
trap stop TERM
{nodes}
{command} &
trainer=$!
wait "$trainer"
code=$?
while [ "$stopping" = 1 ] && kill -0 "$trainer" 2>/dev/null; do
  wait "$trainer"
  code=$?
done
if [ -s {code} ]; then code=$(cat {code}); else echo "$code" > {code}; fi
if [ "$stopping" = 0 ]; then rm -f {env}; fi
exit "$code"
"""
NODES = """
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))
export head port
"""


def text(job: Job, fence: int, shape: Shape, control: Control) -> str:
    """The script of one attempt; it may start more than once, when Slurm requeues it."""
    several = shape.processes > 1
    return SCRIPT.format(
        title=f"Attempt {fence} of job {job.id}",
        env=shlex.quote(str(control.env)),
        stop=shlex.quote(str(control.stop)),
        code=shlex.quote(str(control.code)),
        cwd=shlex.quote(str(Path.cwd())),
        hand_on="" if several else '\n  [ -n "$trainer" ] && kill -TERM "$trainer"',
        nodes=NODES if shape.nodes > 1 else "",
        command=_command(job.id, fence, shape, control),
    )


def options(settings: Settings, name: str, shape: Shape, log: Path, *, after: Sequence[str]) -> list[str]:
    """sbatch's options. `after`: jobs of older attempts that must be gone before this one starts."""
    told = [
        "--requeue",
        f"--signal=B:TERM@{WARNING_S}",
        f"--job-name={name}",
        f"--output={str(log).replace('%', '%%')}",
        "--open-mode=append",
        "--export=NONE",
        f"--nodes={shape.nodes}",
        "--ntasks-per-node=1",
    ]
    told += [f"--gpus-per-node={shape.per_node}"]
    told += [f"--partition={settings.slurm_partition}"] if settings.slurm_partition else []
    told += [f"--account={settings.slurm_account}"] if settings.slurm_account else []
    told += [f"--time={settings.slurm_time}"] if settings.slurm_time else []
    told += [f"--dependency=afterany:{':'.join(after)}"] if after else []
    return [*told, *settings.slurm_extra]


def write_environment(path: Path) -> None:
    """This process's environment as a shell would read it, mode 0600 from its first byte."""
    kept = {k: v for k, v in os.environ.items() if NAME.fullmatch(k) and not LEFT_BEHIND.fullmatch(k)}
    kept |= command.environment()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(kept.items()))


def _command(job_id: str, fence: int, shape: Shape, control: Control) -> str:
    if shape.processes == 1:
        return shlex.join(command.child(job_id, fence, 0))
    words = command.accelerate(job_id, fence, control.config)
    if shape.nodes == 1:
        return shlex.join(words)
    meeting = '--machine_rank "$SLURM_NODEID" --main_process_ip "$head" --main_process_port "$port"'
    launch = f"{shlex.join(words[:6])} {meeting} {shlex.join(words[6:])}"
    one_each = f"srun --export=ALL --kill-on-bad-exit=1 --nodes={shape.nodes} --ntasks-per-node=1"
    return f"{one_each} bash -c {shlex.quote('exec ' + launch)}"
