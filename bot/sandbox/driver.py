"""People and faults by program: what tests and the demo use to play their parts in the sandbox."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.sandbox.reading import buttons_of, text_of

__all__ = ["Person", "Refused", "SandboxDriver", "buttons_of", "text_of"]

Json = dict[str, Any]


class Refused(Exception):
    """The sandbox said no; `code` is Slack's error code and `answer` all it said."""

    def __init__(self, path: str, answer: Json):
        super().__init__(f"{path}: {answer.get('error')} {answer.get('detail') or ''}".strip())
        self.code = str(answer.get("error"))
        self.answer = answer


class SandboxDriver:
    """Talks to a running sandbox at `base_url`, e.g. http://127.0.0.1:8901."""

    def __init__(self, base_url: str, timeout: float = 60.0):
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout

    def as_person(self, user_id: str) -> Person:
        return Person(self, user_id)

    def get(self, path: str, **query: Any) -> Json:
        return self._ask(path, query, None)

    def post(self, path: str, **body: Any) -> Json:
        return self._ask(path, {}, json.dumps(body).encode(), "application/json")

    def send(self, path: str, data: bytes | Path, **query: Any) -> Json:
        """Post raw bytes, or a file read as it is sent."""
        if isinstance(data, bytes):
            return self._ask(path, query, data, "application/octet-stream")
        with data.open("rb") as stream:
            return self._ask(path, query, stream, "application/octet-stream", size=data.stat().st_size)

    def _ask(self, path: str, query: Json, data: Any, content_type: str = "", size: int | None = None) -> Json:
        known = {key: value for key, value in query.items() if value is not None}
        url = f"{self.base_url}{path}" + (f"?{urllib.parse.urlencode(known)}" if known else "")
        request = urllib.request.Request(url, data=data, method="GET" if data is None else "POST")  # noqa: S310
        if content_type:
            request.add_header("Content-Type", content_type)
        if size is not None:
            request.add_header("Content-Length", str(size))
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:  # noqa: S310
                answer: Json = json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            answer = json.loads(text) if text.startswith("{") else {"ok": False, "error": text}
        if not answer.get("ok"):
            raise Refused(path, answer)
        return answer

    def revision(self) -> int:
        return self.get("/sandbox/wait", since=-1)["revision"]

    def wait(self, look: Callable[[], Any], timeout: float = 10.0, what: str = "it") -> Any:
        """Call `look` after every change until it returns something true; TimeoutError otherwise."""
        deadline = time.monotonic() + timeout
        while True:
            revision = self.revision()
            found = look()
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited {timeout:g} s for {what}")
            self.get("/sandbox/wait", since=revision, seconds=min(left, 5.0))

    def wait_for_connection(self, count: int = 1, timeout: float = 20.0) -> None:
        """Until the app has `count` Socket Mode connections."""
        deadline = time.monotonic() + timeout
        while self.get("/sandbox/state")["connected"] < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout:g} s for {count} connections of the app")
            time.sleep(0.05)

    def look(self) -> Json:
        """connections, calls, events, acks, settings."""
        return self.get("/sandbox/control")

    def calls(self, method: str | None = None) -> list[Json]:
        """The app's Web API calls so far, oldest first: {method, arguments, error?}."""
        return [call for call in self.look()["calls"] if method in (None, call["method"])]

    def settings(self, **changes: Any) -> Json:
        """Change the workspace's settings, e.g. scopes=[…], rates={"chat.update": [50, 2]}."""
        return self.post("/sandbox/control/settings", **changes)["settings"]

    def fault(self, method: str, kind: str = "error", times: int = 1, **details: Any) -> None:
        """Make the next `times` calls fail; see faults.Fault for kinds and details."""
        self.post("/sandbox/control/fault", method=method, kind=kind, times=times, **details)

    def clear_faults(self) -> None:
        self.post("/sandbox/control/clear")

    def drop_acks(self, times: int = 1) -> None:
        self.post("/sandbox/control/drop_acks", times=times)

    def redeliver(self, event_id: str | None = None, type: str | None = None) -> Json:
        """Deliver the last event again (or the named one, or the last of a type), same event_id."""
        return self.post("/sandbox/control/redeliver", event_id=event_id, type=type)["event"]

    def disconnect(self, reason: str = "warning", abrupt: bool = False) -> int:
        return self.post("/sandbox/control/disconnect", reason=reason, abrupt=abrupt)["closed"]

    def send_event(self, event: Json, **envelope: Any) -> Json:
        return self.post("/sandbox/control/event", event=event, envelope=envelope)["event"]

    def click_forged(
        self,
        user_id: str,
        action_id: str,
        value: str = "",
        channel: str | None = None,
        ts: str | None = None,
        **more: Any,
    ) -> Json:
        """Deliver a click that no page offered: any person, action and value. Returns the ack's payload."""
        where = {"channel": channel, "ts": ts}
        body = {"as": user_id, "action_id": action_id, "value": value, **where, **more}
        return self.post("/sandbox/control/forge", **body)["ack"]


class Person:
    """Someone at the keyboard. Methods that post return the message's ts."""

    def __init__(self, driver: SandboxDriver, user_id: str):
        self.driver = driver
        self.id = user_id

    def _post(self, path: str, **body: Any) -> Json:
        return self.driver.post(f"/sandbox/{path}", **{"as": self.id, **body})

    def _get(self, path: str, **query: Any) -> Json:
        return self.driver.get(f"/sandbox/{path}", **{"as": self.id, **query})

    def say(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Type a message; `@Tunesmith` mentions the app. A DM's channel is the app's user id."""
        return self._post("message", channel=channel, text=text, thread_ts=thread_ts)["message"]["ts"]

    def upload(
        self,
        channel: str,
        content: bytes | str | Path,
        filename: str | None = None,
        text: str = "",
        thread_ts: str | None = None,
    ) -> str:
        """Share a file: bytes, or the path of one (str or Path), streamed."""
        path = Path(content) if isinstance(content, str | Path) else None
        name = filename or (path.name if path else "file.bin")
        query = {"as": self.id, "channel": channel, "filename": name, "text": text, "thread_ts": thread_ts}
        data = path if path else content
        assert not isinstance(data, str)
        return self.driver.send("/sandbox/upload", data, **query)["message"]["ts"]

    def edit(self, channel: str, ts: str, text: str) -> None:
        self._post("edit", channel=channel, ts=ts, text=text)

    def delete(self, channel: str, ts: str) -> None:
        self._post("delete", channel=channel, ts=ts)

    def react(self, channel: str, ts: str, name: str, remove: bool = False) -> None:
        self._post("react", channel=channel, ts=ts, name=name, remove=remove)

    def press(self, channel: str, ts: str, action_id: str, value: Any = None, block_id: str | None = None) -> Json:
        """Press a button, or choose `value` in a menu: only what is really there. Returns the ack."""
        where = {"channel": channel, "ts": ts, "block_id": block_id}
        return self._post("press", action_id=action_id, value=value, **where)["ack"]

    def press_in_view(self, view_id: str, action_id: str, value: Any = None) -> Json:
        return self._post("press", view_id=view_id, action_id=action_id, value=value)["ack"]

    def command(self, name: str, text: str = "", channel: str = "") -> Json:
        """A slash command; returns what the app answered in its ack."""
        return self._post("command", command=name, text=text, channel=channel)["ack"]

    def view(self) -> Json | None:
        """The open modal, if any."""
        return self._get("state")["view"]

    def home(self) -> Json | None:
        return self._post("home")["view"]

    def submit(self, values: Json, view_id: str | None = None) -> Json:
        """Submit the open modal with {action_id: value} or {block_id: {action_id: value}}."""
        return self._post("view/submit", values=values, view_id=view_id)["ack"]

    def close(self, view_id: str | None = None) -> None:
        self._post("view/close", view_id=view_id)

    def stop(self, channel: str, thread_ts: str) -> None:
        """Press the native Stop button of the thread's agent session."""
        self._post("stop", channel=channel, thread_ts=thread_ts)

    def channels(self) -> list[Json]:
        return self._get("state")["channels"]

    def messages(self, channel: str) -> list[Json]:
        """The channel's messages, oldest first, without thread replies."""
        return self._get("messages", channel=channel)["messages"]

    def replies(self, channel: str, thread_ts: str) -> list[Json]:
        """The parent and its replies, oldest first."""
        return self._get("replies", channel=channel, ts=thread_ts)["messages"]

    def message(self, channel: str, ts: str) -> Json:
        """One message as it is now."""
        return next(m for m in self.replies(channel, ts) if m["ts"] == ts)

    def ephemerals(self, channel: str) -> list[Json]:
        """Messages that only this person sees, oldest first."""
        return self._get("messages", channel=channel)["ephemerals"]

    def download(self, file: Json) -> bytes:
        """A shared file's bytes as this person gets them."""
        url = f"{self.driver.base_url}/sandbox/files/{file['id']}?as={self.id}&download=1"
        with urllib.request.urlopen(url, timeout=self.driver.timeout) as response:  # noqa: S310
            return response.read()

    def wait_for(
        self,
        predicate: Callable[[Json], Any],
        timeout: float = 10.0,
        *,
        channel: str,
        thread_ts: str | None = None,
    ) -> Json:
        """The first message of the channel (or of the thread) that the predicate takes."""

        def look() -> Json | None:
            found = self.replies(channel, thread_ts) if thread_ts else self.messages(channel)
            return next((message for message in found if predicate(message)), None)

        return self.driver.wait(look, timeout, f"a message in {channel}")

    def wait_for_text(self, channel: str, thread_ts: str | None, pattern: str, timeout: float = 10.0) -> Json:
        """The first message whose visible text (see `text_of`) matches the pattern."""
        try:
            return self.wait_for(
                lambda m: m["ts"] != thread_ts and re.search(pattern, text_of(m), re.IGNORECASE | re.DOTALL),
                timeout,
                channel=channel,
                thread_ts=thread_ts,
            )
        except TimeoutError:
            seen = self.replies(channel, thread_ts) if thread_ts else self.messages(channel)
            shown = "\n".join(f"  {m.get('user')}: {text_of(m)[:300]!r}" for m in seen[-10:])
            raise TimeoutError(f"waited {timeout:g} s for /{pattern}/ in {channel}; there is\n{shown}") from None

    def wait_for_ephemeral(self, channel: str, pattern: str, timeout: float = 10.0) -> Json:
        def look() -> Json | None:
            found = self.ephemerals(channel)
            return next((m for m in found if re.search(pattern, text_of(m), re.IGNORECASE | re.DOTALL)), None)

        return self.driver.wait(look, timeout, f"an ephemeral /{pattern}/ in {channel}")

    def wait_for_view(self, timeout: float = 10.0) -> Json:
        return self.driver.wait(self.view, timeout, "a modal")
