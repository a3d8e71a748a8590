"""Orders to a model inside the data, and characters that nobody sees. They are reported, never obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainer.data.findings import Problem, quote
from trainer.data.quality.patterns import GAP, anyhow, find
from trainer.data.view import View

_WHICH = (
    r"(?:all|any|the|your|of|my|these|those|every|prior|previous|above|earlier|preceding|following|initial|original|"
    r"system)"
)
_WHAT = r"(?:instructions?|directions?|prompts?|rules?|guidelines?|commands?|directives?|programming|constraints?)"

HIDDEN = anyhow("\u200b", "\u2060", "\ufeff", "\u202a", "\u202b", "\u202d", "\u202e", "\u200c", "\u200d", "\u00ad")
TAGS = r"(?:\xf3\xa0[\x80\x81]|\\udb40\\udc[0-7])"  # U+E0000 to U+E007F

HINT = "|".join(
    (
        rf"(?:ignore|disregard|forget|override|bypass|discard|neglect)(?:{GAP}{_WHICH})+{GAP}{_WHAT}",
        rf"(?:ignore|disregard|forget){GAP}(?:everything|all|anything){GAP}(?:above|before|prior|previous|that|you|i)",
        rf"you{GAP}are{GAP}now{GAP}(?:dan|in{GAP}|a{GAP}|an{GAP}|free|unrestricted|jailbroken|evil)",
        rf"do{GAP}anything{GAP}now|developer{GAP}mode|jailbreak",
        rf"(?:reveal|print|show|repeat|output|leak|tell{GAP}me|expose|disclose){GAP}(?:me{GAP})?(?:your|the|us{GAP}your)"
        rf"{GAP}(?:[a-z]+{GAP})?(?:system|initial|hidden|secret|original){GAP}(?:prompt|instructions?|message)",
        rf"(?:system{GAP}prompt|new{GAP}(?:system{GAP})?instructions?)(?: ?:|\]|{GAP}override)",
        rf"(?:ignoriere?|vergiss|missachte|ignorez|oublie[zs]?|ignora|ignore|olvida|esqueça|dimentica|negeer|zignoruj){GAP}"
        rf"(?:[a-z\x80-\xff]|\\u00[0-9a-f]{{2}}){{2,}}{GAP}",
        anyhow("忽略", "無視", "игнорируй", "Игнорируй", "забудь все", "Забудь все", "무시하"),
        r"!\[[^\]]{0,80}\]\(https?:[^)]{0,400}[?&]",
        TAGS,
        HIDDEN,
    )
)

_ORDERS = "|".join(
    f"(?:{pattern})"
    for pattern in (
        rf"\b(?:ignore|disregard|forget|override|bypass|discard|neglect)(?:\s+{_WHICH})*\s+(?:previous|prior|above|"
        rf"earlier|preceding|initial|original|system|your|my|all)\s+(?:{_WHICH}\s+)*{_WHAT}\b",
        r"\b(?:ignore|disregard|forget)\s+(?:everything|anything|all)\s+(?:of the |that (?:was|is|came) )?"
        r"(?:above|before this|prior to this|you(?:['’]ve| have| were)(?: been)? (?:told|taught|instructed))",
        r"\byou\s+are\s+now\s+(?:dan\b|in\s+(?:developer|dan|god|jailbreak|debug|maintenance)\s+mode|(?:an?\s+)?"
        r"(?:free|unrestricted|unfiltered|uncensored|jailbroken|evil)\b)",
        r"\bdo\s+anything\s+now\b|\bdeveloper\s+mode\s+(?:enabled|activated|on\b)",
        r"\b(?:reveal|print|show|repeat|output|leak|tell\s+me|expose|disclose)\s+(?:me\s+|us\s+)?(?:your|the)\s+(?:\w+\s+)?"
        r"(?:system|initial|hidden|secret|original)\s+(?:prompt|instructions?|message)\b",
        r"(?:^|[\n\[(<#*])\s*(?:new\s+|begin\s+|end\s+|override\s+)?system\s+prompt\s*(?::|\]|override)",
        r"(?:^|[\n\[(<#*.])\s*new\s+(?:system\s+)?instructions?\s*(?::|\])",
        r"\b(?:ignoriere?|vergiss|missachte)\s+(?:bitte\s+)?(?:alle?s?\s+|die\s+|deine\s+|sämtliche\s+)*(?:vorherigen|"
        r"bisherigen|obigen|früheren|vorigen)?\s*(?:anweisungen|instruktionen|vorgaben|befehle)\b",
        r"\b(?:ignore[zs]?|oublie[zs]?)\s+(?:toutes?\s+)?(?:les|vos|tes)\s+(?:instructions?|consignes?|directives?)\b",
        r"\b(?:ignora|olvida|ignore|esqueça|dimentica|ignori)\s+(?:todas?\s+|tutte\s+)?(?:las|as|le|tus|suas|tue)?\s*"
        r"(?:instrucciones|instruções|istruzioni|indicaciones)\b",
        r"\bnegeer\s+(?:alle\s+)?(?:vorige|eerdere|bovenstaande)\s+instructies|\bzignoruj\s+(?:wszystkie\s+)?"
        r"(?:poprzednie\s+)?(?:instrukcje|polecenia)",
        r"忽略.{0,6}(?:之前|以上|先前|前面|所有).{0,6}(?:指令|指示|提示|说明)|(?:以前|上記|これまで)の(?:指示|命令).{0,4}無視",
        r"(?:игнорируй|забудь)(?:те)?\s+(?:все\s+)?(?:предыдущие|прежние|вышеуказанные)\s+(?:инструкции|указания)",
        r"(?:이전|위의|앞의)\s*(?:모든\s*)?(?:지시|명령|지침).{0,6}무시",
    )
)
_LEAK = (
    r"(?i)!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,300}[?&](?:data|secret|token|prompt|history|chat|leak|exfil|cookie|password|"
    r"context|conversation|payload|msg|message|info|q|d)=[^)\s]*\)"
)
_ENGLISH_ORDERS = "(?is)" + _ORDERS
_TAG_RUN = re.compile(
    "(?<![\U0001f3f4\U000e0000-\U000e007f])[\U000e0000-\U000e007f]+"
)  # after a black flag they make a country's flag
_BIDI = re.compile("[\u202a\u202b\u202d\u202e]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_ZERO_RUN = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{8,}")
# a joiner is spelling in Persian, Indic scripts and emoji; between Latin letters and digits it is not
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]|(?<=[ -~\u00c0-\u024f])[\u200c\u200d\u00ad](?=[ -~\u00c0-\u024f])")


def look(view: View) -> Iterator[Problem]:
    for place, text in (("prompt", view.prompt), ("answer", view.answer)):
        found = find(_ENGLISH_ORDERS, text)
        if found:
            yield _warn(place, f"The {place} orders a model to drop its instructions or to show them.", found)
        leak = find(_LEAK, text)
        if leak:
            yield _warn(place, f"The {place} has an image whose address can carry text away.", leak)
        if not text.isascii():
            yield from _unseen(place, text)


def _unseen(place: str, text: str) -> Iterator[Problem]:
    run = _TAG_RUN.search(text)
    if run:
        spelt = "".join(chr(ord(c) - 0xE0000) for c in run.group() if " " <= chr(ord(c) - 0xE0000) <= "~")
        yield _warn(place, f"The {place} hides text in characters that nobody sees.", spelt)
    bidi = _BIDI.search(text)
    if bidi and not _RIGHT_TO_LEFT.search(text):
        yield _warn(place, f"The {place} turns the direction of writing, so that it reads otherwise than it is.", "")
    if _ZERO_RUN.search(text):
        yield _warn(place, f"The {place} has a run of invisible characters, which can carry a message.", "")
    elif seen := _INVISIBLE.search(text):
        name = f"U+{ord(seen.group()):04X}"
        yield Problem("invisible_characters", f"The {place} holds an invisible character ({name}).", place)


def _warn(place: str, message: str, found: str) -> Problem:
    return Problem("prompt_injection", message, place, quote(found) if found else "")
