"""Confirms candidates for account, card and identity numbers: check digits first, then the words before them."""

from __future__ import annotations

import re
from collections.abc import Callable

from trainer.data.privacy import checksums as sums
from trainer.data.privacy.context import Span, digits_of, edges, lonely, named, phone_word, speaks

Confirm = Callable[[str, int, int], Span | None]
_SEPARATORS = " -."
_IBAN_CHARS = 48  # longest IBAN, written in groups


def iban(text: str, start: int, end: int) -> Span | None:
    """The candidate is its beginning; as many characters as the country's IBANs have are read from there."""
    length = sums.IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
    taken, at = "", start
    for at in range(start, min(len(text), start + _IBAN_CHARS)):
        char = text[at]
        if char.isascii() and char.isalnum():
            taken += char
        elif char not in " -" or not taken or text[at - 1] in " -":
            break
        if len(taken) == length:
            break
    if len(taken) != length or not edges(text, start, at + 1) or not sums.iban(taken):
        return None
    return start, at + 1


_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 5)}
_CARD_WORDS = (
    r"card|visa|master ?card|amex|american express|debit|credit|karte|carte|tarjeta|cart[aã]o|carta|\bpan\b|\bcc\b|卡"
)


def card(text: str, start: int, end: int) -> Span | None:
    if not lonely(text, start, end):
        return None
    value = text[start:end]
    groups = tuple(len(g) for g in re.split(r"[ -]", value))
    if len(groups) > 1 and (groups not in _CARD_GROUPS or (" " in value and "-" in value)):
        return None
    digits = digits_of(value)
    if not sums.card(digits) or not edges(text, start, end):
        return None
    stance = speaks(text, start, _CARD_WORDS)
    if stance < 0 or (stance == 0 and len(groups) == 1 and len(digits) not in (14, 15, 16)):
        return None
    return start, end


def checked(
    check: Callable[[str], bool], own: str, *, bare: bool = True, grouped: bool = True, keep: str = ""
) -> Confirm:
    """A confirmation by check digit. `own` names the number; without such a word before it, the bare or the grouped
    form counts only where the flag says so, and never after a word such as "order"."""

    def confirm(text: str, start: int, end: int) -> Span | None:
        value = text[start:end]
        compact = "".join(c for c in value if c.isalnum() or c in keep)
        if not edges(text, start, end) or not check(compact):
            return None
        stance = speaks(text, start, own)
        if stance > 0:
            return start, end
        alone = bare if len(compact) == len(value) else grouped
        if stance < 0 or not alone or named(text, start) or not lonely(text, start, end) or phone_word(text, start):
            return None
        return start, end

    return confirm


_SSN_WORDS = r"\bssn\b|social[ _-]?security|\bss#"
ssn_digits = checked(sums.ssn, _SSN_WORDS, bare=False)


def ssn(text: str, start: int, end: int) -> Span | None:
    """Dashes speak for themselves; spaces and bare digits need the words."""
    if text[start:end].count("-") != 2 and speaks(text, start, _SSN_WORDS) <= 0:
        return None
    return ssn_digits(text, start, end)


_ITIN_WORDS = r"\bitin\b|taxpayer[ _-]?id|individual taxpayer"
itin_digits = checked(sums.itin, _ITIN_WORDS, bare=False)


def itin(text: str, start: int, end: int) -> Span | None:
    if text[start:end].count("-") != 2 and speaks(text, start, _ITIN_WORDS) <= 0:
        return None
    return itin_digits(text, start, end)


_NINO_WORDS = r"\bnino?\b|national[ _-]?insurance|\bni (?:number|no)"


def nino(text: str, start: int, end: int) -> Span | None:
    """UK National Insurance number. It has no check digit: prefix rules, and in small letters the words."""
    value = text[start:end]
    prefix = value[:2].upper()
    if prefix in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ") or not edges(text, start, end):
        return None
    stance = speaks(text, start, _NINO_WORDS)
    if stance < 0 or (stance == 0 and value != value.upper()):
        return None
    return start, end


nhs = checked(
    sums.nhs, r"\bnhs|health (?:service )?(?:number|no)\b|patient(?:'s)? (?:number|no|id)\b", bare=False, grouped=False
)
steuer_id = checked(sums.steuer_id, r"steuer|id-?nr|identifikationsnummer|\btin\b|tax[ _-]?(?:id|number)")
nir = checked(sums.nir, r"\bnir\b|s[eé]cu(?:rit[eé] sociale|\b)|\binsee\b|social security|\bn° ss\b")
dni = checked(sums.dni, r"\bdni\b|\bnie\b|\bnif\b|documento|identidad")
codice_fiscale = checked(sums.codice_fiscale, r"codice|fiscale|\bcf\b|\bc\.f\.")
bsn = checked(sums.bsn, r"\bbsn|burgerservice|sofi-?nummer", bare=False, grouped=False)
aadhaar = checked(sums.aadhaar, r"aadh?aar|uidai|\buid\b|आधार", bare=False)
cpf = checked(sums.cpf, r"\bcpf")
pesel = checked(sums.pesel, r"pesel")
_TIME_OF_DAY = re.compile(r"20[12]\d{5}-[012]\d[0-5]\d")  # 20230115-1230, as in names of backups
_PERSON_WORDS = r"person-?nummer|personnr|\bpnr\b|samordningsnummer|\bp-?nr\b|personal identity"


def personnummer(text: str, start: int, end: int) -> Span | None:
    """Ten or twelve digits; without - or + the words are needed, since bare ones look like times of day."""
    value = text[start:end]
    digits = digits_of(value)
    stance = speaks(text, start, _PERSON_WORDS)
    if not edges(text, start, end) or not sums.personnummer(digits[-10:]) or stance < 0:
        return None
    if stance == 0 and (value == digits or _TIME_OF_DAY.fullmatch(value)):
        return None
    return start, end
