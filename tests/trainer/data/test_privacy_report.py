"""What the privacy check says: findings without values, figures, and the audit."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from tests.trainer.data.privacy_corpus import build, row
from trainer.data.analyze import Batch, Scene
from trainer.data.findings import CODES
from trainer.data.formats import load_format
from trainer.data.privacy.analyzer import CODE_OF, Privacy
from trainer.data.privacy.audit import SAFE_HARBOR, audit, audit_text
from trainer.data.privacy.kinds import KINDS
from trainer.data.view import View
from trainer.settings import Settings

WHO = {
    "uploaded_by": "U123",
    "uploaded_at": "2025-02-03T10:00:00",
    "retain_until": date(2025, 8, 1),
    "dataset_id": "ds_1",
}


def analyzed(rows: list, tmp_path: Path) -> tuple[list, dict]:
    privacy = Privacy(Scene(load_format("openai-chat"), Settings(), tmp_path))
    raw = "".join(json.dumps(r) + "\n" for r in rows).encode()
    batch = Batch(range(1, len(rows) + 1), rows, [View("", "", ())] * len(rows), raw)
    return [*privacy.add(batch), *privacy.finish()], privacy.stats()


def talk(*contents: str) -> dict:
    return {"messages": [{"role": "user", "content": c} for c in contents] + [{"role": "assistant", "content": "ok"}]}


def test_a_finding_per_row_and_kind_with_its_path(tmp_path):
    rows = [talk("hello"), talk("hi", "ann@firm.de bob@firm.de 192.168.4.20"), talk("DE89 3704 0044 0532 0130 00")]
    findings, stats = analyzed(rows, tmp_path)
    assert [(f.line, f.code, f.path) for f in findings] == [
        (2, "personal_data", "messages[1].content"),
        (2, "personal_data", "messages[1].content"),
        (3, "sensitive_id", "messages[0].content"),
    ]
    assert findings[0].message == "An e-mail address in messages[1].content, and 1 more in this row."
    assert stats["sensitive"]["rows"] == 2
    assert stats["sensitive"]["kinds"]["email"] == {
        "title": "e-mail address", "group": "personal", "rows": 1, "hits": 2, "first_lines": [2],
    }  # fmt: skip


def test_no_finding_figure_or_audit_ever_shows_a_value(tmp_path):
    cases = [case for case in build() if case.positive]
    findings, stats = analyzed([row(case) for case in cases], tmp_path)
    said = (
        json.dumps([[f.message, f.path, f.found, f.expected] for f in findings])
        + json.dumps(stats)
        + audit_text(stats, **WHO)
    )
    assert len(findings) >= len(cases)
    assert not [case for case in cases if case.value in said]


def test_every_group_has_a_code_that_can_be_redacted():
    assert {CODES[CODE_OF[kind.group]].fix for kind in KINDS.values()} == {"redact"}


def test_the_audit_tells_what_where_who_and_until_when(tmp_path):
    _, stats = analyzed([talk("x"), talk("ssn 536-22-1234, ann@firm.de"), talk("bob@firm.de")], tmp_path)
    made = audit(stats, **WHO)
    assert made["rows_with_findings"] == 2
    assert made["groups"] == {"personal": {"kinds": 1, "hits": 2}, "government_id": {"kinds": 1, "hits": 1}}
    found = {item["letter"]: item["found"] for item in made["hipaa_safe_harbor"]}
    assert found["F"] == 2 and found["G"] == 1 and found["A"] == 0
    said = audit_text(stats, **WHO)
    assert said.startswith("Dataset ds_1 holds sensitive content in 2 rows")
    assert "e-mail address: 2 in 2 rows (lines 2, 3)." in said
    assert "Uploaded by U123 on 2025-02-03T10:00:00; it is kept until 2025-08-01." in said
    assert "does not find names" in said


def test_an_audit_does_not_call_an_unchecked_or_clean_dataset_anonymous():
    assert "was not checked" in audit_text({}, **WHO)
    assert audit({}, **WHO)["checked"] is False
    clean = audit_text({"sensitive": {"kinds": {}, "rows": 0}}, **{**WHO, "retain_until": None})
    assert "No personal data or secrets were recognised" in clean
    assert "no retention date is set" in clean and "does not make a dataset anonymous" in clean


def test_the_safe_harbor_list_has_its_18_identifiers():
    assert list(SAFE_HARBOR) == list("ABCDEFGHIJKLMNOPQR")
    assert {kind for _, looked, _ in SAFE_HARBOR.values() for kind in looked} <= set(KINDS)
