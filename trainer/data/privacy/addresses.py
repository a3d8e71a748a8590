"""Postal addresses, only where the form leaves little doubt: house number, street and postcode (or city and state)."""

from __future__ import annotations

import re

from trainer.data.privacy.context import Span

# as re2 patterns over Latin-1 bytes; one name may be capitalised or a number such as 5th
_NAME = r"(?:[A-Z][A-Za-z'.\x{C0}-\x{FF}-]*|\d{1,3}(?:st|nd|rd|th))"
_US_TYPE = (
    r"(?:Street|St|Avenue|Ave|Boulevard|Blvd|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Terrace|"
    r"Ter|Parkway|Pkwy|"
    r"Circle|Cir|Highway|Hwy|Trail|Trl|Loop|Plaza|Alley|Broadway|Row|Crossing|Path|Pike)"
)
STATES = (  # noqa: SIM905
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH "
    "OK OR PA RI "
    "SC SD TN TX UT VT VA WA WV WI WY PR"
).split()
_STATE = (
    r"(?:[A-Z]{2}|Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|"
    r"Hawaii|Idaho|Illinois|"
    r"Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|"
    r"Missouri|Montana|"
    r"Nebraska|Nevada|New (?:Hampshire|Jersey|Mexico|York)|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|"
    r"Pennsylvania|Rhode Island|Tennessee|Texas|Utah|Vermont|(?:West )?Virginia|Washington|Wisconsin|Wyoming)"
)
_GAP = r"[,.]{0,2}[ \n]{1,2}"
_UNIT = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|#|P\.?O\.? Box)\.? ?[A-Za-z0-9-]{1,6})"
US = (
    rf"\b\d{{1,6}}[A-Za-z]? (?:[NSEW]{{1,2}}\.? |North |South |East |West )?(?:{_NAME} "
    rf"){{1,5}}{_US_TYPE}\b\.?(?: [NSEW]{{1,2}}\b)?"
    rf"(?:[, ]{{1,2}}{_UNIT})?{_GAP}(?:{_NAME} ?){{1,4}},? {_STATE},? \d{{5}}(?:-\d{{4}})?\b"
)
_UK_TYPE = (
    r"(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Gardens|Close|Crescent|Drive|Way|Place|Square|Terrace|Court|Grove|"
    r"Hill|Row|Mews|Park|"
    r"Walk|Green|Parade|Rise|Vale|View|Yard|Gate|Quay)"
)
_UK_CODE = r"(?:[A-Z]{1,2}\d[A-Z0-9]?(?: ?\d[ABD-HJLNP-UW-Z]{2})?)"
UK = (
    rf"\b(?:(?:Flat|Apartment|Unit|Suite) \d{{1,4}}[A-Z]?, )?\d{{1,4}}[A-Za-z]?(?:-\d{{1,4}})?,? (?:{_NAME} "
    rf"){{1,4}}{_UK_TYPE}\b\.?"
    rf"(?:{_GAP}{_NAME}(?: {_NAME}){{0,2}}){{1,2}}{_GAP}{_UK_CODE}\b"
)
_DE_NAME = r"[A-Z\x{C4}\x{D6}\x{DC}][a-z\x{E4}\x{F6}\x{FC}\x{DF}.-]*"
DE = (
    rf"\b(?:[A-Z\x{{C4}}\x{{D6}}\x{{DC}}][A-Za-z\x{{E4}}\x{{F6}}\x{{FC}}\x{{DF}}\x{{C4}}\x{{D6}}\x{{DC}}-]*"
    rf"(?:stra\x{{DF}}e|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|hof|Stra\x{{DF}}e|Str\.)|"
    rf"(?:{_DE_NAME} ){{1,3}}(?:Stra\x{{DF}}e|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer)) ?\d{{1,4}} ?[a-z]?"
    rf"{_GAP}(?:(?:D|DE|A|AT|CH)-)?\d{{4,5}} {_DE_NAME}"
)
FR = (
    r"\b\d{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|quai|all\x{E9}e|cours|"
    r"Rue|Avenue|Boulevard|Place) "
    r"[A-Za-z\x{C0}-\x{FF}' -]{2,48}[,\n] ?\d{5} [A-Z\x{C0}-\x{DE}][a-z\x{E0}-\x{FF}]+(?:-[A-Z]?[a-z]+)*"
)
ES = (
    r"\b(?:Calle|C/|Avenida|Avda\.?|Av\.|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua) [A-Za-z\x{C0}-\x{FF}' "
    r".]{2,48},? (?:n\.?\x{BA} ?)?\d{1,4}"
    r"[, \n]{1,3}(?:\d{1,2}\.?\x{BA} ?[A-Z]?, )?\d{4,5}(?:-\d{3})? [A-Z\x{C0}-\x{DE}][a-z\x{E0}-\x{FF}]+"
)
PATTERN = "|".join((US, UK, DE, FR, ES))
_CODE_AT_END = re.compile(r"([A-Z]{2}),? \d{5}(?:-\d{4})?$")


def address(text: str, start: int, end: int) -> Span | None:
    """The form says it; of a US address the state must exist."""
    left = text[start - 1 : start]
    if left and left in "$€£.,-/":
        return None
    state = _CODE_AT_END.search(text[start:end])
    if state and state[1] not in STATES:
        return None
    return start, end
