"""`python -m trainer.providers.fake --port 8950 --state FOLDER [--tick-s 1] [--key sk-…]`"""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m trainer.providers.fake", description=__doc__)
    parser.add_argument("--port", type=int, default=8950)
    parser.add_argument("--state", type=Path, required=True, help="folder in which files and jobs are kept")
    parser.add_argument("--tick-s", type=float, default=1.0, help="seconds from one state of a job to the next")
    parser.add_argument("--key", default=os.environ.get("TUNESMITH_FAKE_KEY", ""), help="the one key that is let in")
    given = parser.parse_args()

    import uvicorn

    from trainer.providers.fake.app import create_app

    app = create_app(given.state, tick_s=given.tick_s, key=given.key)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
