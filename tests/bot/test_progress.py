"""The line that tells how far a long piece of work is."""

from __future__ import annotations

from typing import Any

import pytest

from bot import progress
from bot.door import Door
from bot.progress import Line
from bot.sandbox.driver import Person
from bot.sandbox.reading import text_of


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def shown(person: Person, channel: str, ts: str, line: Line) -> str:
    return text_of(person.message(channel, line.ts)) if line.ts else ""


def test_a_pass_tells_its_own_share_and_time(bot: Door, ada: Person, channel: str, clock: Any) -> None:
    ts = ada.say(channel, "hello there, nobody")
    line = Line(bot, {"channel": channel, "thread_ts": ts}, f"t:{ts}", "big <!channel>.csv", "Mending", "Checking")
    line.start()
    assert "Mending *big &lt;!channel&gt;.csv*" in shown(ada, channel, ts, line)
    clock.now += 10
    line.tell(25, 100)
    assert "25%, about 30 s left" in shown(ada, channel, ts, line)
    clock.now += 30
    line.tell(100, 100)
    clock.now += 1
    line.tell(1, 100)  # the second pass begins: its time is counted from here
    clock.now += 4
    line.tell(50, 100)
    said = shown(ada, channel, ts, line)
    assert "Checking" in said and "50%, about 4 s left" in said


def test_quick_work_asked_for_in_words_shows_no_line(bot: Door, ada: Person, channel: str, clock: Any) -> None:
    ts = ada.say(channel, "hello again, nobody")
    line = Line(bot, {"channel": channel, "thread_ts": ts}, f"t:{ts}", "the dataset", "Working on")
    line.tell(5, 10)
    clock.now += 1
    line.tell(10, 10)
    line.over("Done.")
    assert len(ada.replies(channel, ts)) == 1
    clock.now += 2
    line.tell(10, 20)
    assert "50%" in shown(ada, channel, ts, line)
