"""Slack's limits: blocks, text, rates, scopes, tokens and error codes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from bot.sandbox.cast import ADA, APP_TOKEN, FINE_TUNING, GENERAL, LEADS, SAM
from bot.sandbox.driver import Person, SandboxDriver


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str = "hi", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **more}


def row(cells: int) -> list[dict[str, str]]:
    return [{"type": "raw_text", "text": "x"}] * cells


WRONG = {
    "51 blocks": [{"type": "divider"}] * 51,
    "section of 3,001": [section("x" * 3001)],
    "empty section": [section("")],
    "header of 151": [{"type": "header", "text": plain("x" * 151)}],
    "header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "button of 76": [actions(button(text=plain("x" * 76)))],
    "value of 2,001": [actions(button(value="x" * 2001))],
    "action_id of 256": [actions(button(action_id="x" * 256))],
    "26 buttons": [actions(*(button(action_id=str(n)) for n in range(26)))],
    "the same action_id twice": [actions(button(), button())],
    "the same block_id twice": [section(block_id="a"), section(block_id="a")],
    "11 context elements": [{"type": "context", "elements": [plain("x")] * 11}],
    "an image without alt text": [{"type": "image", "image_url": "https://example.com/a.png"}],
    "101 rows": [{"type": "table", "rows": [row(1)] * 101}],
    "21 columns": [{"type": "table", "rows": [row(21)]}],
    "two tables": [{"type": "table", "rows": [row(1)]}] * 2,
    "an unknown type": [{"type": "hologram"}],
    "an option twice": [
        actions({"type": "static_select", "options": [{"text": plain("a"), "value": "a"}] * 2}),
    ],
    "a chart whose labels differ": [
        {
            "type": "data_visualization",
            "title": "Loss",
            "chart": {
                "type": "line",
                "series": [{"name": "a", "data": [{"label": "x", "value": 1}]}],
                "axis_config": {"categories": ["y"]},
            },
        }
    ],
}


@pytest.mark.parametrize("blocks", WRONG.values(), ids=WRONG)
def test_wrong_blocks_are_refused_with_the_place(client: WebClient, blocks: list[dict]) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=blocks)
    assert refused.value.response["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks" in refused.value.response["response_metadata"]["messages"][0]


def test_blocks_at_the_limits_pass(client: WebClient) -> None:
    full = [
        section("x" * 3000),
        {"type": "header", "text": plain("x" * 150)},
        actions(button(value="x" * 2000)),
    ]
    client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=full + [{"type": "divider"}] * 47)
    client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=[{"type": "table", "rows": [row(20)] * 100}])


def test_too_much_text_in_blocks(client: WebClient) -> None:
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=[section("x" * 3000)] * 5)


def test_long_text_is_cut_when_posted_and_refused_when_updated(client: WebClient, ada: Person) -> None:
    ts = client.chat_postMessage(channel=FINE_TUNING, text="x" * 40_001)["ts"]
    assert len(ada.message(FINE_TUNING, ts)["text"]) == 40_000
    with pytest.raises(SlackApiError, match="msg_too_long"):
        client.chat_update(channel=FINE_TUNING, ts=ts, text="x" * 4_001)


def test_refused_block_types_can_be_chosen(client: WebClient, driver: SandboxDriver) -> None:
    driver.settings(refused_blocks=["table"])
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        client.chat_postMessage(channel=FINE_TUNING, text="x", blocks=[{"type": "table", "rows": [row(1)]}])


def test_updates_are_limited_for_the_whole_workspace(client: WebClient, driver: SandboxDriver) -> None:
    driver.settings(rates={"chat.update": [600, 2]})
    ts = client.chat_postMessage(channel=FINE_TUNING, text="0")["ts"]
    with pytest.raises(SlackApiError) as refused:
        for number in range(3):
            client.chat_update(channel=FINE_TUNING, ts=ts, text=str(number))
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    assert refused.value.response.headers["Retry-After"] == "1"


def test_the_retry_handler_waits_and_succeeds(client: WebClient, driver: SandboxDriver, ada: Person) -> None:
    driver.settings(rates={"chat.postMessage": [60, 1]})
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=2))
    started = time.monotonic()
    for number in range(2):
        client.chat_postMessage(channel=FINE_TUNING, text=str(number))
    assert time.monotonic() - started >= 1
    assert [m["text"] for m in ada.messages(FINE_TUNING)] == ["0", "1"]


def test_posts_are_limited_per_channel(client: WebClient, driver: SandboxDriver) -> None:
    driver.settings(rates={"chat.postMessage": [1, 1]})
    client.chat_postMessage(channel=FINE_TUNING, text="a")
    client.chat_postMessage(channel=ADA, text="b")
    with pytest.raises(SlackApiError, match="ratelimited"):
        client.chat_postMessage(channel=FINE_TUNING, text="c")


def test_a_missing_scope_is_named(client: WebClient, driver: SandboxDriver) -> None:
    driver.settings(scopes=["chat:write"])
    with pytest.raises(SlackApiError) as refused:
        client.users_info(user=ADA)
    assert refused.value.response.data == {
        "ok": False,
        "error": "missing_scope",
        "needed": "users:read",
        "provided": "chat:write",
    }


def test_events_need_their_scope(driver: SandboxDriver, ada: Person) -> None:
    driver.settings(scopes=["app_mentions:read"])
    ada.say(FINE_TUNING, "@Tunesmith hi")
    assert [event["event"]["type"] for event in driver.look()["events"]] == ["app_mention"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")],
)
def test_tokens(sandbox, token: str, error: str) -> None:
    with pytest.raises(SlackApiError, match=error):
        WebClient(token, base_url=sandbox.api_url).chat_postMessage(channel=FINE_TUNING, text="x")


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown_method": ("chat.sing", {}),
    "channel_not_found": ("chat.postMessage", {"channel": LEADS, "text": "x"}),
    "not_in_channel": ("chat.postMessage", {"channel": GENERAL, "text": "x"}),
    "no_text": ("chat.postMessage", {"channel": FINE_TUNING, "text": ""}),
    "thread_not_found": ("conversations.replies", {"channel": FINE_TUNING, "ts": "1.000001"}),
    "message_not_found": ("chat.update", {"channel": FINE_TUNING, "ts": "1.000001", "text": "x"}),
    "invalid_arguments": ("chat.postMessage", {"text": "x"}),
    "invalid_blocks_format": ("chat.postMessage", {"channel": FINE_TUNING, "blocks": "[{"}),
    "too_many_attachments": (
        "chat.postMessage",
        {"channel": FINE_TUNING, "attachments": [{"text": "x"}] * 101},
    ),
    "user_not_found": ("users.info", {"user": "U0NOBODY"}),
    "user_not_in_channel": ("chat.postEphemeral", {"channel": FINE_TUNING, "user": SAM, "text": "x"}),
    "file_not_found": ("files.info", {"file": "F0NOTHING"}),
    "invalid_cursor": ("conversations.history", {"channel": FINE_TUNING, "cursor": "nonsense"}),
    "invalid_trigger_id": ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}),
    "no_reaction": ("reactions.remove", {"channel": FINE_TUNING, "name": "eyes"}),
}


@pytest.mark.parametrize("error", CALLS)
def test_errors_have_slacks_codes(client: WebClient, ada: Person, error: str) -> None:
    method, arguments = CALLS[error]
    if error == "no_reaction":
        arguments = arguments | {"timestamp": ada.say(FINE_TUNING, "x")}
    with pytest.raises(SlackApiError) as refused:
        client.api_call(method, json=arguments)
    assert refused.value.response["error"] == error


def test_others_messages_cannot_be_edited(client: WebClient, ada: Person) -> None:
    ts = ada.say(FINE_TUNING, "mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        client.chat_update(channel=FINE_TUNING, ts=ts, text="yours")
