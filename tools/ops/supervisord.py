"""The supervisor (PyPI's `supervisor`): its configuration, how it is started, and what it tells."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from tools.ops.procfile import Plan, Process
from trainer.errors import Unavailable
from trainer.jobs.processes import die_with_parent

SUPERVISED = "TUNESMITH_SUPERVISED"
CHECKPOINT_S = 75  # a worker may write its checkpoint for 60 s after SIGTERM; then it is killed
STOP_S = 15
LONGEST_SOCKET = 100  # Unix allows about 108 bytes


@dataclass(frozen=True, slots=True)
class State:
    """One process as the supervisor sees it: STARTING, RUNNING, BACKOFF, FATAL, STOPPED …"""

    name: str
    state: str
    pid: int
    why: str


def config_text(plan: Plan, logs: Path, socket: Path) -> str:
    """No network server, a socket for the owner only, one log a process, stopped in reverse order."""
    head = f"""\
[supervisord]
nodaemon = true
silent = true
logfile = {_value(logs / "supervisord.log")}
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {_value(logs.parent / "supervisord.pid")}

[unix_http_server]
file = {_value(socket)}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    return head + "".join(_program(i, p, logs) for i, p in enumerate(plan.processes))


def _program(index: int, process: Process, logs: Path) -> str:
    worker = process.name.startswith("worker")
    return f"""
[program:{process.name}]
command = {_value(shlex.join(process.argv))}
priority = {100 + index}
autostart = false
autorestart = true
startsecs = 2
startretries = 3
stopsignal = TERM
stopwaitsecs = {CHECKPOINT_S if worker else STOP_S}
stopasgroup = {"false" if worker else "true"}
killasgroup = true
redirect_stderr = true
stdout_logfile = {_value(logs / (process.name + ".log"))}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""


def _value(value: object) -> str:
    """`%` starts an expansion in this format."""
    return str(value).replace("%", "%%")


def socket_path(home: Path) -> Path:
    path = home / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    return Path(tempfile.mkdtemp(prefix="tunesmith-")) / "supervisor.sock"


class Supervisor:
    """A running supervisord of ours."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        from supervisor.xmlrpc import SupervisorTransport

        self.process = process
        self._transport = SupervisorTransport(None, None, f"unix://{socket}")
        self._rpc: Any = ServerProxy("http://127.0.0.1", transport=self._transport).supervisor

    @property
    def dead(self) -> bool:
        return self.process.poll() is not None

    def start(self, name: str) -> None:
        self._call(self._rpc.startProcess, name, False)

    def states(self) -> dict[str, State]:
        rows = self._call(self._rpc.getAllProcessInfo)
        return {r["name"]: State(r["name"], r["statename"], r["pid"], r["spawnerr"] or "") for r in rows}

    def _call(self, method: Any, *args: Any) -> Any:
        try:
            return method(*args)
        except Fault as fault:
            raise Unavailable(f"The supervisor refused: {fault.faultString}.") from fault
        except (OSError, ValueError) as error:
            self._transport.close()
            raise Unavailable("The supervisor does not answer.") from error
        except Exception as error:  # http.client's own tree of errors
            self._transport.close()
            raise Unavailable("The supervisor does not answer.") from error

    def ask_to_stop(self) -> None:
        if not self.dead:
            self.process.terminate()

    def kill(self) -> None:
        """At once: every process below dies with it."""
        if not self.dead:
            self.process.kill()


@contextmanager
def running(plan: Plan, home: Path) -> Iterator[Supervisor]:
    """A supervisor with every process of the plan known and none started; killed on the way out."""
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    socket = socket_path(home)
    config = home / "supervisord.conf"
    config.write_text(config_text(plan, logs, socket), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "tools.ops.supervisord", str(config), str(os.getpid())]
    with (logs / "supervisord.out").open("wb") as output:
        # A session of its own: Ctrl-C reaches `tunesmith up` alone, which stops things in order.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    supervisor = Supervisor(process, socket)
    try:
        yield supervisor
    finally:
        supervisor.kill()
        process.wait()
        socket.unlink(missing_ok=True)


def last_lines(home: Path, name: str, count: int = 15) -> list[str]:
    """The end of a process's log."""
    path = home / "logs" / f"{name}.log"
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_384))
        text = file.read().decode("utf-8", "replace")
    return [re.sub(r"[^\x20-\x7e\t\u00a0-\uffff]", "", line) for line in text.splitlines()[-count:]]


def main() -> None:
    """`python -m tools.ops.supervisord CONFIG PARENT`: be supervisord, and die with PARENT."""
    config, parent = sys.argv[1], int(sys.argv[2])
    die_with_parent(parent)
    os.environ[SUPERVISED] = str(os.getpid())
    from supervisor.supervisord import main as supervise

    sys.argv = ["supervisord"]
    supervise(["-n", "-c", config])


if __name__ == "__main__":
    main()
