"""A stand-in for Slurm: `fake_slurm.py sbatch|squeue|sacct|scancel …`. Jobs are files of one folder, $FAKE_SLURM, and
really run, each watched by a process of its own. It keeps what Tunesmith leans on: an empty environment, names,
dependencies, signals to the script alone, requeueing under the same number, and final states in the books only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

FOLDER = Path(os.environ["FAKE_SLURM"])
PARTITIONS = ("", "gpu")
LIVE = ("PENDING", "RUNNING")


def read(number: str) -> dict:
    return json.loads((FOLDER / f"{number}.json").read_text())


def write(number: str, **changed) -> None:
    draft = FOLDER / f"{number}.{os.getpid()}.draft"
    known = read(number) if (FOLDER / f"{number}.json").exists() else {}
    draft.write_text(json.dumps(known | changed))
    draft.rename(FOLDER / f"{number}.json")


def numbers() -> list[str]:
    return sorted((p.stem for p in FOLDER.glob("*.json")), key=int)


def option(words: list[str], name: str) -> str:
    for at, word in enumerate(words):
        if word == f"--{name}":
            return words[at + 1]
        if word.startswith(f"--{name}="):
            return word.partition("=")[2]
    return ""


def sbatch(words: list[str]) -> None:
    if option(words, "partition") not in PARTITIONS:
        sys.exit("sbatch: error: invalid partition specified: <!channel>\x1b[31m\nsbatch: error: Batch job failed")
    number = str(len(numbers()) + 1)
    write(number, state="PENDING", code="0:0", words=words, name=option(words, "job-name"), starts=0, pid=0)
    watch = [sys.executable, "-S", __file__, "watch", number]
    subprocess.Popen(watch, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(number)


def watch(number: str) -> None:
    """The node and the controller, of one job."""
    words = read(number)["words"]
    wait_for = [n for n in option(words, "dependency").removeprefix("afterany:").split(":") if n]
    while True:
        while (FOLDER / "hold").exists() or any(read(n)["state"] in LIVE for n in wait_for):
            if flag(number, "cancel"):
                return write(number, state="CANCELLED by 1000", pid=0)
            time.sleep(0.02)
        starts = read(number)["starts"] + 1
        env = {"PATH": "/usr/bin:/bin", "SLURM_JOB_ID": number, "FAKE_SLURM": str(FOLDER)}
        with Path(option(words, "output")).open("ab") as out:
            script = subprocess.Popen(
                ["bash", words[-1]], env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
            )
        write(number, state="RUNNING", starts=starts, pid=script.pid)
        ended = ""
        while script.poll() is None:
            time.sleep(0.02)
            if flag(number, "cancel"):
                ended = "CANCELLED by 1000"
            elif flag(number, "preempt"):
                ended = "PENDING"
            if ended:
                with suppress(ProcessLookupError):
                    os.killpg(script.pid, signal.SIGKILL)
                script.wait()
        if ended == "PENDING":
            write(number, state="PENDING", pid=0)
            continue
        code = script.returncode
        said = f"{code}:0" if code >= 0 else f"0:{-code}"
        return write(number, state=ended or ("COMPLETED" if code == 0 else "FAILED"), code=said, pid=0)


def flag(number: str, name: str) -> bool:
    path = FOLDER / f"{number}.{name}"
    if path.exists():
        path.unlink()
        return True
    return False


def squeue(words: list[str]) -> None:
    """Live jobs; unknown numbers are an error, as in the real one."""
    wanted, names = option(words, "jobs"), option(words, "name").split(",")
    jobs = {n: read(n) for n in numbers() if read(n)["state"] in LIVE}
    if wanted and wanted not in jobs:
        sys.exit("slurm_load_jobs error: Invalid job id specified")
    for number, job in jobs.items():
        if number == wanted:
            print(f"{job['state']}|{'Resources' if job['state'] == 'PENDING' else 'None'}")
        elif not wanted and job["name"] in names:
            print(number)


def sacct(words: list[str]) -> None:
    job = read(option(words, "jobs"))
    print(f"{job['state']}|{job['code']}")


def scancel(words: list[str]) -> None:
    if option(words, "signal"):
        assert "--batch" in words
        os.kill(read(words[-1])["pid"], signal.SIGTERM)
        return
    for number in words:
        (FOLDER / f"{number}.cancel").touch()


if __name__ == "__main__":
    verb, rest = sys.argv[1], sys.argv[2:]
    if verb == "watch":
        watch(rest[0])
    else:
        {"sbatch": sbatch, "squeue": squeue, "sacct": sacct, "scancel": scancel}[verb](rest)
