"""Confirms e-mail and IP addresses.

Decided: an IP address counts when it may be a person's or a machine's: private, public and documentation ranges
(which anonymised logs use for real ones) do; loopback, unspecified, broadcast, netmasks, multicast and networks such
as 10.0.0.0/8 do not. An e-mail address at a reserved domain (example.com) counts
when its name is not a placeholder: `jane.roe@example.com` is a person with another domain, `user@example.com` is none.
"""

from __future__ import annotations

import ipaddress
import re

from trainer.data.privacy.context import WINDOW, Span

_PLACEHOLDERS = frozenset(
    "user username name yourname you your email mail e-mail youremail me someone somebody test tester foo bar "  # noqa: SIM905
    "baz example info "
    "admin hello contact support abc xyz first.last firstname.lastname first name.surname vorname.nachname "
    "my.email a b u x "
    "your.name your.email your-email your_email nombre correo prenom.nom noreply no-reply user1 user2 test1 "
    "alias local local-part recipient sender "
    "customer usuario utilisateur benutzer dummy sample placeholder".split()
)
_RESERVED = re.compile(r"(?i)(?:^|\.)(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost|local|"
        r"domain\.com|yourdomain\.com|"
                       r"your-?domain\.com|company\.com|email\.com|dominio\.com|domaine\.fr)$")  # fmt: skip
_FILES = frozenset(
    "png jpg jpeg gif svg webp ico css js ts jsx tsx json html htm xml yaml yml md py txt pdf zip exe dll so".split()  # noqa: SIM905
)


def email(text: str, start: int, end: int) -> Span | None:
    if "@" not in text[start:end]:
        return _spelled(text, start, end) if "%40" not in text[start:end] else _plain(text, start, end, "%40")
    return _plain(text, start, end, "@")


def _plain(text: str, start: int, end: int, at: str) -> Span | None:
    local, _, host = text[start:end].rpartition(at)
    while local and local[0] in "._%+-'":
        local, start = local[1:], start + 1
    if not local or len(local) > 64 or local.endswith(".") or ".." in local or not _host(host):
        return None
    if local.lower() in ("git", "hg", "svn") and text[end : end + 1] in (":", "/"):  # an address of a repository
        return None
    if (
        re.search(r"://[^\s/@]{0,80}$", text[max(0, start - 84) : start])
        or text[end : end + 1] == "("
        or text[end : end + 1] == "@"
    ):
        return None
    if local.lower() in _PLACEHOLDERS and (_RESERVED.search(host) or local.lower().startswith(("your", "firstname"))):
        return None
    return start, end


def _host(host: str) -> bool:
    labels = host.split(".")
    if len(labels) < 2 or any(not label or label[0] == "-" or label[-1] == "-" for label in labels):
        return False
    return 2 <= len(labels[-1]) <= 24 and labels[-1].isalpha() and labels[-1].lower() not in _FILES


_SPELLED = re.compile(r"(?i)(\S+?)\s*[\[({]\s?at\s?[\])}]\s*(.+)")


def _spelled(text: str, start: int, end: int) -> Span | None:
    """`name [at] firm [dot] com`."""
    found = _SPELLED.fullmatch(text[start:end])
    if not found:
        return None
    host = re.sub(r"(?i)\s*[\[({]\s?dot\s?[\])}]\s*", ".", found[2])
    if not _host(host) or (found[1].lower() in _PLACEHOLDERS and _RESERVED.search(host)):
        return None
    return start, end


_VERSION = re.compile(
    r"(?i)(?:\b(?:version|versions|ver|v|release|build|firmware|kernel|driver|section|sections|chapter|fig|"
    r"figure|table|clause|article|paragraph|oid|"
    r"rev|revision|update to|upgrade to|upgraded to|patch|abschnitt|kapitel|versión|versão|secci[oó]n|python|chrome|"
    r"firefox|safari|edge|windows|android|ios|edg|opr)\b|§)[^\n;:]{0,16}$|(?:==|~=|>=|<=|\^|[A-Za-z]/)$"
)
_IP_WORD = re.compile(
    r"(?i)\b(?:ip|ips|ipv4|address|adresse|host|server|client|ping|from|login|ssh|connect\w*|gateway|dns|peer|"
    r"node)\b|地址|адрес"
)


def ipv4(text: str, start: int, end: int) -> Span | None:
    left, right = text[start - 1 : start], text[end : end + 1]
    if (left and (left in ".$€£-_+,%" or (left.isascii() and left.isalnum()))) or (right.isascii() and right.isalnum()):
        return None
    if right and right in ".-_,%" and text[end + 1 : end + 2].isalnum() and (right != "," or text[end + 1].isdigit()):
        return None
    parts = text[start:end].split(".")
    if any(int(p) > 255 or (len(p) > 1 and p[0] == "0") for p in parts):
        return None
    before = text[max(0, start - WINDOW) : start]
    worded = _IP_WORD.search(before)
    version = _VERSION.search(before)
    if version and not (worded and worded.start() > version.start()):
        return None
    if max(map(int, parts)) < 20 and parts[0] != "10" and not worded:  # 1.2.3.4 is more often a version or a section
        return None
    address = ipaddress.ip_address(text[start:end])
    return (start, end) if _somebodys(address) and not _network(text, start, end) else None


def _somebodys(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return False
    text = str(address)
    return not (text.startswith(("255.", "0.")) or text.endswith(".255.255"))


def _network(text: str, start: int, end: int) -> bool:
    """`10.0.0.0/8`: a range, written with its length and nothing after it."""
    length = re.match(r"/(\d{1,3})\b", text[end : end + 4])
    if not length:
        return False
    try:
        ipaddress.ip_network(text[start:end] + length[0])
    except ValueError:
        return False
    return int(length[1]) < (128 if ":" in text[start:end] else 32)


def ipv6(text: str, start: int, end: int) -> Span | None:
    while end - start > 2 and text[end - 1] == ":" and text[end - 2] != ":":  # the colon of a sentence
        end -= 1
    left, right = text[start - 1 : start], text[end : end + 1]
    if left == ":":
        word = re.search(r"([^\s:]*):$", text[max(0, start - 12) : start])
        if word is None or not re.search(r"[^0-9A-Fa-f]", word[1]):
            return None
    if (
        (left and (left in "._%" or (left.isascii() and left.isalnum())))
        or (right.isascii() and right.isalnum())
        or right == "_"
    ):
        return None
    value = text[start:end]
    if right == ":" and text[end + 1 : end + 2].isalnum():
        return None
    groups = [g for g in value.split(":") if g]
    if len(groups) < 2 or not any(c.isdigit() for c in value) or (len(groups) == 2 and len(groups[0]) < 3):
        return None
    if left == "[" and len(groups) < 3 and text[start - 2 : start - 1].isalnum():  # a slice
        return None
    if all(len(g) <= 2 for g in groups) and "." not in value and (len(groups) != 8 or "::" in value):
        return None
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return None
    return (start, end) if _somebodys(address) and not _network(text, start, end) else None
