"""Classification: an encoder learns which label answers a text. Labels are the distinct answers of the train part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.errors import BadInput
from trainer.inference import encoders
from trainer.methods.rows import Row, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.methods.run import Run

MOST_LABELS = 200
LONGEST_LABEL = 100  # characters


@dataclass(slots=True)
class Examples:
    """Texts with the numbers of their labels, and what was left out."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    without_answer: int = 0
    unseen_labels: int = 0


class Classify:
    task_type = "SEQ_CLS"
    rate = 1.0

    def __init__(self) -> None:
        self.labels: list[str] = []

    def load(self, run: Run) -> None:
        """Labels first: rows that cannot be classified are refused before anything is loaded."""
        self.labels = labels_of(read_rows(run.files.train))
        run.tokenizer = encoders.load_tokenizer(run.base)
        run.model = run.method.load(
            run.base,
            run.spec,
            auto="AutoModelForSequenceClassification",
            attn_implementation=None,  # the encoder's best: not all of them know sdpa
            num_labels=len(self.labels),
            id2label=dict(enumerate(self.labels)),
            label2id={label: number for number, label in enumerate(self.labels)},
            problem_type="single_label_classification",
            ignore_mismatched_sizes=True,  # a base with somebody else's labels gets a head of its own
        )
        run.model.config.pad_token_id = run.tokenizer.pad_token_id

    def prepare(self, run: Run) -> None:
        reach = encoders.longest(run.tokenizer, run.model.config)
        limit = min(run.spec.max_length or reach, reach)
        run.tokenizer.model_max_length = limit  # saved with the tokenizer: texts are cut alike when it is served
        examples = read_examples(run.files.train, self.labels)
        run.train_set, cut = encode(run.tokenizer, examples, limit)
        tokens = sum(len(row["input_ids"]) for row in run.train_set)
        run.metrics |= {
            "rows": len(run.train_set),
            "dropped_rows": examples.without_answer,
            "truncated_rows": cut,
            "tokens": tokens,
            "max_length": limit,
            "packing": False,
            "sequences": len(run.train_set),
            "labels": len(self.labels),
            "rarest_label_rows": min(Counter(examples.labels).values()),
        }
        self._validation(run, limit)

    def _validation(self, run: Run, limit: int) -> None:
        if run.files.dev is None:
            return
        dev = read_examples(run.files.dev, self.labels)
        rows, cut = encode(run.tokenizer, dev, limit)
        run.metrics |= {
            "dev_rows": len(rows),
            "dev_dropped_rows": dev.without_answer + dev.unseen_labels,
            "dev_truncated_rows": cut,
            "dev_unseen_labels": dev.unseen_labels,
        }
        if dev.unseen_labels:
            said = (
                "1 validation row has a label"
                if dev.unseen_labels == 1
                else f"{dev.unseen_labels} validation rows have labels"
            )
            run.steward.note("unseen_labels", f"{said} that no training row has: left out.")
        run.dev_set = rows or None

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        from transformers import Trainer, TrainingArguments

        from trainer.methods.hooks import counting

        return counting(Trainer)(
            model=run.model,
            args=TrainingArguments(**arguments, label_names=["labels"]),
            train_dataset=run.train_set,
            eval_dataset=run.dev_set,
            processing_class=run.tokenizer,
            data_collator=Collator(run.tokenizer),
            compute_loss_func=loss,
            compute_metrics=lambda told: scores(told.predictions, told.label_ids),
        )


def labels_of(rows: Sequence[Row]) -> list[str]:
    """Sorted distinct answers. Raises BadInput where they are no labels."""
    answers = Counter(said for row in rows if (said := encoders.answer_of(row["messages"])) is not None)
    if not answers:
        raise _no_labels("No row ends in an answer of text to learn as its label.")
    longest = max(map(len, answers))
    if len(answers) == 1:
        raise _no_labels("All rows have the same answer, so there is nothing to tell apart.", free_text=False)
    if longest > LONGEST_LABEL:
        raise _no_labels(
            f"The longest of {len(answers)} different answers has {longest:,} characters; a label has at "
            f"most {LONGEST_LABEL}."
        )
    if len(answers) > MOST_LABELS:
        raise _no_labels(
            f"There are {len(answers):,} different answers; a classifier takes at most {MOST_LABELS} labels."
        )
    if 2 * len(answers) > answers.total():
        raise _no_labels(
            f"There are {len(answers)} different answers in {answers.total()} rows: hardly any is seen twice."
        )
    return sorted(answers)


def _no_labels(found: str, *, free_text: bool = True) -> BadInput:
    said = "These answers are free text: train a base that writes (objective supervised). " if free_text else ""
    return BadInput(
        found,
        fix=f"{said}For a classifier, each row's answer is one of a few short labels, each in several rows.",
        code="no_labels",
        param="dataset",
    )


def read_examples(path: Path, labels: Sequence[str]) -> Examples:
    """Rows of a file as texts and label numbers; rows without an answer, or with one that is no label, are counted."""
    known, out = {label: number for number, label in enumerate(labels)}, Examples()
    for row in read_rows(path):
        answer = encoders.answer_of(row["messages"])
        if answer is None:
            out.without_answer += 1
        elif answer not in known:
            out.unseen_labels += 1
        else:
            out.texts.append(encoders.text_of(row["messages"]))
            out.labels.append(known[answer])
    return out


def encode(tokenizer: Any, examples: Examples, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Token ids with their label, and how many texts were cut to `limit` tokens."""
    if not examples.texts:
        return [], 0
    whole = tokenizer(examples.texts, truncation=False, verbose=False)["input_ids"]
    kept = tokenizer(examples.texts, truncation=True, max_length=limit)["input_ids"]
    rows = [{"input_ids": ids, "labels": label} for ids, label in zip(kept, examples.labels, strict=True)]
    return rows, sum(len(ids) > limit for ids in whole)


class Collator:
    """Right-padded batches: input_ids and attention_mask [rows, longest], labels [rows]; `real_tokens` is what is not
    padding."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
        import torch

        out = self.tokenizer.pad({"input_ids": [row["input_ids"] for row in batch]}, return_tensors="pt")
        return {
            "input_ids": out["input_ids"],
            "attention_mask": out["attention_mask"],
            "labels": torch.tensor([row["labels"] for row in batch]),
            "real_tokens": sum(len(row["input_ids"]) for row in batch),
        }


def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Mean nats per example; of an accumulated batch this part's share, so that 1×8 learns what 8×1 learns."""
    from torch.nn.functional import cross_entropy

    if num_items_in_batch is None:
        return cross_entropy(outputs.logits.float(), labels)
    return cross_entropy(outputs.logits.float(), labels, reduction="sum") / num_items_in_batch


def scores(logits: Any, labels: Any) -> dict[str, float]:
    """Accuracy and macro F1 (the mean over labels that occur or were chosen) of logits [rows, labels]."""
    import numpy
    from sklearn.metrics import accuracy_score, f1_score

    chosen = numpy.asarray(logits).argmax(axis=-1)
    macro = f1_score(labels, chosen, average="macro")
    return {"accuracy": float(accuracy_score(labels, chosen)), "macro_f1": float(macro)}
