"""Uploaded files: their bytes on disk, their Slack file objects in memory."""

from __future__ import annotations

import mimetypes
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.sandbox.cast import TEAM_DOMAIN, TEAM_ID
from bot.sandbox.errors import SlackError

Json = dict[str, Any]
PRETTY = {"jsonl": "JSONL", "json": "JSON", "csv": "CSV", "png": "PNG", "txt": "Plain Text", "md": "Markdown"}
TEXTUAL = {"jsonl", "json", "csv", "txt", "md", "py", "yaml", "yml", "html", "log"}


class TooLarge(Exception):
    """The upload is past the workspace's limit."""


class FileShelf:
    def __init__(self, folder: Path):
        self.folder = folder
        self.files: dict[str, Json] = {}
        self._tickets: dict[str, str] = {}
        self.pending: set[str] = set()

    def open(self, name: str, size: int, user: str, base_url: str) -> Json:
        """A file object for bytes yet to come; it is `pending` until completed."""
        file_id = "F" + secrets.token_hex(5).upper()
        file = _file_object(file_id, name, size, user, base_url)
        self.files[file_id] = file
        self.pending.add(file_id)
        return file

    def ticket(self, file_id: str) -> str:
        """A one-use name for the upload URL."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = file_id
        return ticket

    def redeem(self, ticket: str) -> Json | None:
        return self.files.get(self._tickets.pop(ticket, ""))

    def find(self, file_id: str) -> Json:
        file = self.files.get(file_id)
        if file is None or file_id in self.pending:
            raise SlackError("file_not_found")
        return file

    def path(self, file_id: str) -> Path:
        return self.folder / file_id

    async def store(self, file_id: str, chunks: AsyncIterator[bytes], limit: int) -> int:
        """Stream bytes to disk and return how many; past `limit`, remove them and raise TooLarge."""
        size = 0
        path = self.path(file_id)
        with path.open("wb") as out:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    break
                out.write(chunk)
        if size > limit:
            path.unlink()
            raise TooLarge
        return size

    def complete(self, file_id: str, size: int, title: str | None = None) -> Json:
        file = self.files[file_id]
        file["size"] = size
        if title:
            file["title"] = title
        self.pending.discard(file_id)
        return file

    def delete(self, file_id: str) -> None:
        self.find(file_id)
        self.files.pop(file_id)
        self.path(file_id).unlink(missing_ok=True)


def _file_object(file_id: str, name: str, size: int, user: str, base_url: str) -> Json:
    extension = name.rsplit(".", 1)[-1].lower() if "." in name else "binary"
    mime = mimetypes.guess_type(name)[0] or ("text/plain" if extension in TEXTUAL else "application/octet-stream")
    safe = quote(name.lower().replace(" ", "_"), safe="._-")
    private = f"{base_url}/files-pri/{TEAM_ID}-{file_id}"
    now = int(time.time())
    return {
        "id": file_id,
        "created": now,
        "timestamp": now,
        "name": name,
        "title": name,
        "mimetype": mime,
        "filetype": extension,
        "pretty_type": PRETTY.get(extension, extension.upper()),
        "user": user,
        "user_team": TEAM_ID,
        "editable": False,
        "size": size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{private}/{safe}",
        "url_private_download": f"{private}/download/{safe}",
        "permalink": f"https://{TEAM_DOMAIN}.slack.com/files/{user}/{file_id}/{safe}",
        "has_rich_preview": False,
        "file_access": "visible",
        "channels": [],
        "groups": [],
        "ims": [],
        "shares": {},
    }
