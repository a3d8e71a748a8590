"""Little random bases that are none of ours: an encoder, and a writer without a chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PIECES = (
    "the my is was late broken lost parcel invoice refund charge ##d twice card screen does not turn on please help "
    ". , ? :"
)


def make_encoder(folder: Path, kind: str = "distilbert", **sizes: Any) -> Path:
    """A DistilBERT (or BERT, RoBERTa) saved with its masked-word head, and a WordPiece tokenizer. Its random weights
    are large, so that what it reads tells texts apart before anything is learned."""
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    given: dict[str, Any] = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    if kind == "distilbert":
        given = {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    else:
        given["intermediate_size"] = 64
    torch.manual_seed(3)
    config = AutoConfig.for_model(
        kind, **(given | {"max_position_embeddings": 66, "pad_token_id": 0, "initializer_range": 0.2} | sizes)
    )
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    _word_pieces().save_pretrained(folder)
    return folder


def _word_pieces() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    vocab = {word: at for at, word in enumerate([*names.values(), *PIECES.split()])}
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(name, vocab[name]) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **names)


def make_writer(folder: Path, *, end: str | None = "<|endoftext|>") -> Path:
    """A GPT-2 with a byte-level tokenizer, without a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=256, eos_token=end)
    torch.manual_seed(3)
    ids: dict[str, Any] = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(initializer_range=0.2, vocab_size=260, n_positions=256, n_embd=32, n_layer=2, n_head=2, **ids)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
