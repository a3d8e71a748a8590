"""Tunesmith on this machine, for the length of the demo: its settings, its processes, its addresses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.sandbox.cast import ADA, GRACE

READY_S = 180.0
STOP_S = 90.0


class DemoFailed(Exception):
    """A step did not do what the story says."""


class House:
    """Runs `tunesmith up` on free ports with its state under `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = {name: free_port() for name in ("SANDBOX", "GATEWAY", "ENGINE", "REDIS")}
        self.env = self._environment()
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    def _environment(self) -> dict[str, str]:
        foreign = ("TUNESMITH_", "SLACK_", "REDIS_", "OPENAI_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        own = {f"TUNESMITH_{name}_PORT": str(port) for name, port in self.ports.items()}
        roles = {"TUNESMITH_TRAINERS": f"{ADA},{GRACE}", "TUNESMITH_APPROVERS": f"{ADA},{GRACE}"}
        return kept | own | roles | {"TUNESMITH_HOME": str(self.home), "PYTHONUNBUFFERED": "1"}

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def cli(self, *verb: str) -> dict[str, Any]:
        """Run a command with --json; its object, whatever the exit code."""
        command = [sys.executable, "-m", "tools.cli", *verb, "--json"]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=600, check=False)
        if not done.stdout.strip():
            raise DemoFailed(f"`tunesmith {' '.join(verb)}` printed nothing. {done.stderr[-500:]}")
        return json.loads(done.stdout)

    @cached_property
    def key(self) -> str:
        """An API key of the gateway, made for the demo."""
        return self.cli("keys", "create", "demo")["key"]

    def build_tiny_base(self) -> None:
        """Visible, since the first time takes about 90 s."""
        command = [sys.executable, "-m", "tools.cli", "tiny-base"]
        if subprocess.run(command, env=self.env, timeout=900, check=False).returncode:
            raise DemoFailed("The tiny base could not be built.")

    def start(self) -> None:
        command = [sys.executable, "-m", "tools.cli", "up"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        env = self.env | {"TUNESMITH_SUPERVISED": str(os.getpid())}  # it does not outlive us, however we end
        self.process = subprocess.Popen(command, env=env, start_new_session=True, **pipes)
        threading.Thread(target=self._read, daemon=True).start()
        deadline = time.monotonic() + READY_S
        while not any(line.startswith("Ready") for line in self.lines):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise DemoFailed("`tunesmith up` did not become ready:\n" + "".join(self.lines[-20:]))
            time.sleep(0.1)

    def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self) -> int:
        """Ask politely; the exit code of `tunesmith up`."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
