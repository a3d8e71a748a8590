"""What a run computes on and in, said in words, or refused where it cannot work."""

from __future__ import annotations

from trainer.errors import BadInput
from trainer.methods import ranks
from trainer.methods.hardware import cpu_count
from trainer.methods.method import precision
from trainer.methods.spec import RunSpec


def computes_in(spec: RunSpec) -> str:
    """`Computes in bf16 on an NVIDIA H100 80GB HBM3.`; BadInput for a precision that the device has not."""
    import torch

    chosen = precision(spec)
    if not torch.cuda.is_available():
        _need(chosen != "fp16", "fp16", "a CPU", "fp32 or bf16")
        cores = cpu_count()
        return f"Computes in {chosen} on the CPU ({cores} {'core' if cores == 1 else 'cores'})."
    name = torch.cuda.get_device_name()
    able = torch.cuda.is_bf16_supported(including_emulation=False)
    _need(chosen != "bf16" or able, "bf16", f"this {name}", "fp16 or fp32")
    count = ranks.world_size()
    return f"Computes in {chosen} on {f'{count} × {name}' if count > 1 else f'an {name}'}."


def _need(works: bool, asked: str, where: str, instead: str) -> None:
    if works:
        return
    raise BadInput(
        f"This run asks to compute in {asked}, which does not work for training on {where}.",
        fix=f"Leave precision at auto, or use {instead}.",
        code="precision_not_supported",
        param="precision",
    )
