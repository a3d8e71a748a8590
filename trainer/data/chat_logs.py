"""The shapes that chat logs come in, each read into talks: who said what, in order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from trainer.errors import BadInput, LimitExceeded

Json = dict[str, Any]
MOST_BYTES = 256 * 1024 * 1024
GAP_S = 3600.0  # a pause that ends a conversation where no thread says so
WHO = ("role", "sender", "author", "from", "speaker", "user", "username", "name")
WHAT = ("content", "text", "message", "body", "value", "utterance")
TALKS = ("messages", "conversation", "conversations", "turns", "dialog", "dialogue", "thread", "chat")
BELONGS = ("thread_ts", "conversation_id", "conversationId", "session_id", "thread_id", "chat_id", "ticket_id")


class Turn(NamedTuple):
    speaker: str
    text: str
    bot: bool = False
    system: bool = False


Talk = list[Turn]


def read(path: Path) -> tuple[str, list[Talk]]:
    """The shape's name and its talks; BadInput where the file is no chat log."""
    if path.is_dir():  # a Slack export keeps a file a day in each channel's folder
        days = sorted(path.rglob("*.json"))
        return _shaped([message for day in days for message in _listed(_json(_text(day), day))], path)
    text = _text(path)
    if text.lstrip()[:1] not in ("[", "{"):
        return "transcript", _spoken(text, path)
    try:
        parsed = _json(text, path)
    except BadInput:
        if text.lstrip()[0] == "[" and (talks := transcript(text)):  # “[10:01] User: …”
            return "transcript", talks
        raise
    return _shaped(parsed, path)


def _spoken(text: str, path: Path) -> list[Talk]:
    talks = transcript(text)
    if not talks:
        raise _no_log(path)
    return talks


def _no_log(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} is no chat log that I know.",
        fix="Give a Slack export (JSON), a list of messages with role or sender and text, or lines like “User: …”.",
        code="no_log",
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LimitExceeded(f"{path.name} is larger than 256 MiB.", fix="Import it in parts.", code="too_large")
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.", code="no_file", param="file") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not UTF-8 text.", fix="Save it as UTF-8.", code="not_utf8") from None


def _json(text: str, path: Path) -> Any:
    """One JSON value, or one a line."""
    try:
        return json.loads(text)
    except RecursionError:
        raise BadInput(f"{path.name} is nested too deeply.", code="too_deep") from None
    except ValueError:
        pass
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            raise BadInput(f"Line {number} of {path.name} is not JSON.", code="invalid_json") from None
    return found


def _listed(parsed: Any) -> list[Any]:
    if isinstance(parsed, list):
        return parsed
    return parsed["messages"] if isinstance(parsed, dict) and isinstance(parsed.get("messages"), list) else [parsed]


def _shaped(parsed: Any, path: Path) -> tuple[str, list[Talk]]:
    flat = _listed(parsed)
    if any(_is_slack(message) for message in flat):
        return "Slack export", slack(flat)
    talks = [talk for talk in generic(parsed) if talk]
    if not talks:
        raise _no_log(path)
    return "messages", talks


def _is_slack(message: Any) -> bool:
    return isinstance(message, dict) and "ts" in message and ("user" in message or "bot_id" in message)


# Slack


def slack(messages: list[Any]) -> list[Talk]:
    """Threads as talks; where there are none, the channel's flow, parted by an hour of silence."""
    known = [m for m in messages if _is_slack(m) and m.get("subtype") in (None, "bot_message", "thread_broadcast")]
    known = sorted((m for m in known if _seconds(m["ts"]) is not None), key=lambda m: _seconds(m["ts"]) or 0.0)
    threads: dict[str, list[Json]] = {}
    if any(m.get("thread_ts") for m in known):
        for message in known:
            threads.setdefault(str(message.get("thread_ts") or message["ts"]), []).append(message)
        return [talk for thread in threads.values() if (talk := _slack_talk(thread))]
    return [talk for flow in _flows(known) if (talk := _slack_talk(flow))]


def _slack_talk(messages: list[Json]) -> Talk:
    return [
        Turn(_slack_name(m), text, bot=bool(m.get("bot_id")))
        for m in messages
        if (text := slack_text(str(m.get("text") or "")))
    ]


def _flows(messages: list[Json]) -> Iterator[list[Json]]:
    flow: list[Json] = []
    for message in messages:
        if flow and (_seconds(message["ts"]) or 0.0) - (_seconds(flow[-1]["ts"]) or 0.0) > GAP_S:
            yield flow
            flow = []
        flow.append(message)
    if flow:
        yield flow


def _slack_name(message: Json) -> str:
    profile = message.get("user_profile") or {}
    name = profile.get("display_name") or profile.get("real_name") if isinstance(profile, dict) else ""
    return str(name or message.get("user") or message.get("username") or message.get("bot_id"))


def _seconds(ts: Any) -> float | None:
    try:
        return float(ts)
    except (TypeError, ValueError):
        return None


def slack_text(text: str) -> str:
    """What a reader of Slack sees, without the names of people who are called."""
    said = re.sub(r"^(?:\s*<@[UW]\w+(?:\|[^>]*)?>[,:]?\s*)+", "", text)
    said = re.sub(r"<@[UW]\w+(?:\|[^>]*)?>", "@someone", said)
    said = re.sub(r"<#C\w+(?:\|([^>]*))?>", lambda m: f"#{m[1] or 'channel'}", said)
    said = re.sub(r"<!(?:subteam\^\w+(?:\|[^>]*)?|(\w+)[^>]*)>", lambda m: f"@{m[1] or 'group'}", said)
    said = re.sub(r"<((?:https?|mailto|tel):[^|>]+)(?:\|([^>]*))?>", lambda m: m[2] or m[1], said)
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


# lists of messages


def generic(parsed: Any) -> list[Talk]:
    """A list of talks, of messages, or of messages that say which talk they belong to."""
    if isinstance(parsed, dict):
        inner = next((parsed[key] for key in TALKS if isinstance(parsed.get(key), list)), None)
        return generic(inner) if inner is not None else []
    if not isinstance(parsed, list) or not parsed:
        return []
    if all(isinstance(item, dict) and _text_key(item) for item in parsed):
        return [[turn for m in talk if (turn := _turn(m))] for talk in _grouped(parsed)]
    return [talk for item in parsed if isinstance(item, (dict, list)) for talk in generic(item)]


def _grouped(messages: list[Json]) -> list[list[Json]]:
    key = next((name for name in BELONGS if any(name in m for m in messages)), None)
    if key is None:
        return [messages]
    talks: dict[str, list[Json]] = {}
    for message in messages:
        talks.setdefault(str(message.get(key)), []).append(message)
    return list(talks.values())


def _text_key(message: Json) -> str:
    return next((key for key in WHAT if isinstance(message.get(key), str)), "")


def _turn(message: Json) -> Turn | None:
    speaker = next((name for key in WHO if (name := _name(message.get(key)))), "")
    text = message[_text_key(message)].strip()
    if not speaker or not text:
        return None
    plain = speaker.casefold()
    return Turn(speaker, text, bot=message.get("is_bot") is True, system=plain in ("system", "developer"))


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return next((str(value[key]) for key in ("role", "type", "name", "id") if value.get(key)), "")
    return value.strip() if isinstance(value, str) else ""


# transcripts

_SAYS = re.compile(
    r"^(?:[\[(]?\d[\d:./,\- TAPMapmZ]{0,40}[\])]?\s{0,3}[-–]?\s{0,3})?"  # a time before the name
    r"(?:\*\*|[<*])?(?P<who>[^\W\d_][\w .'’@-]{0,39}?)(?:\*\*|[>*])?\s?(?:\([^)\n]{1,30}\))?\s?"
    r":(?:\*\*)?(?:\s+|$)(?P<what>.*)$"
)
_BREAK = re.compile(
    r"^\s*(?:[-=*_#]{3,}|#+ .*|(?:conversation|chat|session|ticket|dialogue?)\s{0,3}#?\s{0,3}[\w-]{0,40}\s*:?)\s*$",
    re.IGNORECASE,
)
_OBVIOUS = frozenset(
    ["user", "customer", "client", "human", "agent", "assistant", "support", "bot", "operator", "ai", "system"]
)


def transcript(text: str) -> list[Talk]:
    """`Name: what they said`, lines below belong to it; a ruled line, a heading or two blank lines part talks."""
    lines = text.split("\n")
    names = _speakers(lines)
    talks: list[Talk] = [[]]
    blanks = 0
    for line in lines:
        blanks = blanks + 1 if not line.strip() else 0
        if _BREAK.match(line) or blanks == 2:
            talks.append([])
        elif (said := _SAYS.match(line)) and said["who"].strip() in names:
            who = said["who"].strip()
            talks[-1].append(Turn(who, said["what"].strip(), system=who.casefold() == "system"))
        elif talks[-1]:
            last = talks[-1][-1]
            talks[-1][-1] = last._replace(text=f"{last.text}\n{line.rstrip()}")
    cleaned = ([turn._replace(text=turn.text.strip()) for turn in talk] for talk in talks)
    return [said for talk in cleaned if (said := [turn for turn in talk if turn.text])]


def _speakers(lines: list[str]) -> frozenset[str]:
    """Names that speak: obvious ones, and what stands before a colon more than once. “Note: …” is no speaker."""
    counted: dict[str, int] = {}
    for line in lines:
        if said := _SAYS.match(line):
            who = said["who"].strip()
            counted[who] = counted.get(who, 0) + 1
    names = frozenset(who for who, times in counted.items() if times > 1 or who.casefold() in _OBVIOUS)
    return names if len(names) > 1 else frozenset()
