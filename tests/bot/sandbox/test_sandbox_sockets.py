"""Socket Mode: redelivery, several connections, reconnecting."""

from __future__ import annotations

from slack_bolt import App
from slack_sdk import WebClient

from bot.sandbox.cast import FINE_TUNING
from bot.sandbox.driver import Person, SandboxDriver


def listening(app: App) -> list[tuple[str, str]]:
    """What the app hears: (event_id, retry number)."""
    heard: list[tuple[str, str]] = []

    @app.event("message")
    def hear(body, request) -> None:
        heard.append((body["event_id"], request.headers["x-slack-retry-num"][0]))

    return heard


def test_a_lost_ack_means_the_same_event_again(
    app: App, connect, driver: SandboxDriver, ada: Person, eventually
) -> None:
    heard = listening(app)
    connect(app)
    driver.settings(ack_seconds=0.2)
    driver.drop_acks(1)
    ada.say(FINE_TUNING, "hello")
    eventually(lambda: len(heard) == 2)
    assert heard[0][0] == heard[1][0]
    assert [retry for _, retry in heard] == ["0", "1"]


def test_an_event_can_be_redelivered(app: App, connect, driver: SandboxDriver, ada: Person, eventually) -> None:
    heard = listening(app)
    connect(app)
    ada.say(FINE_TUNING, "hello")
    eventually(lambda: len(heard) == 1)
    again = driver.redeliver(type="message")
    eventually(lambda: len(heard) == 2)
    assert heard[1] == (again["event_id"], "1")


def test_each_envelope_goes_to_one_of_two_connections(client: WebClient, connect, ada: Person, eventually) -> None:
    first, second = App(client=client), App(client=client)
    heard = listening(first), listening(second)
    connect(first)
    connect(second)
    for number in range(4):
        ada.say(FINE_TUNING, str(number))
    eventually(lambda: len(heard[0]) + len(heard[1]) == 4)
    assert len(heard[0]) == len(heard[1]) == 2


def test_events_wait_for_a_bot_that_restarts(app: App, connect, ada: Person, eventually) -> None:
    heard = listening(app)
    ada.say(FINE_TUNING, "are you there?")
    connect(app)
    eventually(lambda: len(heard) == 1)


def test_a_disconnect_warning_makes_the_client_reconnect(
    app: App, connect, driver: SandboxDriver, ada: Person, eventually
) -> None:
    heard = listening(app)
    connect(app)
    assert driver.disconnect() == 1
    driver.wait_for_connection()
    ada.say(FINE_TUNING, "still there?")
    eventually(lambda: len(heard) >= 1)


def test_the_bots_own_messages_are_events_too(client: WebClient, driver: SandboxDriver) -> None:
    posted = client.chat_postMessage(channel=FINE_TUNING, text="mine")
    client.chat_update(channel=FINE_TUNING, ts=posted["ts"], text="edited")
    events = [event["event"] for event in driver.look()["events"]]
    assert events[0]["bot_id"] == posted["message"]["bot_id"]
    assert events[1]["subtype"] == "message_changed"
    assert events[1]["previous_message"]["text"] == "mine"
