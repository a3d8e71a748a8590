"""The check and the loaders agree: what is accepted loads in `datasets` and TRL row by row; what is rejected,
some loader refuses, miscounts or silently alters, or the API's own types forbid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trainer.data.defects import DEFECTS, VALID, good, write
from tests.trainer.data.rows import lines
from trainer.data.check import check, rows
from trainer.data.findings import CODES
from trainer.types import Severity

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% elif m.content %}{% for p in m.content %}{{ p.text }}{% endfor %}"
    "{% endif %}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|im_end|>\n{% endfor %}"
)
# What the check refuses though loaders take it in: the rule is OpenAI's, or a loader's silence costs the row.
RULES = {
    "unknown_key": "OpenAI's API refuses keys it does not know",
    "bad_weight": "OpenAI: an integer 0 or 1, on assistant messages; datasets makes one type of all",
    "bad_metadata": "datasets makes one struct of all rows' metadata",
    "empty_content": "there is nothing to read or to learn",
    "no_assistant": "there is nothing to learn",
    "last_not_assistant": "the last turn is the one to learn",
    "unknown_role": "OpenAI's types",
    "missing_content": "OpenAI's types",
    "content_not_text": "only text can be trained on here",
    "bad_name": "OpenAI's types",
    "bad_tools": "OpenAI's types",
    "bad_parallel_tool_calls": "OpenAI's types",
    "bad_tool_call": "OpenAI's types",
    "tool_arguments_not_text": "OpenAI's types",
    "tool_arguments_not_json": "the call cannot be made",
    "tool_without_call": "OpenAI's API refuses a result without its call",
    "call_without_result": "OpenAI's API refuses a call without its result",
    "nul_character": "Postgres and C readers cut the text there",
    "nan_or_infinity": "no JSON: the next reader may refuse it",
    "huge_integer": "loaded as a float, its digits lost",
    "line_too_long": "our own limit",
    "missing_role": "OpenAI's types",
}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|pad|>")
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = TEMPLATE
    return fast


def loaded(path: Path, cache: Path) -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset("json", data_files=str(path), cache_dir=str(cache))["train"]


def tokenised(dataset: Any, tokenizer: Any, folder: Path) -> Any:
    """As TRL's own trainer prepares it, before a step is made."""
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                         num_attention_heads=1, num_key_value_heads=1)  # fmt: skip
    arguments = SFTConfig(output_dir=str(folder), max_length=None, report_to="none", use_cpu=True, bf16=False,
                          gradient_checkpointing=False, disable_tqdm=True)  # fmt: skip
    trainer = SFTTrainer(
        model=LlamaForCausalLM(config), args=arguments, train_dataset=dataset, processing_class=tokenizer
    )
    return trainer.train_dataset


def agree(path: Path, folder: Path, tokenizer: Any) -> int:
    """What the check accepts of `path`, written out as it stands, loads row for row; how many rows that is."""
    report = check(path, structure_only=True)
    accepted = [row for _, row in rows(path)] if report.accepted else []
    assert len(accepted) == report.accepted
    if not accepted:
        return 0
    clean = folder / "accepted.jsonl"
    clean.write_text("".join(json.dumps(row) + "\n" for row in accepted))
    dataset = loaded(clean, folder / "cache")
    assert len(dataset) == report.accepted
    if report.kind == "chat":
        ready = tokenised(dataset, tokenizer, folder / "out")
        assert len(ready) == report.accepted
        assert all(len(ids) > 0 for ids in ready["input_ids"])
    return report.accepted


@pytest.mark.parametrize("name", sorted(p.name for p in REAL.glob("*.jsonl")) or ["none"])
def test_real_files_load_row_for_row(name: str, tmp_path: Path, tokenizer: Any) -> None:
    if not (REAL / name).is_file():
        pytest.skip("the real datasets are not beside this checkout")
    report = check(REAL / name, structure_only=True)
    errors = {f.line for f in report.findings if f.severity is Severity.ERROR and f.line}
    assert report.accepted + len(errors) == report.rows
    agree(REAL / name, tmp_path, tokenizer)


def test_every_valid_shape_loads_row_for_row(tmp_path: Path, tokenizer: Any) -> None:
    path = write(tmp_path / "f.jsonl", *good(10), *VALID)
    assert agree(path, tmp_path, tokenizer) == 10 + len(VALID)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(many=st.lists(lines(), max_size=8))
def test_fuzzed_rows_load_row_for_row(many: list[bytes], tmp_path_factory: Any, tokenizer: Any) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = write(folder / "f.jsonl", *good(2), *many)
    assert agree(path, folder, tokenizer) >= 2


def refusals(line: bytes, folder: Path, tokenizer: Any) -> Iterator[str]:
    """Who has what against this row, loaded between two clean ones."""
    path = write(folder / "three.jsonl", good(1)[0], line, good(1, 1)[0])
    try:
        dataset = loaded(path, folder / "cache")
    except Exception as error:
        yield f"datasets: {type(error).__name__}"
        return
    if len(dataset) != 3:
        yield f"datasets: {len(dataset)} rows of three lines"
        return
    try:
        given = json.loads(line)
    except ValueError as error:
        yield f"json: {error}"
        return
    if _lost(given, dataset[1]):
        yield "datasets: altered on the way"
    try:
        tokenised(dataset, tokenizer, folder / "out")
    except Exception as error:
        yield f"TRL: {type(error).__name__}"


def _lost(given: Any, found: Any) -> bool:
    """A value that was there has changed; keys that arrow fills with null do not count."""
    if isinstance(given, dict):
        return not isinstance(found, dict) or any(_lost(v, found.get(k)) for k, v in given.items())
    if isinstance(given, list):
        return not isinstance(found, list) or len(given) != len(found) or any(map(_lost, given, found))
    return type(given) is not type(found) or given != found


REJECTED = [(code, line) for code, line in DEFECTS if CODES[code].severity is Severity.ERROR]


@pytest.mark.parametrize(("code", "line"), REJECTED)
def test_a_rejected_row_is_refused_by_a_loader_or_a_rule(
    code: str, line: str | bytes, tmp_path: Path, tokenizer: Any
) -> None:
    raw = line.encode() if isinstance(line, str) else line
    found = list(refusals(raw, tmp_path, tokenizer))
    assert found or code in RULES, f"{code}: every loader takes this row, and no rule is named"
