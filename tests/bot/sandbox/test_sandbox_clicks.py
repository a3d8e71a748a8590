"""Buttons, menus, response URLs and forged clicks."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.sandbox.cast import ADA, BOT_USER_ID, FINE_TUNING, GRACE, SAM
from bot.sandbox.driver import Person, Refused, SandboxDriver, buttons_of


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.title()), "value": value}


def card(client: WebClient, *elements: dict[str, Any]) -> str:
    blocks = [{"type": "actions", "block_id": "decide", "elements": list(elements)}]
    return client.chat_postMessage(channel=FINE_TUNING, text="card", blocks=blocks)["ts"]


def button(action_id: str = "approve", value: str = "req-1") -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Approve"), "value": value}


def test_a_click_carries_who_what_and_where(app: App, connect, client: WebClient, ada: Person) -> None:
    seen: list[dict] = []
    app.action("approve")(lambda ack, body: (seen.append(body), ack()))
    connect(app)
    ts = card(client, button())
    ada.press(FINE_TUNING, ts, "approve")
    assert seen[0]["user"]["id"] == ADA
    assert seen[0]["container"]["message_ts"] == seen[0]["message"]["ts"] == ts
    assert seen[0]["actions"][0]["value"] == "req-1"
    assert seen[0]["channel"] == {"id": FINE_TUNING, "name": "fine-tuning"}


def test_a_click_acked_late_is_a_timeout(
    app: App, connect, client: WebClient, ada: Person, driver: SandboxDriver
) -> None:
    driver.settings(ack_seconds=0.3)
    app.action("approve")(lambda ack: (time.sleep(0.6), ack()))
    connect(app)
    ts = card(client, button())
    with pytest.raises(Refused, match="operation_timeout"):
        ada.press(FINE_TUNING, ts, "approve")


def test_a_click_with_nobody_connected_fails_to_dispatch(client: WebClient, ada: Person) -> None:
    with pytest.raises(Refused, match="dispatch_failed"):
        ada.press(FINE_TUNING, card(client, button()), "approve")


def test_only_real_buttons_can_be_pressed(client: WebClient, ada: Person, driver: SandboxDriver) -> None:
    ts = card(client, button())
    assert buttons_of(ada.message(FINE_TUNING, ts))[0]["action_id"] == "approve"
    for action_id, value in (("promote", None), ("approve", "req-2")):
        with pytest.raises(Refused, match="no_such_element"):
            ada.press(FINE_TUNING, ts, action_id, value)
    with pytest.raises(Refused, match="not_in_channel"):
        driver.as_person(SAM).press(FINE_TUNING, ts, "approve")


def test_a_forged_click_is_delivered_as_told(app: App, connect, client: WebClient, driver: SandboxDriver) -> None:
    seen: list[dict] = []
    app.action("approve")(lambda ack, body: (seen.append(body), ack()))
    connect(app)
    driver.click_forged(SAM, "approve", "req-999", channel=FINE_TUNING, ts=card(client, button()))
    assert seen[0]["user"]["id"] == SAM
    assert seen[0]["actions"][0]["value"] == "req-999"


def test_a_choice_stays_in_state_values(app: App, connect, client: WebClient, ada: Person) -> None:
    seen: list[dict] = []
    app.action("base")(lambda ack: ack())
    app.action("go")(lambda ack, body: (seen.append(body), ack()))
    connect(app)
    menu = {"type": "static_select", "action_id": "base", "options": [option("tiny"), option("large")]}
    ts = card(client, menu, button("go"))
    ada.press(FINE_TUNING, ts, "base", "large")
    ada.press(FINE_TUNING, ts, "go")
    assert seen[0]["state"]["values"]["decide"]["base"]["selected_option"]["value"] == "large"
    with pytest.raises(Refused, match="no option 'huge'"):
        ada.press(FINE_TUNING, ts, "base", "huge")


def test_feedback_buttons_say_which_side(app: App, connect, client: WebClient, ada: Person) -> None:
    seen: list[str] = []
    app.action("feedback")(lambda ack, body: (seen.append(body["actions"][0]["value"]), ack()))
    connect(app)
    sides = {"positive_button": option("good"), "negative_button": option("bad")}
    blocks = [
        {
            "type": "context_actions",
            "elements": [{"type": "feedback_buttons", "action_id": "feedback", **sides}],
        }
    ]
    ts = client.chat_postMessage(channel=FINE_TUNING, text="rate", blocks=blocks)["ts"]
    ada.press(FINE_TUNING, ts, "feedback", "bad")
    assert seen == ["bad"]


@pytest.mark.parametrize("answer", ["replace", "whisper", "aloud"])
def test_a_response_url_answers_later(app: App, connect, client: WebClient, ada: Person, answer: str) -> None:
    sent = {
        "replace": {"replace_original": True, "text": "done", "blocks": []},
        "whisper": {"text": "done"},
        "aloud": {"response_type": "in_channel", "text": "done"},
    }[answer]
    app.action("approve")(lambda ack, respond: (ack(), respond(**sent)))
    connect(app)
    ts = card(client, button())
    ada.press(FINE_TUNING, ts, "approve")
    if answer == "whisper":
        assert ada.wait_for_ephemeral(FINE_TUNING, "done")["user"] == BOT_USER_ID
        assert ada.driver.as_person(GRACE).ephemerals(FINE_TUNING) == []
    else:
        message = ada.wait_for_text(FINE_TUNING, None, "done")
        assert (message["ts"] == ts) == (answer == "replace")


def test_an_ephemeral_can_be_clicked_and_replaced(app: App, connect, client: WebClient, ada: Person) -> None:
    app.action("approve")(lambda ack, respond: (ack(), respond(text="thanks", replace_original=True)))
    connect(app)
    blocks = [{"type": "actions", "elements": [button()]}]
    ts = client.chat_postEphemeral(channel=FINE_TUNING, user=ADA, text="sure?", blocks=blocks)["message_ts"]
    ada.press(FINE_TUNING, ts, "approve")
    assert ada.wait_for_ephemeral(FINE_TUNING, "thanks")["ts"] == ts


def test_a_response_url_is_good_for_five_uses(app: App, connect, client: WebClient, ada: Person) -> None:
    urls: list[str] = []
    app.action("approve")(lambda ack, body: (urls.append(body["response_url"]), ack()))
    connect(app)
    ada.press(FINE_TUNING, card(client, button()), "approve")
    for _ in range(5):
        post(urls[0])
    with pytest.raises(urllib.error.HTTPError, match="404"):
        post(urls[0])


def post(url: str) -> None:
    data = json.dumps({"text": "again"}).encode()
    urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=5).close()
