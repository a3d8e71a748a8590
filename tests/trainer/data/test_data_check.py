"""The check through its front door: files in, findings with true line numbers out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.trainer.data.defects import BOT, DEFECTS, VALID, good, row, say, strewn, talk, write
from trainer.data.check import check, rows
from trainer.data.findings import CODES
from trainer.errors import BadInput, NotFound
from trainer.settings import Settings
from trainer.types import Severity, Verdict

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real"


def test_every_defect_is_named_once_at_its_own_line(tmp_path: Path) -> None:
    lines: list[str | bytes] = []
    truth: list[tuple[int, str]] = []
    for i, (code, line) in enumerate(DEFECTS):
        lines += [row(i), line]
        truth.append((len(lines), code))
    report = check(write(tmp_path / "f.jsonl", *lines), settings=Settings(max_line_bytes=45_000))
    across = ("duplicate_row", "conflicting_answers", "near_duplicate")
    structural = list(dict.fromkeys((f.line, f.code) for f in report.findings if f.code not in across))
    # this test's long line is shorter than the nesting bomb: give it a limit of its own below
    truth.remove(next(t for t in truth if t[1] == "line_too_long"))
    assert structural == truth


@pytest.mark.parametrize("seed", range(3))
def test_strewn_defects_are_all_found_and_nothing_else(seed: int, tmp_path: Path) -> None:
    """Precision and recall are 1.0 for every class, by line number."""
    lines, truth = strewn(seed)
    report = check(write(tmp_path / "f.jsonl", *lines), structure_only=True)
    found = {(f.line, f.code) for f in report.findings}
    wanted = set(truth.items())
    print(f"{'class':<26}{'n':>4}{'precision':>11}{'recall':>8}")
    for code in sorted({code for _, code in found | wanted}):
        said, true = {f for f in found if f[1] == code}, {w for w in wanted if w[1] == code}
        precision = len(said & true) / len(said) if said else 0.0
        recall = len(said & true) / len(true) if true else 0.0
        print(f"{code:<26}{len(true):>4}{precision:>11.3f}{recall:>8.3f}")
        assert (precision, recall) == (1.0, 1.0), f"{code}: {sorted(said ^ true)[:5]}"
    fatal = {line for line, code in truth.items() if CODES[code].severity is Severity.ERROR or code == "blank_line"}
    assert report.accepted == len(lines) - len(fatal)


@pytest.mark.parametrize(("code", "line"), DEFECTS)
def test_a_bad_row_never_hides_its_neighbours(tmp_path: Path, code: str, line: str | bytes) -> None:
    path = write(tmp_path / "f.jsonl", *good(10), line, *good(10, 10))
    limit = 2000 if code == "line_too_long" else 45_000
    report = check(path, settings=Settings(max_line_bytes=limit))
    assert {f.code for f in report.findings} == {code}
    assert report.accepted == 20 + (code not in ("blank_line",) and CODES[code][0] is not Severity.ERROR)
    assert all(f.line == 11 for f in report.findings)


@pytest.mark.parametrize("line", VALID)
def test_valid_rows_are_good(tmp_path: Path, line: str) -> None:
    report = check(write(tmp_path / "f.jsonl", *good(10), line))
    assert (report.verdict, report.accepted, report.findings) == (Verdict.GOOD, 11, ())


FOREIGN = {
    "html": (b"\n<!DOCTYPE html><html>Sign in</html>", "not_jsonl", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "not_jsonl", "LFS"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(40), "corrupt_archive", "gzip"),
    "zip": (b"PK\x03\x04" + bytes(40), "corrupt_archive", "zip"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(40), "corrupt_archive", "zstd"),
    "parquet": (b"PAR1" + bytes(range(1, 200)), "corrupt_file", "Parquet"),
    "utf-16": ("\n".join(good(12)).encode("utf-16"), "utf16", "UTF-16"),
    "utf-16 without mark": ("\n".join(good(12)).encode("utf-16-le"), "utf16", "UTF-16"),
    "binary": (bytes(range(256)) + bytes(300), "not_jsonl", "binary"),
    "prose": (b"Dear team,\nplease find the data attached.\n", "not_jsonl", "text"),
}


@pytest.mark.parametrize(("content", "code", "said"), FOREIGN.values(), ids=list(FOREIGN))
def test_another_kind_of_file_is_named_with_what_to_do(tmp_path: Path, content: bytes, code: str, said: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(content)
    report = check(path)
    assert (report.verdict, report.accepted) == (Verdict.BROKEN, 0)
    assert [(f.line, f.code) for f in report.findings] == [(0, code)]
    assert said in report.findings[0].message
    with pytest.raises(BadInput, match=r"f\.jsonl"):
        list(rows(path))


OTHER_CONTAINERS = {
    "array": (b"[" + b", ".join(r.encode() for r in good(12)) + b"]", "json_array"),
    "array, a row a line": (b"[\n" + b",\n".join(r.encode() for r in good(12)) + b"\n]\n", "json_array"),
    "pretty": (b"\n".join(json.dumps(json.loads(r), indent=2).encode() for r in good(12)), "json_stream"),
    "old Mac": ("\r".join(good(12)).encode(), "cr_line_ends"),
}


@pytest.mark.parametrize(("content", "code"), OTHER_CONTAINERS.values(), ids=list(OTHER_CONTAINERS))
def test_rows_in_another_container_are_read_and_said(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(content)
    report = check(path, structure_only=True)
    assert (report.verdict, report.accepted) == (Verdict.WARNINGS, 12)
    assert [(f.line, f.code) for f in report.findings] == [(0, code)]
    assert [row for _, row in rows(path)] == [json.loads(r) for r in good(12)]


@pytest.mark.parametrize("first", ["a,b", "[]", "hello", "<p>", "{", '"x"', "\0"])
def test_a_strange_first_line_does_not_hide_a_good_file(tmp_path: Path, first: str) -> None:
    report = check(write(tmp_path / "f.jsonl", first, *good(30)), structure_only=True)
    assert (report.accepted, [f.line for f in report.findings if f.code != "json_stream"]) == (30, [1])


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(content)
    report = check(path)
    assert (report.verdict, report.findings[0].code, report.findings[0].line) == (
        Verdict.BROKEN,
        "empty_file",
        0,
    )


def test_limits_are_said_and_nothing_is_accepted(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", *good(30))
    for settings, code in (
        (Settings(max_file_bytes=100), "too_large"),
        (Settings(max_rows=20), "too_many_rows"),
    ):
        report = check(path, settings=settings)
        assert (report.verdict, report.accepted, report.findings[0].code) == (Verdict.BROKEN, 0, code)
        with pytest.raises(BadInput):
            list(rows(path, settings=settings))
    assert check(path, settings=Settings(max_rows=30)).verdict is Verdict.GOOD


def test_too_few_rows_are_broken_but_counted(tmp_path: Path) -> None:
    report = check(write(tmp_path / "f.jsonl", *good(9)))
    assert (report.verdict, report.accepted, report.findings[0].code) == (Verdict.BROKEN, 9, "too_few_rows")


def test_bom_crlf_and_a_cut_off_end(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", *good(12), end=b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + row("last")[:-9].encode())
    report = check(path)
    assert [(f.line, f.code) for f in report.findings] == [
        (1, "bom"),
        (1, "crlf"),
        (13, "truncated_last_line"),
    ]
    assert report.accepted == 12


def test_duplicates_and_conflicts_name_the_first_line(tmp_path: Path) -> None:
    lines = good(12)
    spaced = lines[3].replace('"messages":', '  "messages" :  ')
    other = talk(say("user", "q 4"), say("assistant", "another"))
    report = check(write(tmp_path / "f.jsonl", *lines, spaced, other))
    assert [(f.line, f.code) for f in report.findings] == [(13, "duplicate_row"), (14, "conflicting_answers")]
    assert "line 4" in report.findings[0].message and "line 5" in report.findings[1].message
    assert (report.duplicates, report.accepted, report.verdict) == (1, 14, Verdict.WARNINGS)
    assert check(write(tmp_path / "g.jsonl", *lines, spaced), structure_only=True).verdict is Verdict.GOOD


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    lines = good(12)
    plain = check(write(tmp_path / "a.jsonl", *lines))
    swapped = [
        json.dumps(
            {"messages": [{"content": m["content"], "role": m["role"]} for m in json.loads(x)["messages"]]},
            indent=None,
            separators=(",", ":"),
        )
        for x in lines
    ]
    same = check(write(tmp_path / "b.jsonl", *swapped, "", "broken"))
    other = check(write(tmp_path / "c.jsonl", *lines[::-1]))
    assert plain.fingerprint == same.fingerprint != other.fingerprint
    assert plain.sha256 != same.sha256


def test_secrets_and_long_texts_are_not_repeated(tmp_path: Path) -> None:
    secret = "sk-proj-abc123DEF456ghi789"
    lines = [talk(say(secret), BOT), talk({secret: 1}, BOT), json.dumps({secret: 1}), "{" + secret, "x" * 500]
    report = check(write(tmp_path / "f.jsonl", *good(10), *lines))
    assert secret not in str(report.to_dict())
    assert max(len(f.message) for f in report.findings) < 200


def test_bytes_hash_and_progress_cover_the_whole_file(tmp_path: Path) -> None:
    import hashlib

    heard: list[tuple[int, int]] = []
    path = write(tmp_path / "f.jsonl", *good(10), "x" * 3_000_000, *good(10))
    limits = Settings(max_line_bytes=1000)
    report = check(path, settings=limits, on_progress=lambda done, total: heard.append((done, total)))
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert heard[-1] == (report.bytes, report.bytes) == (path.stat().st_size,) * 2


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        check(tmp_path / "nowhere.jsonl")
    with pytest.raises(BadInput):
        check(tmp_path)
    with pytest.raises(BadInput, match="openai-chat"):
        check(write(tmp_path / "f.jsonl", *good(10)), format="shared-gpt")


def test_a_flood_stays_small(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", *good(10), talk(*["x"] * 5000, BOT), *[""] * 5000)
    report = check(path)
    assert len(report.findings) < 1200
    assert "4,000 more" in report.findings[0].message


EXPECTED = {
    "msf_gsm8k_chat_train.jsonl": (Verdict.GOOD, 449, 449, set()),
    "msf_gsm8k_chat_validation.jsonl": (Verdict.GOOD, 50, 50, set()),
    "msf_stock_toolcall_training.jsonl": (Verdict.WARNINGS, 86, 86, {"refusal_answer"}),
    "tinker_conversations.jsonl": (Verdict.GOOD, 128, 128, set()),
    "msf_sarcasm_qa.jsonl": (Verdict.BROKEN, 500, 0, {"missing_messages", "too_few_rows", "unknown_columns"}),
    "soup_dpo_sample.jsonl": (Verdict.BROKEN, 8, 8, {"too_few_rows"}),
    "oai_toy_chat_fine_tuning.jsonl": (Verdict.BROKEN, 5, 5, {"too_few_rows", "no_user"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_files_get_their_true_verdict(name: str) -> None:
    if not (REAL / name).exists():
        pytest.skip("the real datasets are not beside this repository")
    report = check(REAL / name)
    found = (report.verdict, report.rows, report.accepted, {f.code for f in report.findings})
    assert found == EXPECTED[name]
    assert sum(1 for _ in rows(REAL / name)) == report.accepted
