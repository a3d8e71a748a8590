"""What the gateway costs: the same client, straight to a scripted upstream and through the gateway, in one run.

    python benchmarks/gateway.py          # a table
    python benchmarks/gateway.py --json   # the figures and ratios as one object

Three processes besides this one's client: the upstream, and a real `tunesmith gateway` over a fresh SQLite
home. Rounds of both ways alternate, so that a noisy neighbour meets both; each figure is the median of rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

CONCURRENCY = 16
ROUNDS = 5
REQUESTS = {"json": 2_000, "stream": 1_000}  # a round, each way
CHUNKS = 20
PATH = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "The printer on the third floor is on fire; who can help me?"}]
LONGEST_S = 60.0  # later rounds are left out rather than run past this


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--upstream", type=int, metavar="PORT", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.upstream:
        web.run_app(upstream(), host="127.0.0.1", port=asked.upstream, print=None, access_log=None)
        return
    with tempfile.TemporaryDirectory() as home, standing(Path(home)) as (direct, gateway, key, pid):
        figures = asyncio.run(measure(direct, gateway, key, pid))
    print(json.dumps(figures) if asked.json else table(figures))


# The scripted upstream


def upstream() -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        return await _stream(request) if asked.get("stream") else web.json_response(WHOLE)

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_post(PATH, answer)
    app.router.add_get("/health", health)
    return app


WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "tiny-base",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Facilities."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 14, "completion_tokens": 2, "total_tokens": 16},
}
CHUNK = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "tiny-base",
        "choices": [{"index": 0, "delta": {"content": "word "}}],
    }
)


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(CHUNKS):
        await response.write(f"data: {CHUNK}\n\n".encode())
        await asyncio.sleep(0)  # a chunk at a time, as an engine sends them
    await response.write(b"data: [DONE]\n\n")
    return response


# The processes


@contextmanager
def standing(home: Path) -> Iterator[tuple[str, str, str, int]]:
    """(upstream's URL, gateway's URL, an API key, the gateway's pid)."""
    ports = [_free_port(), _free_port()]
    direct, gateway = (f"http://127.0.0.1:{port}" for port in ports)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TUNESMITH_", "REDIS_"))}
    env |= {"TUNESMITH_HOME": str(home), "TUNESMITH_ENGINE_URL": direct, "TUNESMITH_GATEWAY_PORT": str(ports[1])}
    tunesmith = [sys.executable, "-P", "-m", "tools.cli"]
    made = subprocess.run(
        [*tunesmith, "keys", "create", "benchmark", "--json"], env=env, capture_output=True, check=True
    )
    with (home / "log").open("wb") as log:
        servers = [
            subprocess.Popen([sys.executable, __file__, "--upstream", str(ports[0])], stdout=log, stderr=log),
            subprocess.Popen([*tunesmith, "gateway"], env=env, stdout=log, stderr=log),
        ]
        try:
            for port in ports:
                _wait_for(port)
            yield direct, gateway, json.loads(made.stdout)["key"], servers[1].pid
        finally:
            for server in servers:
                server.terminate()
                server.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def _wait_for(port: int, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"Nothing listens on port {port} after {seconds:g} s.")


# Measuring


async def measure(direct: str, gateway: str, key: str, pid: int) -> dict[str, Any]:
    began = time.monotonic()
    found: dict[str, Any] = {"machine": machine(), "concurrency": CONCURRENCY}
    headers = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:
        for kind, count in REQUESTS.items():
            for url in (direct, gateway):
                await _round(session, url, kind, count // 4)  # warm both up
            rounds: dict[str, list[dict[str, float]]] = {"direct": [], "gateway": []}
            for number in range(ROUNDS):
                if number and time.monotonic() - began > LONGEST_S * (0.45 if kind == "json" else 0.85):
                    break
                rounds["direct"].append(await _round(session, direct, kind, count))
                rounds["gateway"].append(await _round(session, gateway, kind, count, pid))
            found[kind] = _summary(rounds, count)
    found["seconds"] = round(time.monotonic() - began, 1)
    return found


async def _round(
    session: aiohttp.ClientSession, url: str, kind: str, count: int, pid: int | None = None
) -> dict[str, float]:
    body = {"model": "tiny-base", "messages": MESSAGES, "stream": kind == "stream"}
    left, times = iter(range(count)), list[float]()

    async def client() -> None:
        for _ in left:
            started = time.perf_counter()
            async with session.post(url + PATH, json=body) as answer:
                text = await answer.read()
            if answer.status != 200 or (kind == "stream" and not text.endswith(b"[DONE]\n\n")):
                raise SystemExit(f"{url} answered {answer.status}: {text[:200]!r}")
            times.append(time.perf_counter() - started)

    cpu, started = _cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CONCURRENCY)))
    seconds, used = time.perf_counter() - started, _cpu_seconds(pid) - cpu
    cuts = statistics.quantiles(times, n=100)
    return {
        "requests_per_s": count / seconds,
        "p50_ms": cuts[49] * 1e3,
        "p99_ms": cuts[98] * 1e3,
        "cpu_us_per_request": used / count * 1e6,
    }


def _cpu_seconds(pid: int | None) -> float:
    """User and system time of a process and its threads, from Linux's /proc; ticks of 10 ms."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _summary(rounds: dict[str, list[dict[str, float]]], count: int) -> dict[str, Any]:
    def median(way: str, figure: str) -> float:
        return round(statistics.median(r[figure] for r in rounds[way]), 2)

    ways: dict[str, Any] = {
        way: {figure: median(way, figure) for figure in ("requests_per_s", "p50_ms", "p99_ms")} for way in rounds
    }
    ways["gateway"]["cpu_us_per_request"] = round(median("gateway", "cpu_us_per_request"))
    direct, gateway = ways["direct"], ways["gateway"]
    return {
        "requests": count,
        "rounds": len(rounds["direct"]),
        **ways,
        "added_p50_ms": round(gateway["p50_ms"] - direct["p50_ms"], 2),
        "added_p99_ms": round(gateway["p99_ms"] - direct["p99_ms"], 2),
        "throughput_ratio": round(gateway["requests_per_s"] / direct["requests_per_s"], 3),
        "p50_ratio": round(gateway["p50_ms"] / direct["p50_ms"], 2),
    }


def machine() -> dict[str, Any]:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1_min_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['machine']['cpu']}, {figures['machine']['cores']} cores, concurrency {figures['concurrency']}"]
    for kind in REQUESTS:
        for way in ("direct", "gateway"):
            told = ", ".join(f"{name} {value:,}" for name, value in figures[kind][way].items())
            lines.append(f"{kind:<6} {way:<7} {told}")
        lines.append(
            f"{kind:<6} ratio   throughput {figures[kind]['throughput_ratio']}, p50 {figures[kind]['p50_ratio']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
