"""Confirms telephone numbers with the numbering plans of `phonenumbers`.

Strictness: a number with its country code needs a valid plan. A national number needs the way in which people
write telephone numbers, or a word such as "call" before it; mere digits always need the word. Numbers after words
such as "order" are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from trainer.data.privacy.context import Span, against, digits_of, edges, lonely, phone_word

# where a national number with its leading 0 may come from, frequent first
_ZERO_REGIONS = ("GB",
                 "FR", "DE", "AU", "JP", "KR", "NL", "BE", "CH", "AT", "SE", "IT", "TR", "IL", "ZA", "IE", "FI", "NZ",
                 "ID", "PK", "PH", "TH", "VN", "MY", "EG", "NG", "TW", "RO", "BG", "UA", "MA", "DZ", "AR", "KE",
                 "IN", "RS", "HR", "SK", "SI", "SA", "AE", "BD", "IR", "GH", "LK")  # fmt: skip
# … and where numbers are said without one
_PLAIN_REGIONS = ("US",
                  "IN", "CN", "ES", "PL", "IT", "BR", "MX", "PT", "DK", "NO", "SG", "HK", "CZ", "GR", "HU", "CL", "CO",
                  "PE", "LU", "EE", "LV", "CR", "TN", "RU", "KZ")  # fmt: skip
_KINDS = ("fixed_line", "mobile", "toll_free", "shared_cost", "voip", "personal_number", "uan", "premium_rate", "pager")


@cache
def _plan(region: str, loose: bool) -> re.Pattern[str] | None:
    """All numbers of a region, without its national prefix; loosely also those that nobody was given yet."""
    from phonenumbers.phonemetadata import PhoneMetadata

    data = PhoneMetadata.metadata_for_region(region, None)
    if data is None:
        return None
    patterns = [getattr(data, kind) for kind in (*_KINDS, *(["general_desc"] if loose else []))]
    joined = "|".join(p.national_number_pattern for p in patterns if p is not None and p.national_number_pattern)
    return re.compile(joined) if joined else None


# telephone numbers of films and examples: never given to anybody, yet written like all others
_DRAMA = re.compile(r"7700900\d{3}|20794609\d\d|1[1-6][1-8]14960\d\d\d?|1632960\d{3}")


def _valid(region: str, national: str, loose: bool = False) -> bool:
    if region == "GB" and _DRAMA.fullmatch(national):
        return True
    plan = _plan(region, loose)
    return plan is not None and plan.fullmatch(national) is not None


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return {str(code): regions for code, regions in COUNTRY_CODE_TO_REGION_CODE.items() if regions != ("001",)}


def _worldwide(digits: str) -> bool:
    """Digits that begin with a country code."""
    for size in (1, 2, 3):
        regions = _countries().get(digits[:size])
        if regions is not None:
            national = digits[size:]
            forms = {national, national.removeprefix("0")}
            return any(_valid(region, form, loose=True) for region in regions for form in forms)
    return False


_PLUS = re.compile(r"\(?\+ ?\(?|00 ?(?=[1-9])")
_GROUPED = [
    (re.compile(r"(?:1[-. ])?(?:\([2-9]\d\d\)[-. ]?[2-9]\d\d[-. ]|[2-9]\d\d [2-9]\d\d-)\d{4}"), "1"),
    (re.compile(r"(?:1[-. ])?[2-9]\d\d([-. ])[2-9]\d\d\1\d{4}"), "1"),
    (re.compile(r"(?:\(\d\d\) ?|\d\d )9?\d{4}-\d{4}"), "55"),
    (re.compile(r"8[- ]?\(?[3489]\d\d\)?[- ]\d{3}[- ]?\d\d[- ]?\d\d"), "7"),
    (re.compile(r"1[3-9]\d[- ]\d{4}[- ]\d{4}"), "86"),
    (re.compile(r"[6-9]\d{4}[- ]\d{5}"), "91"),
]  # fmt: skip
# so written it is an American number, whether or not its area code was given to anybody
_AMERICAN = re.compile(r"(?:1[- ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d-)[2-9]\d\d-\d{4}")
_ROUND = re.compile(r" \d?00 \d+00$")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?!\d)|\d{4}-\d\d-\d\d")
_DOTTED_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_LOCAL = re.compile(r"[2-9]\d\d[-. ]\d{4}")


def phone(text: str, start: int, end: int) -> Span | None:
    run = text[start:end]
    if text[start - 1 : start] == "(" and ")" in run and "(" not in run:
        start, run = start - 1, text[start - 1 : end]
    if run[0] == "(" and ")" not in run:
        start, run = start + 1, run[1:]
    plus = _PLUS.match(run) is not None
    spoken = phone_word(text, start)
    for size in _ends(run) if plus or spoken else (len(run),):
        if not edges(text, start, start + size) or not _fits(text, start, size):
            continue
        if _confirmed(run[:size], spoken, size == len(run) and lonely(text, start, end)):
            if not spoken and not plus and against(text, start):
                return None
            return start, start + size
    return None


def _ends(run: str) -> Iterator[int]:
    """Where the number may end: the whole run, or before one of its spaces or brackets, longest first."""
    yield len(run)
    for found in reversed(list(re.finditer(r"(?<=\d)(?=[ (])", run))):
        yield found.start()


def _fits(text: str, start: int, size: int) -> bool:
    """Nothing before or after makes it part of a fraction, a path or a sum."""
    after = text[start + size : start + size + 2]
    before = text[max(0, start - 2) : start]
    if re.match(r"[=*/%^:]\d|%|°|[=*^]", after) or re.search(r"\d[=*:]$|[/\\@]$|\d ?[,.]$", before):
        return False
    return not re.match(r" ?[€$£%]", after)


def _confirmed(piece: str, spoken: bool, whole: bool) -> bool:
    plus = _PLUS.match(piece)
    if plus:
        digits = digits_of(re.sub(r"\(0\)", "", piece[plus.end() :]))
        if "+ " in piece and not spoken:  # a sum
            return False
        if plus[0].startswith("00") and not spoken and (" " not in piece and "-" not in piece and len(digits) < 11):
            return False
        return (10 if plus[0].startswith("00") else 7) <= len(digits) <= 15 and _worldwide(digits)
    digits = digits_of(piece)
    if not 7 <= len(digits) <= 13 or _DATE.match(piece) or _DOTTED_QUAD.fullmatch(piece) or len(set(digits)) < 3:
        return False
    if spoken:
        return _spoken(piece, digits)
    return whole and (_written(piece, digits) or _with_zero(piece, digits))


def _spoken(piece: str, digits: str) -> bool:
    """After a word such as "call": any country's number, a US local one, or a full one that lacks its +."""
    if _LOCAL.fullmatch(piece):
        return True
    if digits[0] == "0":
        return any(_valid(region, form) for region in _ZERO_REGIONS for form in (digits[1:], digits))
    bare = digits.removeprefix("8") if len(digits) == 11 and digits[:2] == "89" else digits
    if any(_valid(region, bare) for region in _PLAIN_REGIONS):
        return True
    return len(digits) >= 11 and _worldwide(digits)


def _written(piece: str, digits: str) -> bool:
    if _AMERICAN.fullmatch(piece):
        return True
    if _ROUND.search(piece):  # 500 300 2000
        return False
    for form, country in _GROUPED:
        if form.fullmatch(piece):
            size = {"7": 10, "1": 10}.get(country, len(digits))
            return any(_valid(region, digits[-size:]) for region in _countries()[country])
    return False


def _with_zero(piece: str, digits: str) -> bool:
    """A trunk 0, an area code, groups: 020 7946 0958, 06.12.34.56.78, 0151 23456789, 089/123456."""
    groups = re.findall(r"\d+", piece)
    if (
        digits[0] != "0"
        or digits[1] == "0"
        or not 9 <= len(digits) <= 12
        or not 2 <= len(groups) <= 6
        or not 2 <= len(groups[0]) <= 6
    ):
        return False
    if len(groups[0]) == 5 and len(groups[1]) == 4 and "-" in piece:  # a ZIP code with its four more digits
        return False
    if all(len(g) == 2 for g in groups) and groups == sorted(groups):  # numbers drawn in a lottery
        return False
    if ("." in piece and len(groups) < 3) or len(re.sub(r"[\d()]", "", piece)) < 1:
        return False
    if any(len(g) == 1 for g in groups) or (len(groups[0]) == 6 and "-" in piece):
        return False
    if len(groups) > 3 and " " not in piece and any(len(g) != 2 for g in groups):
        return False
    return any(_valid(region, form) for region in _ZERO_REGIONS for form in (digits[1:], digits))
