"""What DPO, ORPO and KTO share: pairs of answers as token ids, what becomes of rows that teach nothing, the base that
answers beside the model, and the figures told at the end.

A row is read in the canonical shape of its kind (`trainer.data.split.shapes`). Both sides are written by the base's own
chat template; the loss is on each side's assistant turns, ends included, and never on the prompt."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.data.split.shapes import talk
from trainer.errors import BadInput
from trainer.methods import preflight
from trainer.methods.objectives.supervised import Supervised, longest
from trainer.methods.rows import IGNORED, Counts, Encoded, EncodedRows, Row, encode_row, read_rows

if TYPE_CHECKING:
    from trainer.methods.run import Run

TOLD = {"rewards/accuracies": "pairs_won", "rewards/margins": "reward_margin"}


@dataclass(slots=True)
class Preferences:
    """Rows as the trainer takes them: `chosen_*` and `rejected_*`, or one answer with its `label`. `sides` are all
    answers that remain and `talks` their conversations (of pairs the better one), for preflight; `counts` count rows,
    and tokens of all their sides."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    sides: list[Encoded] = field(default_factory=list)
    talks: list[Row] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    same_answers: int = 0
    different_prompts: int = 0

    def encoded(self) -> EncodedRows:
        return EncodedRows(self.sides, self.counts)


class Preference(Supervised):
    """An objective over two answers to one prompt."""

    rate = 0.1

    def prepare(self, run: Run) -> None:
        limit = run.spec.max_length or longest(run.tokenizer, run.model, run.method.reserved(run.spec))
        found = self.encode(run.tokenizer, read_rows(run.files.train), limit)
        _something_to_prefer(found)
        run.metrics |= {**found.counts.to_dict(), "max_length": limit, "packing": False}
        run.metrics |= {"same_answers": found.same_answers, "different_prompts": found.different_prompts}
        run.metrics |= preflight.check(run.tokenizer, found.encoded(), run.model, found.talks)
        rows = list(found.rows)
        random.Random(run.spec.seed).shuffle(rows)  # noqa: S311 (data, not secrets)
        run.train_set = self.dataset(rows, run)
        run.metrics["sequences"] = len(run.train_set)
        dev = self.encode(run.tokenizer, read_rows(run.files.dev), limit) if run.files.dev else Preferences()
        run.metrics |= {"dev_rows": len(dev.rows), "dev_dropped_rows": dev.counts.dropped_rows}
        if dev.rows:
            run.dev_set = self.dataset(dev.rows, run)

    def encode(self, tokenizer: Any, rows: Sequence[Row], limit: int) -> Preferences:
        return encode_pairs(tokenizer, rows, limit)

    def dataset(self, rows: Sequence[dict[str, Any]], run: Run) -> Any:
        from datasets import Dataset, disable_progress_bars

        disable_progress_bars()
        return Dataset.from_list(list(rows))


def encode_pairs(tokenizer: Any, rows: Sequence[Row], limit: int) -> Preferences:
    """Pairs that can be told apart; a row of which a side is empty, cut to nothing or equal to the other is counted
    and left out."""
    out = Preferences()
    for row in rows:
        out.counts.rows += 1
        if not _answers_one_prompt(row):
            out.different_prompts += 1
            out.counts.dropped_rows += 1
            continue
        chosen, rejected = (encode_side(tokenizer, row, name) for name in ("chosen", "rejected"))
        cut = [cut_to(side, limit) for side in (chosen, rejected)]
        if cut[0].ids == cut[1].ids or not all(side.supervised for side in cut):
            out.same_answers += chosen.ids == rejected.ids
            out.counts.dropped_rows += 1
            continue
        out.counts.truncated_rows += len(cut[0].ids) < len(chosen.ids) or len(cut[1].ids) < len(rejected.ids)
        _add(out, cut)
        out.talks.append(talk(row) or {})
        out.rows.append({**_columns("chosen", cut[0]), **_columns("rejected", cut[1])})
    return out


def _answers_one_prompt(row: Row) -> bool:
    asked = any(message["role"] != "assistant" for message in row.get("prompt", ()))
    return asked and row["chosen"][0]["role"] == row["rejected"][0]["role"] == "assistant"


def encode_side(tokenizer: Any, row: Row, name: str) -> Encoded:
    """The prompt and one answer; what the assistant said inside the prompt carries no loss."""
    before = [{**m, "weight": 0} if m["role"] == "assistant" else m for m in row["prompt"]]
    return encode_row(tokenizer, {"messages": [*before, *row[name]], "tools": row.get("tools")})


def cut_to(side: Encoded, limit: int) -> Encoded:
    return side if len(side.ids) <= limit else Encoded(side.ids[:limit], side.labels[:limit])


def _add(out: Preferences, sides: Sequence[Encoded]) -> None:
    for side in sides:
        out.sides.append(side)
        out.counts.tokens += len(side.ids)
        out.counts.supervised_tokens += side.supervised


def _columns(name: str, side: Encoded) -> dict[str, list[int]]:
    return {f"{name}_ids": side.ids, f"{name}_labels": side.labels}


def _something_to_prefer(found: Preferences) -> None:
    counts = found.counts
    if found.rows:
        return
    why = []
    if found.same_answers:
        why.append(f"{found.same_answers} have equal answers")
    if found.different_prompts:
        why.append(f"{found.different_prompts} have answers without a common prompt")
    cut = counts.dropped_rows - found.same_answers - found.different_prompts
    if cut > 0:
        why.append(f"{cut} do not differ within the length limit")
    raise BadInput(
        f"None of the {counts.rows} rows has answers to choose between ({', '.join(why) or 'there are none'}).",
        fix="Give each row one prompt and two answers that differ; if they are long, raise max_length.",
        code="nothing_to_prefer",
        param="dataset",
    )


def padded(rows: Sequence[tuple[list[int], list[int]]], pad: int) -> dict[str, Any]:
    """Right-padded tensors [rows, longest] of (ids, labels): input_ids, attention_mask and completion_mask, which is 1
    where a label carries loss."""
    import torch

    width = max(len(ids) for ids, _ in rows)

    def fill(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (width - len(values))

    return {
        "input_ids": torch.tensor([fill(ids, pad) for ids, _ in rows]),
        "attention_mask": torch.tensor([fill([1] * len(ids), 0) for ids, _ in rows]),
        "completion_mask": torch.tensor([fill([int(label != IGNORED) for label in labels], 0) for _, labels in rows]),
    }


def sides_of(batch: Sequence[dict[str, Any]]) -> Iterator[tuple[list[int], list[int]]]:
    """All better answers, then all worse ones: (ids, labels)."""
    for name in ("chosen", "rejected"):
        for row in batch:
            yield row[f"{name}_ids"], row[f"{name}_labels"]


def reference(run: Run) -> Any:
    """The base that answers beside the model: None where an adapter only has to be switched off, else a frozen copy in
    the run's own precision. What it takes is told."""
    if run.method.is_adapter:
        run.metrics["reference"] = "the base with the adapter off"
        return None
    from trainer.methods.method import frozen_dtype, load_model

    model = load_model(run.base, frozen_dtype(run.spec)).requires_grad_(False).eval()
    size = sum(p.numel() * p.element_size() for p in model.parameters())
    run.metrics["reference"], run.metrics["reference_bytes"] = "a frozen copy of the base", size
    run.steward.tell("loading", note=f"A frozen copy of the base answers beside it: {size / 2**20:,.0f} MiB more.")
    return model


def learned(run: Run) -> dict[str, Any]:
    """What every one of TRL's configs is told of the run beside the common arguments."""
    return {"beta": run.spec.beta, "disable_dropout": run.spec.lora_dropout == 0}


def trainer_of(parent: Any, run: Run, config: Any, collator: Any, **own: Any) -> Any:
    """TRL's trainer on the run's model and rows."""
    return prepared(parent)(
        model=run.model,
        args=config,
        train_dataset=run.train_set,
        eval_dataset=run.dev_set,
        processing_class=run.tokenizer,
        data_collator=collator,
        callbacks=[telling(run)],
        **own,
    )


def against_base(parent: Any, run: Run, config: Any, collator: Any) -> Any:
    """The same, with the base answering beside the model."""
    made = trainer_of(parent, run, config, collator, ref_model=reference(run))
    without_copy(run)
    return made


def without_copy(run: Run) -> None:
    """TRL copies a fresh adapter as its reference; such an adapter changes nothing yet, so switching it off is the
    same, and saves its memory and its place in what is saved."""
    if run.method.is_adapter and "ref" in run.model.peft_config:
        run.model.delete_adapter("ref")


def telling(run: Run) -> Any:
    """A callback that puts the figures of the best validation into `run.metrics` when the run ends."""
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            told = [entry for entry in state.log_history if "eval_loss" in entry and entry["step"] > 0]
            best = min(told, key=lambda entry: entry["eval_loss"], default={})
            for name, ours in TOLD.items():
                if f"eval_{name}" in best:
                    run.metrics[ours] = round(best[f"eval_{name}"], 4)

    return Telling()


def prepared(parent: Any) -> Any:
    """TRL's trainer, given rows that are token ids already, with validation figures weighed by the rows of a batch."""
    from trainer.methods.hooks import counting

    class Prepared(parent):
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

        def prediction_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            rows = next(len(value) for name, value in inputs.items() if name.endswith("input_ids"))
            self.__dict__.setdefault("weights", []).append(rows)
            return super().prediction_step(model, inputs, *args, **kwargs)

        def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
            if "eval_loss" in logs:
                kept = self._stored_metrics if hasattr(self, "_stored_metrics") else self._metrics
                _weigh(kept["eval"], self.__dict__.pop("weights", []))
            super().log(logs, *args, **kwargs)

    Prepared.__name__ = f"Prepared{parent.__name__}"
    made: Any = Prepared
    return counting(made)


def _weigh(figures: dict[str, list[float]], weights: Sequence[int]) -> None:
    """TRL takes the mean over batches, in which the rows of a short last one count too much."""
    for name, values in figures.items():
        if name.removeprefix("eval_") in TOLD and len(values) == len(weights):
            figures[name] = [sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)]
