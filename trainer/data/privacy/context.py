"""What stands around a candidate: words that speak for or against it, and clean edges."""

from __future__ import annotations

import re
from functools import cache

Span = tuple[int, int]

WINDOW = 48  # characters before a candidate in which a word still speaks about it

# numbers that count things of a business or a machine, not of a person
_AGAINST = re.compile(
    r"(?i)(?:\b(?:order|invoice|ticket|case|ref(?:erence)?|tracking|isbn|issn|serial|sku|part|parts|item|lot|"
    r"batch|model|"
    r"population|build|version|zip|parcel|shipment|confirmation|transaction|receipt|timestamp|uuid|guid|hash|"
    r"sha-?\d*|md5|imei|ean|upc|asin|product|article|container|drawn|lottery|flight|bestell\w*|rechnung\w*|"
    r"auftrag\w*|artikel\w*|commande|facture|colis|pedido|factura|fatura|protocolo|zam[oó]wieni\w*|faktur\w*|"
    r"bestelling|factuur|ordine|fattura|best[aä]llning|kvk|order[-_]?(?:id|no|nr))\b|订单|单号|注文|заказ)"
    r"(?P<gap>[^\n!?;]{0,20})$"
)
_PHONE_WORDS = (
    r"(?:\b(?:tele?phones?|phones?|tel|mobile|cell(?:phone)?|call|calling|dial|ring|sms|fax|whats ?app|"
    r"text (?:me|us)|"
    r"reach (?:me|us|him|her)|my number|contact number|hotline|telefon\w*|handy\w*|mobil\w*|rufnummer|anruf\w*|ruf|"
    r"t[eé]l[eé]phone|portable|appel\w*|tel[eé]fono|m[oó]vil|celular|ll[aá]ma\w*|telefone|telem[oó]vel|lig(?:ue|a)|"
    r"cellulare|chiama\w*|telefoon|gsm|bel|tlf|puhelin|telp|n[uú]mero de contacto?|telefonnummer|kom[oó]rk\w*|ponsel)"
    r"\b|_phone|phone_|"
    r"电话|手机|電話|携帯|전화|휴대폰|핸드폰|फ़?ोन|मोबाइल|телефон\w*|\bтел|звон\w*|моб\w*|هاتف|جوال|điện thoại|โทร)"
)


@cache
def words(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?i){pattern}")


def speaks(text: str, start: int, pattern: str, window: int = WINDOW) -> int:
    """1 when a word for the candidate stands closest before it, -1 when one against it does, else 0."""
    before = text[max(0, start - window) : start]
    last = -1
    for found in words(pattern).finditer(before):
        last = found.end()
    against = _AGAINST.search(before)
    if against is None:
        return 1 if last >= 0 else 0
    return 1 if last > against.start("gap") else -1


def phone_word(text: str, start: int) -> bool:
    """A word such as "call" leads to the number, with no other number or sentence between."""
    before = text[max(0, start - WINDOW) : start]
    if not before.strip("0123456789 .-/()+,:"):
        return False
    ends = [m.end() for m in words(_PHONE_WORDS).finditer(before)]
    if not ends:
        return False
    gap = before[ends[-1] :].removeprefix(".")
    return len(gap) <= 30 and not re.search(r"\d|[.!?;]\s|\w\($", gap) and speaks(text, start, _PHONE_WORDS) > 0


_OTHER_NUMBERS = re.compile(
    r"(?i)\b(?:nhs|steuer\w*|ssn|itin|cpf|cnpj|pesel|bsn|iban|aadhaar|dni|nie|nif|nir|vat|ust\w*|insurance|"
    r"account|acct|konto\w*|tax|"
    r"licen[cs]e|passport|reisepass|passeport|pasaporte|siret|siren|nip|regon|card|member(?:ship)?|policy|"
    r"employee|student|user ?id|"
    r"customer|kunden\w*|bank|routing|sort code|id)\b[^\n!?;]{0,20}$"
)


_IDS = re.compile(
    r"(?i)\b(?:nhs|steuer\w*|ssn|itin|cpf|cnpj|pesel|bsn|iban|aadhaar|dni|nie|nif|nir|vat|ust\w*|siret|siren|nip|"
    r"regon|personnummer|"
    r"nino|codice fiscale|imsi|iccid)\b[^\n!?;]{0,20}$"
)


def named(text: str, start: int) -> bool:
    """The name of some identity number stands before it."""
    return _IDS.search(text[max(0, start - WINDOW) : start]) is not None


def against(text: str, start: int) -> bool:
    """A word before it says that it is no telephone number."""
    before = text[max(0, start - WINDOW) : start]
    return _AGAINST.search(before) is not None or _OTHER_NUMBERS.search(before) is not None


def edges(text: str, start: int, end: int) -> bool:
    """The candidate is a number or word of its own: not the middle of a longer one, nor of a decimal."""
    left, right = text[start - 1 : start], text[end : end + 1]
    if _wordy(left) or _wordy(right) or (left in ("$", "€", "£", "#") and left):
        return False
    if left and left in ".,-/+" and text[start - 2 : start - 1].isdigit():
        return False
    if right and right in ".,-/+" and text[end + 1 : end + 2].isdigit():
        return False
    return not (right and right == "%")


def lonely(text: str, start: int, end: int) -> bool:
    """No further group of digits stands beside a candidate that itself is written in groups."""
    if not re.search(r"[ -]", text[start:end]):
        return True
    return not re.search(r"\d[ -]$", text[max(0, start - 2) : start]) and not re.match(r"[ -]\d", text[end : end + 2])


def _wordy(char: str) -> bool:
    """An ASCII letter, a digit or an underscore; letters of scripts without spaces do not join numbers."""
    return char == "_" or (char.isascii() and char.isalnum())


def digits_of(text: str) -> str:
    return _NO_DIGITS.sub("", text)


_NO_DIGITS = re.compile(r"[^0-9]+")
