"""Which language a text is written in: by its script where that is enough, else by py3langid's model.

The model is read at first use (about a second, 60 MB). It knows 97 languages and guesses for any text, so
short texts and unsure guesses count as unknown.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

UNKNOWN = "unknown"
CHARACTERS = 500  # of a text that are looked at
LETTERS = 20  # fewer: unknown
SURE = 0.5  # the model's own probability
_LETTER = re.compile(r"[^\W\d_]")
_MARKS = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|\S+@\S+|\b[^\W\d_]*+[_\d][\w-]*|[{}\[\]<>\"=:/\\|#*]+", re.DOTALL
)

# script → (its characters, the one language that is written in it, "" for several)
SCRIPTS: dict[str, tuple[re.Pattern[str], str]] = {
    "Latin": (re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"), ""),
    "Kana": (re.compile("[\u3040-\u30ff]"), "ja"),
    "Han": (re.compile("[\u3400-\u9fff]"), "zh"),
    "Hangul": (re.compile("[\uac00-\ud7af\u1100-\u11ff]"), "ko"),
    "Cyrillic": (re.compile("[\u0400-\u052f]"), ""),
    "Arabic": (re.compile("[\u0600-\u06ff\u0750-\u077f]"), ""),
    "Hebrew": (re.compile("[\u0590-\u05ff]"), "he"),
    "Greek": (re.compile("[\u0370-\u03ff]"), "el"),
    "Thai": (re.compile("[\u0e00-\u0e7f]"), "th"),
    "Devanagari": (re.compile("[\u0900-\u097f]"), ""),
}


def language(text: str, *, letters: int = LETTERS, sure: float = SURE) -> str:
    """An ISO 639-1 code, or `UNKNOWN`. A text in ideographs needs only a third of the letters."""
    words = _MARKS.sub(" ", text[: 2 * CHARACTERS])[:CHARACTERS]
    found = len(_LETTER.findall(words))
    name = script(words)
    if found < (letters // 3 if name in ("Han", "Kana", "Hangul") else letters):
        return UNKNOWN
    only = SCRIPTS[name][1] if name in SCRIPTS else ""
    if only:
        return only
    code, probability = _model().classify(words)
    return code if probability >= sure else UNKNOWN


def script(text: str) -> str:
    """The script of most letters; Kana wins over Han, since Japanese is written in both. "" for no known one."""
    if text.isascii():
        return "Latin" if _LETTER.search(text) else ""
    counts = {name: len(pattern.findall(text)) for name, (pattern, _) in SCRIPTS.items()}
    if counts["Kana"] * 5 > counts["Han"]:
        counts["Kana"] += counts["Han"] if counts["Kana"] else 0
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] else ""


@cache
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
