"""Mentions, DMs, threads, edits and streams, through a real Bolt app."""

from __future__ import annotations

import pytest
from slack_bolt import App, Say
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.cast import ADA, BEEP, BOT_USER_ID, FINE_TUNING, PARTNERS, SAM, TEAM_ID
from bot.sandbox.driver import Person, SandboxDriver, text_of


def test_a_mention_is_answered_in_its_thread(app: App, connect, ada: Person) -> None:
    @app.event("app_mention")
    def greet(event: dict, say: Say) -> None:
        say(f"hello <@{event['user']}>", thread_ts=event["ts"])

    connect(app)
    ts = ada.say(FINE_TUNING, "@Tunesmith hi <there>")
    reply = ada.wait_for_text(FINE_TUNING, ts, "hello")
    assert reply["user"] == BOT_USER_ID
    assert ada.messages(FINE_TUNING)[-1]["text"] == f"<@{BOT_USER_ID}> hi &lt;there&gt;"
    assert ada.messages(FINE_TUNING)[-1]["reply_count"] == 1


def test_one_mention_arrives_as_mention_and_as_message(app: App, connect, ada: Person, eventually) -> None:
    seen: dict[str, dict] = {}
    app.event("app_mention")(lambda event, body: seen.update(mention=event))
    app.event("message")(lambda event, body: seen.update(message=event))
    connect(app)
    ts = ada.say(FINE_TUNING, "@Tunesmith hi")
    eventually(lambda: len(seen) == 2)
    assert seen["mention"]["ts"] == seen["message"]["ts"] == ts
    assert seen["message"]["channel_type"] == "channel"
    assert seen["message"]["client_msg_id"]
    assert seen["message"]["blocks"][0]["type"] == "rich_text"


def test_a_direct_message_has_channel_type_im(app: App, connect, ada: Person) -> None:
    app.event("message")(lambda event, say: say(event["channel_type"]))
    connect(app)
    ada.say(BOT_USER_ID, "hello")
    ada.wait_for_text(BOT_USER_ID, None, "^im$")


def test_strangers_and_bots_carry_their_marks(app: App, connect, driver: SandboxDriver, eventually) -> None:
    seen: list[dict] = []
    app.event("message")(lambda event: seen.append(event))
    connect(app)
    driver.as_person(SAM).say(PARTNERS, "hello from afar")
    driver.as_person(BEEP).say(FINE_TUNING, "beep")
    eventually(lambda: len(seen) == 2)
    stranger, beep = sorted(seen, key=lambda e: e["ts"])
    assert stranger["user_team"] != TEAM_ID
    assert beep["bot_id"]


def test_an_edited_message_shows_its_new_blocks(client: WebClient, ada: Person) -> None:
    posted = client.chat_postMessage(
        channel=FINE_TUNING, text="0 %", metadata={"event_type": "card", "event_payload": {"job": "1"}}
    )
    client.chat_update(channel=FINE_TUNING, ts=posted["ts"], text="50 %")
    message = ada.message(FINE_TUNING, posted["ts"])
    assert message["text"] == "50 %"
    assert message["edited"]
    history = client.conversations_history(channel=FINE_TUNING, include_all_metadata=True)
    assert history["messages"][0]["metadata"]["event_payload"] == {"job": "1"}
    assert "metadata" not in client.conversations_history(channel=FINE_TUNING)["messages"][0]


def test_replies_come_in_pages(client: WebClient) -> None:
    parent = client.chat_postMessage(channel=FINE_TUNING, text="parent")["ts"]
    for number in range(5):
        client.chat_postMessage(channel=FINE_TUNING, text=f"reply {number}", thread_ts=parent)
    pages = [page["messages"] for page in client.conversations_replies(channel=FINE_TUNING, ts=parent, limit=2)]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [m["text"] for page in pages for m in page][1:] == [f"reply {n}" for n in range(5)]


def test_a_stream_grows_and_ends(client: WebClient, ada: Person) -> None:
    ts = ada.say(FINE_TUNING, "@Tunesmith tell me")
    stream = client.chat_stream(
        channel=FINE_TUNING, thread_ts=ts, recipient_user_id=ADA, recipient_team_id=TEAM_ID, buffer_size=1
    )
    stream.append(markdown_text="**Hel")
    stream.append(
        markdown_text="lo**",
        chunks=[{"type": "task_update", "id": "1", "title": "Read", "status": "complete"}],
    )
    stream.stop()
    message = ada.replies(FINE_TUNING, ts)[-1]
    assert message["text"] == "**Hello**"
    assert message["streaming_state"] == "completed"
    assert "Read" in text_of(message)


def test_a_status_line_ends_with_the_answer(client: WebClient, driver: SandboxDriver, ada: Person) -> None:
    ts = ada.say(FINE_TUNING, "@Tunesmith hi")
    client.assistant_threads_setStatus(channel_id=FINE_TUNING, thread_ts=ts, status="is reading…")
    client.chat_postMessage(channel=FINE_TUNING, thread_ts=ts, text="read")
    assert driver.get("/sandbox/state")["sessions"][0]["session"]["text"] == ""


def test_the_stop_button_ends_streams_and_tells_the_app(
    app: App, connect, client: WebClient, ada: Person, eventually
) -> None:
    seen: list[dict] = []
    app.event("agent_session_stopped")(lambda event: seen.append(event))
    app.event("message")(lambda event: None)
    app.event("app_mention")(lambda event: None)
    connect(app)
    ts = ada.say(FINE_TUNING, "@Tunesmith tell me")
    client.agents_sessions_setStatus(channel_id=FINE_TUNING, thread_ts=ts, status="processing")
    stream = client.chat_startStream(
        channel=FINE_TUNING,
        thread_ts=ts,
        recipient_user_id=ADA,
        recipient_team_id=TEAM_ID,
        markdown_text="So",
    )
    ada.stop(FINE_TUNING, ts)
    with pytest.raises(SlackApiError, match="message_not_in_streaming_state"):
        client.chat_appendStream(channel=FINE_TUNING, ts=stream["ts"], markdown_text="…")
    assert eventually(lambda: seen)[0]["streaming_message_ts"] == [stream["ts"]]
