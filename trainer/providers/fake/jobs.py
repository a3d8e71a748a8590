"""A fake job's life, tick by tick: validation, queue, steps with their losses, checkpoints, a model's name."""

from __future__ import annotations

import json
import math
import time
from typing import Any

from trainer.providers.fake.state import Json, State, now

LIVE = ("validating_files", "queued", "running", "pausing")
STEPS = 6
LEAST_ROWS = 10


def new_job(state: State, body: Json, script: str) -> Json:
    method = body.get("method") or {
        "type": "supervised",
        "supervised": {"hyperparameters": body.get("hyperparameters") or {}},
    }
    given = (method.get(method["type"]) or {}).get("hyperparameters") or {}
    settled = {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8} | {
        k: v for k, v in given.items() if v != "auto"
    }
    job: Json = {
        "object": "fine_tuning.job",
        "id": state.new_id("ftjob-"),
        "model": body["model"],
        "created_at": now(),
        "finished_at": None,
        "fine_tuned_model": None,
        "organization_id": "org-fake",
        "result_files": [],
        "status": "validating_files",
        "validation_file": body.get("validation_file"),
        "training_file": body["training_file"],
        "hyperparameters": settled,
        "trained_tokens": None,
        "error": None,
        "seed": body.get("seed", 42),
        "estimated_finish": None,
        "integrations": [],
        "method": {"type": method["type"], method["type"]: {"hyperparameters": settled}},
        "metadata": body.get("metadata"),
        "user_provided_suffix": body.get("suffix"),
        "_script": script,
        "_step": 0,
        "_at": time.time(),
        "_events": [],
        "_checkpoints": [],
    }
    tell(state, job, f"Created fine-tuning job: {job['id']}")
    tell(state, job, f"Validating training file: {job['training_file']}")
    return job


def tell(state: State, job: Json, message: str, *, level: str = "info", data: Json | None = None) -> None:
    job["_events"].append(
        {
            "object": "fine_tuning.job.event",
            "id": f"ftevent-{state.order():08d}",
            "created_at": now(),
            "level": level,
            "message": message,
            "data": data or {},
            "type": "metrics" if data else "message",
        }
    )


def advance(state: State, job: Json, tick_s: float) -> None:
    """Bring a job to where it stands by now."""
    while job["status"] in LIVE and time.time() - job["_at"] >= tick_s:
        job["_at"] = max(job["_at"] + tick_s, time.time() - 50 * tick_s)
        _tick(state, job)


def _tick(state: State, job: Json) -> None:
    script = job["_script"]
    if script == "stall":
        return
    if job["status"] == "pausing":
        job["status"] = "paused"
    elif job["status"] == "validating_files":
        _validated(state, job)
    elif job["status"] == "queued":
        job["status"] = "running"
        tell(state, job, "Fine-tuning job started")
    elif script == "cancelled" and job["_step"] >= 2:
        end(state, job, "cancelled", "The job was cancelled by the provider")
    elif script == "fail_midway" and job["_step"] >= 2:
        fail(state, job, "server_error", "The job failed due to an internal error.", None)
    elif script == "paused" and job["_step"] == 2:
        job |= {"status": "paused", "_script": ""}
        tell(state, job, "The job has been paused")
    elif job["_step"] < STEPS:
        _step(state, job)
    else:
        _succeed(state, job)


def _validated(state: State, job: Json) -> None:
    wrong = "the file is refused" if job["_script"] == "fail_validation" else _wrong_rows(state, job)
    if wrong:
        fail(
            state,
            job,
            "invalid_training_file",
            f"The job failed due to an invalid training file: {wrong}.",
            "training_file",
        )
        return
    job["status"] = "queued"
    tell(state, job, "Files validated, moving job to queued state")


def _wrong_rows(state: State, job: Json) -> str:
    """Rows as OpenAI judges them: 10 at least, each with messages or a pair of outputs."""
    lines = state.file_path(job["training_file"]).read_bytes().splitlines()
    keys = (
        {"messages"} if job["method"]["type"] == "supervised" else {"input", "preferred_output", "non_preferred_output"}
    )
    for number, line in enumerate(lines, 1):
        try:
            row: Any = json.loads(line)
        except ValueError:
            return f"line {number} is not JSON"
        if not isinstance(row, dict) or not keys <= set(row):
            return f"line {number} lacks {', '.join(sorted(keys))}"
    return f"it has {len(lines)} examples, and 10 are needed" if len(lines) < LEAST_ROWS else ""


def _step(state: State, job: Json) -> None:
    job["_step"] += 1
    step = job["_step"]
    loss = round(2.0 * math.exp(-step / 3), 4)
    data = {"step": step, "total_steps": STEPS, "train_loss": loss, "valid_loss": round(loss * 1.1, 4)}
    tell(state, job, f"Step {step}/{STEPS}: training loss={loss}", data=data)
    if step % 2 == 0 and step < STEPS:
        name = f"{model_name(job)}:ckpt-step-{step}"
        job["_checkpoints"].append(
            {
                "object": "fine_tuning.job.checkpoint",
                "id": state.new_id("ftckpt_"),
                "created_at": now(),
                "fine_tuned_model_checkpoint": name,
                "fine_tuning_job_id": job["id"],
                "metrics": {"step": step, "train_loss": loss, "full_valid_loss": round(loss * 1.1, 4)},
                "step_number": step,
            }
        )
        tell(state, job, f"Checkpoint created at step {step}")


def model_name(job: Json) -> str:
    return f"ft:{job['model']}:acme:{job['user_provided_suffix'] or ''}:{job['id'][-6:]}"


def _succeed(state: State, job: Json) -> None:
    tokens = sum(len(line) // 4 for line in state.file_path(job["training_file"]).read_bytes().splitlines())
    job["trained_tokens"] = tokens * int(job["hyperparameters"]["n_epochs"])
    job["fine_tuned_model"] = model_name(job)
    job["result_files"] = [state.new_id("file-")]
    state.data["models"].setdefault(job["fine_tuned_model"], {"created": now(), "owned_by": "acme"})
    tell(state, job, f"New fine-tuned model created: {job['fine_tuned_model']}")
    end(state, job, "succeeded", "The job has successfully completed")


def fail(state: State, job: Json, code: str, message: str, param: str | None) -> None:
    job["error"] = {"code": code, "message": message, "param": param}
    end(state, job, "failed", message, level="error")


def end(state: State, job: Json, status: str, message: str, *, level: str = "info") -> None:
    job |= {"status": status, "finished_at": now()}
    tell(state, job, message, level=level)
