"""The thread as it is printed: every new message, and every edit that says something new."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape

from bot.sandbox.cast import ADA, GRACE
from bot.sandbox.driver import Person, SandboxDriver
from bot.sandbox.reading import text_of
from examples.demo.house import DemoFailed

Json = dict[str, Any]
NAMES = {ADA: "Ada", GRACE: "Grace"}
CHANNEL = "C0FINETUNE"
LONGEST = 700


class Stage:
    """People in one channel of the sandbox, and a console that shows their thread."""

    def __init__(self, address: str, console: Console) -> None:
        self.driver = SandboxDriver(address)
        self.ada, self.grace = self.driver.as_person(ADA), self.driver.as_person(GRACE)
        self.console = console
        self.thread = ""
        self.shown: dict[str, str] = {}

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]── {escape(text)}[/bold]")

    def fact(self, text: str) -> None:
        self.console.print(f"   [dim]✓ {escape(text)}[/dim]")

    def show(self) -> None:
        """Print what is new in the thread."""
        if not self.thread:
            return
        for message in self.ada.replies(CHANNEL, self.thread):
            text = plain(message)
            if self.shown.get(message["ts"]) != gist(text):
                self.shown[message["ts"]] = gist(text)
                self._print(NAMES.get(message.get("user", ""), "Tunesmith"), text)

    def _print(self, who: str, text: str) -> None:
        text = " · ".join(text.splitlines()) if "░" in text else text  # a living card, on one line
        cut = text if len(text) <= LONGEST else text[:LONGEST] + " …"
        indented = escape(cut).replace("\n", "\n" + " " * 11)
        self.console.print(f"[bold]{who:>9}[/bold]: {indented}")

    def whisper(self, who: str, text: str) -> None:
        self._print("Tunesmith", f"(only {who} sees this) {text}")

    def start(self, person: Person, text: str) -> None:
        """A new thread, begun with a message."""
        self._open(person.say(CHANNEL, text))

    def drop(self, person: Person, path: Any, text: str) -> None:
        """A new thread, begun with a file."""
        self._open(person.upload(CHANNEL, path, text=text))

    def _open(self, ts: str) -> None:
        self.thread, self.shown = ts, {}
        self.show()

    def say(self, person: Person, text: str) -> None:
        person.say(CHANNEL, text, thread_ts=self.thread)
        self.show()

    def wait(self, look: Callable[[Json], object], what: str, seconds: float = 60.0) -> Json:
        """The newest message of the bot that `look` takes, while the thread is shown as it grows."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.show()
            for message in reversed(self.ada.replies(CHANNEL, self.thread)):
                if message.get("user") not in NAMES and look(message):
                    return message
            time.sleep(0.5)
        raise DemoFailed(f"Waited {seconds:.0f} s in vain for {what}.")

    def wait_text(self, pattern: str, what: str, seconds: float = 60.0) -> Json:
        return self.wait(lambda m: re.search(pattern, plain(m), re.IGNORECASE | re.DOTALL), what, seconds)

    def wait_button(self, label: str, seconds: float = 60.0) -> Json:
        return self.wait(lambda m: button(m, label), f"a “{label}” button", seconds)

    def press(self, person: Person, label: str, *, seconds: float = 60.0) -> Json:
        """Press the newest button with this label, as a person would."""
        message = self.wait_button(label, seconds)
        found = button(message, label)
        assert found is not None
        shown = escape(found["text"]["text"])
        self.console.print(f"[bold]{NAMES[person.id]:>9}[/bold]: presses [reverse] {shown} [/reverse]")
        person.press(CHANNEL, message["ts"], found["action_id"])
        self.show()
        return message


def button(message: Json, label: str) -> Json | None:
    """The button of this label on a message, if it is there now."""
    for block in message.get("blocks") or []:
        elements = [*(block.get("elements") or []), block.get("accessory") or {}]
        for element in elements:
            said = element["text"]["text"] if element.get("type") == "button" else ""
            if said and re.fullmatch(label, said, re.IGNORECASE):
                return element
    return None


def gist(text: str) -> str:
    """What makes a message worth printing again: of a living card, its title and every fifth of its bar."""
    percent = re.search(r"(\d+) %", text) if "░" in text else None
    return f"{text.splitlines()[0]} {int(percent[1]) // 20}" if percent else text


def plain(message: Json) -> str:
    """What a person reads in a message, without Slack's marks: its blocks, or its text, and its files' names."""
    blocks = [b for b in message.get("blocks") or [] if b["type"] not in ("actions", "rich_text", "table")]
    shown = [text_of(blocks) or message.get("text", ""), *(f"[{f['name']}]" for f in message.get("files") or [])]
    text = re.sub(r"<@(\w+)>", lambda m: "@" + NAMES.get(m[1], "Tunesmith"), "\n".join(filter(None, shown)))
    text = re.sub(r"<[^|>]+\|([^>]+)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
