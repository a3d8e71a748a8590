from __future__ import annotations

from pathlib import Path

import pytest

from trainer.errors import NotFound, TunesmithError
from trainer.store.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(f"file://{tmp_path / 'blobs'}")


def stored(tmp_path: Path) -> list[Path]:
    return [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()]


def test_the_same_bytes_are_kept_once_and_come_back(blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")

    sha = blobs.put_file(tmp_path / "a")

    assert blobs.put_bytes(b"hello") == sha
    assert blobs.get_bytes(sha) == b"hello"
    assert len(stored(tmp_path)) == 1


def test_damage_is_noticed(blobs: Blobs, tmp_path: Path) -> None:
    sha = blobs.put_bytes(b"hello")
    stored(tmp_path)[0].write_bytes(b"jello")

    with pytest.raises(TunesmithError, match="damaged"):
        blobs.get_bytes(sha)
    with pytest.raises(TunesmithError, match="damaged"):
        blobs.get_file(sha, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_blob_is_named(blobs: Blobs) -> None:
    with pytest.raises(NotFound, match="0000"):
        blobs.get_bytes("0" * 64)


def test_a_folder_travels_whole_or_not_at_all(blobs: Blobs, tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "x").write_text("x")
    (source / "y").write_text("y")
    manifest = blobs.put_folder(source)

    out = blobs.get_folder(manifest, tmp_path / "out")
    assert (out / "sub" / "x").read_text() == "x"

    blobs.delete(manifest["files"]["y"]["sha256"])
    with pytest.raises(NotFound):
        blobs.get_folder(manifest, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_manifest_cannot_write_outside_its_folder(blobs: Blobs, tmp_path: Path) -> None:
    sha = blobs.put_bytes(b"x")

    with pytest.raises(TunesmithError, match="outside"):
        blobs.get_folder({"files": {"../../evil": {"sha256": sha, "bytes": 1}}}, tmp_path / "out")


def test_an_inner_store_deletes_only_its_own(blobs: Blobs) -> None:
    sha = blobs.put_bytes(b"shared")
    inner = blobs.within("checkpoints/ftjob-1")
    inner.put_bytes(b"shared")

    inner.delete(sha)

    assert blobs.get_bytes(sha) == b"shared" and not inner.exists(sha)
