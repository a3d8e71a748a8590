"""The fake's routes: files, fine-tuning jobs with events and checkpoints, models, chat, and its control."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trainer.providers.fake import faults
from trainer.providers.fake.faults import REFUSALS
from trainer.providers.fake.form import read_form
from trainer.providers.fake.jobs import LIVE, advance, end, new_job, tell
from trainer.providers.fake.state import Json, State, now, page, public
from trainer.providers.fake.wire import Faulty

BASES = ("gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06", "gpt-4.1-mini-2025-04-14")
KNOWN = {
    "model",
    "training_file",
    "validation_file",
    "hyperparameters",
    "method",
    "suffix",
    "seed",
    "metadata",
    "integrations",
}


def create_app(folder: Path, *, tick_s: float = 1.0, key: str = "", hang_s: float = 600.0) -> Any:
    """`key` "": any is let in. `tick_s`: seconds from one state of a job to the next."""
    fake = Fake(State(folder), tick_s)
    jobs = "/v1/fine_tuning/jobs"
    with fake.state.held() as data:
        for base in BASES:
            data["models"].setdefault(base, {"created": 1721172741, "owned_by": "system"})
    routes = [
        Route("/v1/files", fake.files, methods=["GET", "POST"]),
        Route("/v1/files/{id}", fake.file, methods=["GET"]),
        Route(jobs, fake.jobs, methods=["GET", "POST"]),
        Route(f"{jobs}/{{id}}", fake.job, methods=["GET"]),
        Route(f"{jobs}/{{id}}/events", fake.events, methods=["GET"]),
        Route(f"{jobs}/{{id}}/checkpoints", fake.checkpoints, methods=["GET"]),
        Route(f"{jobs}/{{id}}/{{verb:str}}", fake.act, methods=["POST"]),
        Route("/v1/models", fake.models, methods=["GET"]),
        Route("/v1/models/{id:path}", fake.model, methods=["GET"]),
        Route("/v1/chat/completions", fake.chat, methods=["POST"]),
        Route("/_control/faults", fake.order, methods=["POST", "DELETE"]),
        Route("/_control/state", fake.told, methods=["GET"]),
    ]
    return Faulty(
        Starlette(routes=routes), fake.state, key=key or os.environ.get("TUNESMITH_FAKE_KEY", ""), hang_s=hang_s
    )


def refused(status: int, code: str, message: str, param: str | None = None) -> JSONResponse:
    return JSONResponse(faults.error(code, message, param=param), status_code=status)


def limits(request: Request, default: int = 20) -> tuple[str | None, int]:
    given = request.query_params.get("limit", "")
    return request.query_params.get("after"), min(max(int(given), 1), 10_000) if given.isdigit() else default


class Fake:
    def __init__(self, state: State, tick_s: float) -> None:
        self.state = state
        self.tick_s = tick_s

    # files

    async def files(self, request: Request) -> Response:
        if request.method == "GET":
            with self.state.held() as data:
                wanted = request.query_params.get("purpose")
                rows = [row for row in data["files"] if not wanted or row["purpose"] == wanted]
                return JSONResponse(page(rows, *limits(request, 10_000)))
        form = read_form(request.headers.get("content-type", ""), await request.body())
        sent, purpose = form.get("file"), form.get("purpose")
        if sent is None or purpose is None:
            return refused(400, "missing_required_parameter", "A file and its purpose are needed.", "file")
        raw = sent.raw
        with self.state.held() as data:
            fate = faults.take(data, "file")
            row = {
                "object": "file",
                "id": self.state.new_id("file-"),
                "purpose": purpose.raw.decode(),
                "filename": sent.filename,
                "bytes": len(raw),
                "created_at": now(),
                "status": fate or "processed",
            }
            if fate == "error":
                row["status_details"] = "The file could not be read."
            self.state.file_path(row["id"]).write_bytes(raw)
            data["files"].append(row)
            return JSONResponse(row)

    async def file(self, request: Request) -> Response:
        with self.state.held() as data:
            row = next((row for row in data["files"] if row["id"] == request.path_params["id"]), None)
        return JSONResponse(row) if row else refused(404, "not_found", "No such File object.", "id")

    # jobs

    async def jobs(self, request: Request) -> Response:
        if request.method == "GET":
            with self.state.held() as data:
                self._advance(data)
                return JSONResponse(page(data["jobs"], *limits(request)))
        body = await _body(request)
        if body is None:
            return refused(400, "invalid_json", "The body is not JSON.")
        with self.state.held() as data:
            return self._create(data, body)

    def _create(self, data: Json, body: Json) -> Response:
        rejected = {*faults.standing(data, "reject"), *(set(body) - KNOWN)} & set(body)
        if rejected:
            name = sorted(rejected)[0]
            return refused(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
        for name in faults.standing(data, "ignore"):
            body.pop(name, None)
        if body.get("model") not in data["models"]:
            return refused(404, "model_not_found", f"The model `{body.get('model')}` does not exist.", "model")
        if not any(row["id"] == body.get("training_file") for row in data["files"]):
            return refused(400, "invalid_training_file", "The training file does not exist.", "training_file")
        job = new_job(self.state, body, faults.take(data, "job") or "")
        data["jobs"].append(job)
        return JSONResponse(public(job))

    async def job(self, request: Request) -> Response:
        with self.state.held() as data:
            job = self._find(data, request)
            return JSONResponse(public(job)) if job else _no_job()

    async def events(self, request: Request) -> Response:
        with self.state.held() as data:
            job = self._find(data, request)
            if job is None:
                return _no_job()
            kinds, rows = faults.standing(data, "events"), job["_events"]
            if "doubled" in kinds:
                rows = [row for row in rows for _ in range(2)]
            if "shuffled" in kinds:
                rows = random.Random(len(rows)).sample(rows, len(rows))  # noqa: S311 (no secret)
            return JSONResponse(page(rows, *limits(request)))

    async def checkpoints(self, request: Request) -> Response:
        with self.state.held() as data:
            job = self._find(data, request)
            return JSONResponse(page(job["_checkpoints"], *limits(request, 10))) if job else _no_job()

    async def act(self, request: Request) -> Response:
        verb = request.path_params["verb"]
        with self.state.held() as data:
            job = self._find(data, request)
            if job is None or verb not in ("cancel", "pause", "resume"):
                return _no_job()
            fits = {"cancel": (*LIVE, "paused"), "pause": ("queued", "running"), "resume": ("paused",)}[verb]
            if job["status"] not in fits:
                return refused(400, "invalid_state", f"A job that is {job['status']} cannot be asked to {verb}.")
            if verb == "cancel":
                end(self.state, job, "cancelled", "The job has been cancelled")
            else:
                job |= {"status": "paused" if verb == "pause" else "queued", "_script": ""}
                tell(self.state, job, f"The job has been {verb}d")
            return JSONResponse(public(job))

    def _find(self, data: Json, request: Request) -> Json | None:
        self._advance(data)
        return next((job for job in data["jobs"] if job["id"] == request.path_params["id"]), None)

    def _advance(self, data: Json) -> None:
        for job in data["jobs"]:
            advance(self.state, job, self.tick_s)

    # models

    async def models(self, request: Request) -> Response:
        with self.state.held() as data:
            self._advance(data)
            return JSONResponse({"object": "list", "data": [_model(*item) for item in data["models"].items()]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["id"]
        with self.state.held() as data:
            self._advance(data)
            if name not in data["models"]:
                return refused(404, "model_not_found", f"The model '{name}' does not exist.", "model")
            return JSONResponse(_model(name, data["models"][name]))

    async def chat(self, request: Request) -> Response:
        body = await _body(request) or {}
        with self.state.held() as data:
            self._advance(data)
            made = body.get("model")
            if made not in data["models"] and made not in _checkpoint_models(data):
                return refused(404, "model_not_found", f"The model `{made}` does not exist.", "model")
        asked = str(body["messages"][-1].get("content") or "")
        text = f"{'tuned' if str(made).startswith('ft:') else 'base'}: {asked}"
        seed = hashlib.sha256(f"{made}\0{asked}".encode()).hexdigest()[:24]
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "logprobs": None,
            "finish_reason": "stop",
        }
        usage = {"prompt_tokens": len(asked.split()), "completion_tokens": len(text.split())}
        usage["total_tokens"] = sum(usage.values())
        head = {"id": f"chatcmpl-{seed}", "object": "chat.completion", "created": now(), "model": made}
        return JSONResponse({**head, "choices": [choice], "usage": usage})

    # control

    async def order(self, request: Request) -> Response:
        with self.state.held() as data:
            if request.method == "DELETE":
                data["faults"] = []
                return JSONResponse({"faults": []})
        body = await _body(request) or {}
        if body.get("fault") and body["fault"] not in (
            *REFUSALS,
            "garbage",
            "html",
            "hang",
            "hang_after",
            "reset",
            "reset_after",
        ):
            return refused(400, "unknown_fault", f"There is no fault {body['fault']}.", "fault")
        with self.state.held() as data:
            if "shutdown" in body:  # {"shutdown": {"model": "date"}}
                for name, ends in body["shutdown"].items():
                    data["models"][name] = data["models"].get(name, {"created": now(), "owned_by": "system"}) | {
                        "shutdown_date": ends
                    }
            else:
                data["faults"].append(body)
            return JSONResponse({"faults": data["faults"]})

    async def told(self, request: Request) -> Response:
        with self.state.held() as data:
            return JSONResponse(data)


def _model(name: str, row: Json) -> Json:
    return {"id": name, "object": "model", **row}


def _checkpoint_models(data: Json) -> set[str]:
    return {c["fine_tuned_model_checkpoint"] for job in data["jobs"] for c in job["_checkpoints"]}


def _no_job() -> JSONResponse:
    return refused(404, "fine_tune_not_found", "Could not find fine tune.", "fine_tuning_job_id")


async def _body(request: Request) -> Json | None:
    try:
        found = await request.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
