"""Check digits of account, card and identity numbers. Every function takes the bare characters, no separators."""

from __future__ import annotations

from itertools import pairwise

# IBAN registry: country → length in characters
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip


def iban(value: str) -> bool:
    """ISO 13616: country and length known, mod 97 is 1."""
    value = value.upper()
    if IBAN_LENGTHS.get(value[:2]) != len(value) or not value.isalnum() or not value.isascii():
        return False
    return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1


def luhn(digits: str) -> bool:
    total = 0
    for i, digit in enumerate(reversed(digits)):
        n = int(digit) * (1 + i % 2)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


# issuer's first digits (low, high) → lengths
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("6011", "6011", (16, 19)),
    ("644", "659", (16, 19)),
    ("3528", "3589", (16, 19)),
    ("300", "305", (14,)),
    ("36", "36", (14,)),
    ("38", "39", (14, 16)),
    ("62", "62", (16, 17, 18, 19)),
    ("2200", "2204", (16,)),
    ("6521", "6522", (16,)),
    ("5018", "5020", (16,)),
    ("6759", "6763", (16,)),
)


def card(digits: str) -> bool:
    """A known issuer's prefix and length, Luhn, and more than three different digits or a known zero-filled form."""
    if len(set(digits)) < 2 or not luhn(digits):
        return False
    return any(low <= digits[: len(low)] <= high and len(digits) in sizes for low, high, sizes in _ISSUERS)


def ssn(digits: str) -> bool:
    """US social security number: area not 000, 666 or 9xx, group not 00, serial not 0000; two known misprints."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return digits not in ("078051120", "219099999") and len(set(digits)) > 1


def itin(digits: str) -> bool:
    """US taxpayer number: 9xx with a middle of 50–65, 70–88, 90–92 or 94–99."""
    middle = int(digits[3:5])
    return digits[0] == "9" and (50 <= middle <= 65 or 70 <= middle <= 88 or 90 <= middle <= 92 or 94 <= middle <= 99)


def nhs(digits: str) -> bool:
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return check != 10 and check % 11 == int(digits[9]) and len(set(digits)) > 1


def steuer_id(digits: str) -> bool:
    """German tax id: ISO 7064 MOD 11,10; of the first ten digits one stands twice or three times."""
    body = digits[:10]
    if digits[0] == "0" or len(set(body)) not in (8, 9):
        return False
    if any(a == b == c for a, b, c in zip(body, body[1:], body[2:], strict=False)):
        return False
    counts = sorted(body.count(d) for d in set(body))
    if counts[-1] not in (2, 3) or counts[-2] != 1:
        return False
    product = 10
    for digit in body:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def nir(value: str) -> bool:
    """French social security number with its key: 97 − (13 digits mod 97); Corsica's 2A and 2B count as 19 and 18."""
    value = value.upper()
    month = int(value[3:5])
    if (
        not (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month <= 99)
        or value[7:10] == "000"
        or value[10:13] == "000"
    ):
        return False
    body = value[:5] + {"2A": "19", "2B": "18"}.get(value[5:7], value[5:7]) + value[7:13]
    return body.isdigit() and 97 - int(body) % 97 == int(value[13:])


def dni(value: str) -> bool:
    """Spanish DNI or NIE: the letter is the number mod 23; X, Y and Z stand for 0, 1 and 2."""
    value = value.upper()
    number = value[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return len(set(number)) > 1 and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]


_CF_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21,
         2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_CF_DIGITS = str.maketrans("LMNPQRSTUV", "0123456789")


def codice_fiscale(value: str) -> bool:
    value = value.upper()
    day = int(value[9:11].translate(_CF_DIGITS))
    if not (1 <= day <= 31 or 41 <= day <= 71):
        return False
    total = 0
    for i, c in enumerate(value[:15]):
        total += _CF_ODD[c] if i % 2 == 0 else int(c) if c.isdigit() else ord(c) - 65
    return chr(65 + total % 26) == value[15]


def bsn(digits: str) -> bool:
    """Dutch citizen number: the 11-proof with the last digit counted negatively."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11 == 0 and len(set(digits)) > 1


_ROTATE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _dihedral(a: int, b: int) -> int:
    """The product in the symmetry group of the pentagon."""
    turn = (a + b) % 5 if a < 5 else (a - b) % 5
    return turn + 5 * ((a < 5) != (b < 5))


def aadhaar(digits: str) -> bool:
    """Verhoeff; the first digit is never 0 or 1."""
    state = 0
    for i, char in enumerate(reversed(digits)):
        digit = int(char)
        for _ in range(i % 8):
            digit = _ROTATE[digit]
        state = _dihedral(state, digit)
    return state == 0 and digits[0] not in "01" and len(set(digits)) > 2


def cpf(digits: str) -> bool:
    """Brazilian CPF: two check digits, each mod 11."""
    if len(set(digits)) == 1:
        return False
    for n in (10, 11):
        total = sum(int(d) * (n - i) for i, d in enumerate(digits[: n - 1]))
        if total * 10 % 11 % 10 != int(digits[n - 1]):
            return False
    return True


def pesel(digits: str) -> bool:
    """Polish PESEL: a date of birth with the century in its month, and a weighted check digit."""
    month, day = int(digits[2:4]), int(digits[4:6])
    if not (1 <= month % 20 <= 12 and 1 <= day <= 31):
        return False
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 10 == 0


def personnummer(digits: str) -> bool:
    """Swedish personnummer, ten digits: a date (day + 60 for a coordination number) and Luhn."""
    month, day = int(digits[2:4]), int(digits[4:6])
    return 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91) and luhn(digits)


def runs(value: str, length: int = 8) -> bool:
    """A stretch of neighbours such as 12345678 or abcdefgh: made up by hand."""
    row = 1
    for a, b in pairwise(value.lower()):
        row = row + 1 if ord(b) - ord(a) == 1 else 1
        if row >= length:
            return True
    return False
