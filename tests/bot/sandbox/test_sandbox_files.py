"""Uploads and downloads, both ways."""

from __future__ import annotations

import resource
import urllib.request
from pathlib import Path

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.cast import BOT_TOKEN, BOT_USER_ID, FINE_TUNING, GENERAL, LINUS
from bot.sandbox.driver import Person, Refused, SandboxDriver

ROWS = b'{"messages": []}\n' * 3


def fetch(url: str, token: str = "") -> tuple[str, bytes]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
        return response.headers.get_content_type(), response.read()


def test_an_upload_arrives_as_message_and_as_file_shared(app: App, connect, ada: Person, eventually) -> None:
    seen: dict[str, dict] = {}
    app.event("message")(lambda event: seen.update({event["subtype"]: event}))
    app.event("file_shared")(lambda event: seen.update(file_shared=event))
    connect(app)
    ada.upload(FINE_TUNING, ROWS, "tickets.jsonl", "@Tunesmith check this")
    eventually(lambda: len(seen) == 2)
    file = seen["file_share"]["files"][0]
    assert (file["name"], file["size"]) == ("tickets.jsonl", len(ROWS))
    assert seen["file_shared"]["file_id"] == file["id"]
    assert fetch(file["url_private_download"], BOT_TOKEN)[1] == ROWS


def test_a_download_without_the_scope_is_a_login_page(ada: Person, client: WebClient, driver: SandboxDriver) -> None:
    ts = ada.upload(FINE_TUNING, ROWS, "tickets.jsonl")
    url = ada.message(FINE_TUNING, ts)["files"][0]["url_private"]
    assert fetch(url)[0] == "text/html"
    driver.settings(scopes=["chat:write"])
    kind, body = fetch(url, BOT_TOKEN)
    assert kind == "text/html"
    assert b"Sign in" in body


def test_the_bot_uploads_into_a_thread(client: WebClient, ada: Person) -> None:
    ts = ada.say(FINE_TUNING, "curve?")
    client.files_upload_v2(
        channel=FINE_TUNING, thread_ts=ts, content=b"\x89PNG\r\n", filename="loss.png", initial_comment="Here"
    )
    message = ada.replies(FINE_TUNING, ts)[-1]
    assert (message["user"], message["text"], message["subtype"]) == (BOT_USER_ID, "Here", "file_share")
    assert message["files"][0]["mimetype"] == "image/png"
    assert ada.download(message["files"][0]) == b"\x89PNG\r\n"


def test_people_see_files_of_their_channels_only(driver: SandboxDriver) -> None:
    ada, gus = driver.as_person("U0ADA00001"), driver.as_person("U0GUS00001")
    ts = ada.upload(GENERAL, b"secret", "plan.txt")
    file = ada.message(GENERAL, ts)["files"][0]
    assert driver.as_person(LINUS).download(file) == b"secret"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        gus.download(file)


def test_an_upload_past_the_limit_is_refused(ada: Person, driver: SandboxDriver) -> None:
    driver.settings(people_upload_bytes=1000)
    with pytest.raises(Refused, match="file_too_large"):
        ada.upload(FINE_TUNING, b"x" * 1001, "big.jsonl")
    assert ada.messages(FINE_TUNING) == []


def test_a_large_upload_streams_to_disk(ada: Person, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as out:
        out.truncate(200_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ts = ada.upload(FINE_TUNING, path)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert ada.message(FINE_TUNING, ts)["files"][0]["size"] == 200_000_000
    assert grown_mb < 50


def test_a_deleted_file_leaves_a_tombstone(client: WebClient, ada: Person) -> None:
    done = client.files_upload_v2(channel=FINE_TUNING, content="a,b", filename="rows.csv")
    client.files_delete(file=done["file"]["id"])
    assert ada.messages(FINE_TUNING)[-1]["files"][0]["mode"] == "tombstone"
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_info(file=done["file"]["id"])


def test_an_empty_file_can_be_shared(ada: Person) -> None:
    ts = ada.upload(FINE_TUNING, b"", "empty.jsonl")
    assert ada.message(FINE_TUNING, ts)["files"][0]["size"] == 0
