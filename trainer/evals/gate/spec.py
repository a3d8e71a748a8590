"""What a candidate must show. Written down, and bound by its digest, before the candidate is trained."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trainer.evals.case import Role

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decoding(Frozen):
    """How every contestant is asked. Temperature 0 is greedy: the same answer every time."""

    max_tokens: Annotated[int, Field(ge=1, le=4096)] = 256
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: int | None = None


class SuiteRule(Frozen):
    """What one suite asks of the candidate. `sha256` is that of the suite's bytes, kept as a blob, at registration."""

    suite: Name
    sha256: Sha256 = ""
    role: Role = Role.REGRESSION
    margin: Share | None = 0.10  # of the rows that base or holder gets right, at most this share may be lost
    floor: Share | None = None  # of all rows, at least this share must be right
    by: str = ""  # a slice key, such as `twin`: the rule holds for each of its values alone
    required: bool = True  # False: reported, without a say in the verdict


class JudgeRule(Frozen):
    """A language model that compares answers. Until people and judge agree it only advises."""

    model: Name
    kind: Literal["pairwise", "rubric"] = "pairwise"
    rubric: Name = "helpfulness"
    endpoint: Annotated[str, Field(max_length=300)] = ""  # the host to which rows are sent; "" in gates from before
    prompt_sha256: Sha256 = ""  # of the rubric and the words around it
    rows: Annotated[int, Field(ge=1, le=5000)] = 100  # of the test part, chosen by hash
    max_usd: Annotated[float, Field(ge=0)] = 5.0
    min_labels: Annotated[int, Field(ge=1)] = 100
    min_kappa: Share = 0.6


class GateSpec(Frozen):
    """Shares are between 0 and 1. The verdict is PASS only where the candidate is superior on `primary`, and keeps
    within every rule, against the base and, where `alias` serves a model, against that one."""

    primary: Name = "exact_match"
    arguments: dict[str, Any] = Field(default_factory=dict)  # of the primary metric
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    min_effect: Share = 0.05  # a smaller gain is not worth a promotion
    target_effect: Share = 0.10  # the gain that test sets are sized for
    good_enough: Share | None = None  # the Minimum Viable Model: reach this on `primary`, and stop
    min_rows: Annotated[int, Field(ge=1)] = 20
    metrics: tuple[Name, ...] = ("json_validity",)  # reported beside the primary one
    validity_floor: Share | None = None  # of JSON answers, where JSON is expected
    regression_margin: Annotated[float, Field(gt=0, lt=1)] = 0.10  # for suites whose rule names none
    regression_required: bool = True  # without a row that the base answers rightly, nothing passes
    suites: tuple[SuiteRule, ...] = ()
    slices: tuple[Name, ...] = ("task", "label", "language", "length")  # no slice of the test may be worse
    holder: Literal["superior", "not_inferior", "reported"] = "superior"  # what is asked against the alias's model
    alias: str = ""
    few_shot: Annotated[int, Field(ge=0, le=32)] = 0  # the base with so many examples, for comparison
    judge: JudgeRule | None = None
    decoding: Decoding = Decoding()

    @property
    def confidence(self) -> float:
        return 1 - self.alpha

    @property
    def digest(self) -> str:
        """sha256 over the canonical JSON of everything above."""
        return digest_of(self.model_dump(mode="json"))


def digest_of(written: dict[str, Any]) -> str:
    """The digest of a gate as it was written down, whatever fields later versions may have."""
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()
