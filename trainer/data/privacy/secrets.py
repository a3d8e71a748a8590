"""Confirms keys, tokens and passwords: the right shape, and random enough not to be a placeholder."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from itertools import pairwise

from trainer.data.privacy.checksums import runs
from trainer.data.privacy.context import Span

_WORDS = (  # noqa: SIM905
    "your example placeholder changeme change_me change-me dummy redacted insert replace here todo sample fake mytoken"
).split()
_DUMMY = re.compile(
    "|".join(form for word in _WORDS for form in (word, word.upper(), word.title()))
    + r"|x{5}|X{5}|\.\.\.|…|\*\*\*|[<>]|\$\{|\{\{|\{\w+\}|(?i:my[-_](?:token|key|secret|password))|\$\(|%\(|"
    r"^\$[A-Z_]+$|^\$[a-z_]+$|^%\w+%$|\[[A-Z0-9_]+_\d+"
)


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits each."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def dummy(value: str) -> bool:
    """A stand-in for a secret: it says so, repeats itself, or counts upwards."""
    return bool(_DUMMY.search(value)) or len(set(value)) < 5 or runs(value, 10)


def token(text: str, start: int, end: int) -> Span | None:
    """A key whose prefix says what it is: random behind it, and not the middle of a longer word."""
    left, right = text[start - 1 : start], text[end : end + 1]
    if (left and left.isascii() and (left.isalnum() or left in "_-")) or (right.isascii() and right.isalnum()):
        return None
    return (start, end) if _random(_PREFIX.sub("", text[start:end])) else None


_PREFIX = re.compile(
    r"github_pat_|sk-ant-[a-z0-9]+-|sk-(?:proj|svcacct|admin|None)-|[a-z]k_live_|api_org_|xapp-\d-|AIza|"
    r"SK(?=[0-9a-f])|[A-Za-z]{2,6}[-_.]"
)


def _random(body: str) -> bool:
    """Mixed letters and digits, or letters of both cases in no order; never a word of a program."""
    if _DUMMY.search(body) or len(set(body)) < 5 or entropy(body) < 2.8:
        return False
    if any(c.isdigit() for c in body):
        letters = sum(c.isalpha() for c in body)
        pieces = [p for p in re.split(r"[-_]", body) if p]
        wordy = sum(p.isalpha() and (p.islower() or p.istitle()) for p in pieces)
        return letters > 0 and (len(pieces) < 4 or wordy < len(pieces) * 0.6)
    return body != body.lower() and body != body.upper() and sum(a != b for a, b in _cases(body)) > len(body) // 6


def _cases(body: str) -> list[tuple[bool, bool]]:
    upper = [c.isupper() for c in body if c.isalpha()]
    return list(pairwise(upper))


def access_key(text: str, start: int, end: int) -> Span | None:
    left, right = text[start - 1 : start], text[end : end + 1]
    if (left.isascii() and left.isalnum()) or (right.isascii() and right.isalnum()) or left == "_" or right == "_":
        return None
    body = text[start + 4 : end]
    return None if body.endswith("EXAMPLE") or dummy(body) else (start, end)


def secret_value(text: str, start: int, end: int) -> Span | None:
    """The 40 characters behind a name such as aws_secret_access_key."""
    found = re.search(r"[A-Za-z0-9/+]{40}$", text[start:end])
    right = text[end : end + 1]
    if not found or (right and (right in "/+=" or (right.isascii() and right.isalnum()))):
        return None
    value = found[0]
    return None if dummy(value) or value.endswith("EXAMPLEKEY") or entropy(value) < 3.5 else (end - 40, end)


def webhook(text: str, start: int, end: int) -> Span | None:
    path = text[start:end].rpartition("/")[2]
    return None if dummy(path) or "00000000" in text[start:end] else (start, end)


def account_key(text: str, start: int, end: int) -> Span | None:
    """An Azure connection string, as a whole where it stands as a whole."""
    value = text[start:end].rpartition("=" if not text[start:end].endswith("=") else "AccountKey=")[2]
    if dummy(value.rstrip("=")) or entropy(value) < 3.5:
        return None
    before = re.search(r"(?:[A-Za-z]{1,40}=[^\s;\"'=]{1,100};)+$", text[max(0, start - 300) : start])
    after = re.match(r"(?:;[A-Za-z]{1,40}=[^\s;\"'`=]{1,100})+;?", text[end : end + 300])
    return start - (len(before[0]) if before else 0), end + (len(after[0]) if after else 0)


_PEM_BYTES = 12_000


def private_key(text: str, start: int, end: int) -> Span | None:
    """From its first line to its last; where the last is missing, as far as the key's characters go."""
    kind = text[start + 11 : end - 5]
    last = f"-----END {kind}-----"
    found = text.find(last, end, end + _PEM_BYTES)
    body = text[end : found if found >= 0 else end + _PEM_BYTES]
    if found < 0:
        body = (re.match(r"(?:[A-Za-z0-9+/=\s]|\\[nr])*", body) or [""])[0]
    value = re.sub(r"\\[nr]|\s|(?m:^[A-Z][\w-]*:.*$)", "", body)
    if len(value) < 16 or _DUMMY.search(value) or not re.fullmatch(r"[A-Za-z0-9+/=\\\"',:-]+", value):
        return None
    return start, found + len(last) if found >= 0 else end + len(body.rstrip())


def jwt(text: str, start: int, end: int) -> Span | None:
    """Its first part is JSON that names an algorithm."""
    left = text[start - 1 : start]
    if left and left.isascii() and (left.isalnum() or left in "_-"):
        return None
    parts = text[start:end].rstrip(".").split(".")
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return (start, end) if isinstance(header, dict) and "alg" in header and len(parts) >= 2 else None


_ASSIGNED = re.compile(
    r"""(?ixs) (?P<name>[^\s"'`:=>]{2,64}) ["'`\])]{0,2}
    (?: > | \s{0,3} (?: := | => | = | : | \s is:? | \s ist:? | \s est:? | \s es:? | \s é:? ) \s{0,3} )
    (?: (?P<quote>\\?["'`]) (?P<quoted>[^"'`\n]{4,200}?) \\?["'`] | (?P<bare>[^\s"'`<>]{4,200}) )"""
)
_PASSWORDS = re.compile(r"(?i)pass|pwd|pw\b|contrase|senha|mot de passe|kennwort|пароль|密码|密碼|パスワード|비밀번호")
_CODE = re.compile(
    r"""(?x) ^[\w.\[\]'"]*\( | \)$ |
    ^(?:os|self|this|config|settings|process|env|args|cfg|secrets|params|request|ENV|data|user|vault)[.\[] |
    ^[A-Za-z_]\w*(?:\.\w+)+$ | ^[A-Za-z_]\w*\[ | ^https?:// | :: | ^/ | ^\.{1,2}/ | ^[A-Z_]+$ | ^@ """
)
_NONE = frozenset(
    "none null undefined true false string str int number required optional secret password token test".split()  # noqa: SIM905
)


def password(text: str, start: int, end: int) -> Span | None:
    """`password = …`, `api_key: …`: a value that somebody would keep to himself."""
    found = _ASSIGNED.match(text, start, start + 320)
    if found is None:
        return None
    name, value = found["name"], found["quoted"] or found["bare"] or ""
    at = found.start("quoted") if found["quoted"] else found.start("bare")
    if not found["quoted"]:
        value = re.split(r"&(?=\w+=)|;(?=\s|$)|[,;]$|\\[nr\"]|[,;](?=\w+[=:])", value, maxsplit=1)[0].rstrip(".,;:)]}|")
    if len(value) >= 200 or (len(value) > 80 and _PASSWORDS.search(name)):
        return None
    if dummy(value) or _CODE.search(value) or value.lower() in _NONE:
        return None
    strong = _kept(value, bool(found["quoted"])) if _PASSWORDS.search(name) else _opaque(value)
    return (at, at + len(value)) if strong else None


def _kept(value: str, quoted: bool) -> bool:
    """A password as people choose them: six characters or more, letters with digits or signs."""
    if not 6 <= len(value) <= 128 or (" " in value and not quoted):
        return False
    letters, number = any(c.isalpha() for c in value), any(c.isdigit() for c in value)
    sign = any(c in "!@#$%^&*+?~" for c in (value if quoted else value[:-1]))
    return (letters and (number or sign)) or (sign and number)


def _opaque(value: str) -> bool:
    """A key as machines make them: long, mixed, of high entropy, in one piece."""
    if not 12 <= len(value) <= 200 or " " in value or not re.search(r"[A-Za-z]", value):
        return False
    return entropy(value) >= (3.0 if re.search(r"\d", value) else 3.5) and _random(value)


def userinfo(text: str, start: int, end: int) -> Span | None:
    """A URL with user and password before its host."""
    user, _, word = text[start:end].partition("://")[2].rpartition("@")[0].partition(":")
    if len(word) < 3 or dummy(word) or re.search(r"[<>{}*]", user) or word.startswith(("{", "<", "%", "*")):
        return None
    if word.lower() in (
        user.lower(),
        "password",
        "pass",
        "passwd",
        "pwd",
        "secret",
        "token",
        "pw",
        "passwort",
        "hunter2pass",
    ):
        return None
    return start, end
