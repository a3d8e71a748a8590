from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from trainer.data.log import Findings
from trainer.data.report.findings import read_findings, write_findings
from trainer.services import Services
from trainer.store.database import MIGRATIONS, Database
from trainer.store.datasets import (
    KEPT_IN_REPORT,
    Datasets,
    has_more_findings,
    report_from_bytes,
    report_to_bytes,
)
from trainer.store.tables import Dataset
from trainer.types import CheckReport, Finding, Severity, Verdict

OLD_ROW = """INSERT INTO datasets (id, filename, sha256, bytes, rows, accepted, verdict, fingerprint, report_sha256,
 split, owner, team, created_at) VALUES ('file-old', 'old.jsonl', 'aa', 7, 12, 11, 'warnings', 'bb', 'cc',
 '{"seed": 17}', 'U1', 'local', 1.5)"""


def report(findings: list[Finding] | None = None, size: int = 7) -> CheckReport:
    return CheckReport(Verdict.GOOD, "openai-chat", 12, 12, Findings(findings or []), size, "aa", "bb", kind="chat")  # type: ignore[arg-type]


def add(datasets: Datasets, **kw: object) -> Dataset:
    return datasets.add(report(), filename="f.jsonl", blob="aa", report_blob="cc", owner="U1", team="t", **kw)  # type: ignore[arg-type]


def upgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, revision)


def test_rows_from_before_versions_survive_the_upgrade(any_database: str) -> None:
    database = Database(any_database)
    upgrade(database, "0001")
    with database.write() as session:
        session.execute(text(OLD_ROW.replace(":", r"\:")))
    database.migrate()

    row = Datasets(database).get("file-old")
    database.dispose()

    assert (row.accepted, row.split, row.created_at) == (11, {"seed": 17}, 1.5)
    assert (row.parent_id, row.version, row.change, row.format, row.kind) == (
        None,
        1,
        {"kind": "upload"},
        "openai-chat",
        "chat",
    )
    assert row.findings_sha256 is row.license is row.retain_until is row.deleted_at is None


def test_a_lineage_is_told_root_first_and_a_child_inherits_what_nobody_said(any_services: Services) -> None:
    datasets = any_services.datasets
    root = add(datasets, source="slack", license="cc-by-4.0", retain_until=5e9)
    mended = add(datasets, parent=root, change={"kind": "fix", "applied": {"bom": 1}})
    redacted = add(datasets, parent=mended, change={"kind": "redact"})

    assert [(d.id, d.version) for d in datasets.lineage(redacted.id)] == [
        (root.id, 1),
        (mended.id, 2),
        (redacted.id, 3),
    ]
    assert [d.id for d in datasets.children(root.id)] == [mended.id]
    kept = datasets.get(redacted.id)
    assert (kept.source, kept.license, kept.retain_until) == ("slack", "cc-by-4.0", 5e9)


def test_a_file_beyond_two_gibibytes_fits(any_services: Services) -> None:
    big = report(size=5 * 2**30)
    row = any_services.datasets.add(big, filename="f", blob="a", report_blob="b", owner="U", team="t")

    assert any_services.datasets.get(row.id).bytes == 5 * 2**30


def test_a_deleted_version_is_not_listed_but_still_tells_its_lineage(any_services: Services) -> None:
    datasets = any_services.datasets
    root = add(datasets)
    child = add(datasets, parent=root)
    datasets.mark_deleted(root.id)

    assert [d.id for d in datasets.list()] == [child.id]
    assert datasets.lineage(child.id)[0].deleted_at


def test_a_flood_of_findings_is_kept_beside_the_report(tmp_path: Path) -> None:
    flood = [Finding(n, "blank_line", Severity.WARNING, "Nothing here.") for n in range(1, KEPT_IN_REPORT + 501)]
    kept = report_to_bytes(report(flood))
    everything = write_findings(flood, tmp_path / "findings.jsonl")

    assert has_more_findings(kept) and len(report_from_bytes(kept).findings) == KEPT_IN_REPORT
    assert report_from_bytes(kept, read_findings(everything)).findings == flood
