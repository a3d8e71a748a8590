"""The web page, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from bot.sandbox.cast import FINE_TUNING, GRACE
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.server import SandboxThread, running_sandbox
from tests.browser import needs_chromium, open_page

pytestmark = needs_chromium


@pytest.fixture
def page(sandbox: SandboxThread) -> Iterator[Any]:
    with open_page(sandbox.base_url) as opened:
        yield opened


def approvals(app: App) -> None:
    plain = {"type": "plain_text", "text": "Approve"}
    press = {"type": "button", "action_id": "approve", "style": "primary", "text": plain, "value": "1"}
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "Train *tickets*?"}},
        {"type": "actions", "elements": [press]},
    ]

    @app.event("app_mention")
    def ask(event: dict, say: Any) -> None:
        say(text="Train tickets?", blocks=blocks, thread_ts=event["ts"])

    @app.action("approve")
    def approve(ack: Any, body: dict, client: Any) -> None:
        ack()
        text = f"Approved by <@{body['user']['id']}>"
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=text, blocks=[])

    app.event("message")(lambda: None)
    app.event("file_shared")(lambda: None)


def test_write_read_press(app: App, connect: Any, page: Any) -> None:
    approvals(app)
    connect(app)
    page.get_by_test_id("composer").fill("@Tunesmith please train <b>this</b>")
    page.keyboard.press("Enter")
    page.get_by_test_id("open-thread").click()
    thread = page.get_by_test_id("thread-panel")
    thread.get_by_text("Train tickets?").wait_for()
    page.get_by_test_id("act-as").select_option(label="Grace Murray")
    page.get_by_test_id("open-thread").click()
    thread.get_by_test_id("approve").click()
    thread.get_by_text("Approved by @Grace").wait_for()


def test_upload_and_a_failed_click(app: App, page: Any, ada: Person, client: Any) -> None:
    upload = {"name": "rows.jsonl", "mimeType": "application/json", "buffer": b'{"messages": []}\n'}
    page.get_by_test_id("upload-input").set_input_files([upload])
    page.get_by_test_id("composer").fill("check this")
    page.get_by_test_id("send").click()
    page.get_by_test_id("file").get_by_text("rows.jsonl").wait_for()
    assert ada.download(ada.messages(FINE_TUNING)[-1]["files"][0]) == b'{"messages": []}\n'
    go = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=[{"type": "actions", "elements": [go]}])
    page.get_by_test_id("go").click()
    page.get_by_test_id("toasts").get_by_text("dispatch_failed").wait_for()


def test_content_is_text_and_never_markup(page: Any, client: Any) -> None:
    evil = "<img src=x onerror=alert(1)> <script>alert(2)</script> <javascript:alert(3)|go> &lt;b&gt;bold&lt;/b&gt;"
    shapes = [
        {"type": "section", "text": {"type": "mrkdwn", "text": evil}},
        {"type": "header", "text": {"type": "plain_text", "text": "<i>header</i>"}},
        {"type": "markdown", "text": "<u>under</u> [x](javascript:alert(4)) **bold**"},
    ]
    client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=shapes)
    message = page.get_by_test_id("message").last
    message.get_by_text("<i>header</i>").wait_for()
    assert message.locator("script, b, i, u, a, img").count() == 0
    assert "<b>bold</b>" in message.inner_text()


def test_a_modal_is_filled_in(app: App, connect: Any, page: Any, ada: Person) -> None:
    label = {"type": "plain_text", "text": "Name"}
    name = {"type": "input", "label": label, "element": {"type": "plain_text_input", "action_id": "suffix"}}
    view = {"type": "modal", "callback_id": "start", "title": label, "submit": label, "blocks": [name]}
    got: list[str] = []

    @app.command("/tune")
    def tune(ack: Any, body: dict, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("start")
    def start(ack: Any, view: dict) -> None:
        got.extend(entry["suffix"]["value"] for entry in view["state"]["values"].values())
        ack()

    connect(app)
    page.get_by_test_id("composer").fill("/tune new")
    page.get_by_test_id("send").click()
    page.get_by_test_id("modal-submit").click()
    page.get_by_test_id("modal").get_by_text("required").wait_for()
    page.get_by_test_id("suffix").fill("tickets")
    page.get_by_test_id("modal-submit").click()
    page.get_by_test_id("modal").wait_for(state="hidden")
    assert got == ["tickets"]


def test_the_page_reconnects_when_the_server_restarts(page: Any, sandbox: SandboxThread) -> None:
    port = int(sandbox.base_url.rsplit(":", 1)[1])
    sandbox.__exit__()
    page.get_by_test_id("connection").get_by_text("reconnecting").wait_for()
    with running_sandbox(port=port) as again:
        page.get_by_test_id("connection").get_by_text("online").wait_for()
        SandboxDriver(again.base_url).as_person(GRACE).say(FINE_TUNING, "back again")
        page.get_by_test_id("message").get_by_text("back again").wait_for()


def test_an_empty_channel_says_what_to_try(page: Any, ada: Person) -> None:
    page.get_by_test_id("try-example").click()
    page.get_by_test_id("pending-file").get_by_text("tickets.jsonl").wait_for()
    page.get_by_test_id("send").click()
    page.get_by_test_id("file").get_by_text("tickets.jsonl").wait_for()
    assert not page.get_by_test_id("welcome").is_visible()
    assert ada.messages(FINE_TUNING)[-1]["files"][0]["name"] == "tickets.jsonl"
    page.get_by_test_id("channel-general").click()
    page.get_by_text("Company-wide").wait_for()
    assert not page.get_by_test_id("welcome").is_visible(), "the app is not in #general"
    page.get_by_test_id("channel-dm").click()
    page.get_by_test_id("try-help").click()
    page.get_by_text("help", exact=False).first.wait_for()
