"""Fetching: hosts, redirects, caps and login pages, against a small server that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot import files
from bot.files import fetch
from trainer.errors import BadInput, LimitExceeded, TunesmithError
from trainer.settings import Settings

BODY = b'{"a": 1}\n' * 100


class _Server(ThreadingHTTPServer):
    seen: list[tuple[str, str | None]]
    elsewhere: str


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", {"elsewhere": self.server.elsewhere, "loop": "/to/loop"}[self.path[4:]])
            self.end_headers()
            return
        kind, body = ("text/html", b"<!DOCTYPE html>sign in") if self.path == "/login" else ("text/plain", BODY)
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Type", kind)
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body * 50 if self.path == "/endless" else body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), _Handler)
    made.seen, made.elsewhere = [], ""
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def get(server: _Server, path: str, tmp_path: Path, **file: Any) -> bytes:
    port = server.server_address[1]
    settings = Settings(home=tmp_path, sandbox_port=port, max_upload_bytes=5000)
    given = {"url_private": f"http://127.0.0.1:{port}{path}", "size": len(BODY), "mimetype": "text/plain"} | file
    return fetch(given, tmp_path / "got", settings).read_bytes()


def test_a_file_comes_with_our_token(server: _Server, tmp_path: Path) -> None:
    assert get(server, "/data", tmp_path) == BODY
    assert server.seen == [("/data", "Bearer xoxb-sandbox")]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/data",
        "http://127.0.0.1:1/data",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://files.slack.com.evil.example/x",
        "https://files.slack.com@evil.example/x",
    ],
)
def test_other_hosts_are_not_asked(server: _Server, tmp_path: Path, url: str) -> None:
    with pytest.raises(BadInput, match="host"):
        get(server, "/", tmp_path, url_private=url)
    assert not server.seen


def test_a_redirect_elsewhere_is_not_followed(server: _Server, tmp_path: Path) -> None:
    server.elsewhere = "http://127.0.0.1:9/steal"
    with pytest.raises(BadInput, match="host"):
        get(server, "/to/elsewhere", tmp_path)


def test_a_redirect_between_allowed_hosts_loses_the_token(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _Server(("127.0.0.1", 0), _Handler)
    other.seen, other.elsewhere = [], ""
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    hosts = frozenset(f"127.0.0.1:{s.server_address[1]}" for s in (server, other))
    monkeypatch.setattr(files, "file_hosts", lambda settings: hosts)
    server.elsewhere = f"http://127.0.0.1:{other.server_address[1]}/data"
    assert get(server, "/to/elsewhere", tmp_path) == BODY
    assert other.seen == [("/data", None)]
    other.shutdown()
    other.server_close()


def test_circles_end(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="circles"):
        get(server, "/to/loop", tmp_path)


def test_a_stream_longer_than_the_limit_is_cut_off(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded, match="too large"):
        get(server, "/endless", tmp_path)


@pytest.mark.parametrize(
    ("path", "file", "words"),
    [
        ("/login", {}, "login page"),
        ("/gone", {}, "HTTP 404"),
        ("/data", {"size": 0}, "empty"),
        ("/data", {"size": 10**9}, "too large"),
        ("/data", {"mode": "external"}, "link"),
        ("/data", {"url_private": ""}, "link"),
    ],
)
def test_what_cannot_be_fetched_is_said(
    server: _Server, tmp_path: Path, path: str, file: dict[str, Any], words: str
) -> None:
    with pytest.raises(TunesmithError, match=words):
        get(server, path, tmp_path, **file)
