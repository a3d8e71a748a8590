"""One Settings, read once from the environment (and `.env`), frozen, printable without secrets."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from trainer.errors import BadInput

MIB = 1024 * 1024
Names = Annotated[tuple[str, ...], NoDecode]
Port = Annotated[int, Field(ge=0, le=65535)]


def default_cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 (raises without a home)
    return Path(root) / "tunesmith" if Path(root).is_absolute() else Path(".tunesmith/cache").absolute()


class Settings(BaseSettings):
    """Every knob. Environment names are the field names in capitals behind `TUNESMITH_`; a few well-known
    names (SLACK_BOT_TOKEN, REDIS_URL, OPENAI_API_KEY …) are read as they are."""

    model_config = SettingsConfigDict(
        env_prefix="TUNESMITH_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    # where state lives
    home: Path = Path(".tunesmith")
    cache: Path = Field(default_factory=default_cache)
    database_url: str = ""  # empty: SQLite in home
    blob_url: str = ""  # empty: a folder in home; else any fsspec URL, e.g. s3://bucket/prefix
    redis_url: str = Field("", validation_alias="REDIS_URL")  # empty: the embedded server in home
    redis_port: Port = 6390  # of the embedded server
    team: str = "local"

    # who may do what (Slack user ids, or cli:<user> for the terminal)
    trainers: Names = ()  # empty: every full member of the workspace
    approvers: Names = ()  # empty: nobody, so nothing can be promoted
    approval_hours: float = 72.0
    allowed_teams: Names = ()  # empty: only the workspace the bot token belongs to

    # Slack
    slack_bot_token: SecretStr = Field(SecretStr(""), validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr = Field(SecretStr(""), validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr = Field(SecretStr(""), validation_alias="SLACK_SIGNING_SECRET")
    slack_base_url: str = "https://slack.com/api/"
    slack_file_hosts: Names = ("files.slack.com", "slack-files.com")
    slack_http_port: Port = 0  # above 0: HTTP events instead of Socket Mode
    sandbox_port: Port = 8901

    # the language model behind the agent (any OpenAI-compatible API); without key or URL: the grammar
    llm_model: str = "gpt-4.1-mini"
    llm_base_url: str = Field("", validation_alias="OPENAI_BASE_URL")
    llm_api_key: SecretStr = Field(SecretStr(""), validation_alias="OPENAI_API_KEY")
    llm_timeout_s: float = 30.0
    llm_input_usd: float = Field(0.0, ge=0)  # what a million tokens cost; 0 = not known, and said so
    llm_output_usd: float = Field(0.0, ge=0)
    agent_model_calls: int = 8
    agent_tool_calls: int = 8

    # the judge of evaluations (any OpenAI-compatible API); empty values: the language model above
    judge_model: str = ""
    judge_base_url: str = ""
    judge_api_key: SecretStr = SecretStr("")
    judge_input_usd: float = Field(0.0, ge=0)  # what a million tokens cost; 0 = not known, and said so
    judge_output_usd: float = Field(0.0, ge=0)

    # the hosted fine-tuning service behind --provider openai (any API with OpenAI's shapes)
    tuning_provider: str = "openai"  # whose habits: openai, azure, together, tunesmith, custom
    tuning_base_url: str = ""  # empty, and no key of its own either: OPENAI_BASE_URL with OPENAI_API_KEY
    tuning_api_key: SecretStr = SecretStr("")
    tuning_api_version: str = ""  # sent as ?api-version=…, where Azure wants it
    tuning_timeout_s: float = Field(30.0, gt=0)
    tuning_poll_s: float = Field(60.0, gt=0)  # longest time between two looks at a job
    tuning_patience_s: float = Field(600.0, gt=0)  # for a file being processed, or a provider away before a job exists

    # limits
    max_upload_bytes: int = 100 * MIB  # of a file dropped into Slack
    max_file_bytes: int = 4096 * MIB  # of a file at the terminal, and of what an archive unpacks to
    max_line_bytes: int = 8 * MIB
    max_rows: int = 10_000_000
    max_body_bytes: int = 4 * MIB  # of a gateway request
    max_new_tokens: int = 1024

    # jobs
    lease_s: float = Field(30.0, gt=0)
    heartbeat_s: float = Field(5.0, gt=0)
    max_attempts: int = Field(5, ge=1)
    canary_hours: float = Field(24.0, ge=0)  # how often what aliases serve is asked again; 0 = never
    checkpoint_days: float = Field(30.0, ge=0)  # a job's checkpoints are kept so long after its end

    # more hardware (docs/hardware.md)
    launcher: Literal["subprocess", "slurm"] = "subprocess"  # where work on GPUs runs
    gpus_per_run: int = Field(1, ge=1, le=64)  # processes of a training run on each node
    nodes_per_run: int = Field(1, ge=1, le=1024)  # above 1: Slurm
    sharding: Literal["auto", "ddp", "fsdp"] = "auto"  # several GPUs: the base copied to each, or cut up
    slurm_partition: str = ""
    slurm_account: str = ""
    slurm_time: str = ""  # as sbatch's --time; a run goes on in a new job after it
    slurm_extra: Names = ()  # more options of sbatch, e.g. --mem=64G,--qos=high
    slurm_poll_s: float = Field(5.0, gt=0)

    # doors and engine
    gateway_host: str = "127.0.0.1"
    gateway_port: Port = 8900
    engine_host: str = "127.0.0.1"
    engine_port: Port = 8902
    engine_url: str = ""  # empty: the local engine process

    # bases
    base_folders: Names = ()  # folders whose sub-folders are HF models that Slack users may name
    hub: bool = False  # may fetch base models from the Hugging Face hub
    llama_cpp: str = ""  # a checkout of llama.cpp, whose converter writes GGUF
    gpu_hour_usd: float = 0.0  # what an hour of your own GPU costs; 0 = not charged

    log_level: str = "INFO"

    @field_validator(
        "trainers", "approvers", "allowed_teams", "slack_file_hosts", "base_folders", "slurm_extra", mode="before"
    )
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home.absolute() / 'tunesmith.sqlite'}"

    @cached_property
    def blobs(self) -> str:
        return self.blob_url or f"file://{self.home.absolute() / 'blobs'}"

    @cached_property
    def redis(self) -> str:
        return self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"

    @cached_property
    def engine(self) -> str:
        return self.engine_url or f"http://{self.engine_host}:{self.engine_port}"

    @property
    def has_llm(self) -> bool:
        return bool(self.llm_api_key.get_secret_value() or self.llm_base_url)

    @property
    def in_sandbox(self) -> bool:
        """True when no Slack workspace is configured: the bot talks to the local sandbox."""
        return not self.slack_bot_token.get_secret_value()


def load_settings(**overrides: Any) -> Settings:
    """Read the environment; a value of the wrong kind becomes one sentence that names the variable."""
    from pydantic import ValidationError

    try:
        return Settings(**overrides)
    except (UnicodeDecodeError, OSError) as error:
        raise BadInput(f"The file .env cannot be read ({type(error).__name__}).", fix="Mend or remove it.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "TUNESMITH_" + "_".join(str(p) for p in first["loc"]).upper()
        raise BadInput(
            f"Setting {name} does not fit: {first['msg']}.", fix="Correct it in the environment or in .env."
        ) from None
