"""The one data file inside a zip archive. Nothing is written to disk, and no size in the archive is believed."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from trainer.data.findings import Problem, quote
from trainer.data.sources.refusal import refusal
from trainer.data.sources.unpack import IN_BYTES, Broken

DATA = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")
ARCHIVES = (".zip", ".gz", ".zst", ".bz2", ".xz", ".tar", ".tgz", ".7z", ".rar")
BESIDE = re.compile(r"(?:^|/)(?:__MACOSX/|\.|README|LICEN[CS]E|CHANGELOG|Thumbs\.db|desktop\.ini)", re.I)
DIRECTORY_BYTES = 4 * 1024 * 1024
MEMBERS = 1000
NAMED = 5


def open_zip(file: BinaryIO) -> tuple[Iterator[bytes], str, list[Problem]]:
    """The pieces of the data member, its name, and what is to be told about the rest."""
    _bounded_directory(file)
    try:
        archive = zipfile.ZipFile(file)
        members = [m for m in archive.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError):
        raise refusal("corrupt_archive", "The zip archive is damaged: its list of files cannot be read.") from None
    if any(m.filename == "[Content_Types].xml" for m in members):
        raise refusal("not_jsonl", "This is an Office document. Export the sheet as CSV in UTF-8.")
    member = _data_member(members)
    ignored = [m.filename for m in members if m is not member]
    notes = [Problem("ignored_members", f"Also in the archive and not read: {_names(ignored)}.")] if ignored else []
    return _pieces(archive, member), member.filename, notes


def _bounded_directory(file: BinaryIO) -> None:
    """Refuse a list of files so long that reading it would be the attack."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    record = tail[place : place + 22]
    if place < 0 or len(record) < 22:
        raise refusal("corrupt_archive", "The zip archive ends early: its list of files is missing.")
    count, length = int.from_bytes(record[10:12], "little"), int.from_bytes(record[12:16], "little")
    if count > MEMBERS or length > DIRECTORY_BYTES:
        raise refusal("unsafe_archive", f"The zip archive lists more than {MEMBERS:,} files. Send the data file alone.")


def _data_member(members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    for member in members:
        _check_path(member)
    wanted = [m for m in members if not BESIDE.search(m.filename)]
    data = [m for m in wanted if m.filename.lower().endswith(DATA)] or wanted
    nested = [m.filename for m in data if m.filename.lower().endswith(ARCHIVES)]
    if nested:
        raise refusal("nested_archive", f"The archive holds another archive: {_names(nested)}. Unpack it once.")
    if not data:
        raise refusal("empty_archive", "The zip archive holds no data file.")
    if len(data) > 1:
        said = f"The archive holds {len(data):,} data files: {_names([m.filename for m in data])}. Send one of them."
        raise refusal("several_members", said)
    _check_member(data[0])
    return data[0]


def _check_path(member: zipfile.ZipInfo) -> None:
    name = member.filename
    path = PurePosixPath(name.replace("\\", "/"))
    link = stat.S_ISLNK(member.external_attr >> 16)
    if link or path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or member.orig_filename != name:
        raise refusal("unsafe_archive", f"The archive names a file outside of itself ({quote(name)}).")


def _check_member(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 1:
        raise refusal("encrypted_archive", "The zip archive is encrypted. Send it without a password.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal("unsafe_archive", "The zip archive uses a rare method of packing. Pack it with 'deflate'.")


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as file:
            while piece := file.read(IN_BYTES):
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        raise Broken("The zip archive is damaged or cut off.") from None


def _names(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(quote, names[:NAMED])) + more
