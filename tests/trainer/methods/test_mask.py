"""Which tokens are learned, as text without colour, in words and as a picture."""

from __future__ import annotations

from pathlib import Path

from trainer.inference.chat import end_of_turn_ids, load_tokenizer
from trainer.methods.preflight import picture
from trainer.methods.preflight.mask import END, GAP, Masked, in_words, marked, masks
from trainer.methods.rows import IGNORED, Row, encode_row


def shown(pebble: Path, *rows: Row) -> list[Masked]:
    tokenizer = load_tokenizer(str(pebble))
    encoded = [encode_row(tokenizer, row) for row in rows]
    items = [{"input_ids": row.ids, "labels": row.labels} for row in encoded]
    return masks(tokenizer, items, end_of_turn_ids(tokenizer))


def chat(question: str, answer: str) -> Row:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def test_what_is_learned_stands_in_marks_and_the_end_is_named(pebble: Path) -> None:
    (row,) = shown(pebble, chat("hi", "yes"))
    before, _, learned = marked(row).partition(" «")
    assert before.startswith("<|user|>·") and "yes" in learned.replace("·", "") and learned.endswith("END <|end|>»")
    assert row.learned == sum(token.kind in ("answer", "end") for token in row.tokens)


def test_hostile_text_is_written_as_its_escape(pebble: Path) -> None:
    (row,) = shown(pebble, chat("\x1b[31m\u202eevil", "日本\n"))
    text = marked(row)
    assert "\\u001b" in text and "\\u202e" in text and "日" in text and "⏎" in text
    assert text.isprintable()


def test_a_long_row_keeps_its_ends_and_says_what_is_left_out(pebble: Path) -> None:
    (row,) = shown(pebble, chat("long words " * 60, "yes"))
    (gap,) = [token for token in row.tokens if token.kind == GAP]
    assert "more tokens, 0 of them learned" in gap.text
    assert row.tokens[-1].kind == END and len(row.tokens) < row.count


def test_an_end_that_is_not_learned_is_not_called_one(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    ids = tokenizer("yes<|end|>", add_special_tokens=False)["input_ids"]
    items = [{"input_ids": ids, "labels": [*ids[:-1], IGNORED]}]
    (row,) = masks(tokenizer, items, end_of_turn_ids(tokenizer))
    assert "END" not in marked(row) and "no end of a turn is learned" in in_words([row])


def test_pairs_show_their_better_answer(pebble: Path) -> None:
    tokenizer = load_tokenizer(str(pebble))
    one = encode_row(tokenizer, chat("hi", "yes"))
    items = [{"chosen_ids": one.ids, "chosen_labels": one.labels, "rejected_ids": [], "rejected_labels": []}]
    assert len(masks(tokenizer, items, [])) == 1


def test_the_picture_is_a_png_and_its_words_say_the_counts(pebble: Path) -> None:
    rows = shown(pebble, chat("hi $x^2$ 日本", "yes"), chat("ho", "no"))
    assert picture.draw(rows).startswith(b"\x89PNG") and [Masked.from_dict(row.to_dict()) for row in rows] == rows
    assert f"row 1: {rows[0].learned} of {rows[0].count} tokens carry loss, “yes”" in in_words(rows)
