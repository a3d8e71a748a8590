"""Text on its way to Slack: escaped, cut, and with nothing in it that could call people."""

from __future__ import annotations

import re

USER_ID = re.compile(r"^[UW][A-Z0-9]{2,20}$")
_PART_OF_ENTITY = re.compile(r"&[a-z]{0,4}$")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def esc(text: object) -> str:
    """Slack's three escapes: after this no `<!channel>`, `<@U…>` or link in it is alive."""
    plain = _CONTROL.sub("", str(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, most: int) -> str:
    """At most `most` characters, an ellipsis at the cut, no half entity before it."""
    if len(text) <= most:
        return text
    return _PART_OF_ENTITY.sub("", text[: most - 1]) + "…"


def code(text: object) -> str:
    """An id or a name in a code span, on one line."""
    return f"`{esc(text).replace('`', 'ˋ').replace(chr(10), ' ')}`"


def name(text: object, most: int = 80) -> str:
    """A file's or person's name as harmless text: no line breaks, no formatting."""
    flat = re.sub(r"\s+", " ", str(text)).strip() or "(no name)"
    return re.sub(r"([*_~`])", "\u200b\\1", esc(clip(flat, most)))


def plain_name(text: object, most: int = 80) -> str:
    """A file's name where no formatting is read: a title, a page's heading. One line, nothing that turns direction."""
    return clip(re.sub(r"\s+", " ", _CONTROL.sub("", str(text))).strip(), most) or "(no name)"


def person(user: str | None) -> str:
    """A mention of somebody whose id we were given by Slack; anything else stays text."""
    if not user:
        return "somebody"
    return f"<@{user}>" if USER_ID.match(user) else code(user)


def masked(text: str) -> str:
    """The text, JSON's escapes undone, with `[EMAIL]` and the like for what the check takes for personal or secret."""
    from trainer.data.privacy.find import find

    plain = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else " ", text)
    for hit in reversed(find(plain)):
        plain = f"{plain[: hit.start]}[{hit.kind.upper()}]{plain[hit.end :]}"
    return plain


def from_markdown(text: str) -> str:
    """A language model's Markdown as mrkdwn, escaped first. Links show their address and are not clickable."""
    made = esc(text)
    made = re.sub(r"\[([^\]\n]{1,200})\]\(([^)\s]{1,500})\)", r"\1 (\2)", made)
    made = re.sub(r"^#{1,6}\s+(.+?)\s*#*$", r"*\1*", made, flags=re.MULTILINE)
    made = re.sub(r"^(\s*)[*-]\s+", r"\1• ", made, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"*\1*", made)
