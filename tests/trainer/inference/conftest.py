from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainer.inference.pebble import make_pebble


@pytest.fixture(scope="session")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pebble(tmp_path_factory.mktemp("base"))
