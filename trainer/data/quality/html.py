"""HTML left over from a scrape.

Not reported: what stands in code, a `<br>` in a Markdown table, and rows that speak of HTML, XML, markup, tags
or web pages themselves. Tags of one letter count only where one is closed, since `a <b> c` may be a formula.
"""

from __future__ import annotations

from collections.abc import Iterator

from trainer.data.findings import Problem, quote
from trainer.data.quality.patterns import AMPERSAND, LESS, find, outside_code
from trainer.data.view import View

_TAGS = r"(?:div|span|br|hr|table|thead|tbody|tr|td|th|ul|ol|li|img|script|style|h[1-6]|font|iframe|strong|em|footer)"

HINT = rf"{LESS}/?{_TAGS}\b|{LESS}/[abipu](?:>|\\u003e)|{AMPERSAND}(?:nbsp|amp|lt|gt|quot|apos|#\d|#x[0-9a-f])"

_PROOF = (
    rf"(?i)</?{_TAGS}(?:\s[^<>]{{0,200}})?/?>|</[abipu]>|<a\s+href[^<>]{{0,200}}>|<!--|"
    r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{1,6}|#x[0-9a-f]{1,6});"
)
_ABOUT = (
    r"(?i)\b(?:x?html5?|xml|css|svg|jsx|tsx|dom|javascript|typescript|react|vue|angular|php|markup|web ?pages?|"
    r"websites?|front-?end|tags?|anchor|scrap(?:e|ed|ing)|crawl(?:er|ed)?|beautifulsoup|xpath|selector)\b"
)
_TABLE_BREAK = r"(?i)\|[^\n]*<br ?/?>[^\n]*\|"


def look(view: View) -> Iterator[Problem]:
    held = []
    for place, text in (("prompt", view.prompt), ("answer", view.answer)):
        found = find(_PROOF, outside_code(text))
        if found and not (found.lower().startswith("<br") and find(_TABLE_BREAK, text)):
            held.append(Problem("html_residue", f"The {place} holds HTML.", place, quote(found)))
    if held and not find(_ABOUT, view.prompt) and not find(_ABOUT, view.answer):
        yield from held
