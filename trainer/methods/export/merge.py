"""An adapter written into its base's weights. The merged model must say what base and adapter said together, or nothing
is left behind: a merge that goes wrong does so silently (4-bit bases above all)."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import BadInput, TunesmithError
from trainer.inference.chat import prompt_ids
from trainer.inference.extra import quiet_libraries, train_extra
from trainer.methods.card import fingerprint

LIMIT = {"float32": 0.01, "bfloat16": 0.25}  # largest difference of a logit, in standard deviations of all
PROBES = ("Hello!", "What is 2 + 2?", '{"ticket": "My parcel has not come."}')
PAPERS = ("card.json", "README.md", "chat_template.jinja", "generation_config.json")


@dataclass(frozen=True, slots=True)
class Merged:
    """`difference` and `effect` in standard deviations of the logits: merged against base + adapter, and against the
    base alone."""

    folder: Path
    dtype: str
    difference: float
    effect: float


def merge(base: str, adapter: Path, target: Path) -> Merged:
    """Write base + adapter into `target` (whole or not at all), a Hugging Face folder with its tokenizer.

    Raises BadInput where there is nothing to merge or the base is not the one that was trained from, and
    TunesmithError (code `merge_differs`) when the merged logits are not those of base + adapter."""
    with train_extra("Merging"):
        import torch
        from peft import PeftModel
        from transformers import AutoTokenizer
    quiet_libraries()
    _can_be_merged(base, adapter)
    tokenizer = AutoTokenizer.from_pretrained(adapter, local_files_only=True, trust_remote_code=False)
    probes = [torch.tensor([prompt_ids(tokenizer, [{"role": "user", "content": text}])]) for text in PROBES]
    model = _load(base)
    dtype = str(model.dtype).removeprefix("torch.")
    with torch.no_grad():
        alone = [model(input_ids=ids).logits.float() for ids in probes]
        both = PeftModel.from_pretrained(model, str(adapter)).eval()
        wanted = [both(input_ids=ids).logits.float() for ids in probes]
        merged = both.merge_and_unload(safe_merge=True)
    draft = target.with_name(target.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        merged.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
        for name in PAPERS:
            if (adapter / name).is_file():
                shutil.copy2(adapter / name, draft / name)
        with torch.no_grad():
            model = _load(str(draft))  # what was written is what is compared
            got = [model(input_ids=ids).logits.float() for ids in probes]
        difference, effect = _gap(wanted, got), _gap(wanted, alone)
        _same(difference, dtype)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Merged(target, dtype, difference, effect)


def _load(folder: str) -> Any:
    """In the precision it is kept in: bf16 stays bf16, all else is computed in fp32. On the CPU, where the whole of it
    fits more often."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    here = {"local_files_only": Path(folder).is_dir(), "trust_remote_code": False}
    kept = AutoConfig.from_pretrained(folder, **here).dtype
    dtype = torch.bfloat16 if kept in (torch.bfloat16, "bfloat16") else torch.float32
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, **here).eval()


def _can_be_merged(base: str, adapter: Path) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    if config.get("peft_type") not in ("LORA", "IA3"):
        kind = str(config.get("peft_type")).lower().replace("_", " ")
        raise BadInput(
            f"An adapter of {kind} has no weights that a base could take up.",
            fix="Serve it as an adapter, by Tunesmith's engine.",
            code="cannot_merge",
        )
    if config.get("task_type") == "SEQ_CLS":
        raise BadInput(
            "This adapter belongs to a classifier.", fix="Serve it by Tunesmith's engine.", code="cannot_merge"
        )
    own = Path(base) / "config.json"
    if own.is_file() and "quantization_config" in json.loads(own.read_text(encoding="utf-8")):
        raise BadInput(
            "The base is kept in fewer bits; merging into it would give garbage without a word.",
            fix="Give the folder of the same base in bf16 or fp32.",
            code="quantized_base",
        )
    card = adapter / "card.json"
    told = json.loads(card.read_text(encoding="utf-8")).get("base", {}).get("fingerprint") if card.is_file() else None
    if told and told != fingerprint(base):
        raise BadInput(
            "This base is not the one that the adapter was trained from.",
            fix="Give the folder that was trained from; its fingerprint stands in the model's card.",
            code="another_base",
        )


def _gap(wanted: list[Any], got: list[Any]) -> float:
    """The largest difference of any logit, in standard deviations of the wanted ones."""
    pairs = zip(wanted, got, strict=True)
    return max(float((a - b).abs().max() / a.std().clamp(min=1e-6)) for a, b in pairs)


def _same(difference: float, dtype: str) -> None:
    if not difference <= LIMIT[dtype]:  # NaN too
        raise TunesmithError(
            f"The merged model does not say what base and adapter say: logits differ by {difference:.3g} standard "
            f"deviations ({LIMIT[dtype]:g} is allowed in {dtype}).",
            fix="Nothing was kept. Serve the adapter beside its base instead, and report this.",
            code="merge_differs",
        )
