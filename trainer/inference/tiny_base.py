"""The tiny base: a two-million-parameter Llama built on this machine, so that a first run needs no model hub."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.bases import tiny_base_folder
from trainer.inference import tiny_tasks
from trainer.inference.extra import quiet_libraries, train_extra
from trainer.inference.tiny_recipe import ASSISTANT, CHAT_TEMPLATE, END, PAD, RECIPE, SYSTEM, USER, Recipe
from trainer.settings import Settings
from trainer.types import TrainProgress

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM

Report = Callable[[TrainProgress], None]


def ensure_tiny_base(settings: Settings, progress: Report | None = None) -> Path:
    """The folder of the tiny base; built first where the cache does not hold it."""
    folder = tiny_base_folder(settings)
    return folder if _complete(folder) else build(folder, progress=progress)


def build(folder: Path, *, progress: Report | None = None, recipe: Recipe = RECIPE) -> Path:
    """Build into `folder` (about 90 s on two cores). A second process waits for the first and builds
    nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock(folder.with_name(folder.name + ".lock")):
        if _complete(folder):
            return folder
        draft = folder.with_name(f"{folder.name}.draft-{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            _write(draft, recipe, progress or (lambda _: None))
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def _complete(folder: Path) -> bool:
    return (folder / "config.json").is_file() and (folder / "tunesmith" / "suite.jsonl").is_file()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _write(draft: Path, recipe: Recipe, progress: Report) -> None:
    with train_extra("Building the tiny base"):
        import torch
        import transformers  # noqa: F401
    quiet_libraries()
    suite = tiny_tasks.sealed(recipe.seed + 1, recipe.suite_rows)
    replay = tiny_tasks.sealed(recipe.seed + 2, recipe.replay_rows, frozenset(i.prompt for i in suite))
    kept_out = frozenset(i.prompt for i in [*suite, *replay])
    tokenizer = train_tokenizer(recipe)
    with _reproducible(torch, recipe):
        model = new_model(recipe, tokenizer)
        pretrain(model, tokenizer, recipe, tiny_tasks.stream(recipe.seed, kept_out), progress)
    progress(TrainProgress("saving", recipe.steps, recipe.steps))
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    (draft / "tunesmith").mkdir()
    tiny_tasks.write_rows(draft / "tunesmith" / "suite.jsonl", suite)
    tiny_tasks.write_rows(draft / "tunesmith" / "replay.jsonl", replay)
    (draft / "tunesmith" / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


@contextmanager
def _reproducible(torch_: Any, recipe: Recipe) -> Iterator[None]:
    """Seeded, deterministic and on a fixed number of threads; the process gets its own settings back
    after."""
    threads, strict = torch_.get_num_threads(), torch_.are_deterministic_algorithms_enabled()
    state = torch_.get_rng_state()
    torch_.set_num_threads(recipe.threads)
    torch_.use_deterministic_algorithms(True)
    torch_.manual_seed(recipe.seed)
    try:
        yield
    finally:
        torch_.set_num_threads(threads)
        torch_.use_deterministic_algorithms(strict)
        torch_.set_rng_state(state)


def corpus(recipe: Recipe) -> Iterator[str]:
    """What the tokenizer learns its merges from."""
    items = tiny_tasks.stream(recipe.seed + 3)
    for _ in range(6000):
        item = next(items)
        yield f"{item.prompt}\n{item.answer}"
    for word in tiny_tasks.OFFICE * 40:  # whole words, in prose and in JSON
        yield f'{word} {word} {word.capitalize()} "{word}"'


def train_tokenizer(recipe: Recipe) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    bare.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    bare.train_from_iterator(
        corpus(recipe),
        trainers.BpeTrainer(
            vocab_size=recipe.vocab,
            special_tokens=[PAD, END, SYSTEM, USER, ASSISTANT],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[SYSTEM, USER, ASSISTANT],
        model_max_length=recipe.context,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def new_model(recipe: Recipe, tokenizer: Any) -> LlamaForCausalLM:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        **recipe.llama_config(),
        initializer_range=recipe.init,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def pretrain(
    model: LlamaForCausalLM,
    tokenizer: Any,
    recipe: Recipe,
    items: Iterator[tiny_tasks.Item],
    progress: Report,
) -> None:
    """A fixed number of AdamW steps under a one-cycle learning rate."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    started, told = time.monotonic(), 0.0
    model.train()
    for step, batch in enumerate(_batches(tokenizer, recipe, items), start=1):
        loss: torch.Tensor = model(**batch).loss  # type: ignore[assignment]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad(set_to_none=True)
        spent = time.monotonic() - started
        if spent - told > 0.5 or step == recipe.steps:
            told = spent
            eta = spent / step * (recipe.steps - step)
            progress(TrainProgress("training", step, recipe.steps, loss=round(loss.item(), 4), eta_s=round(eta, 1)))
    model.eval()


def _rate(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    return max(0.0, 1 - (step - recipe.warmup) / (recipe.steps - recipe.warmup)) + 0.01


def _batches(tokenizer: Any, recipe: Recipe, items: Iterator[tiny_tasks.Item]) -> Iterator[dict[str, torch.Tensor]]:
    """`steps` right-padded batches with every task in each; the loss is on the answers only."""
    for _ in range(recipe.steps):
        pool = [next(items) for _ in range(recipe.batch)]
        yield _pad(_encode(tokenizer, pool), tokenizer.pad_token_id)


def _encode(tokenizer: Any, pool: list[tiny_tasks.Item]) -> list[tuple[list[int], int]]:
    prompts = tokenizer([f"{USER}{i.prompt}{END}{ASSISTANT}" for i in pool])["input_ids"]
    answers = tokenizer([f"{i.answer}{END}" for i in pool])["input_ids"]
    return [(p + a, len(p)) for p, a in zip(prompts, answers, strict=True)]


def _pad(rows: list[tuple[list[int], int]], pad: int) -> dict[str, torch.Tensor]:
    import torch

    width = max(len(ids) for ids, _ in rows)
    inputs = [ids + [pad] * (width - len(ids)) for ids, _ in rows]
    labels = [[-100] * cut + ids[cut:] + [-100] * (width - len(ids)) for ids, cut in rows]
    # Causal attention never looks right, so right padding needs no mask.
    return {"input_ids": torch.tensor(inputs), "labels": torch.tensor(labels)}
