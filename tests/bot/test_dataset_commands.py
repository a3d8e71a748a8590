"""What people say of datasets, by table: words to a tool and its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands import HELP, parse

FILE = "file-AbCdEfGhIjKlMnOpQrStUvWx"
SAID: list[tuple[str, str, dict[str, Any]]] = [
    ("fix", "fix_dataset", {}),
    ("please fix it", "fix_dataset", {}),
    ("clean this up", "fix_dataset", {}),
    (f"mend {FILE}", "fix_dataset", {"dataset": FILE}),
    ("redact", "redact_dataset", {}),
    ("anonymise the data", "redact_dataset", {}),
    ("remove all personal data", "redact_dataset", {}),
    ("mask the e-mails, please", "redact_dataset", {}),
    ("audit", "audit_dataset", {}),
    (f"audit {FILE}", "audit_dataset", {"dataset": FILE}),
    ("what personal data is in it?", "audit_dataset", {}),
    ("who uploaded this?", "audit_dataset", {}),
    ("lineage", "dataset_lineage", {}),
    ("show me the versions", "dataset_lineage", {}),
    ("where does it come from?", "dataset_lineage", {}),
    ("license mit", "license_dataset", {"license": "mit"}),
    ("set the licence to CC-BY-4.0", "license_dataset", {"license": "CC-BY-4.0"}),
    ("retain 90 days", "retain_dataset", {"days": 90.0}),
    ("keep it for 2 weeks", "retain_dataset", {"days": 14.0}),
    ("keep the data forever", "retain_dataset", {}),
    ("report", "dataset_report", {}),
    ("download the report", "dataset_report", {}),
    (f"report of {FILE}", "dataset_report", {"dataset": FILE}),
    ("show me the report", "check_dataset", {}),
    ("split by customer", "split_dataset", {"group": "key:customer"}),
    ("split by conversations", "split_dataset", {"group": "conversation"}),
    ("split by metadata.team seed 3", "split_dataset", {"group": "key:metadata.team", "seed": 3}),
    ("split stratified by answer", "split_dataset", {"stratify": "answer"}),
    (
        "split by customer_id, stratify by label, 20% test, 5% dev",
        "split_dataset",
        {"group": "key:customer_id", "stratify": "key:label", "test": 0.2, "dev": 0.05},
    ),
]


@pytest.mark.parametrize(("said", "tool", "arguments"), SAID, ids=[s[0][:40] for s in SAID])
def test_what_is_said_of_datasets_means(said: str, tool: str, arguments: dict[str, Any]) -> None:
    command = parse(said)
    assert command is not None
    assert (command.tool, command.arguments) == (tool, arguments)


@pytest.mark.parametrize("said", ["keep going", "delete everything", "retain", "fix the printer in room 4", "license"])
def test_what_is_not_about_datasets_is_left_alone(said: str) -> None:
    command = parse(said)
    assert command is None or not command.tool


@pytest.mark.parametrize("word", ["fix", "redact", "split", "audit", "lineage", "license", "retain", "report"])
def test_help_names_every_verb(word: str) -> None:
    assert word in HELP
