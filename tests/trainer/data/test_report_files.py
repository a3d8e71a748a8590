"""The report as a page, as a stream and as a folder that `datasets` loads."""

from __future__ import annotations

import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from trainer.data.check import check
from trainer.data.log import Findings
from trainer.data.report import hub
from trainer.data.report.findings import read_findings, write_findings, write_report
from trainer.data.report.folder import accepted_rows, card_folder
from trainer.data.report.page import FINDINGS_SHOWN, page
from trainer.data.report.readme import DatasetCard, front_matter, readme
from trainer.errors import BadInput, Unavailable
from trainer.settings import load_settings
from trainer.types import CheckReport, Finding, Severity, Verdict

HOSTILE = "<script>alert(1)</script>\u202e\x07| `x` \n# heading"


def chat(n: int) -> str:
    turns = [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": "answer " * (n + 1)}]
    return json.dumps({"messages": turns}) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(map(chat, range(30))) + "{oops\n")
    return path


def report(findings: list[Finding], **kw: object) -> CheckReport:
    return CheckReport(Verdict.WARNINGS, "openai-chat", 30, 29, Findings(findings), 7, "aa", "bb", **kw)  # type: ignore[arg-type]


def finding(line: int, text: str = "Something.") -> Finding:
    return Finding(line, "bad_weight", Severity.ERROR, text, "messages[0].weight", text, text)


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_says_the_verdict_first_and_stands_alone(file: Path) -> None:
    text = page(check(file), title=file.name)
    elements = Elements(text)

    assert text.index("Usable, with a look") < text.index("invalid_json")
    assert text.count("<dt>") == 5 and "<svg" in text and "<figcaption>Answers have" in text
    policy = next(a["content"] for _, a in elements.seen if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'")
    assert not [a for _, a in elements.seen if set(a) & {"src", "href", "onclick", "onload"}]


def test_text_from_a_file_cannot_become_part_of_the_page() -> None:
    stats = {
        "labels": {HOSTILE: 3},
        "languages": {HOSTILE: 1},
        "sensitive": {"kinds": {"x": {"title": HOSTILE, "rows": 1}}, "rows": 1},
    }
    text = page(report([finding(1, HOSTILE)], stats=stats), title=HOSTILE)

    assert {tag for tag, _ in Elements(text).seen}.isdisjoint({"script", "img", "iframe", "a"})
    assert "\u202e" not in text and "\x07" not in text


def test_a_flood_is_cut_on_the_page_and_said_so() -> None:
    text = page(report([finding(n) for n in range(1, FINDINGS_SHOWN + 101)]), title="f")

    assert f"The first {FINDINGS_SHOWN:,} of {FINDINGS_SHOWN + 100:,}" in text
    assert text.count("<td>messages[0].weight</td>") == FINDINGS_SHOWN


def test_the_stream_is_one_json_object_with_every_finding(tmp_path: Path) -> None:
    found = report([finding(n) for n in range(1, 2001)])
    sink = io.StringIO()
    write_report(found, sink)

    told = json.loads(sink.getvalue())
    assert sink.getvalue().count("\n") == 1 and len(told["findings"]) == told["all_findings"] == 2000
    assert told["summary"][0]["code"] == "bad_weight" and told["errors"] == 2000
    assert list(read_findings(write_findings(found.findings, tmp_path / "f.jsonl"))) == list(found.findings)


def folder_of(file: Path, out: Path) -> Path:
    card = DatasetCard(file.name, check(file), source="terminal", license="CC-BY-4.0")
    return card_folder(card, out, {"train": accepted_rows(file, out.parent / "train.jsonl")})


def test_the_folder_loads_as_a_dataset(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = folder_of(file, tmp_path / "card")

    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))

    assert loaded["train"].num_rows == 30 and loaded["train"][3]["messages"][0]["content"] == "question 3"


def test_a_split_folder_loads_with_the_hubs_names(file: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    parts = {}
    for n, part in enumerate(("train", "dev", "test")):
        parts[part] = tmp_path / f"{part}.jsonl"
        parts[part].write_text("".join(map(chat, range(n + 1))))
    folder = card_folder(DatasetCard("f", check(file), split={"seed": 17}), tmp_path / "card", parts)

    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))

    assert {name: part.num_rows for name, part in loaded.items()} == {"train": 1, "validation": 2, "test": 3}


def test_the_front_matter_is_what_the_hub_validates(file: Path, tmp_path: Path) -> None:
    text = (folder_of(file, tmp_path / "card") / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])

    assert front["license"] == "cc-by-4.0" and front["size_categories"] == ["n<1K"]
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/train.jsonl"}]
    assert front["dataset_info"]["splits"][0]["num_examples"] == 30
    hub_card = pytest.importorskip("huggingface_hub")
    assert hub_card.DatasetCard(text).data.license == "cc-by-4.0"


@pytest.mark.parametrize(
    ("said", "license", "name"),
    [
        (None, "unknown", None),
        ("MIT", "mit", None),
        ("Ours: ask Ada", "other", "ours-ask-ada"),
        ("??", "other", "other"),
    ],
)
def test_a_licence_is_one_the_hub_knows_or_other_with_its_name(
    said: str | None, license: str, name: str | None
) -> None:
    front = front_matter(DatasetCard("f", report([]), license=said), [])

    assert (front["license"], front.get("license_name")) == (license, name)


def test_text_from_a_file_stays_text_in_the_card() -> None:
    stats = {"labels": {HOSTILE: 3}, "languages": {"en": 0.9, "de": 0.08, "unknown": 0.02}}
    text = readme(DatasetCard(HOSTILE, report([finding(1, HOSTILE)], stats=stats), source=HOSTILE), [])

    body = text.split("---\n", 2)[2]
    assert "<script>" not in body and not re.search(r"^# heading", body, re.M) and "\u202e" not in body
    assert yaml.safe_load(text.split("---\n")[1])["language"] == ["en", "de"]


def test_lineage_and_limits_are_told() -> None:
    steps = (
        {"id": "file-a", "version": 1, "rows": 9, "at": 0.0, "change": {"kind": "upload"}},
        {"id": "file-b", "version": 2, "rows": 29, "at": 0.0, "change": {"kind": "fix", "applied": {"bom": 20}}},
    )
    text = readme(DatasetCard("f", report([]), lineage=steps), [])

    assert "2. fix on 1970-01-01: 29 usable rows (file-b). applied: bom 20" in text
    assert "1 of 30 rows of the file could not be used" in text


class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of the Hub as an upload of a few small files asks for."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append((self.path, self.headers.get("Authorization"), body))  # type: ignore[attr-defined]
        if self.server.status != 200 and "create" not in self.path:  # type: ignore[attr-defined]
            self._answer({"error": "no"}, self.server.status)  # type: ignore[attr-defined]
        elif "preupload" in self.path:
            files = [{"path": f["path"], "uploadMode": "regular"} for f in json.loads(body)["files"]]
            self._answer({"files": [file | {"shouldIgnore": False} for file in files]})
        elif "commit" in self.path:
            self._answer({"commitUrl": f"{self._home()}/commit/abc", "commitOid": "abc", "hookOutput": ""})
        elif "validate-yaml" in self.path:
            self._answer({"warnings": [], "errors": []})
        else:
            self._answer({"url": self._home(), "name": "acme/tickets"})

    def do_GET(self) -> None:
        self._answer({"id": "acme/tickets", "sha": "abc", "siblings": []})

    def _home(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/datasets/acme/tickets"  # type: ignore[attr-defined]

    def _answer(self, value: object, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def loopback_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.ThreadingHTTPServer]:
    pytest.importorskip("huggingface_hub")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.heard, server.status = [], 200  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "hf_not_a_real_token")
    yield server
    server.shutdown()
    server.server_close()


def test_a_folder_is_pushed_whole(file: Path, tmp_path: Path, loopback_hub: http.server.ThreadingHTTPServer) -> None:
    url = hub.push_folder(folder_of(file, tmp_path / "card"), "acme/tickets", load_settings(hub=True))

    heard = loopback_hub.heard  # type: ignore[attr-defined]
    (commit,) = [body for path, _, body in heard if "commit" in path]
    sent = {json.loads(line)["value"].get("path") for line in commit.splitlines()}
    assert {"README.md", "data/train.jsonl", "findings.jsonl", "fingerprint.json"} <= sent
    assert url.endswith("datasets/acme/tickets") and all(token == "Bearer hf_not_a_real_token" for _, token, _ in heard)


def test_a_refusal_is_said_without_the_token(
    file: Path, tmp_path: Path, loopback_hub: http.server.ThreadingHTTPServer
) -> None:
    loopback_hub.status = 401  # type: ignore[attr-defined]

    with pytest.raises(Unavailable) as caught:
        hub.push_folder(folder_of(file, tmp_path / "card"), "acme/tickets", load_settings(hub=True))

    assert "401" in str(caught.value) and "hf_not" not in str(caught.value)


@pytest.mark.parametrize("name", ["tickets", "a/b/c", "../x", "a/b c", ""])
def test_a_repository_has_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(BadInput):
        hub.ready(name, load_settings(hub=True))
