"""Kahneman-Tversky optimization (Ethayarajh et al., 2024): single answers marked good or bad, measured against what the
base thinks of them. Pairs are taken apart into a good and a bad answer. `beta` holds the model to the base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trainer.data.split.shapes import talk
from trainer.errors import BadInput
from trainer.methods.objectives.preference import (
    Preference,
    Preferences,
    against_base,
    cut_to,
    encode_pairs,
    encode_side,
    learned,
    padded,
)
from trainer.methods.rows import IGNORED, Encoded, Row

if TYPE_CHECKING:
    from trainer.methods.run import Run


class Kto(Preference):
    rate = 0.1  # as DPO's: the authors found 5e-7 to 5e-6 for all weights of a 7B

    def prepare(self, run: Run) -> None:
        if run.batch_size < 2:  # of this process, or after a retry with half the batch
            raise BadInput(
                "KTO compares the answers of a batch, and only one row fits at a time here.",
                fix="Lower max_length or use method qlora, so that two rows or more fit.",
                code="batch_too_small",
                param="batch_size",
            )
        super().prepare(run)
        good = sum(run.train_set["label"])
        bad = len(run.train_set) - good
        if not good or not bad:
            said = "good" if good else "bad"
            raise BadInput(
                f"All {good + bad} answers are marked {said}: there is nothing to tell apart.",
                fix="Add answers of the other kind" + (", or train on these as supervised." if good else "."),
                code="one_label",
                param="dataset",
            )
        run.metrics |= {"good_rows": good, "bad_rows": bad}

    def encode(self, tokenizer: Any, rows: Sequence[Row], limit: int) -> Preferences:
        if rows and "chosen" in rows[0]:
            return _apart(encode_pairs(tokenizer, rows, limit))
        return encode_rated(tokenizer, rows, limit)

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        from trl.trainer.kto_config import KTOConfig
        from trl.trainer.kto_trainer import KTOTrainer

        good, bad = run.metrics["good_rows"], run.metrics["bad_rows"]
        config = KTOConfig(
            **arguments,
            **learned(run),
            max_length=None,  # cut by us already, and counted
            desirable_weight=max(1.0, bad / good),  # the rarer kind weighs more, so that both weigh the same in all
            undesirable_weight=max(1.0, good / bad),
            train_sampling_strategy="sequential",  # TRL insists; the rows were shuffled by the seed
        )
        collator = Collator(run.tokenizer.pad_token_id, run.metrics["max_length"])
        return against_base(KTOTrainer, run, config, collator)


def encode_rated(tokenizer: Any, rows: Sequence[Row], limit: int) -> Preferences:
    """Answers with their labels; one of which nothing is left within the limit is counted and left out."""
    out = Preferences()
    for row in rows:
        out.counts.rows += 1
        whole = encode_side(tokenizer, row, "completion")
        side = cut_to(whole, limit)
        if not side.supervised:
            out.counts.dropped_rows += 1
            continue
        out.counts.truncated_rows += len(side.ids) < len(whole.ids)
        out.counts.tokens += len(side.ids)
        out.counts.supervised_tokens += side.supervised
        out.sides.append(side)
        out.talks.append(talk(row) or {})
        out.rows.append(_rated(side.ids, side.labels, row["label"]))
    return out


def _apart(pairs: Preferences) -> Preferences:
    pairs.rows = list(_both(pairs.rows))
    return pairs


def _both(pairs: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        yield _rated(pair["chosen_ids"], pair["chosen_labels"], True)
        yield _rated(pair["rejected_ids"], pair["rejected_labels"], False)


def _rated(ids: list[int], labels: list[int], label: bool) -> dict[str, Any]:
    return {"ids": ids, "labels": labels, "label": label}


class Collator:
    """Right-padded answers with their `label`, and each prompt with its neighbour's answer (`KL_…`), by which KTO
    estimates how far the model has moved; `real_tokens` counts what of the answers is not padding."""

    def __init__(self, pad_token: int, limit: int) -> None:
        self.pad_token, self.limit = pad_token, limit

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, Any]:
        import torch

        out = padded([(row["ids"], row["labels"]) for row in batch], self.pad_token)
        strange = [self._stranger(row, batch[at - 1]) for at, row in enumerate(batch)]
        out |= {f"KL_{name}": value for name, value in padded(strange, self.pad_token).items()}
        real = sum(len(row["ids"]) for row in batch)
        return out | {"label": torch.tensor([row["label"] for row in batch]), "real_tokens": real}

    def _stranger(self, row: dict[str, Any], other: dict[str, Any]) -> tuple[list[int], list[int]]:
        begins, there = _answer_at(row), _answer_at(other)
        ids = row["ids"][:begins] + other["ids"][there:]
        made = cut_to(Encoded(ids, [IGNORED] * begins + other["labels"][there:]), self.limit)
        return made.ids, made.labels


def _answer_at(row: dict[str, Any]) -> int:
    return next(at for at, label in enumerate(row["labels"]) if label != IGNORED)
