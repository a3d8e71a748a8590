from __future__ import annotations

from tests.conftest import ROOT
from tools.cli.data.lists import table


def test_the_manual_lists_every_code() -> None:
    manual = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    listed = manual.split("--markdown` -->\n", 1)[1].split("\n<!-- /codes -->", 1)[0]

    assert listed == table(), "put the output of `tunesmith data codes --markdown` between the marks of docs/data.md"
