"""`python -m bot.sandbox`: a local Slack to try the bot in."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.sandbox.server import DEFAULT_PORT, run


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description="A local Slack to try the bot in.")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: this machine only)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port (default {DEFAULT_PORT})")
    parser.add_argument("--state-dir", type=Path, default=None, help="where uploads are kept (default: temporary)")
    given = parser.parse_args()
    try:
        run(given.host, given.port, given.state_dir)
    except OSError as error:
        parser.exit(1, f"cannot listen on {given.host}:{given.port}: {error}. Choose another with --port.\n")


if __name__ == "__main__":
    main()
