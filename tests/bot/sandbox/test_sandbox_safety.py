"""What the sandbox refuses, and what it must not import."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from bot.sandbox.server import SandboxThread

OTHERS = (
    "torch",
    "transformers",
    "langchain",
    "sqlalchemy",
    "trainer",
    "tools",
    "gateway",
    "slack_bolt",
    "slack_sdk",
)


def status(url: str, headers: dict[str, str], data: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("path", ["/sandbox/message", "/api/chat.postMessage", "/sandbox/control/fault"])
def test_other_origins_may_not_post(sandbox: SandboxThread, path: str) -> None:
    url = sandbox.base_url + path
    assert status(url, {"Origin": "https://evil.example"}, b"{}") == 403
    assert status(url, {"Origin": "null"}, b"{}") == 403
    assert status(url, {"Origin": sandbox.base_url}, b"{}") == 200


def test_other_hosts_are_refused(sandbox: SandboxThread) -> None:
    assert status(sandbox.base_url + "/sandbox/state", {"Host": "rebound.example"}) == 403
    assert status(sandbox.base_url + "/sandbox/state", {"Host": "localhost:1"}) == 200


def test_the_page_has_a_policy_and_needs_nothing_from_outside(sandbox: SandboxThread) -> None:
    with urllib.request.urlopen(sandbox.base_url + "/", timeout=5) as response:
        page = response.read().decode()
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "http://" not in page
    assert "https://" not in page


def test_the_sandbox_stands_alone() -> None:
    imports = "import sys, bot.sandbox.server, bot.sandbox.driver"
    code = f"{imports}; print([name for name in {OTHERS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
