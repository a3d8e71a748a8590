"""A sweep: several short runs that differ in a few values, judged on the validation rows and never on the test rows.
Optuna chooses what to try next; finished trials are handed in again after an interruption."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trainer.errors import BadInput, TunesmithError
from trainer.inference.extra import train_extra
from trainer.methods.spec import RunSpec

# Values that leave the validation loss comparable between trials: length, template or beta would change its scale.
SWEPT = (
    "learning_rate",
    "epochs",
    "batch_size",
    "gradient_accumulation",
    "scheduler",
    "warmup_ratio",
    "weight_decay",
    "max_grad_norm",
    "replay",
    "method",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "use_rslora",
    "use_dora",
    "virtual_tokens",
)
MOST_CHOICES = 20


class Axis(BaseModel):
    """One value to vary: between `low` and `high` (`log`: evenly by factor), or among `choices`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal[SWEPT]  # type: ignore[valid-type]
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[str | int | float | bool, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Axis:
        if self.choices:
            if self.low is not None or self.high is not None or not 2 <= len(self.choices) <= MOST_CHOICES:
                raise ValueError(f"{self.name} takes 2 to {MOST_CHOICES} choices, or two ends")
        elif self.low is None or self.high is None or not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"{self.name} needs a lower and a higher end, above 0 where they are factors")
        return self

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name} in {', '.join(str(choice) for choice in self.choices)}"
        return f"{self.name} from {self.low:g} to {self.high:g}"


class SweepSpec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    run: RunSpec  # what every trial has in common
    axes: Annotated[tuple[Axis, ...], Field(min_length=1, max_length=6)]
    trials: Annotated[int, Field(ge=2, le=100)] = 6

    @model_validator(mode="after")
    def _every_end_is_a_run(self) -> SweepSpec:
        if len({axis.name for axis in self.axes}) < len(self.axes):
            raise ValueError("each value can be swept once")
        for axis in self.axes:
            for value in axis.choices or (axis.low, axis.high):
                try:
                    self.spec({axis.name: value})
                except ValidationError as error:
                    said = error.errors(include_url=False)[0]["msg"]
                    raise ValueError(f"{axis.name} {value}: {said[0].lower()}{said[1:]}") from None
        return self

    def spec(self, values: dict[str, Any]) -> RunSpec:
        """The run of one trial. Without replay there is no dataset to replay."""
        made = RunSpec.model_validate(self.run.model_dump() | values)
        return made if made.replay else made.model_copy(update={"replay_dataset": None})

    def ends(self) -> Iterator[RunSpec]:
        """Runs at either end of each axis, or at each of its choices: if these can be run, so can what lies between."""
        for axis in self.axes:
            for value in axis.choices or (axis.low, axis.high):
                yield self.spec({axis.name: value})


class Trial(BaseModel):
    """What came of one trial. `val_loss` None: it failed, and `note` says how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, Any]
    val_loss: float | None
    note: str = ""
    steps: int = 0
    trained_tokens: int = 0
    seconds: float = 0.0


def default_axes(spec: RunSpec, learning_rate: float) -> tuple[Axis, ...]:
    """What matters most: the learning rate, a factor of three to both sides; the rank where there is one."""
    low, high = (float(f"{rate:.2g}") for rate in (learning_rate / 3, min(learning_rate * 3, 0.5)))
    rate = Axis(name="learning_rate", low=low, high=high, log=True)
    ranked = spec.method in ("lora", "qlora")
    return (rate, Axis(name="lora_r", choices=(8, 16, 32))) if ranked else (rate,)


def parse_axis(text: str) -> Axis:
    """`learning_rate=1e-4..1e-2` (by factor where it spans ten or more), `lora_r=8,16,32`."""
    name, equals, said = text.partition("=")
    name = name.strip().replace("-", "_")
    try:
        if not equals or name not in SWEPT:
            raise BadInput(
                f"{name[:40]!r} cannot be swept.", fix=f"Known: {', '.join(SWEPT)}.", code="bad_sweep", param="over"
            )
        if ".." in said:
            low, high = (float(end) for end in said.split("..", 1))
            return Axis(name=name, low=low, high=high, log=low > 0 and high / low >= 10)
        return Axis(name=name, choices=tuple(_value(word.strip()) for word in said.split(",") if word.strip()))
    except (ValueError, OverflowError) as error:
        raise _refusal(text, error) from None


def make_sweep(run: RunSpec, axes: tuple[Axis, ...], trials: int) -> SweepSpec:
    """Raises BadInput with what would fit."""
    try:
        return SweepSpec(run=run, axes=axes, trials=trials)
    except (ValidationError, ValueError) as error:
        raise _refusal("This sweep", error) from None


def _refusal(what: str, error: Exception) -> BadInput:
    first = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
    said = first.splitlines()[0].removeprefix("Value error, ")
    return BadInput(
        f"{what[:80]} does not fit: {said[:200]}.",
        fix="Write --over learning_rate=1e-4..1e-2 or --over lora_r=8,16,32; 2 to 100 trials.",
        code="bad_sweep",
        param="over",
    )


def _value(word: str) -> str | int | float | bool:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    for cast in (int, float):
        try:
            return cast(word)
        except ValueError:
            continue
    return word


def search(sweep: SweepSpec, done: list[Trial], attempt: Callable[[int, RunSpec], Trial]) -> Iterator[Trial]:
    """Try until there are `sweep.trials` in all; `attempt(number from 1, spec)` runs one and may raise."""
    with train_extra("A sweep"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {axis.name: _distribution(axis) for axis in sweep.axes}
    seed = sweep.run.seed + len(done)  # the same seed again would propose the first trials anew
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=3))
    for trial in done:
        study.add_trial(_told(trial, space))
    if not done:  # first what would have been used without a sweep, where the space holds it
        usual = {axis.name: getattr(sweep.run, axis.name) for axis in sweep.axes}
        if all(_holds(space[name], value) for name, value in usual.items()):
            study.enqueue_trial(usual)
    for number in range(len(done) + 1, sweep.trials + 1):
        asked = study.ask(space)
        made = attempt(number, sweep.spec(asked.params)).model_copy(update={"values": dict(asked.params)})
        failed = made.val_loss is None or not math.isfinite(made.val_loss)
        study.tell(asked, None if failed else made.val_loss, state=_state(failed))
        yield made


def best_of(trials: list[Trial]) -> Trial:
    """The lowest validation loss; of equal ones the first. Raises TunesmithError where every trial failed."""
    finished = [trial for trial in trials if trial.val_loss is not None and math.isfinite(trial.val_loss)]
    if not finished:
        raise TunesmithError(
            f"All {len(trials)} trials failed; the last one said: {trials[-1].note[:200] if trials else 'nothing'}",
            fix="Try a single run first, with a lower learning rate.",
            code="sweep_failed",
        )
    return min(finished, key=lambda trial: trial.val_loss or 0.0)


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if axis.choices:
        return CategoricalDistribution(axis.choices)
    assert axis.low is not None and axis.high is not None
    if RunSpec.model_fields[axis.name].annotation is int:
        return IntDistribution(math.ceil(axis.low), math.floor(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _told(trial: Trial, space: dict[str, Any]) -> Any:
    import optuna

    failed = trial.val_loss is None
    return optuna.trial.create_trial(
        params=trial.values, distributions=space, value=None if failed else trial.val_loss, state=_state(failed)
    )


def _state(failed: bool) -> Any:
    from optuna.trial import TrialState

    return TrialState.FAIL if failed else TrialState.COMPLETE


def _holds(distribution: Any, value: Any) -> bool:
    try:
        return value is not None and distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError, KeyError):
        return False
