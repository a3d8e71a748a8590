"""The gateway on a real port before a scripted engine on another, over a fresh SQLite database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.doorway import Door, open_door, served_engine
from tests.gateway.scripted_engine import ScriptedEngine


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def door(tmp_path: Path, engine: ScriptedEngine) -> Iterator[Door]:
    with served_engine(engine) as engine_url, open_door(tmp_path, engine_url, engine) as door:
        yield door
