"""Checks of the rows as the trainer will see them: token ids, labels, and the prompt that serving would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trainer.inference import chat
from trainer.methods.preflight.verdict import Check, stop_at_a_failure
from trainer.methods.rows import IGNORED, Encoded, EncodedRows, Row

LOOKED_AT = 32  # rows whose prompt is written as serving would


def check(tokenizer: Any, encoded: EncodedRows, model: Any = None, rows: Sequence[Row] = ()) -> dict[str, Any]:
    """Raise BadInput with the remedy, or return the figures for the run's card. `rows` are the conversations
    before they were encoded; without them, prompts are not compared."""
    counts, ends = encoded.counts, chat.end_of_turn_ids(tokenizer, model)
    checks = [supervised(encoded), single_bos(tokenizer, encoded.rows)]
    stop_at_a_failure(checks)
    checks += [end_taught(encoded.rows, ends), same_prompt(tokenizer, rows)]
    stop_at_a_failure(checks)
    return {
        "supervised_fraction": round(counts.supervised_tokens / max(counts.tokens, 1), 4),
        "end_of_turn_tokens": ends,
        "rows_that_teach_the_end": sum(1 for row in encoded.rows if _teaches(row, set(ends))),
        "pad_is_eos": tokenizer.pad_token_id == tokenizer.eos_token_id,
        "preflight": [one.to_dict() for one in checks],
    }


def supervised(encoded: EncodedRows) -> Check:
    """Guards against a run whose every label is ignored: its loss is 0 / 0, or 0, and it learns nothing."""
    counts, rows = encoded.counts, encoded.rows
    learned = sum(row.supervised for row in rows)
    if not learned:
        return Check(
            "supervised",
            False,
            f"None of the {counts.rows} rows has an answer within the length limit to learn from.",
            fix="Raise max_length, shorten the prompts, or give assistant turns a weight of 1.",
            code="nothing_supervised",
            param="max_length",
        )
    read = sum(len(row.ids) for row in rows)
    words = f"{learned:,} of {read:,} tokens ({learned / read:.0%}) carry loss."
    if counts.dropped_rows:
        words += f" {counts.dropped_rows:,} of {counts.rows:,} rows are left out: there is nothing in them to learn."
    if counts.truncated_rows:
        words += f" {counts.truncated_rows:,} rows lose their end to the length limit."
    return Check("supervised", True, words)


def single_bos(tokenizer: Any, rows: Sequence[Encoded]) -> Check:
    """Guards against a template and a tokenizer that both begin a row: serving begins it once."""
    bos = tokenizer.bos_token_id
    if bos is not None and any(row.ids[:2] == [bos, bos] for row in rows):
        return Check(
            "bos",
            False,
            "Rows begin with two beginning-of-sequence tokens, which the model never sees when it is served.",
            fix="Remove the bos token from the contents of the first message or from the chat template.",
            code="double_bos",
        )
    begins = bos is not None and any(row.ids[:1] == [bos] for row in rows)
    return Check("bos", True, f"Every row begins with {'one' if begins else 'no'} beginning-of-sequence token.")


def end_taught(rows: Sequence[Encoded], ends: Sequence[int]) -> Check:
    """Guards against a model that talks on for ever: its end-of-turn token carried no loss."""
    stops = set(ends)
    taught = sum(1 for row in rows if _teaches(row, stops))
    if not taught:
        return Check(
            "end",
            False,
            "No row teaches the end of an answer: the end-of-turn token carries no loss, so a tuned model "
            "would not stop by itself.",
            fix="Put the end-of-turn token inside {% generation %} in the chat template; if rows are cut, "
            "raise max_length.",
            code="end_not_taught",
        )
    return Check("end", True, f"{taught:,} of {len(rows):,} rows teach the model to stop.")


def _teaches(row: Encoded, stops: set[int]) -> bool:
    return any(label in stops for label in row.labels if label != IGNORED)


def same_prompt(tokenizer: Any, rows: Sequence[Row]) -> Check:
    """Guards against a template that writes a prompt otherwise in training than in serving.

    The ids of a whole conversation must begin with the ids that serving feeds for what stands before its last
    answer. At the seam the tokenizer may merge a prompt's last letter with the answer's first; that is counted as
    the same where most rows agree in full.
    """
    looked = [one for one in rows[:LOOKED_AT] if _answers(one.get("messages") or ())]
    if not looked:
        return Check("template", None, "No row ends with an answer to something, so there was no prompt to compare.")
    apart = sum(1 for one in looked if _differs(tokenizer, one))
    if apart * 2 > len(looked):
        return Check(
            "template",
            False,
            f"In {apart} of {len(looked)} rows the prompt reads otherwise in training than in serving: the model "
            "would be asked in a way it was never taught.",
            fix="Make the chat template write the same text with add_generation_prompt as before an answer, or choose "
            "a base whose template does.",
        )
    seam = f" ({apart} differ at the seam between prompt and answer)" if apart else ""
    return Check("template", True, f"The prompts of {len(looked)} rows are the very ids that serving feeds{seam}.")


def _answers(messages: Sequence[Row]) -> bool:
    return len(messages) > 1 and messages[-1]["role"] == "assistant"


def _differs(tokenizer: Any, row: Row) -> bool:
    messages, tools = row["messages"], row.get("tools")
    prompt = list(chat.prompt_ids(tokenizer, messages[:-1], tools=tools))
    return chat.spoken(tokenizer, messages, tools=tools).ids[: len(prompt)] != prompt
