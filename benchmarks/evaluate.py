"""What an evaluation costs beside its models: a job over two hosted models against a scripted upstream.

    python benchmarks/evaluate.py [--rows 1000] [--json]

A process of its own answers each prompt after a fixed time. One attempt of a real evaluation job (its database, its
answers kept as they come, its statistics and its report) is timed and compared with the same requests, asked with the
same client as many at a time, and nothing else. Both run alternately. Then the memory of a trainer's process is told
at `--rows` and at four times as many.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from machine import machine

ANSWER_S = 0.016  # what the upstream takes, so that 8 at once give 500 answers a second
ROUNDS = 3
FIRST_ROWS = 40
BASE, TUNED = "gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:acme::1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000, help="of the sealed test part")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--upstream", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.upstream:
        serve(asked.upstream)
    elif asked.once:
        print(json.dumps(once(asked.rows)))
    else:
        figures = measure(asked.rows)
        print(json.dumps(figures) if asked.json else table(figures))


# The scripted upstream


def serve(port: int) -> None:
    import asyncio

    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        await asyncio.sleep(ANSWER_S)
        prompt = asked["messages"][-1]["content"]
        right = asked["model"] == TUNED or hash(prompt) % 3 == 0
        return web.json_response(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": asked["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": _right(prompt) if right else "No."},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42},
            },
            status=HTTPStatus.OK,
        )

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def _prompt(number: int) -> str:
    return f"Ticket {number}: order {number * 7919 % 100_003} has not arrived; what do we tell customer {number * 31}?"


def _right(prompt: str) -> str:
    return json.dumps({"answer": "We look for it and write back.", "ticket": prompt.split(":")[0]})


# One attempt, in a process of its own


def once(rows: int) -> dict[str, float]:
    """Seconds and CPU seconds of one attempt and of the bare requests, and memory (MiB) before and at its peak. A
    small evaluation goes ahead, so that imports and models of languages count apart, as `first_seconds`."""
    import resource

    from trainer.jobs.hosted_answers import provider_of
    from trainer.services import build_services

    with build_services(migrate=True) as services:
        first = attempt(services, FIRST_ROWS)["seconds"]
        bare(provider_of(services.settings, []), FIRST_ROWS)
        before = _resident()
        found = attempt(services, rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cpu, began = time.process_time(), time.perf_counter()
        bare(provider_of(services.settings, []), rows)
        straight = {"bare_seconds": time.perf_counter() - began, "bare_cpu": time.process_time() - cpu}
    return {**found, **straight, "first_seconds": first, "before_mib": before, "peak_mib": peak}


def attempt(services: Any, rows: int) -> dict[str, float]:
    from trainer.jobs import evaluate
    from trainer.jobs.child import JobRun
    from trainer.jobs.lease import claim

    job = submit(services, rows)
    lease = claim(services.db, job, worker="benchmark", lease_s=600)
    assert lease is not None
    cpu, began = time.process_time(), time.perf_counter()
    evaluate.run(JobRun(services, services.jobs.get(job), lease))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def submit(services: Any, rows: int) -> str:
    """A dataset whose sealed part has so many rows, a hosted model trained on it, and an evaluation of that."""
    from trainer.registry.models import add_model
    from trainer.store.ids import new_id
    from trainer.store.tables import Dataset
    from trainer.types import JobKind

    host = services.settings.tuning_base_url.split("/")[2]
    blobs = {}
    for name, numbers in (("train", range(rows, rows + 200)), ("dev", range(0)), ("test", range(rows))):
        text = "".join(json.dumps(_row(number)) + "\n" for number in numbers)
        blobs[name] = services.blobs.put_bytes(text.encode())
    model = f"ft:gpt-4o-mini:acme::{rows}"
    who = {"owner": "U1", "team": "acme"}
    with services.db.write() as session:
        dataset = Dataset(
            id=new_id("file-"), filename="rows.jsonl", sha256="", bytes=0, rows=rows, accepted=rows, verdict="good",
            fingerprint="", report_sha256="", split={"blobs": blobs, "counts": {"test": rows}},
            created_at=0.0, change={}, kind="chat", **who,
        )  # fmt: skip
        session.add(dataset)
        session.flush()
        wish = {"dataset_id": dataset.id, "origin": {}, **who}
        trained = services.jobs.add(session, JobKind.TRAIN, spec={"provider": "openai"}, **wish)
        trained.status = "succeeded"
        add_model(
            session, trained, model_id=model, base=BASE, base_location=f"openai:{TUNED}", method="supervised",
            is_adapter=False, manifest={}, card={"endpoint": host},
        )  # fmt: skip
        return services.jobs.add(session, JobKind.EVAL, spec={"provider": "openai"}, model_id=model, **wish).id


def _row(number: int) -> dict[str, Any]:
    asked = _prompt(number)
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": _right(asked)}]}


def bare(provider: Any, rows: int) -> None:
    """The same requests with the same client, as many at a time, and nothing else."""
    from concurrent.futures import ThreadPoolExecutor

    from trainer.jobs.hosted_answers import AT_ONCE
    from trainer.types import ChatMessage, GenerateRequest

    def ask(number: int) -> object:
        request = GenerateRequest((ChatMessage("user", _prompt(number // 2)),))
        return provider.answer(request, (BASE, TUNED)[number % 2])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(2 * rows)))


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


# Measuring


def measure(rows: int) -> dict[str, Any]:
    from trainer.jobs.hosted_answers import AT_ONCE

    began = time.monotonic()
    with upstream() as port:
        rounds = [_attempt(port, rows) for _ in range(ROUNDS)]
        larger = _attempt(port, 4 * rows)

    def median(name: str) -> float:
        return statistics.median(found[name] for found in rounds)

    growth = median("peak_mib") - median("before_mib")
    larger_growth = larger["peak_mib"] - larger["before_mib"]
    return {
        "machine": machine(),
        "rows": rows,
        "models": 2,
        "at_once": AT_ONCE,
        "seconds": round(median("seconds"), 2),
        "bare_seconds": round(median("bare_seconds"), 2),
        "upstream_seconds": round(2 * rows * ANSWER_S / AT_ONCE, 2),
        "overhead_ms_per_row": round(statistics.median(_over(found, "seconds") for found in rounds) / rows * 1e3, 3),
        "overhead_cpu_ms_per_row": round(statistics.median(_over(found, "cpu") for found in rounds) / rows * 1e3, 3),
        "rounds_ms_per_row": [round(_over(found, "seconds") / rows * 1e3, 3) for found in rounds],
        "first_seconds": round(median("first_seconds"), 2),
        "larger": {
            "rows": 4 * rows,
            "seconds": round(larger["seconds"], 2),
            "overhead_ms_per_row": round(_over(larger, "seconds") / (4 * rows) * 1e3, 3),
            "overhead_cpu_ms_per_row": round(_over(larger, "cpu") / (4 * rows) * 1e3, 3),
        },
        "peak_growth_mib": round(growth, 1),
        "peak_growth_mib_larger": round(larger_growth, 1),
        "kib_per_further_row": round((larger_growth - growth) * 1024 / (3 * rows), 2),
        "took_s": round(time.monotonic() - began, 1),
    }


def _over(found: dict[str, float], what: str) -> float:
    return found[what] - found[f"bare_{what}"]


def _attempt(port: int, rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TUNESMITH_", "REDIS_", "OPENAI_"))}
        env |= {
            "TUNESMITH_HOME": home,
            "TUNESMITH_TUNING_PROVIDER": "custom",
            "TUNESMITH_TUNING_BASE_URL": f"http://127.0.0.1:{port}/v1",
            "TUNESMITH_TUNING_API_KEY": "sk-benchmark",
            "PYTHONHASHSEED": "0",
        }
        command = [sys.executable, __file__, "--once", "--rows", str(rows)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def upstream() -> Iterator[int]:
    from gateway import _free_port, _wait_for

    port = _free_port()
    server = subprocess.Popen([sys.executable, __file__, "--upstream", str(port)])
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def table(figures: dict[str, Any]) -> str:
    larger = figures["larger"]
    return "\n".join(
        [
            f"{figures['rows']:,} rows × {figures['models']} models, {figures['at_once']} at once: "
            f"{figures['seconds']} s; the same requests alone {figures['bare_seconds']} s; "
            f"the upstream's own time {figures['upstream_seconds']} s; imports and such {figures['first_seconds']} s",
            f"orchestration: {figures['overhead_ms_per_row']} ms a row, CPU {figures['overhead_cpu_ms_per_row']}; at "
            f"{larger['rows']:,} rows {larger['overhead_ms_per_row']}, CPU {larger['overhead_cpu_ms_per_row']}",
            f"memory: {figures['peak_growth_mib']} MiB at {figures['rows']:,} rows, "
            f"{figures['peak_growth_mib_larger']} at {larger['rows']:,} ({figures['kib_per_further_row']} KiB a row)",
        ]
    )


if __name__ == "__main__":
    main()
