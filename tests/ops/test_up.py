"""`tunesmith up` as a person runs it: real processes, real signals."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import free_port, wait_until
from tools.ops.procfile import OURSELVES
from trainer.services import build_services
from trainer.settings import load_settings

SMALL = "redis: tunesmith redis\nreconcile: tunesmith reconcile\n"
MORE = SMALL + "gateway: tunesmith gateway\nworker_cpu: tunesmith worker cpu\n"


@dataclass
class Up:
    """A `tunesmith up` of our own; `said` is what it printed so far."""

    process: subprocess.Popen[bytes]
    output: Path
    seen: set[int]

    @property
    def said(self) -> str:
        return self.output.read_text()

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True)
            self.seen |= {p.pid for p in found}
            return found
        return []

    def child(self, words: str) -> psutil.Process:
        return next(p for p in self.children() if words in " ".join(p.cmdline()))

    def until_ready(self) -> None:
        wait_until(lambda: "Ready in" in self.said or self.process.poll() is not None, 60, "Ready in")
        assert "Ready in" in self.said, self.said
        self.children()

    def all_gone(self) -> None:
        wait_until(lambda: not any(_lives(pid) for pid in self.seen), 10, "every process to end")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Machine:
    """A home and free ports; `up(procfile)` starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.ports = {f"TUNESMITH_{name}_PORT": str(free_port()) for name in ("REDIS", "GATEWAY", "SANDBOX")}
        self.started: list[Up] = []

    def up(self, procfile: str) -> Up:
        (self.folder / "Procfile").write_text(procfile)
        output = self.folder / f"said-{len(self.started)}"
        env = {**os.environ, **self.ports, "TUNESMITH_HOME": str(self.home)}
        with output.open("wb") as sink:
            command = [*OURSELVES, "up", "--procfile", "Procfile"]
            process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=sink, stderr=sink)
        self.started.append(Up(process, output, set()))
        return self.started[-1]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for up in machine.started:
        up.process.kill()
        up.process.wait()


def test_it_says_when_all_is_ready_restarts_what_dies_and_stops_cleanly(machine: Machine) -> None:
    up = machine.up(MORE)
    up.until_ready()
    assert next(line.split()[1] for line in up.said.splitlines() if line.startswith("ready")) == "redis"
    assert f"Gateway: http://127.0.0.1:{machine.ports['TUNESMITH_GATEWAY_PORT']}/v1" in up.said
    up.child("gateway").kill()
    wait_until(lambda: "gateway died and was started again" in up.said, 15, "the restart")
    up.children()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    assert up.said.splitlines()[-1] == "Stopped."
    up.all_gone()


def test_a_second_up_from_the_same_home_is_refused(machine: Machine) -> None:
    machine.up(SMALL).until_ready()
    second = machine.up(SMALL)
    assert second.process.wait(30) == 2
    assert "already runs" in second.said


@pytest.mark.parametrize("whom", ["tools.ops.supervisord", "up"])
def test_kill_minus_nine_leaves_nobody_behind(machine: Machine, whom: str) -> None:
    up = machine.up(SMALL)
    up.until_ready()
    assert len(up.seen) == 3
    (up.process if whom == "up" else up.child(whom)).kill()
    code = up.process.wait(30)
    up.all_gone()
    if whom != "up":
        assert code == 1
        assert "supervisor died" in up.said


def test_a_taken_port_is_named_before_anything_starts(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", int(machine.ports["TUNESMITH_GATEWAY_PORT"]))):
        up = machine.up(MORE)
        assert up.process.wait(30) == 2
    said = " ".join(up.said.split())
    assert "TUNESMITH_GATEWAY_PORT" in said
    assert "Nothing was started" in said
    assert not (machine.home / "logs").exists()


def test_a_process_that_keeps_dying_ends_it_with_its_last_words(machine: Machine) -> None:
    up = machine.up(f"redis: tunesmith redis\nbad: {sys.executable} -c 'raise SystemExit(\"I cannot\")'\n")
    assert up.process.wait(90) == 1
    assert "bad keeps dying" in up.said
    assert "I cannot" in up.said
    up.all_gone()


def test_heartbeats_of_an_earlier_run_do_not_count(machine: Machine) -> None:
    machine.home.mkdir()
    settings = load_settings(home=machine.home)
    with build_services(settings, migrate=True) as services:
        services.heartbeats.beat("reconcile")  # by this process, a second ago
        up = machine.up(SMALL)
        up.until_ready()
        mine = services.heartbeats.alive()[f"reconcile@{socket.gethostname()}"]["pid"]
    assert mine == up.child("reconcile").pid
