"""The supervisor's configuration, read back by the format's own reader."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

from tools.ops.procfile import Plan, Process
from tools.ops.supervisord import CHECKPOINT_S, LONGEST_SOCKET, config_text, last_lines, socket_path
from trainer.jobs.worker import STOP_GRACE_S

PLAN = Plan((Process("redis", ("r",)), Process("worker_gpu", ("/odd path/100%/w", "gpu"))), ())


def config() -> RawConfigParser:
    parser = RawConfigParser()
    parser.read_string(config_text(PLAN, Path("/logs"), Path("/s")))
    return parser


def test_only_the_worker_itself_is_told_to_stop_and_has_time_for_its_checkpoint() -> None:
    worker = config()["program:worker_gpu"]
    assert (worker["stopsignal"], worker["stopasgroup"], worker["killasgroup"]) == ("TERM", "false", "true")
    assert int(worker["stopwaitsecs"]) == CHECKPOINT_S > STOP_GRACE_S
    assert config()["program:redis"]["stopasgroup"] == "true"


def test_there_is_no_network_port_and_the_socket_is_the_owners() -> None:
    assert "inet_http_server" not in config()
    assert config()["unix_http_server"]["chmod"] == "0600"


def test_odd_paths_survive_the_format() -> None:
    assert config()["program:worker_gpu"]["command"] == "'/odd path/100%%/w' gpu"


def test_a_home_too_deep_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    assert socket_path(tmp_path) == tmp_path / "supervisor.sock"
    deep = tmp_path / ("d" * 120)
    assert len(str(socket_path(deep))) <= LONGEST_SOCKET


def test_the_end_of_a_log_is_shown_without_control_characters(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bot.log").write_text("old\n" * 50 + "\x1b[31mred\x1b[0m über\n")
    assert last_lines(tmp_path, "bot", 2) == ["old", "[31mred[0m über"]
