"""Every kind of personal data and secret that is looked for: one line each.

`pattern` is an RE2 pattern over folded text (see `fold`), one byte a character; `confirm` decides about what it
matched and may narrow it. `hint` is an RE2 pattern over *raw JSON bytes* that finds at least every row that holds
the kind: JSON escapes and bytes of UTF-8 may stand between its characters. Where kinds overlap, the earlier line wins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from trainer.data.privacy import addresses, network, numbers, phones, secrets
from trainer.data.privacy.context import Span

Group = Literal["personal", "financial", "government_id", "network", "secret"]
Confirm = Callable[[str, int, int], Span | None]


class Kind(NamedTuple):
    title: str  # for people: "e-mail address"
    group: Group
    pattern: str
    confirm: Confirm
    hint: str = ""  # "" where the pattern holds for raw JSON too


_ASSIGN = (
    r"(?i)(?:password|passwd|passphrase|passcode|\bpwd|_pass\b|\bpass\b|\bpw|secret|token|api[_-]?key|apikey|"
    r"access[_-]?key|private[_-]?key|"
    r"encryption[_-]?key|signing[_-]?key|account[_-]?key|passwort|kennwort|contrase\x{F1}a|contrasena|senha|mot "
    r"de passe|credential|\?{2,6})"
    r"[A-Za-z0-9_\-]{0,24}[\"'`\])]{0,2}(?:>|\s{0,3}(?::=|=>|=|:| is:?| ist:?| est| es:?| "
    r"\x{E9}:?)\s{0,3})\\?[\"'`]?[^\s\"'`<>]{4}"
)
_ASSIGN_HINT = (
    r"(?i)(?:pass|pwd|\bpw|secret|token|(?:api|access|private|encryption|signing|account)[_-]?key|kennwort|"
    r"contrase|senha|credential)"
    r"[a-z0-9_\-\x80-\xff]{0,28}(?:\\u[0-9a-f]{4}a?)?[\"'`\]) \\]{0,6}(?:\\u003d|[:=>]|\xef\xbc| is| ist| est| "
    r"es| \xc3\xa9| \\u00e9)"
    r"|(?:пароль|密码|密碼|パスワード|비밀번호)|\\u043f\\u0430\\u0440\\u043e|\\u5bc6\\u78|\\u30d1\\u30b9\\u30ef|\\ube44\\ubc00"
)
# between the digits of one number in raw JSON: up to four separators, some of them escaped or of more than one byte
_S = (
    r"(?:[ \-./()]|\\/|\xc2\xa0|\xe2\x80[\x80-\x95\xaf]|\xe2\x88\x92|\xef\xbc[\x88\x89\x8d-\x8f]|\xe3\x80\x80|"
    r"\\u(?i:00a0|20[012][0-9a-f]|2212|ff0[89def]|3000)){0,4}"
)

# … at most one
_S1 = (
    r"(?:[ \-.]|\xc2\xa0|\xe2\x80[\x80-\x95\xaf]|\xef\xbc[\x8d\x8e]|\xe3\x80\x80|\\u(?i:00a0|20[012][0-9a-f]|"
    r"ff0[de]|3000))?"
)


def _digits(count: int) -> str:
    return rf"\d(?:{_S}\d){{{count - 1}}}"


_PHONE_HINT = rf"{_digits(9)}|\d{{3}}[-. ]\d{{4}}|\d\d \d\d \d\d \d\d|\d{{4}} \d{{4}}|\d{{7}}"
_CF = r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
_CF_SPACED = r"[A-Z]{3} [A-Z]{3} [0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2} ?[A-Z][0-9LMNP-V]{3} ?[A-Z]"
_SCHEMES = (
    r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse|"
    r"cockroachdb|snowflake|neo4j|bolt|nats|kafka|ldaps?)(?:\+\w{1,20})?"
)
_USERINFO = r"[^\s:/@\"'<>?#]*:[^\s/@\"'<>?#]+@[A-Za-z0-9_.\-\[\]]+(?::\d{2,5})?"
_EMAIL = (
    r"[A-Za-z0-9\x{C0}-\x{FF}][A-Za-z0-9\x{C0}-\x{FF}._%+'&-]*(?:@|"
    r"%40)[A-Za-z0-9\x{C0}-\x{FF}-]+(?:\.[A-Za-z0-9\x{C0}-\x{FF}-]+)+"
    r"|(?i:[a-z0-9][a-z0-9._+-]* ?[\[({] ?at ?[\])}] ?[a-z0-9-]+(?: ?[\[({] ?dot ?[\])}] ?[a-z0-9-]+|\.[a-z0-9-]+)+)"
)
_EMAIL_HINT = r"[^\s\"(,@]@[^\s\"(),@.]|\\u0040|\xef\xbc\xa0|\\uff20|%40|(?i:[\[({] ?at ?[\])}])"

KINDS: dict[str, Kind] = {
    # secrets whose form names them
    "private_key": Kind(
        "private key", "secret", r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----", secrets.private_key
    ),
    "aws_access_key": Kind("AWS access key id", "secret", r"(?:AKIA|ASIA)[A-Z0-9]{16}", secrets.access_key),
    "aws_secret_key": Kind(
        "AWS secret access key",
        "secret",
        r"(?i:secret[_-]?access[_-]?key|aws[_-]?secret[_-]?key|aws[_-]?secret)[\"'`]?\s{0,3}(?:=>|:=|=|"
        r":)\s{0,3}[\"'`]?[A-Za-z0-9/+]{40}",
        secrets.secret_value,
        r"(?i)secret[_-]?access|aws[_-]?secret",
    ),
    "github_token": Kind(
        "GitHub token",
        "secret",
        r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        secrets.token,
    ),
    "gitlab_token": Kind(
        "GitLab token", "secret", r"gl(?:pat|ptt|rt|dt|cbt|ft|soat)-[A-Za-z0-9_.-]{20,}", secrets.token
    ),
    "slack_token": Kind(
        "Slack token",
        "secret",
        r"xox[abeoprs]-[A-Za-z0-9-]{20,}|xapp-\d-[A-Za-z0-9]{6,20}-\d{6,16}-[A-Za-z0-9]{20,}",
        secrets.token,
    ),
    "slack_webhook": Kind(
        "Slack webhook",
        "secret",
        r"https?://hooks\.slack(?:-gov)?\.com/(?:services|workflows|"
        r"triggers)/[A-Za-z0-9]{7,14}/[A-Za-z0-9]{7,20}/[A-Za-z0-9]{16,}(?:/[A-Za-z0-9]{8,})?",
        secrets.webhook,
        r"hooks\.slack",
    ),
    "anthropic_key": Kind("Anthropic key", "secret", r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20,}", secrets.token),
    "openai_key": Kind(
        "OpenAI key", "secret", r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})", secrets.token
    ),
    "google_key": Kind("Google API key", "secret", r"AIza[A-Za-z0-9_-]{35}", secrets.token),
    "stripe_key": Kind(
        "Stripe live key", "secret", r"(?:sk|rk)_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}", secrets.token
    ),
    "huggingface_token": Kind("Hugging Face token", "secret", r"(?:hf|api_org)_[A-Za-z0-9]{30,48}", secrets.token),
    "npm_token": Kind("npm token", "secret", r"npm_[A-Za-z0-9]{36}", secrets.token),
    "pypi_token": Kind("PyPI token", "secret", r"pypi-[A-Za-z0-9_-]{50,}", secrets.token),
    "sendgrid_key": Kind("SendGrid key", "secret", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,}", secrets.token),
    "twilio_key": Kind("Twilio key", "secret", r"SK[0-9a-f]{32}", secrets.token),
    "azure_key": Kind(
        "Azure storage key",
        "secret",
        r"(?i:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,88}={0,2}",
        secrets.account_key,
        r"(?i)(?:account|access)key(?:=|\\u003d)",
    ),
    "jwt": Kind(
        "JSON web token", "secret", r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}", secrets.jwt
    ),
    "database_url": Kind(
        "database URL with password",
        "secret",
        rf"(?i:{_SCHEMES})://{_USERINFO}(?:,[A-Za-z0-9_.:-]+)*",
        secrets.userinfo,
        r"[^\s\"]@",
    ),
    "basic_auth_url": Kind(
        "URL with password",
        "secret",
        rf"(?i:https?|ftps?|sftp|ssh|git|wss?|smtps?|imaps?|socks5h?|svn)://{_USERINFO}",
        secrets.userinfo,
        r"[^\s\"]@",
    ),
    # numbers with check digits, the strongest first
    "iban": Kind(
        "IBAN",
        "financial",
        r"\b[A-Za-z]{2}\d{2}[ -]{0,1}[A-Za-z0-9]{2,4}",
        numbers.iban,
        rf"[A-Za-z]{{2}}\d\d(?:{_S}[A-Za-z0-9]){{11}}",
    ),
    "it_codice_fiscale": Kind(
        "Italian tax code",
        "government_id",
        rf"\b(?i:{_CF}|{_CF_SPACED})\b",
        numbers.codice_fiscale,
        rf"(?i:{_CF}|[A-Z]{{3}}{_S1}[A-Z]{{3}}{_S1}[0-9LMNP-V]{{2}}[ABCDEHLMPRST][0-9LMNP-V]{{2}}{_S1}[A-Z][0-9LMNP-V]{{3}}{_S1}[A-Z])",
    ),
    "fr_nir": Kind(
        "French social security number",
        "government_id",
        r"\b[12] ?\d\d ?\d\d ?(?:\d\d|2[ABab]) ?\d{3} ?\d{3} ?[/|-]? ?\d\d\b",
        numbers.nir,
        rf"[12]{_S}\d{_S}\d{_S}\d{_S}\d{_S}\d{_S}[0-9ABab](?:{_S}\d){{7}}",
    ),
    "card": Kind(
        "payment card number",
        "financial",
        r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}(?:[ -]?\d{1,3})?\b|\b\d{4}[ -]\d{6}[ -]\d{4,5}\b|\b\d{14,19}\b",
        numbers.card,
        _digits(13),
    ),
    "us_ssn": Kind(
        "US social security number", "government_id", r"\b\d{3}[- ]?\d{2}[- ]?\d{4}\b", numbers.ssn, _digits(9)
    ),
    "us_itin": Kind("US taxpayer number", "government_id", r"\b9\d\d[- ]?\d{2}[- ]?\d{4}\b", numbers.itin, _digits(9)),
    "uk_nino": Kind(
        "UK National Insurance number",
        "government_id",
        r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ .-]?\d{2}[ .-]?\d{2}[ .-]?\d{2}[ .-]?[A-D]\b",
        numbers.nino,
        rf"[A-Za-z]{_S}(?:\d{_S}){{6}}[A-Da-d]",
    ),
    "uk_nhs": Kind("UK NHS number", "government_id", r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b", numbers.nhs, _digits(10)),
    "pl_pesel": Kind("Polish PESEL", "government_id", r"\b\d{11}\b", numbers.pesel, _digits(11)),
    "de_steuer_id": Kind(
        "German tax id", "government_id", r"\b\d{2}[ /]?\d{3}[ /]?\d{3}[ /]?\d{3}\b", numbers.steuer_id, _digits(11)
    ),
    "br_cpf": Kind(
        "Brazilian CPF", "government_id", r"\b\d{3}[. ]?\d{3}[. ]?\d{3}[- ]?\d{2}\b", numbers.cpf, _digits(11)
    ),
    "se_personnummer": Kind(
        "Swedish personnummer",
        "government_id",
        r"\b(?:19|20)?\d{6}[-+ ]?\d{4}\b",
        numbers.personnummer,
        rf"{_digits(10)}|\d{{6}}\+\d{{4}}",
    ),
    "in_aadhaar": Kind(
        "Indian Aadhaar number",
        "government_id",
        r"\b[2-9]\d{3}(?: \d{4} |-\d{4}-|\d{4})\d{4}\b",
        numbers.aadhaar,
        _digits(12),
    ),
    "es_dni": Kind(
        "Spanish DNI or NIE",
        "government_id",
        r"(?i)\b(?:\d{8}|\d{2}\.\d{3}\.\d{3}|[XYZ][ -]?\d{7})[ -]?[A-HJ-NP-TV-Z]\b",
        numbers.dni,
        rf"\d\d{_S1}\d{{3}}{_S1}\d{{3}}{_S1}[A-Za-z]|[XYZxyz]{_S1}\d{{7}}{_S1}[A-Za-z]",
    ),
    "nl_bsn": Kind(
        "Dutch citizen number",
        "government_id",
        r"\b\d{3}[. -]?\d{3}[. -]?\d{3}\b|\b\d{4}\.\d{2}\.\d{3}\b",
        numbers.bsn,
        _digits(9),
    ),
    # persons and machines
    "email": Kind("e-mail address", "personal", _EMAIL, network.email, _EMAIL_HINT),
    "ipv6": Kind(
        "IPv6 address",
        "network",
        r"(?i)(?:[0-9a-f]{1,4}:|::)(?:[0-9a-f]{0,4}:){1,6}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?|::[0-9a-f]{1,4}",
        network.ipv6,
        r"(?i)[0-9a-f]{3,4}:[0-9a-f]{0,4}:|[0-9a-f]:[0-9a-f]{1,4}::?[0-9a-f]{1,4}::?[0-9a-f]{3}|::ffff|"
        r":[0-9a-f]{3,4}:|::[0-9a-f]{1,4}:",
    ),
    "ipv4": Kind(
        "IPv4 address", "network", r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", network.ipv4, r"\d\.\d{1,3}\.\d{1,3}\.\d"
    ),
    "address": Kind(
        "postal address",
        "personal",
        addresses.PATTERN,
        addresses.address,
        r"[A-Za-z](?:,| |\\n){1,3}\d{5}|\d{5} [A-Z\x80-\xff\\]|(?:,|\\n|[A-Za-z] ){1,2} ?[A-Z]{1,2}\d[A-Z0-9]?|"
        r"\d{4} [A-Z\x80-\xff\\]|\d{4}-\d{3} [A-Z]",
    ),
    "phone": Kind(
        "telephone number", "personal", r"(?:\(?\+ ?\(?|\(|\b)\d(?:[ \-./()]{0,3}\d){6,18}", phones.phone, _PHONE_HINT
    ),
    # names of secrets with a value behind them
    "password": Kind("password or key behind its name", "secret", _ASSIGN, secrets.password, _ASSIGN_HINT),
}

# what makes a row suspicious whatever it holds: letters and digits that are written as escapes or in other scripts
ESCAPED = (
    r"\\u00(?:[013-7][0-9a-fA-F]|2[013-5a-fA-F]|3[0-9abfAF])|\\u(?i:06[6f]|096|"
    r"ff1)[0-9a-fA-F](?:[^\\]?\\u[0-9a-fA-F]{4}){2}"
    r"|(?:\xd9[\xa0-\xa9].?){3}|(?:\xdb[\xb0-\xb9].?){3}|(?:\xe0\xa5[\xa6-\xaf].?){3}|(?:\xef\xbc[\x90-\x99].?){3}"
)


def _folding() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms
    for zero in (0x0660, 0x06F0, 0x0966):  # Arabic, Persian and Devanagari digits
        table |= {zero + n: str(n) for n in range(10)}
    table |= dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
    return table | dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-") | {0x2019: "'"}


_FOLDING = _folding()


def fold(text: str) -> str:
    """The text with look-alikes made ASCII, character by character: places in it stay the same."""
    return text if text.isascii() else text.translate(_FOLDING)
