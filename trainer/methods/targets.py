"""Which layers of a base an adapter goes to: read off the model itself, whatever family it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.errors import BadInput
from trainer.inference import encoders
from trainer.methods.shape import KEYS_AND_VALUES
from trainer.methods.spec import RunSpec

INNER_SIZES = ("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner", "d_inner", "d_ff")
LISTED = 12


def layers(model: Any) -> dict[str, tuple[int, int]]:
    """Name → (inputs, outputs) of every linear layer but the output layer or a classifier's head; Conv1D of GPT-2 is
    one too."""
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    whole = encoders.head_of(model) if type(model).__name__.endswith(encoders.HEAD) else []
    found: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        if any(part in whole for part in name.split(".")):
            continue
        if isinstance(module, Linear) and module is not head:
            found[name] = (module.in_features, module.out_features)
        elif isinstance(module, Conv1D):
            found[name] = (int(module.nx), int(module.nf))
    return found


def suffixes(names: Any) -> list[str]:
    """The shortest names by which an adapter may be told to find these: `self_attn.k_proj`, `fc1`."""
    return list(dict.fromkeys(_suffix(name) for name in names))


def transposed(model: Any) -> bool:
    """Whether the base's layers are Conv1D, which hold their weights as (inputs, outputs)."""
    from transformers.pytorch_utils import Conv1D

    return any(isinstance(module, Conv1D) for module in model.modules())


def narrowest(model: Any, spec: RunSpec) -> int:
    """The highest rank that a change of the smallest adapted matrix can have."""
    wanted = {n: s for n, s in layers(model).items() if not spec.target_modules or _named(n, spec.target_modules)}
    return min((min(shape) for shape in wanted.values()), default=spec.lora_r)


def attention_and_feedforward(model: Any, spec: RunSpec) -> tuple[list[str], list[str]]:
    """(keys and values, whose outputs IA3 scales; the feed-forward's way back, whose inputs it scales)."""
    found = layers(model)
    back = {name for name, shape in found.items() if _leads_back(name, shape, model.config)}
    if spec.target_modules:
        chosen = [name for name in found if _named(name, spec.target_modules)]
    else:
        attention = [name for name in found if KEYS_AND_VALUES.search(name.rpartition(".")[2])]
        chosen = [*(attention or [name for name in found if name not in back]), *back]
    scaled = suffixes(name for name in chosen if name not in back)
    return scaled, suffixes(name for name in found if name in back and name in chosen)


def check(base: str, spec: RunSpec) -> None:
    """Refuse target modules that the base does not have, before its weights are loaded."""
    wanted = spec.target_modules or ()
    model = skeleton(base)
    adaptable = {**layers(model), **_embeddings(model, spec)}
    missing = [target for target in wanted if not any(_named(name, (target,)) for name in adaptable)]
    if not missing:
        return
    leaves = sorted({name.rpartition(".")[2] for name in layers(model)})
    raise BadInput(
        f"{spec.base} has no layer called {', '.join(f'“{m[:40]}”' for m in missing[:LISTED])}.",
        fix=f"It has: {', '.join(leaves[:LISTED])}. Leave target_modules out to adapt what suits the method.",
        code="unknown_target_modules",
        param="target_modules",
    )


def skeleton(base: str) -> Any:
    """The base without its weights: every layer by name and shape, in no memory to speak of."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(base, local_files_only=Path(base).is_dir(), trust_remote_code=False)
    kind = AutoModelForSequenceClassification if encoders.is_encoder(config.to_dict()) else AutoModelForCausalLM
    with torch.device("meta"):
        return kind.from_config(config, trust_remote_code=False)


def _embeddings(model: Any, spec: RunSpec) -> dict[str, tuple[int, int]]:
    """LoRA can learn beside embeddings where it is told to."""
    from torch.nn import Embedding

    if spec.method == "ia3":
        return {}
    return {n: (0, 0) for n, m in model.named_modules() if isinstance(m, Embedding)}


def _named(name: str, targets: tuple[str, ...]) -> bool:
    """As PEFT reads a list of targets."""
    return any(name == target or name.endswith("." + target) for target in targets)


def _suffix(name: str) -> str:
    *_, parent, leaf = ["", *name.split(".")]
    return leaf if parent.isdigit() or not parent else f"{parent}.{leaf}"


def _leads_back(name: str, shape: tuple[int, int], config: Any) -> bool:
    """Whether a layer takes the feed-forward's inner width back to the model's own."""
    config = config.get_text_config() if hasattr(config, "get_text_config") else config
    width = config.hidden_size
    inner = {int(size) for key in INNER_SIZES if (size := getattr(config, key, None))} or {4 * width}
    return shape[1] == width and shape[0] in inner and "attn" not in name and "attention" not in name
