"""A dataset folder on the Hugging Face Hub: only where the settings allow it and a token is there."""

from __future__ import annotations

import os
import re
from pathlib import Path

from trainer.errors import BadInput, Forbidden, MissingExtra, Unavailable
from trainer.settings import Settings


def ready(repo: str, settings: Settings) -> str:
    """The token. Raises before anything is made where pushing cannot work."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise BadInput(f"{repo[:80]} is no name of a repository.", fix="Write it as owner/name.", param="push")
    if not settings.hub:
        raise Forbidden("This installation does not speak to the Hub.", fix="Set TUNESMITH_HUB=true.", code="no_hub")
    token = os.environ.get("HF_TOKEN", "")
    if not token:
        raise BadInput("There is no token for the Hub.", fix="Set HF_TOKEN to one that may write.", code="no_token")
    return token


def push_folder(folder: Path, repo: str, settings: Settings, *, private: bool = True) -> str:
    """Upload the folder as a dataset repository, made if it is not there; where it can be seen.

    Never exercised against the Hub itself; the tests speak to a loopback server in its place."""
    token = ready(repo, settings)
    try:
        from huggingface_hub import HfApi
    except ImportError:
        fix = "Install it with: pip install 'tunesmith[train]'"
        raise MissingExtra("Pushing needs huggingface_hub, which is not installed.", fix=fix) from None
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None, token=token)
    try:
        url = api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo, repo_type="dataset", folder_path=folder, commit_message="A dataset and its card"
        )
    except Exception as error:  # whatever its HTTP client raises; the text may hold the request's headers
        status = getattr(getattr(error, "response", None), "status_code", None)
        raise Unavailable(
            f"The Hub did not take the folder ({status or type(error).__name__}).",
            fix=f"Check the token's rights and the network; the folder is in {folder}.",
            code="push_failed",
        ) from None
    return str(url)
