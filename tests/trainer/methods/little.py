"""Little random bases that are none of ours: an encoder, and a writer without a chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = "the my is was late broken lost parcel invoice refund charged twice card screen does not turn on please help".split()
PUNCTUATION = [".", ",", "?", ":", "#"]


def make_encoder(folder: Path, kind: str = "distilbert", **sizes: Any) -> Path:
    """A DistilBERT (or BERT, RoBERTa) saved with its masked-word head, and a WordPiece tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    given = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    if kind == "distilbert":
        given = {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
    else:
        given["intermediate_size"] = 64
    torch.manual_seed(3)
    config = AutoConfig.for_model(kind, **(given | {"max_position_embeddings": 64, "pad_token_id": 0} | sizes))
    AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    _word_pieces().save_pretrained(folder)
    return folder


def _word_pieces() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=64, special_tokens=special)
    made.train_from_iterator([" ".join(WORDS + PUNCTUATION)], trainer)
    ends = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
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
    ids = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(vocab_size=260, n_positions=256, n_embd=32, n_layer=2, n_head=2, **ids)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
