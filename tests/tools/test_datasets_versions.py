"""The verbs on datasets, on a fresh database and blob store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import datasets
from tools.context import TRAINER, Caller, Context
from trainer.data.findings import CODES
from trainer.errors import BadInput, Conflict, Forbidden
from trainer.services import Services
from trainer.store.tables import Dataset
from trainer.types import JobKind, JobStatus


@pytest.fixture
def context(services: Services) -> Context:
    origin = {"channel": "C1", "thread_ts": "1.0"}
    return Context(Caller("U1", "Ada", frozenset({TRAINER}), "T1", origin), services)


def chat(n: int) -> str:
    turns = [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": f"answer {n}"}]
    return json.dumps({"messages": turns}) + "\n"


def kept(context: Context, folder: Path, text: str, name: str = "f.jsonl") -> datasets.Checked:
    path = folder / name
    path.write_text(text)
    return datasets.keep(context, path, filename=name)


@pytest.fixture
def good(context: Context, tmp_path: Path) -> Dataset:
    made = kept(context, tmp_path, "".join(map(chat, range(40)))).dataset
    assert made
    return made


def test_what_came_in_through_slack_is_kept_with_its_report(context: Context, good: Dataset) -> None:
    assert (good.version, good.change, good.source, good.format, good.kind) == (
        1,
        {"kind": "upload"},
        "slack",
        "openai-chat",
        "chat",
    )
    assert datasets.report_of(context, good).accepted == 40
    assert datasets.pick_dataset(context, None).id == good.id, "the thread is about it now"


def test_every_finding_of_a_flood_comes_back(context: Context, tmp_path: Path) -> None:
    made = kept(context, tmp_path, "".join(map(chat, range(12))) + "{oops\n" * 1500).dataset
    assert made

    report = datasets.report_of(context, made)
    with datasets.findings_of(context, made) as path:
        lines = path.read_text().splitlines()

    assert report.errors == 1500 and len(report.findings) == len(lines) >= 1500
    assert report.findings[-1].line == 1512


def test_a_file_that_nothing_can_mend_is_not_kept(context: Context, tmp_path: Path) -> None:
    assert kept(context, tmp_path, "").dataset is None
    assert context.services.datasets.list() == []


def test_a_broken_file_that_a_fix_can_mend_is_kept(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CODES, "bad_weight", CODES["bad_weight"]._replace(fix="weights"))
    row = json.loads(chat(1))
    row["messages"][1]["weight"] = True
    made = kept(context, tmp_path, (json.dumps(row) + "\n") * 20)

    assert made.report.accepted == 0 and made.dataset and made.dataset.verdict == "broken"


def test_columns_that_a_person_named_are_read_so_ever_after(context: Context, tmp_path: Path) -> None:
    table = "frage,antwort\n" + "".join(f"wie geht {n}?,so geht es Nummer {n}\n" for n in range(30))
    first = kept(context, tmp_path, table, "fragen.csv")
    assert first.dataset and first.report.accepted == 0 and first.report.mapping

    made = datasets.map_columns(context, first.dataset.id, {"prompt": "frage", "completion": "antwort"})
    parts = datasets.make_split(context, made.dataset)

    assert (made.dataset.version, made.dataset.accepted, made.dataset.filename) == (2, 30, "fragen-v2.csv")
    assert made.dataset.sha256 == first.dataset.sha256, "the file itself is as it was"
    assert sum(parts["counts"].values()) == 30
    train = context.services.blobs.get_bytes(parts["blobs"]["train"]).splitlines()
    assert [m["role"] for m in json.loads(train[0])["messages"]] == ["user", "assistant"]


def test_columns_that_are_not_there_change_nothing(context: Context, tmp_path: Path) -> None:
    first = kept(context, tmp_path, "frage,antwort\n" + "a,b\n" * 20, "fragen.csv").dataset
    assert first

    with pytest.raises(BadInput):
        datasets.map_columns(context, first.id, {"prompt": "nix", "completion": "nada"})
    assert [row.id for row in context.services.datasets.list()] == [first.id]


def test_a_split_is_made_once(context: Context, good: Dataset) -> None:
    first = datasets.make_split(context, good)

    assert datasets.make_split(context, good) == first
    with pytest.raises(BadInput, match="sealed"):
        datasets.make_split(context, good, seed=4)


def test_licence_and_retention_are_said_by_a_person_and_audited(context: Context, good: Dataset) -> None:
    datasets.set_license(context, good.id, "cc-by-4.0")
    row = datasets.set_retention(context, good.id, 90)

    assert row.license == "cc-by-4.0"
    assert row.retain_until == pytest.approx(context.services.db.clock() + 90 * 86400, abs=60)
    log = context.services.audit.list()
    assert [(r.actor, r.action, r.subject) for r in log] == [
        ("U1", "dataset.retain", good.id),
        ("U1", "dataset.license", good.id),
    ]
    assert context.services.audit.verify() is None


@pytest.mark.parametrize("days", [0, -1, float("nan"), 1e9])
def test_a_retention_of_no_days_is_refused(context: Context, good: Dataset, days: float) -> None:
    with pytest.raises(BadInput):
        datasets.set_retention(context, good.id, days)


def test_a_stranger_may_not_decide_about_data(context: Context, good: Dataset) -> None:
    stranger = Context(Caller("U9", "Eve", frozenset(), "T1"), context.services)

    with pytest.raises(Forbidden):
        datasets.delete(stranger, good.id)


def test_a_deleted_version_leaves_its_row_and_takes_its_bytes(context: Context, good: Dataset) -> None:
    datasets.make_split(context, good)
    blobs = [good.sha256, good.report_sha256, *(good.split or {})["blobs"].values()]

    datasets.delete(context, good.id)

    assert not any(map(context.services.blobs.exists, blobs))
    assert datasets.lineage(context, good.id)[0].deleted_at
    with pytest.raises(BadInput, match="was deleted"):
        datasets.pick_dataset(context, good.id)


def test_bytes_that_another_version_shares_stay(context: Context, good: Dataset, tmp_path: Path) -> None:
    twin = kept(context, tmp_path, "".join(map(chat, range(40)))).dataset
    assert twin and twin.sha256 == good.sha256

    datasets.delete(context, good.id)

    assert datasets.report_of(context, twin).accepted == 40
    assert context.services.blobs.exists(twin.sha256)


def test_data_of_a_waiting_job_is_not_deleted(context: Context, good: Dataset) -> None:
    services = context.services
    with services.db.write() as session:
        job = services.jobs.add(
            session, JobKind.TRAIN, spec={"base": "tiny-base"}, dataset_id=good.id, owner="U1", team="T1", origin={}
        )

    with pytest.raises(Conflict, match=job.id):
        datasets.delete(context, good.id)
    assert services.jobs.request_cancel(job.id, "U1") is JobStatus.CANCELLED
    assert datasets.delete(context, good.id).deleted_at


def test_only_what_is_over_is_expired(context: Context, good: Dataset, tmp_path: Path) -> None:
    other = kept(context, tmp_path, "".join(map(chat, range(12)))).dataset
    assert other
    context.services.datasets.set_retention(good.id, context.services.db.clock() - 1)
    context.services.datasets.set_retention(other.id, context.services.db.clock() + 1000)

    assert [row.id for row in datasets.expired(context)] == [good.id]


def with_weight(n: int, weight: object) -> str:
    row = json.loads(chat(n))
    row["messages"][1]["weight"] = weight
    return json.dumps(row) + "\n"


def test_a_fix_makes_a_version_beside_the_old_one(context: Context, tmp_path: Path) -> None:
    rows = [*map(chat, range(20)), *(with_weight(n, True) for n in range(20, 25)), "{oops\n", '{"messages": []}\n']
    first = kept(context, tmp_path, "".join(rows), "tickets.jsonl").dataset
    assert first and first.accepted == 20

    made = datasets.fix(context, first.id)

    assert (made.dataset.version, made.dataset.parent_id, made.dataset.filename) == (2, first.id, "tickets-v2.jsonl")
    assert made.report.accepted == made.report.rows == 25
    assert made.applied["weights"] == 5 and made.quarantined == 2 and made.sample
    change = made.dataset.change
    assert (change["kind"], change["quarantined"]) == ("fix", 2)
    quarantine = context.services.blobs.get_bytes(change["quarantine"]).splitlines()
    assert [json.loads(line)["line"] for line in quarantine] == [26, 27]
    assert context.services.datasets.get(first.id).sha256 == first.sha256
    assert datasets.pick_dataset(context, None).id == made.dataset.id


def test_a_clean_file_has_nothing_to_mend(context: Context, good: Dataset) -> None:
    with pytest.raises(BadInput) as caught:
        datasets.fix(context, good.id)

    assert caught.value.code == "nothing_to_fix"


def test_a_redacted_version_keeps_nothing_of_what_it_took_out(context: Context, tmp_path: Path) -> None:
    secret = "ada.lovelace@mail.example.org"
    rows = [chat(n).replace("question", f"write to {secret}: question") for n in range(20)]
    first = kept(context, tmp_path, "".join(rows)).dataset
    assert first

    made = datasets.redact(context, first.id)
    datasets.delete(context, first.id)

    root = Path(context.services.settings.home) / "blobs"
    held = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert made.dataset.change["kind"] == "redact" and made.report.accepted == 20
    assert held and not any(secret.encode() in data for data in held)
    assert not any(secret in str(change) for change in made.sample)


def test_what_a_child_keeps_of_its_parents_rows_goes_with_the_parent(context: Context, tmp_path: Path) -> None:
    first = kept(context, tmp_path, "".join(map(chat, range(20))) + "{oops\n").dataset
    assert first
    made = datasets.fix(context, first.id).dataset

    datasets.delete(context, first.id)

    blobs = context.services.blobs
    assert blobs.exists(made.sha256) and not blobs.exists(made.change["quarantine"])


def test_the_audit_says_who_brought_it_and_how_long_it_stays(context: Context, tmp_path: Path) -> None:
    rows = [chat(n).replace("question", "write to ada.lovelace@mail.example.org: question") for n in range(20)]
    first = kept(context, tmp_path, "".join(rows)).dataset
    assert first
    datasets.set_retention(context, first.id, 90)

    told = datasets.audit(context, first.id)

    assert (told["dataset"], told["owner"], told["source"]) == (first.id, "U1", "slack")
    assert told["kinds"]["email"]["rows"] == 20 and told["retain_until"] > told["uploaded_at"]
    assert "ada.lovelace" not in json.dumps(told) + datasets.audit_text(context, first.id)
