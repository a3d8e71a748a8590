"""Supervised fine-tuning: the answers of checked conversations are learned, packed where the base keeps them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.inference.chat import load_tokenizer
from trainer.methods import kernels, lengths, packing, preflight
from trainer.methods.rows import EncodedRows, encode, read_rows, with_replay

if TYPE_CHECKING:
    from trainer.methods.run import Run

LONGEST_DEFAULT = 2048


class Supervised:
    task_type = "CAUSAL_LM"
    rate = 1.0

    def load(self, run: Run) -> None:
        run.tokenizer = load_tokenizer(run.base, template=run.spec.template)
        run.model = run.method.load(run.base, run.spec)

    def prepare(self, run: Run) -> None:
        spec, files = run.spec, run.files
        limit = spec.max_length or longest(run.tokenizer, run.model, run.method.reserved(spec))
        rows, replayed = with_replay(read_rows(files.train), files.replay, spec.replay, spec.seed)
        encoded = encode(run.tokenizer, rows, limit)
        run.metrics |= {**encoded.counts.to_dict(), "replay_rows": replayed, "max_length": limit}
        if encoded.counts.dropped_rows:
            lengths.check(run.tokenizer, rows, limit, chosen=spec.max_length is not None)
        run.metrics |= preflight.check(run.tokenizer, encoded, run.model, rows)
        may_pack = spec.packing and run.method.packs
        run.packed = may_pack and kernels.fit(run, lambda: preflight.packing_isolates(run.model, encoded))
        run.metrics["packing"] = run.packed
        run.train_set = packing.dataset(encoded.rows, limit, pack=run.packed)
        run.metrics["sequences"] = len(run.train_set)
        dev = encode(run.tokenizer, read_rows(files.dev), limit) if files.dev else EncodedRows()
        run.metrics |= {"dev_rows": len(dev.rows), "dev_dropped_rows": dev.counts.dropped_rows}
        if dev.rows:
            run.dev_set = packing.dataset(dev.rows, limit, pack=run.packed)

    def trainer(self, run: Run, arguments: dict[str, Any]) -> Any:
        from trl.trainer.sft_config import SFTConfig
        from trl.trainer.sft_trainer import SFTTrainer

        from trainer.methods.hooks import counting

        kernels.small_tiles()
        config = SFTConfig(
            **arguments,
            **kernels.fused(),
            max_length=run.metrics["max_length"],
            packing=False,  # packed by us already, so that batches keep their rows (see packing.Collator)
            dataset_kwargs={"skip_prepare_dataset": True},
        )
        return counting(SFTTrainer)(
            model=run.model,
            args=config,
            train_dataset=run.train_set,
            eval_dataset=run.dev_set,
            processing_class=run.tokenizer,
            data_collator=packing.Collator(run.tokenizer.pad_token_id, packed=run.packed),
        )


def longest(tokenizer: Any, model: Any, reserved: int = 0) -> int:
    """The base's own context less what the method reserves of it, 2048 tokens at most."""
    told = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    return min(LONGEST_DEFAULT, *(int(n) - reserved for n in told if n and n > 0))
