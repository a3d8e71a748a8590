"""Attention over packed rows without a mask: each conversation by itself, as if the others were not there.

A block mask costs memory and time with the square of a packed row. Here the ends of the conversations travel in the
mask's place, worked out by transformers' own rules from `position_ids`; on CUDA, torch's varlen flash attention reads
them (torch ≥ 2.10), on a CPU every conversation is attended in turn. What neither can do, sdpa does with a mask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from trainer.methods.footprint import CPU_TILE

if TYPE_CHECKING:
    from trainer.methods.run import Run

VARLEN, PLAIN = "tunesmith_varlen", "sdpa"
UNKNOWN = ("softcap", "position_bias", "s_aux")  # what some families add to attention, and this does not know
HALF_WIDTH_LIMIT = 256  # flash attention's widest head


def choose(model: Any, isolates: Callable[[], bool]) -> tuple[str | None, str]:
    """Give the model the fastest attention under which `isolates()` finds packed conversations kept apart, and say
    it: (its name, a sentence), or (None, why nothing may be packed), with plain sdpa left in place."""
    failed = ""
    if _may_change(model):
        register()
        model.set_attn_implementation(VARLEN)
        try:
            if isolates():
                return VARLEN, "Packed conversations are attended one by one."
            failed = "it did not keep packed conversations apart"
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, NotImplementedError) as error:
            failed = f"{type(error).__name__} in a trial"
        model.set_attn_implementation(PLAIN)
    told = f"Attention without a mask was not used ({failed}). " if failed else ""
    if isolates():
        return PLAIN, f"{told}Packed conversations are kept apart by a mask."
    return None, f"{told}This base does not keep packed conversations apart, so that each is a row of its own."


def fit(run: Run, isolates: Callable[[], bool]) -> bool:
    """`choose` for a run's model, told in its metrics; False: nothing may be packed."""
    attention, run.metrics["attention"] = choose(run.model, isolates)
    return attention is not None


def _may_change(model: Any) -> bool:
    able = getattr(model, "_can_set_attn_implementation", None)
    return getattr(getattr(model, "config", None), "_attn_implementation", None) == PLAIN and bool(able and able())


@cache
def register() -> None:
    """Make the name known to transformers; loads nothing that a model has not loaded."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(VARLEN, attend)
    AttentionMaskInterface.register(VARLEN, ends_or_mask)


def small_tiles() -> None:
    """Let TRL work out the loss for fewer tokens at a time on a CPU, where each tile of logits takes eight copies. The
    figures are the same, the time too."""
    import torch
    from trl.kernels import chunked_logprob

    if not torch.cuda.is_available():
        chunked_logprob.TOKEN_CHUNK_SIZE = min(CPU_TILE, chunked_logprob.TOKEN_CHUNK_SIZE)


def fused() -> dict[str, Any]:
    """Arguments for TRL where fused norms, rotations and feed-forwards can be had: on CUDA, with the extra `gpu`."""
    from importlib.util import find_spec

    import torch

    return {"use_liger_kernel": True} if torch.cuda.is_available() and find_spec("liger_kernel") else {}


def ends_or_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    mask_function: Callable[..., Any],
    attention_mask: Any = None,
    allow_is_causal_skip: bool = True,
    use_vmap: bool = False,
    device: Any = "cpu",
    **options: Any,
) -> Any:
    """For packed rows the ends of their conversations (see `ends_of`), else what sdpa gets.

    transformers calls this with its rule of who may read whom. In a packed row a token that may not read the one
    before it begins a conversation, so that one diagonal of the mask says all, also of chunked attention.
    """
    import torch
    from transformers.masking_utils import sdpa_mask

    if attention_mask is not None or allow_is_causal_skip or use_vmap or q_length != kv_length or q_length < 2:
        return sdpa_mask(
            batch_size=batch_size,
            q_length=q_length,
            kv_length=kv_length,
            mask_function=mask_function,
            attention_mask=attention_mask,
            allow_is_causal_skip=allow_is_causal_skip,
            use_vmap=use_vmap,
            device=device,
            **options,
        )
    rows = torch.arange(batch_size, device=device)[:, None]
    later = torch.arange(1, q_length, device=device)[None, :]
    continues = mask_function(rows, torch.zeros_like(rows), later, later - 1)
    return ends_of(~continues.expand(batch_size, q_length - 1))


def ends_of(begins: Any) -> Any:
    """(rows, length − 1) of bool, whether a token but a row's first begins a conversation → cumulative ends over all
    rows laid end to end: int32 of 0 … rows × length. Its `lengths` holds them as plain numbers."""
    import torch

    first = torch.ones(begins.shape[0], 1, dtype=torch.bool, device=begins.device)
    starts = torch.cat((first, begins), dim=1).flatten()
    ends = torch.cat((starts.nonzero().flatten(), starts.new_tensor([starts.numel()], dtype=torch.long)))
    out: Any = ends.to(torch.int32)
    out.lengths = out.diff().tolist()  # read once for all layers: on a GPU each look would wait for it
    return out


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[Any, None]:
    """transformers' attention function: (rows, heads, length, width) each, out as (rows, length, heads, width)."""
    import torch

    if attention_mask is None or attention_mask.ndim != 1:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
    if any(options.get(name) is not None for name in UNKNOWN):
        raise NotImplementedError(f"attention with {', '.join(n for n in UNKNOWN if options.get(n) is not None)}")
    if torch.is_autocast_enabled(query.device.type):
        query, key, value = (x.to(torch.get_autocast_dtype(query.device.type)) for x in (query, key, value))
    rows, _, length, _ = query.shape
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (query, key, value))  # (tokens, heads, width)
    lengths = getattr(attention_mask, "lengths", None) or attention_mask.diff().tolist()
    window = sliding_window if sliding_window and sliding_window < max(lengths) else None
    if query.is_cuda and not dropout and _flash_can(query, value):
        out = flash(q, k, v, attention_mask, max(lengths), scaling, window)
    elif window is None:
        out = one_by_one(q, k, v, lengths, dropout, scaling)
    else:
        out = masked(q, k, v, attention_mask, dropout, scaling, window)
    return out.unflatten(0, (rows, length)), None


def _flash_can(query: Any, value: Any) -> bool:
    import torch

    half = query.dtype in (torch.bfloat16, torch.float16)
    return half and query.shape[-1] == value.shape[-1] <= HALF_WIDTH_LIMIT and varlen_attn() is not None


@cache
def varlen_attn() -> Any:
    """torch's kernel, or None where this torch has none."""
    try:
        from torch.nn.attention.varlen import varlen_attn as kernel
    except ImportError:
        return None
    return kernel


def flash(query: Any, key: Any, value: Any, ends: Any, longest: int, scale: float | None, window: int | None) -> Any:
    """Over (tokens, heads, width), each token reading its own conversation up to itself."""
    kernel = varlen_attn()
    return kernel(
        query,
        key,
        value,
        ends,
        ends,
        longest,
        longest,
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )


def one_by_one(query: Any, key: Any, value: Any, lengths: list[int], dropout: float, scale: float | None) -> Any:
    """The same by plain sdpa, a conversation at a time."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as sdpa

    groups = query.shape[1] // key.shape[1]
    parts = [_heads_first(x).split(lengths, dim=2) for x in (query, _grouped(key, groups), _grouped(value, groups))]
    done = [sdpa(q, k, v, dropout_p=dropout, is_causal=True, scale=scale) for q, k, v in zip(*parts, strict=True)]
    return torch.cat(done, dim=2)[0].transpose(0, 1)


def masked(query: Any, key: Any, value: Any, ends: Any, dropout: float, scale: float | None, window: int | None) -> Any:
    """The same with a block mask over all tokens: the slow way, for what the others cannot do."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as sdpa

    groups = query.shape[1] // key.shape[1]
    at = torch.arange(query.shape[0], device=query.device)
    which = torch.bucketize(at, ends, right=True)
    mask = (which[:, None] == which[None, :]) & (at[None, :] <= at[:, None])
    if window is not None:
        mask &= at[None, :] > at[:, None] - window
    q, k, v = (_heads_first(x) for x in (query, _grouped(key, groups), _grouped(value, groups)))
    return sdpa(q, k, v, attn_mask=mask, dropout_p=dropout, scale=scale)[0].transpose(0, 1)


def _grouped(x: Any, groups: int) -> Any:
    return x.repeat_interleave(groups, dim=1) if groups > 1 else x


def _heads_first(x: Any) -> Any:
    return x.transpose(0, 1)[None]
