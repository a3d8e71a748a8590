"""Fetching an upload from Slack: allowed hosts only, streamed, capped, and no login page taken for data."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import structlog

from bot.slack import bot_token, file_hosts
from tools.units import size
from trainer.errors import BadInput, LimitExceeded, TunesmithError, Unavailable
from trainer.settings import Settings

log = structlog.get_logger()
Json = dict[str, Any]
Progress = Callable[[int, int], None]
CHUNK = 256 * 1024
SOCKET_S, WHOLE_S = 20.0, 600.0
TRIES = 3
REDIRECTS = 3


def fetch(file: Json, target: Path, settings: Settings, *, on_progress: Progress | None = None) -> Path:
    """Download one of a message's files to `target`, or say in a sentence why not."""
    declared = int(file.get("size") or 0)
    cap = settings.max_upload_bytes
    if declared > cap:
        raise too_large(declared, cap)
    if declared == 0:
        raise BadInput(
            "The file is empty.",
            fix="Drop one with at least 10 rows: JSONL, JSON, CSV or Parquet.",
            code="empty_file",
        )
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if file.get("mode") in ("external", "tombstone", "hidden_by_limit") or not url:
        raise BadInput(
            "Slack holds no bytes of this file: it is a link, was deleted or is hidden by the plan.",
            fix="Upload the file itself.",
            code="no_bytes",
        )
    for attempt in range(1, TRIES + 1):
        try:
            return _download(url, file, target, settings, on_progress)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            log.warning("download_failed", file=file.get("id"), attempt=attempt, reason=type(error).__name__)
            if attempt < TRIES:
                time.sleep(attempt)
    raise Unavailable("Slack did not hand the file out.", fix="Drop it again in a minute.", code="no_download")


def too_large(given: int, cap: int) -> TunesmithError:
    return LimitExceeded(
        f"The file is too large: {size(given)}, and the limit is {size(cap)}.",
        fix="Split it into smaller files, or ask an admin to raise TUNESMITH_MAX_UPLOAD_BYTES.",
        code="too_large",
    )


def _download(url: str, file: Json, target: Path, settings: Settings, on_progress: Progress | None) -> Path:
    hosts = file_hosts(settings)
    with _open(url, hosts, bot_token(settings)) as response, target.open("wb") as sink:
        _not_a_login_page(response, file)
        done = _copy(response, sink, file, settings.max_upload_bytes, on_progress)
    declared = int(file.get("size") or 0)
    if declared and done < declared:
        raise OSError("the download ended early")
    return target


def _copy(response: IO[bytes], sink: IO[bytes], file: Json, cap: int, on_progress: Progress | None) -> int:
    done, declared, until = 0, int(file.get("size") or 0), time.monotonic() + WHOLE_S
    while chunk := response.read(CHUNK):
        done += len(chunk)
        if done > cap:
            raise too_large(done, cap)
        if time.monotonic() > until:
            raise Unavailable("The download took more than ten minutes.", fix="Drop the file again.")
        sink.write(chunk)
        if on_progress:
            on_progress(done, declared)
    return done


def _open(url: str, hosts: frozenset[str], token: str) -> Any:
    """Follow redirects by hand: each stop must be allowed, and the token goes to the first host only."""
    first = urllib.parse.urlsplit(url).netloc
    for _ in range(REDIRECTS + 1):
        where = _allowed(url, hosts)
        request = urllib.request.Request(url)  # noqa: S310 (scheme and host are checked above)
        if where.netloc == first:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            return _OPENER.open(request, timeout=SOCKET_S)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (301, 302, 303, 307, 308) and error.headers.get("Location"):
                    url = urllib.parse.urljoin(url, error.headers["Location"])
                    continue
                if error.code >= 500 or error.code == 429:
                    raise OSError(f"HTTP {error.code}") from None
                raise BadInput(
                    f"Slack refused to hand out the file (HTTP {error.code}).",
                    fix="Check that it was not deleted, then drop it again.",
                    code="no_download",
                ) from None
    raise BadInput("The file's address redirects in circles.", fix="Drop the file again.", code="no_download")


def _allowed(url: str, hosts: frozenset[str]) -> urllib.parse.SplitResult:
    where = urllib.parse.urlsplit(url)
    host = (where.hostname or "").lower()
    local = where.netloc in hosts and host == "127.0.0.1" and where.scheme == "http"
    if not local and not (where.scheme == "https" and host in hosts):
        raise BadInput(
            "The file lies on a host that I do not fetch from.",
            fix="Upload it to Slack, or let an admin add its host to TUNESMITH_SLACK_FILE_HOSTS.",
            code="foreign_host",
        )
    return where


def _not_a_login_page(response: Any, file: Json) -> None:
    """Without files:read Slack answers 200 with a page to sign in at."""
    kind = response.headers.get_content_type()
    declared = str(file.get("mimetype") or "")
    if kind == "text/html" and "html" not in declared:
        raise BadInput(
            "Slack gave me a login page instead of the file.",
            fix="An admin has to add the scope files:read to the app and install it again (docs/slack.md).",
            code="login_page",
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)
