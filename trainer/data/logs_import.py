"""Chat logs → conversations to learn from. Every turn is kept; who is the assistant is given, or guessed and said.

Understood: Slack exports, lists or JSONL of messages with a role or a sender, and plain transcripts
(`User: … / Agent: …`). What cannot be used is counted by reason, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.data.chat_logs import Talk, read
from trainer.errors import BadInput

Row = dict[str, Any]
NAMES_OF_ASSISTANTS = frozenset(
    [
        "assistant",
        "agent",
        "bot",
        "support",
        "operator",
        "ai",
        "model",
        "gpt",
        "chatbot",
        "representative",
        "rep",
        "advisor",
        "helper",
        "helpdesk",
        "support_agent",
        "customer_support",
        "staff",
    ]
)
NAMES_OF_USERS = frozenset(
    ["user", "human", "customer", "client", "person", "caller", "visitor", "guest", "me", "enduser", "end_user"]
)
NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Imported:
    """`rows` are OpenAI chat rows. `assistants` says whose words are answers, `how` why that is believed."""

    rows: list[Row]
    shape: str  # "Slack export", "messages" or "transcript"
    assistants: tuple[str, ...]
    how: str
    conversations: int  # found in the log
    left_out: dict[str, int] = field(default_factory=dict)  # reason → conversations
    turns_cut: int = 0  # before the first question or after the last answer
    redacted: int = 0  # personal data replaced


def import_logs(path: Path, *, assistants: Collection[str] = (), system: str = "", redact: bool = False) -> Imported:
    """Read a log. `assistants` names whose words are answers; without it that is guessed.

    Raises BadInput for a file that is no log, and where nobody can tell who the assistant is."""
    shape, talks = read(Path(path))
    chosen, how = who_answers(talks, assistants)
    rows, left_out, cut = _rows(talks, chosen, system)
    replaced = 0
    if redact:
        rows, replaced = redacted(rows)
    return Imported(rows, shape, tuple(sorted(chosen)), how, len(talks), dict(left_out), cut, replaced)


def who_answers(talks: Iterable[Talk], given: Collection[str] = ()) -> tuple[frozenset[str], str]:
    """The speakers that answer, and a sentence about how that is known."""
    talks = list(talks)
    spoken = Counter(turn.speaker for talk in talks for turn in talk if not turn.system)
    if given:
        return _named(spoken, given)
    bots = frozenset(turn.speaker for talk in talks for turn in talk if turn.bot)
    if bots:
        return bots, f"{_list(bots)}: marked as a bot in the log."
    known = frozenset(name for name in spoken if _plain(name) in NAMES_OF_ASSISTANTS)
    if known:
        return known, f"{_list(known)}: taken for the assistant by name."
    asking = frozenset(name for name in spoken if _plain(name) in NAMES_OF_USERS)
    others = frozenset(spoken) - asking
    if asking and len(others) == 1:
        return others, f"{_list(others)}: everybody else asks, by name."
    return _second(talks, spoken)


def _named(spoken: Counter[str], given: Collection[str]) -> tuple[frozenset[str], str]:
    wanted = {_plain(name) for name in given}
    found = frozenset(name for name in spoken if _plain(name) in wanted)
    if not found:
        raise BadInput(
            f"Nobody called {_list(given)} speaks in this log.",
            fix=f"Those who do: {_list(spoken)}.",
            code="unknown_speaker",
            param="assistant",
        )
    return found, f"{_list(found)}: as you said."


def _second(talks: list[Talk], spoken: Counter[str]) -> tuple[frozenset[str], str]:
    """With two speakers, the one who replies: who speaks second in most conversations."""
    second = Counter(reply for talk in talks if (reply := _reply(talk)))
    if len(spoken) == 2 and second:
        (name, times), *rest = second.most_common()
        if not rest or times > rest[0][1]:
            others = frozenset({name})
            return others, f"{_list(others)}: guessed, because they reply in {times} of {len(talks)} conversations."
    raise BadInput(
        f"It is not clear who the assistant is among {_list(spoken) or 'nobody'}.",
        fix="Say whose words are the answers (--assistant NAME; more than once for several people).",
        code="who_answers",
        param="assistant",
    )


def _reply(talk: Talk) -> str:
    said = [turn.speaker for turn in talk if not turn.system]
    return next((name for name in said if name != said[0]), "")


def _rows(talks: list[Talk], assistants: frozenset[str], system: str) -> tuple[list[Row], Counter[str], int]:
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    cut = 0
    for talk in talks:
        messages, lost = as_messages(talk, assistants, system)
        if messages:
            rows.append({"messages": messages})
            cut += lost
        else:
            left_out[_why_not(talk, assistants)] += 1
    return rows, left_out, cut


def as_messages(talk: Talk, assistants: Collection[str], system: str = "") -> tuple[list[dict[str, str]], int]:
    """From the first question to the last answer, neighbours of one side as one turn; and how many turns lie
    outside. An empty list where nobody answers."""
    heads = [turn.text for turn in talk if turn.system]
    sides = merged(
        [("assistant" if turn.speaker in assistants else "user", turn.text) for turn in talk if not turn.system]
    )
    asked = next((i for i, (role, _) in enumerate(sides) if role == "user"), len(sides))
    answered = next((i for i in range(len(sides), 0, -1) if sides[i - 1][0] == "assistant"), 0)
    kept = sides[asked:answered]
    if not kept:
        return [], 0
    head = system or "\n".join(heads)
    messages = [{"role": "system", "content": head}] if head else []
    messages += [{"role": role, "content": text} for role, text in kept]
    return messages, len(sides) - len(kept)


def merged(sides: list[tuple[str, str]]) -> list[tuple[str, str]]:
    made: list[tuple[str, str]] = []
    for role, text in sides:
        if made and made[-1][0] == role:
            made[-1] = (role, f"{made[-1][1]}\n{text}")
        else:
            made.append((role, text))
    return made


def _why_not(talk: Talk, assistants: Collection[str]) -> str:
    speakers = {turn.speaker for turn in talk if not turn.system}
    if not speakers - set(assistants):
        return "nobody asks"
    return "nobody answers" if not speakers & set(assistants) else "nothing is asked before the answer"


def redacted(rows: list[Row]) -> tuple[list[Row], int]:
    """The rows without personal data, and how many places were replaced."""
    from trainer.data.privacy.redact import redact_row

    made = [redact_row(row) for row in rows]
    return [row for row, _ in made], sum(sum(counts.values()) for _, counts in made)


def _plain(name: str) -> str:
    return name.strip().lstrip("@").casefold().replace(" ", "_")


def _list(names: Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(name[:40] for name in known[:NAMES_SHOWN]) + more
