"""Who lives in the sandbox: fixed ids, tokens, people and channels that tests and docs may rely on."""

from __future__ import annotations

from typing import Any

TEAM_ID = "T0SANDBOX"
TEAM_NAME = "Tunesmith sandbox"
TEAM_DOMAIN = "tunesmith-sandbox"
PARTNER_TEAM_ID = "T0PARTNER"

BOT_TOKEN = "xoxb-sandbox"  # noqa: S105
APP_TOKEN = "xapp-sandbox"  # noqa: S105
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105
VERIFICATION_TOKEN = "sandbox-verification"  # noqa: S105

APP_ID = "A0TUNESMITH"
BOT_ID = "B0TUNESMITH"
BOT_USER_ID = "U0TUNESMITH"

ADA = "U0ADA00001"
GRACE = "U0GRACE001"
LINUS = "U0LINUS001"
GUS = "U0GUS00001"
SAM = "U0SAM00001"
BEEP = "U0BEEP0001"
BEEP_BOT_ID = "B0BEEP0001"
BEEP_APP_ID = "A0BEEP0001"

FINE_TUNING = "C0FINETUNE"
GENERAL = "C0GENERAL1"
PARTNERS = "C0PARTNERS"
LEADS = "C0LEADS001"

BOT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
)


def _person(user_id: str, name: str, real_name: str, color: str, **flags: Any) -> dict[str, Any]:
    """A user as users.info gives it."""
    return {
        "id": user_id,
        "team_id": flags.pop("team_id", TEAM_ID),
        "name": name,
        "deleted": False,
        "color": color,
        "real_name": real_name,
        "tz": "Europe/London",
        "tz_label": "Greenwich Mean Time",
        "tz_offset": 0,
        "profile": {
            "real_name": real_name,
            "display_name": name,
            "real_name_normalized": real_name,
            "display_name_normalized": name,
            "first_name": real_name.split()[0],
            "last_name": real_name.split()[-1] if " " in real_name else "",
            "title": flags.pop("title", ""),
            "email": f"{name}@sandbox.example",
            "team": TEAM_ID,
        },
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": False,
        "is_app_user": False,
        "is_email_confirmed": True,
        "updated": 1_700_000_000,
        **flags,
    }


def _app_user(user_id: str, name: str, real_name: str, color: str, bot_id: str, app_id: str) -> dict[str, Any]:
    user = _person(user_id, name, real_name, color, is_bot=True)
    user["profile"] |= {"bot_id": bot_id, "api_app_id": app_id}
    user["profile"].pop("email")
    return user


def default_users() -> list[dict[str, Any]]:
    """Three colleagues, a guest, a Slack Connect stranger, the app's own user and another bot."""
    sam = _person(SAM, "sam", "Sam Stranger", "b4637d", team_id=PARTNER_TEAM_ID, is_stranger=True, title="Partner Ltd")
    sam["profile"]["team"] = PARTNER_TEAM_ID
    return [
        _person(ADA, "ada", "Ada Byron", "4a6fa5", is_admin=True, title="Applied ML"),
        _person(GRACE, "grace", "Grace Murray", "2f8f6b", title="Release lead"),
        _person(LINUS, "linus", "Linus Benedict", "c4682b", title="Platform"),
        _person(GUS, "gus", "Gus Guest", "8a5fbf", is_restricted=True, title="Contractor"),
        sam,
        _app_user(BOT_USER_ID, "tunesmith", "Tunesmith", "d6336c", BOT_ID, APP_ID),
        _app_user(BEEP, "beep", "Beep", "64748b", BEEP_BOT_ID, BEEP_APP_ID),
    ]


def default_channels() -> list[dict[str, Any]]:
    """Name, members and kind of each channel; DMs with the app are opened beside these."""
    colleagues = [ADA, GRACE, LINUS]
    return [
        {
            "id": FINE_TUNING,
            "name": "fine-tuning",
            "topic": "Datasets in, tuned models out",
            "members": [*colleagues, GUS, BOT_USER_ID, BEEP],
        },
        {"id": GENERAL, "name": "general", "topic": "Company-wide", "members": colleagues},
        {
            "id": PARTNERS,
            "name": "partners",
            "topic": "Shared with Partner Ltd by Slack Connect",
            "members": [ADA, GRACE, SAM, BOT_USER_ID],
            "is_ext_shared": True,
        },
        {
            "id": LEADS,
            "name": "leads",
            "topic": "Private: the app is not here",
            "members": [ADA, GRACE],
            "is_private": True,
        },
    ]


def dm_id(user_id: str) -> str:
    """The id of a person's direct-message channel with the app: the user's id with a D in front."""
    return "D" + user_id[1:]
