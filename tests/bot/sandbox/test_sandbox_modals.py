"""Slash commands, modals and the app's home."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.cast import ADA, BOT_USER_ID, FINE_TUNING
from bot.sandbox.driver import Person, Refused, SandboxDriver


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def modal(title: str = "Fine-tune", **more: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "suffix", "max_length": 18}
    block = {"type": "input", "block_id": "name", "label": plain("Name"), "element": field}
    return {
        "type": "modal",
        "callback_id": "start",
        "private_metadata": "thread-1",
        "title": plain(title),
        "submit": plain("Start"),
        "blocks": [block],
        **more,
    }


@pytest.fixture
def opened(app: App, connect, ada: Person) -> App:
    """An app whose /tune opens the modal, and Ada who asked for it."""

    @app.command("/tune")
    def tune(ack, body, client) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=modal(notify_on_close=True))

    connect(app)
    ada.command("/tune", "start", FINE_TUNING)
    ada.wait_for_view()
    return app


def test_a_slash_command_answers_in_its_ack(app: App, connect, ada: Person) -> None:
    app.command("/tune")(lambda ack, command: ack(f"{command['text']} by {command['user_name']}"))
    connect(app)
    ada.command("/tune", "status", FINE_TUNING)
    assert ada.ephemerals(FINE_TUNING)[-1]["text"] == "status by ada"


def test_a_modal_is_submitted_with_its_state(opened: App, ada: Person) -> None:
    seen: list[dict] = []
    opened.view("start")(lambda ack, view: (seen.append(view), ack()))
    ada.submit({"suffix": "tickets"})
    assert seen[0]["state"]["values"]["name"]["suffix"] == {"type": "plain_text_input", "value": "tickets"}
    assert seen[0]["private_metadata"] == "thread-1"
    assert ada.view() is None


def test_required_inputs_are_checked_before_the_app_hears(opened: App, ada: Person) -> None:
    with pytest.raises(Refused, match="missing_input"):
        ada.submit({})
    with pytest.raises(Refused, match="missing_input"):
        ada.submit({"suffix": "x" * 19})


def test_errors_keep_the_modal_open(opened: App, ada: Person) -> None:
    opened.view("start")(lambda ack: ack(response_action="errors", errors={"name": "taken"}))
    assert ada.submit({"suffix": "tickets"})["errors"] == {"name": "taken"}
    assert ada.view()


def test_an_ack_can_push_and_update(opened: App, ada: Person) -> None:
    opened.view("start")(lambda ack: ack(response_action="push", view=modal("Sure?", callback_id="sure")))
    opened.view("sure")(lambda ack: ack(response_action="update", view=modal("Really?", callback_id="really")))
    ada.submit({"suffix": "a"})
    assert (ada.view() or {})["title"]["text"] == "Sure?"
    ada.submit({"suffix": "b"})
    assert (ada.view() or {})["title"]["text"] == "Really?"
    ada.close()
    assert (ada.view() or {})["title"]["text"] == "Fine-tune"


def test_what_was_entered_stays_where_an_update_keeps_the_ids(opened: App, ada: Person) -> None:
    seen: list[dict] = []
    opened.view("start")(lambda ack: ack(response_action="update", view=modal("Again", callback_id="again")))
    opened.view("again")(lambda ack, view: (seen.append(view["state"]["values"]), ack()))
    ada.submit({"suffix": "kept"})
    ada.submit({})
    assert seen[0]["name"]["suffix"]["value"] == "kept"


def test_closing_tells_the_app_when_it_asked(opened: App, ada: Person) -> None:
    seen: list[str] = []
    opened.view_closed("start")(lambda ack, view: (seen.append(view["callback_id"]), ack()))
    ada.close()
    assert seen == ["start"]


def test_a_trigger_is_good_once_and_briefly(app: App, connect, client: WebClient, ada: Person, driver) -> None:
    triggers: list[str] = []
    app.command("/tune")(lambda ack, body: (triggers.append(body["trigger_id"]), ack()))
    connect(app)
    ada.command("/tune", "", FINE_TUNING)
    client.views_open(trigger_id=triggers[0], view=modal())
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        client.views_open(trigger_id=triggers[0], view=modal())
    driver.settings(trigger_seconds=0.0)
    ada.command("/tune", "", FINE_TUNING)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=triggers[1], view=modal())


def test_the_home_is_published_and_clicked(app: App, connect, client: WebClient, ada: Person) -> None:
    seen: list[str] = []
    app.action("models")(lambda ack, body: (seen.append(body["view"]["type"]), ack()))
    app.event("app_home_opened")(lambda event: None)
    connect(app)
    press = {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "models", "text": plain("Models")}],
    }
    client.views_publish(user_id=ADA, view={"type": "home", "blocks": [press]})
    home = ada.home()
    assert home
    ada.press_in_view(home["id"], "models")
    assert seen == ["home"]


def test_a_command_in_a_dm_names_it(app: App, connect, ada: Person, driver: SandboxDriver) -> None:
    app.command("/tune")(lambda ack, command: ack(command["channel_name"]))
    connect(app)
    assert ada.command("/tune", "", BOT_USER_ID)["text"] == "directmessage"
