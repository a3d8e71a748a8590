"""Blobs by sha256, through fsspec: a folder by default, S3 or GCS by URL. Written whole, then renamed."""

from __future__ import annotations

import copy
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec

from trainer.errors import BadInput, MissingExtra, NotFound, TunesmithError

CHUNK = 1024 * 1024


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Blobs:
    """`put` returns the sha256; the same bytes are stored once. `get` verifies what it reads."""

    def __init__(self, url: str) -> None:
        try:
            self.fs, self.root = fsspec.core.url_to_fs(url)
        except ImportError:
            raise MissingExtra(
                "The blob URL needs a library that is not installed.",
                fix="For S3: pip install 'tunesmith[s3]'",
            ) from None
        except ValueError:
            raise BadInput(
                "TUNESMITH_BLOB_URL is not the address of a store.",
                fix="Write it as file:///folder or s3://bucket/prefix.",
                code="bad_blob_url",
            ) from None
        self.local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else (self.fs.protocol,))

    def within(self, prefix: str) -> Blobs:
        """A store of its own below this one: what is deleted there is missed by nobody else."""
        inner = copy.copy(self)
        inner.root = f"{self.root}/{prefix}"
        return inner

    def _path(self, sha256: str) -> str:
        return f"{self.root}/{sha256[:2]}/{sha256}"

    def put_file(self, path: Path) -> str:
        sha = sha256_of(path)
        if not self.fs.exists(self._path(sha)):
            self._keep(self._path(sha), lambda temporary: self.fs.put_file(str(path), temporary))
        return sha

    def put_bytes(self, data: bytes) -> str:
        sha = hashlib.sha256(data).hexdigest()
        if not self.fs.exists(self._path(sha)):
            self._keep(self._path(sha), lambda temporary: self.fs.pipe_file(temporary, data))
        return sha

    def _keep(self, target: str, write: Callable[[str], object]) -> None:
        """`write` to a temporary name, then rename: a blob is there whole or not at all."""
        temporary = None
        try:
            temporary = self._temporary(target)
            write(temporary)
            self.fs.mv(temporary, target)
        except OSError as error:
            if temporary:
                with suppress(OSError):  # a full disk needs its space back
                    self.fs.rm_file(temporary)
            raise TunesmithError(
                f"The blob store could not keep a file ({error.strerror or type(error).__name__}).",
                fix="Check free space and rights of TUNESMITH_BLOB_URL; nothing was recorded.",
                code="blob_write_failed",
            ) from error

    def _temporary(self, target: str) -> str:
        self.fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        return f"{target}.{os.getpid()}.{secrets.token_hex(4)}.part"

    def get_bytes(self, sha256: str) -> bytes:
        try:
            data = self.fs.cat_file(self._path(sha256))
        except FileNotFoundError:
            raise _gone(sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _corrupt(sha256)
        return data

    def get_file(self, sha256: str, target: Path) -> Path:
        """Copy a blob to `target` (whole or not at all), its hash checked on the way."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        digest = hashlib.sha256()
        try:
            with self.fs.open(self._path(sha256), "rb") as source, temporary.open("wb") as sink:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    sink.write(chunk)
            if digest.hexdigest() != sha256:
                raise _corrupt(sha256)
            temporary.replace(target)
        except FileNotFoundError:
            raise _gone(sha256) from None
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def exists(self, sha256: str) -> bool:
        return bool(self.fs.exists(self._path(sha256)))

    def delete(self, sha256: str) -> None:
        if self.exists(sha256):
            self.fs.rm_file(self._path(sha256))

    def put_folder(self, folder: Path) -> dict[str, Any]:
        """A manifest {"files": {relative name: {"sha256", "bytes"}}} of everything below `folder`."""
        files = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            files[name] = {"sha256": self.put_file(path), "bytes": path.stat().st_size}
        return {"files": files}

    def get_folder(self, manifest: dict[str, Any], target: Path) -> Path:
        """Lay a manifest's files out under `target`, whole or not at all; kept when already there."""
        if target.is_dir():
            return target
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        partial.mkdir(parents=True)
        try:
            for name, entry in manifest["files"].items():
                self.get_file(entry["sha256"], _inside(partial, name))
            try:
                partial.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise TunesmithError("A manifest names a file outside its folder.", code="bad_manifest")
    return path


def _gone(sha256: str) -> NotFound:
    return NotFound(f"Blob {sha256[:12]} is not in the store.", fix="Restore it from a backup, or upload again.")


def _corrupt(sha256: str) -> TunesmithError:
    return TunesmithError(
        f"Blob {sha256[:12]} is damaged: its bytes do not match its name.",
        fix="Restore it from a backup; an older checkpoint is used where there is one.",
        code="blob_corrupt",
    )
