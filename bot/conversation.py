"""One message of a person: its files are checked, its words go to the agent, the answers go to its thread."""

from __future__ import annotations

import re
from dataclasses import replace

import structlog

from bot import cards, uploads
from bot.blocks import note
from bot.blocks.kit import Card
from bot.blocks.kit import context as context_block
from bot.blocks.mrkdwn import esc
from bot.commands import parse
from bot.door import Door
from bot.guard import Refused
from bot.inbox import TRIES, Letter
from bot.progress import Line
from tools.context import Caller
from trainer.errors import TunesmithError

log = structlog.get_logger()
MEDIA = ("image/", "video/", "audio/")
TO_ANOTHER = re.compile(r"\s*<@[UW][A-Z0-9]+")  # “@Grace, what do you think?” in our thread is not for us
GAVE_UP = "I was interrupted while working on this, more than once. Please say it again."


def is_ours(door: Door, event: dict) -> bool:
    """Whether a message is meant for us: a DM, a mention, a thread we take part in, or a file that may be data."""
    if event.get("channel_type") == "im" or _mentions(door, event):
        return True
    if _in_our_thread(door, event) and not TO_ANOTHER.match(str(event.get("text") or "")):
        return True
    files = event.get("files") or []
    return any(not str(f.get("mimetype") or "").startswith(MEDIA) for f in files)


def handle(door: Door, letter: Letter) -> None:
    """Work on a message that was taken, in its thread's lane."""
    origin, user = letter.origin, str(letter.event.get("user") or "")

    def work() -> None:
        caller = door.guard.speaker(letter.event, origin)
        if letter.tries >= TRIES:
            door.outbox.post(key(letter, "gave-up"), origin, note.line(GAVE_UP))
            return
        door.services.threads.link(origin)
        _serve(door, letter, caller)

    def tell(card: Card) -> None:
        if caller_refused(door, letter):
            door.whisper(origin, user, card)
            return
        try:
            door.outbox.post(key(letter, "error"), origin, card)
        except TunesmithError as error:
            log.warning("answer_waits", reason=str(error))

    door.guarded(work, tell)
    door.inbox.done(letter)


def caller_refused(door: Door, letter: Letter) -> bool:
    try:
        door.guard.speaker(letter.event, letter.origin)
    except Refused:
        return True
    return False


def _serve(door: Door, letter: Letter, caller: Caller) -> None:
    said = words(door, letter)
    became = uploads.check_all(door, letter, caller) if letter.event.get("files") else uploads.USABLE
    spoken = not letter.event.get("files") or (_addressed(door, letter.event) and _is_wish(door, said))
    if spoken and (became == uploads.USABLE or (became == uploads.KEPT and _mends(said))):
        _answer(door, letter, caller, said)


def _mends(said: str) -> bool:
    """Words that make sense for a file that cannot be trained on as it is."""
    wish = parse(said)
    return wish is not None and wish.tool in ("fix_dataset", "redact_dataset", "audit_dataset", "dataset_report")


def _is_wish(door: Door, said: str) -> bool:
    """Words beside a file may be a wish ("train on this") or a mere caption; the grammar tells them apart."""
    wish = parse(said) if said else None
    return bool(said) and (door.settings.has_llm or bool(wish and wish.tool))


def _answer(door: Door, letter: Letter, caller: Caller, said: str) -> None:
    if door.settings.has_llm:
        door.thinking(letter.origin)
    line = Line(door, letter.origin, key(letter, "progress"), "the dataset", "Working on")
    context = replace(door.context(caller), on_progress=line.tell)
    made = door.agent.reply(context, said, message_id=f"{letter.channel}:{letter.ts}", again=letter.tries > 0)
    line.over("Done; here is what came of it:")
    notice = made.notice if made.notice and _first_notice(door, letter) else ""
    shown = [c for c in (cards.show(door.context(caller), a) for a in made.cards) if c]
    if made.text and not (made.by_grammar and shown):
        door.outbox.post(key(letter, "answer"), letter.origin, note.answer(made.text, notice))
        notice = ""
    for number, one in enumerate(shown):
        card = _with_notice(one.card, notice) if number == 0 else one.card
        cards.post(door, key(letter, f"card{number}"), letter.origin, replace(one, card=card))


def _with_notice(card: Card, notice: str) -> Card:
    return Card(card.text, [context_block(esc(notice)), *card.blocks]) if notice else card


def _first_notice(door: Door, letter: Letter) -> bool:
    """That the grammar stands in is said once per thread (and again on a repeated try of the same message)."""
    claim = f"notice:{letter.channel}:{letter.thread_ts}"
    return door.services.db.claim(claim) or (letter.tries > 0 and letter.thread_ts == letter.ts)


def _mentions(door: Door, event: dict) -> bool:
    return f"<@{door.us.user_id}>" in str(event.get("text") or "")


def _addressed(door: Door, event: dict) -> bool:
    return event.get("channel_type") == "im" or _mentions(door, event) or _in_our_thread(door, event)


def _in_our_thread(door: Door, event: dict) -> bool:
    """A thread we take part in, or are about to: its first message may still be worked on."""
    channel, thread_ts = event["channel"], event.get("thread_ts")
    if not thread_ts:
        return False
    return door.services.threads.known(channel, thread_ts) or door.inbox.works_on(channel, thread_ts)


def words(door: Door, letter: Letter) -> str:
    """What was typed, without our own mention, and with Slack's escapes undone."""
    text = re.sub(rf"<@{door.us.user_id}(?:\|[^>]*)?>", " ", str(letter.event.get("text") or ""))
    text = re.sub(r"<(https?://[^|>]+)(?:\|[^>]*)?>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def key(letter: Letter, part: str) -> str:
    """The key of one answer to one message: the same again after a crash."""
    return f"re:{letter.channel}:{letter.ts}:{part}"
