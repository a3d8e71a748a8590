"""The sensitive-content audit of a dataset version: what was found, where, who brought it, until when it is kept.

It speaks of patterns found, never of values, and says what the check cannot see. It is a help for the person who
answers for the data, not legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from trainer.data.privacy.kinds import KINDS

# group → what it falls under: (GDPR, HIPAA)
GROUPS: dict[str, tuple[str, str]] = {
    "personal": ("personal data (Art. 4(1))", "identifiers of an individual"),
    "network": (
        "online identifiers, personal data where they can be tied to a person (Art. 4(1), recital 30)",
        "IP addresses",
    ),
    "financial": ("personal data that calls for particular care (risk of fraud, Art. 32)", "account numbers"),
    "government_id": (
        "national identification numbers (Art. 87: member states may set conditions)",
        "numbers that identify a person",
    ),
    "secret": (
        "not personal data as such; a security risk (Art. 32) until it is revoked",
        "not an identifier; a security risk",
    ),
}

# The Safe Harbor list, 45 CFR 164.514(b)(2)(i): letter → (identifier, kinds that look for it, what stays unseen)
SAFE_HARBOR: dict[str, tuple[str, tuple[str, ...], str]] = {
    "A": ("names", (), "not looked for"),
    "B": ("places smaller than a state", ("address",), "only whole postal addresses in common forms"),
    "C": ("dates tied to a person, ages over 89", (), "not looked for"),
    "D": ("telephone numbers", ("phone",), ""),
    "E": ("fax numbers", ("phone",), "not told apart from telephone numbers"),
    "F": ("e-mail addresses", ("email",), ""),
    "G": ("social security numbers", ("us_ssn", "us_itin"), ""),
    "H": ("medical record numbers", ("uk_nhs",), "only NHS numbers; other record numbers have no common form"),
    "I": ("health plan beneficiary numbers", (), "not looked for: no common form"),
    "J": ("account numbers", ("iban", "card"), "only IBANs and payment cards"),
    "K": ("certificate and licence numbers", (), "not looked for: no common form"),
    "L": ("vehicle identifiers and plates", (), "not looked for"),
    "M": ("device identifiers and serial numbers", (), "not looked for"),
    "N": ("web addresses (URLs)", ("basic_auth_url", "database_url"), "only URLs that carry a password"),
    "O": ("IP addresses", ("ipv4", "ipv6"), ""),
    "P": ("biometric identifiers", (), "not looked for: not text"),
    "Q": ("full-face photographs", (), "not looked for: not text"),
    "R": (
        "any other unique identifying number",
        tuple(
            name
            for name, kind in KINDS.items()
            if kind.group == "government_id" and not name.startswith(("us_", "uk_nhs"))
        ),
        "only the national numbers listed",
    ),
}

LIMITS = (
    "This check finds patterns: numbers with check digits, addresses, keys. It does not find names, health conditions, "
    "religion, opinions or other free text about a person (GDPR Art. 9), and it can miss what is written unusually. "
    "A clean result does not make a dataset anonymous."
)


def audit(
    stats: Mapping[str, Any],
    *,
    uploaded_by: str,
    uploaded_at: datetime | str,
    retain_until: date | str | None,
    dataset_id: str,
) -> dict[str, Any]:
    """The audit as plain JSON. `stats` is a check's `CheckReport.stats`; without "sensitive" nothing was checked."""
    checked = "sensitive" in stats
    sensitive = stats.get("sensitive", {})
    kinds: dict[str, Any] = sensitive.get("kinds", {})
    return {
        "dataset_id": dataset_id,
        "uploaded_by": uploaded_by,
        "uploaded_at": _iso(uploaded_at),
        "retain_until": _iso(retain_until),
        "checked": checked,
        "rows": stats.get("rows", 0),
        "rows_with_findings": sensitive.get("rows", 0),
        "kinds": kinds,
        "groups": _groups(kinds),
        "gdpr": {group: GROUPS[group][0] for group in _groups(kinds)},
        "hipaa_safe_harbor": _safe_harbor(kinds),
        "limits": LIMITS,
    }


def _iso(moment: date | datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, date) else moment


def _groups(kinds: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Group → kinds and hits. Rows are not added up: one row may hold several kinds."""
    groups: dict[str, dict[str, int]] = {}
    for kind in kinds.values():
        group = groups.setdefault(kind["group"], {"kinds": 0, "hits": 0})
        group["kinds"] += 1
        group["hits"] += kind["hits"]
    return groups


def _safe_harbor(kinds: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "letter": letter,
            "identifier": identifier,
            "looked_for": bool(looked),
            "found": sum(kinds[name]["hits"] for name in looked if name in kinds),
            "note": note,
        }
        for letter, (identifier, looked, note) in SAFE_HARBOR.items()
    ]


def audit_text(
    stats: Mapping[str, Any],
    *,
    uploaded_by: str,
    uploaded_at: datetime | str,
    retain_until: date | str | None,
    dataset_id: str,
) -> str:
    """The audit in sentences, verdict first."""
    made = audit(
        stats, uploaded_by=uploaded_by, uploaded_at=uploaded_at, retain_until=retain_until, dataset_id=dataset_id
    )
    return "\n".join([_verdict(made), *map(_kind_line, made["kinds"].values()), *_law(made), _kept(made), LIMITS])


def _verdict(made: dict[str, Any]) -> str:
    if not made["checked"]:
        return f"Dataset {made['dataset_id']} was not checked for sensitive content."
    if not made["kinds"]:
        return f"No personal data or secrets were recognised in dataset {made['dataset_id']}."
    rows, named = made["rows_with_findings"], ", ".join(kind["title"] for kind in made["kinds"].values())
    return f"Dataset {made['dataset_id']} holds sensitive content in {rows:,} row{'s' * (rows != 1)}: {named}."


def _kind_line(kind: dict[str, Any]) -> str:
    lines = kind["first_lines"]
    more = ", …" if kind["rows"] > len(lines) else ""
    where = f"line{'s' * (len(lines) != 1)} {', '.join(map(str, lines))}{more}"
    return f"- {kind['title']}: {kind['hits']:,} in {kind['rows']:,} row{'s' * (kind['rows'] != 1)} ({where})."


def _law(made: dict[str, Any]) -> list[str]:
    if not made["checked"]:
        return []
    gdpr = [f"GDPR: {_title(group)} are {law}." for group, law in made["gdpr"].items()]
    items = made["hipaa_safe_harbor"]
    looked = ", ".join(i["identifier"] for i in items if i["looked_for"])
    unseen = ", ".join(i["identifier"] for i in items if not i["looked_for"])
    found = sum(i["looked_for"] for i in items)
    return [
        *gdpr,
        f"HIPAA: of the 18 Safe Harbor identifiers this check looks, at least in part, for {found}: {looked}. "
        f"Not for: {unseen}.",
    ]


def _title(group: str) -> str:
    return {
        "personal": "the contact details",
        "network": "the network addresses",
        "financial": "the account and card numbers",
        "government_id": "the identity numbers",
        "secret": "the keys and passwords",
    }[group]


def _kept(made: dict[str, Any]) -> str:
    until = f"it is kept until {made['retain_until']}" if made["retain_until"] else "no retention date is set"
    return f"Uploaded by {made['uploaded_by']} on {made['uploaded_at']}; {until}."
