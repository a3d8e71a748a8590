"""The gate of a training run: chosen, checked and frozen before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools.context import Context
from tools.suites import frozen
from trainer.bases import Base, known_bases
from trainer.errors import BadInput
from trainer.evals.case import Role, Suite
from trainer.evals.gate import GateSpec, JudgeRule, SuiteRule
from trainer.evals.gate.reading import MOST_BYTES, bad, once, parse, read
from trainer.evals.gate.sentences import lines, plain
from trainer.evals.metrics import load_metric
from trainer.evals.suites import is_yaml, load_suite, read_suite, shipped
from trainer.evals.suites.code import runs
from trainer.registry.aliases import check_name
from trainer.store.tables import Approval, Dataset, Job

REGISTERED = "registered"  # beside "gate" in a training job's spec: {"digest", "approval", "by", "at"}
OLD_SKILLS, CARRIED = "old-skills", "suite.jsonl"  # what a base carries of tasks that it could do before
USUAL = ("general", "refusal-twins")  # of the shipped suites, for bases that carry nothing
OURS = ("test", "lessons")  # suites that are asked without being named
FILE_NAME = re.compile(r"^[\w][\w.-]{0,59}$")
MOST_SUITE_BYTES = 16 * 1024 * 1024
ANY_JUDGE = ("yes", "on", "true", "default")  # the one that the settings name
FILES = (".yaml", ".yml", ".jsonl")
CODE = b"\nfiles:"  # in a suite with Python files of its own


def from_file(path: Path) -> dict[str, Any]:
    """What a YAML file asks of a gate. Raises BadInput where it is none."""
    if not path.is_file():
        raise bad(f"There is no file {str(path)[:200]}.", "Give the path of a YAML file; examples/gates/ holds some.")
    with path.open("rb") as file:
        return parse(file.read(MOST_BYTES + 1))


def asked_in(overrides: Mapping[str, Any]) -> Mapping[str, Any] | GateSpec:
    """The gate among a run's words; {} where nobody spoke of one."""
    asked = overrides.get("gate") or {}
    if isinstance(asked, GateSpec):
        return asked
    if not isinstance(asked, Mapping):
        raise bad("A gate is names with values.", 'For example {"primary": "json_fields", "effect": "3%"}.')
    return {name: value for name, value in asked.items() if value is not None}


def register(
    context: Context,
    dataset: Dataset,
    base: Base,
    asked: Mapping[str, Any] | GateSpec,
    *,
    objective: str = "supervised",
) -> GateSpec | None:
    """What a candidate of this run must show: the house's rules where nobody said otherwise. Every name in it is
    looked up, the suites' bytes are kept, and all of it is bound by the digest. None for texts without right answers,
    which no gate can judge. A GateSpec is one that an earlier run had, frozen then. Raises BadInput that names what is
    wrong."""
    if isinstance(asked, GateSpec):
        return asked
    if dataset.kind == "text":
        if asked:
            raise bad(f"{dataset.id} holds plain texts: no gate can judge them.", "Leave the gate out.")
        return None
    spec = read(asked)
    _metrics(spec)
    if spec.alias:
        free_alias(context, spec.alias)
    suites = spec.suites if "suites" in spec.model_fields_set else tuple(_usual(base, objective))
    changed: dict[str, Any] = {"suites": tuple(_frozen(context, base, spec, rule) for rule in suites)}
    once([rule.suite for rule in changed["suites"]])  # two files, or two versions, may be of one name
    if objective == "classify" and not suites and "regression_required" not in spec.model_fields_set:
        changed["regression_required"] = False  # whoever only chooses among labels has no old skills to lose
    if spec.judge:
        changed["judge"] = _judge(context, spec.judge)
    return spec.model_copy(update=changed)


def again(job: Job) -> GateSpec | None:
    """The gate of an earlier run, for one like it; None where it had none that can be read now."""
    try:
        return GateSpec(**job.spec["gate"]) if job.spec.get("gate") else None
    except ValidationError:
        return None


def code(context: Context, spec: GateSpec | None) -> tuple[str, ...]:
    """A sentence for each of the gate's suites whose own code will run in the worker."""
    blobs = context.services.blobs
    kept = [rule for rule in (spec.suites if spec else ()) if rule.sha256 and blobs.exists(rule.sha256)]
    read = [(rule.suite, blobs.get_bytes(rule.sha256)) for rule in kept]
    return tuple(runs(read_suite(data, name, kept=True).suite) for name, data in read if CODE in data)


def covered(spec: GateSpec | None, dataset: Dataset, says: Sequence[str] = ()) -> dict[str, Any]:
    """What an approval binds: the gate, its digest, and the words in which people saw it; `says` are more of these."""
    if spec is None:
        return {}
    counts = (dataset.split or {}).get("counts") or {}
    return {
        "gate": spec.model_dump(mode="json"),
        "gate_digest": spec.digest,
        "gate_says": [*lines(spec, counts.get("test", 0)), *says],
    }


def carried(approval: Approval) -> dict[str, Any]:
    """What the approved job's spec holds of the gate, so that an evaluation finds it; {} where there is none."""
    subject = approval.subject
    if not subject.get("gate"):
        return {}
    told = {"digest": subject["gate_digest"], "approval": approval.id}
    told |= {"by": approval.requested_by, "at": approval.requested_at}
    return {"gate": subject["gate"], REGISTERED: told}


def sentence(approval: Approval) -> str:
    """The gate of a request, a line each, for a terminal and for the agent; "" where there is none."""
    says = approval.subject.get("gate_says")
    if not says:
        return ""
    digest = approval.subject["gate_digest"][:8]
    return "\n".join([f"The gate, registered before training as {digest}:", *(f"- {line}" for line in says)])


def free_alias(context: Context, alias: str) -> str:
    """A name that can be an alias, and is no base's."""
    name = check_name(alias)
    if name in known_bases(context.services.settings):
        raise BadInput(
            f"“{name}” is the name of a base model.",
            fix="Choose another alias, such as tickets-prod.",
            code="bad_alias",
            param="alias",
        )
    return name


def _metrics(spec: GateSpec) -> None:
    """Every metric exists and takes its arguments, and more or less of the primary one is better."""
    primary = load_metric(spec.primary, **spec.arguments)
    if not primary.better:
        raise bad(
            f"Neither more nor less of {plain(spec.primary)} is better, so it cannot decide.",
            "Name it under metrics, to have it reported, and another one as primary.",
            "primary",
        )
    for name in spec.metrics:
        load_metric(name)


def _usual(base: Base, objective: str) -> Iterator[SuiteRule]:
    if objective == "classify":
        return
    if base.carried(CARRIED):
        yield SuiteRule(suite=OLD_SKILLS)
        return
    yield from (SuiteRule(suite=name) for name in USUAL if name in shipped())


def _frozen(context: Context, base: Base, spec: GateSpec, rule: SuiteRule) -> SuiteRule:
    """The rule with its suite's bytes kept and named by their hash. What nobody said of it comes from the suite itself;
    a margin that somebody set for all of them goes before the suite's own."""
    name, data, suite, defaults = _bytes(context, base, rule)
    if "regression_margin" in spec.model_fields_set:
        defaults.pop("margin", None)
    slices = sorted({key for case in suite.cases for key in case.slices})
    by = str(rule.by or ("" if "by" in rule.model_fields_set else defaults.get("by", "")))
    if by and by not in slices:
        raise bad(
            f"No case of {name} has a slice {by[:40]!r}.",
            f"It has: {', '.join(slices)[:200]}." if slices else "Leave by out.",
            "by",
        )
    said = rule.model_fields_set - {"suite"}
    values: dict[str, Any] = {
        "role": suite.role,
        "margin": None,
        **defaults,
        **{key: getattr(rule, key) for key in said},
    }
    values |= {"suite": name, "sha256": context.services.blobs.put_bytes(data)}
    return SuiteRule(**values)


def _bytes(context: Context, base: Base, rule: SuiteRule) -> tuple[str, bytes, Suite, dict[str, Any]]:
    """A suite's name, bytes, cases and own rule: what the base carries, a file at the terminal, the team's or ours."""
    name = rule.suite
    if name in OURS:
        raise bad(f"{name} is asked in every evaluation.", "Leave it out of the suites.", "suites")
    if name == OLD_SKILLS:
        path = base.carried(CARRIED)
        if path is None:
            raise bad(
                f"{base.name} carries no suite of old skills.",
                f"Name another, for example {USUAL[0]}, or put rows into its folder at tunesmith/{CARRIED}.",
                "suites",
            )
        return name, path.read_bytes(), load_suite(path, name, Role.REGRESSION), {}
    if name.lower().endswith(FILES) and context.caller.allow_paths:
        return _of_file(context, Path(name))
    found = context.services.suites.resolve(name)
    return found.name, found.data, found.suite, dict(found.defaults)


def _of_file(context: Context, path: Path) -> tuple[str, bytes, Suite, dict[str, Any]]:
    if not path.is_file():
        raise bad(f"There is no file {str(path)[:200]}.", "Give the path of a suite, or the name of one.", "suites")
    if path.stat().st_size > MOST_SUITE_BYTES:
        raise bad(f"{path.name[:100]} is too large for a suite.", f"{MOST_SUITE_BYTES >> 20} MB at most.", "suites")
    if not is_yaml(path.name):
        name = _free(path.stem, "Give the file another name.")
        return name, path.read_bytes(), load_suite(path, name, Role.REGRESSION), {}
    _, data = frozen(context, path)
    written = read_suite(data, path.stem, kept=True)
    return _free(written.suite.name, "Change its `suite:`."), data, written.suite, dict(written.rule)


def _free(name: str, fix: str) -> str:
    if name in (*OURS, OLD_SKILLS) or not FILE_NAME.match(name):
        raise bad(f"A suite cannot be called {name[:60]!r}.", fix, "suites")
    return name


def _judge(context: Context, rule: JudgeRule) -> JudgeRule:
    """With the model's name, the host that rows will be sent to, and the hash of the words that it will be given."""
    from trainer.evals.judges import prompt_digest
    from trainer.evals.judges.endpoint import Endpoint

    settings = context.services.settings
    model = (settings.judge_model or settings.llm_model) if rule.model.lower() in ANY_JUDGE else rule.model
    endpoint = Endpoint.of(settings, model)
    if not endpoint.ready:
        raise bad(
            "No language model is configured that could judge.",
            "An admin sets TUNESMITH_JUDGE_BASE_URL; or leave the judge out.",
            "judge",
        )
    frozen = {"model": model, "endpoint": endpoint.host, "prompt_sha256": prompt_digest(rule, settings)}
    return rule.model_copy(update=frozen)
