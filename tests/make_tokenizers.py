"""Make small folders of tokenizers, and the token numbers that transformers gives with each.

Needs PyTorch's transformers; the tests read what it writes and need none of it:

    python tests/make_tokenizers.py
"""

import json
import os
import random
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TEXTS = (
    "The animal didn't cross", "Chanting brings love 猫 é", " leading Space", "ÉCOLE naïve", "a [MASK] b <mask> c",
    "NEW tok <extra> x<extra>y", "two  spaces\tand\nlines", "she's 1984 ok!", "猫猫 cat[SEP]", "İstanbul ﬁne ①",
    "<|endoftext|>mid<|endoftext|>",
)  # fmt: skip
EXTRA = {
    "content": "<extra>",
    "single_word": False,
    "lstrip": True,
    "rstrip": False,
    "normalized": True,
    "special": False,
}
OWN = {
    "bert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "gpt2": "GPT2Tokenizer",
}
NEWER = {
    "llama-2": "LlamaTokenizer", "llama-3": "PreTrainedTokenizer", "mistral": "LlamaTokenizer",
    "phi3": "LlamaTokenizer", "gemma": "GemmaTokenizer", "gemma3": "GemmaTokenizer", "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer", "gpt-neox": "GPTNeoXTokenizer", "olmo2": "GPT2Tokenizer",
    "smollm3": "PreTrainedTokenizer", "electra": "BertTokenizer", "ernie": "BertTokenizer", "mpnet": "MPNetTokenizer",
    "albert": "AlbertTokenizer", "modernbert": "PreTrainedTokenizer", "opt": "GPT2Tokenizer",
    "gpt-neo": "GPT2Tokenizer", "gpt-oss": "PreTrainedTokenizer", "roberta-prelayernorm": "RobertaTokenizer",
    "xlm-roberta-xl": "XLMRobertaTokenizer",
}  # fmt: skip
"""By checkpoint: the class that published models of the kind name."""


def cases():
    """Yield (checkpoint, files, what tokenizer.json is changed by); a file that is None is taken away."""
    for lower in (None, True, False):
        for accents in ("absent", None, True, False):
            settings = {} if lower is None else {"do_lower_case": lower}
            settings |= {} if accents == "absent" else {"strip_accents": accents}
            for stored in (True, False):
                change = {"lowercase": stored, "strip_accents": not stored}
                yield "bert", {"tokenizer_config.json": settings}, {"normalizer": change}
            yield "bert", {"tokenizer_config.json": settings, "tokenizer.json": None}, {}
    yield "bert", {}, {"normalizer": {"lowercase": False}}
    yield "bert", {"tokenizer_config.json": {"tokenize_chinese_chars": False}}, {}
    yield (
        "bert",
        {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}},
        {"normalizer": {"lowercase": False}},
    )
    yield "bert", {"tokenizer_config.json": {"tokenizer_class": "DistilBertTokenizerFast", "do_lower_case": False}}, {}
    for name in ("roberta", "gpt2", "xlm-roberta"):
        for space in (None, True, False):
            settings = {} if space is None else {"add_prefix_space": space}
            changes = ({},) if name == "xlm-roberta" else ({}, {"pre_tokenizer": {"add_prefix_space": True}})
            for change in changes:
                yield name, {"tokenizer_config.json": settings}, change
            if name != "xlm-roberta":
                yield name, {"tokenizer_config.json": settings, "tokenizer.json": None}, {}
        yield name, {"tokenizer_config.json": {"tokenizer_class": OWN[name] + "Fast"}}, {}
        yield name, {"tokenizer_config.json": {"split_special_tokens": True}}, {}
    yield "gpt2", {"tokenizer_config.json": {"add_bos_token": True}, "tokenizer.json": None}, {}
    for name in OWN:
        for own in (OWN[name], "PreTrainedTokenizerFast"):
            yield name, {"tokenizer_config.json": {"tokenizer_class": own, "added_tokens_decoder": {"7": EXTRA}}}, {}
            yield (
                name,
                {"tokenizer_config.json": {"tokenizer_class": own, "additional_special_tokens": ["<extra>"]}},
                {},
            )
        yield name, {"added_tokens.json": {"<extra>": 150}}, {}

    for name, own in NEWER.items():
        yield name, {}, {}
        yield name, {"special_tokens_map.json": {"additional_special_tokens": ["<extra>"]}}, {}
        plain = {"content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": True}
        yield name, {"tokenizer_config.json": {"added_tokens_decoder": {"0": {**plain, "special": True}}}}, {}
        is_of_pairs = own not in ("BertTokenizer", "MPNetTokenizer", "AlbertTokenizer", "XLMRobertaTokenizer")
        other = ("LlamaTokenizerFast",) if is_of_pairs else ()
        for kind in (own, f"{own}Fast", "PreTrainedTokenizerFast", *other):
            named = {"tokenizer_class": kind}
            yield name, {"tokenizer_config.json": named}, {}
            yield name, {"tokenizer_config.json": named | {"add_bos_token": False, "add_eos_token": True}}, {}
        nulls = [{"bos_token": None, "eos_token": "<extra>"}, {"unk_token": None, "pad_token": None}]
        nulls = nulls if is_of_pairs and own != "RobertaTokenizer" else []  # others need these tokens
        own_class = {"tokenizer_class": f"{own}Fast"}
        for settings in (
            {"legacy": True}, {"legacy": False}, {"legacy": None}, {"add_prefix_space": True},
            {"add_prefix_space": False}, {"add_prefix_space": True, "legacy": True}, {"split_special_tokens": True},
            {"added_tokens_decoder": {"7": EXTRA}}, {"additional_special_tokens": ["<extra>"]},
            {"bos_token": "<extra>"},
            *nulls,
            {"do_lower_case": False}, {"keep_accents": True},
            {"strip_accents": False}, {"mask_token": "<extra>"},
        ):  # fmt: skip
            yield name, {"tokenizer_config.json": own_class | settings}, {}


def write(name, files, change, folder):
    """Lay the folder out; the test does the same."""
    stored = json.loads((HERE / "data" / "checkpoints" / name / "tokenizer.json").read_text())
    for part, keys in change.items():
        stored[part] |= keys
    stored["padding"] = stored["truncation"] = None
    model = stored["model"]
    if "tokenizer.json" not in files:
        (folder / "tokenizer.json").write_text(json.dumps(stored))
    elif model["type"] == "WordPiece":
        (folder / "vocab.txt").write_text("\n".join(sorted(model["vocab"], key=model["vocab"].get)) + "\n")
    else:
        (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
        merges = [" ".join(merge) if isinstance(merge, list) else merge for merge in model["merges"]]
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    for file, content in files.items():
        if content is not None:
            (folder / file).write_text(json.dumps(content))


def main() -> None:
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoTokenizer

    made = []
    for name, files, change in cases():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write(name, files, change, folder)
            config = HERE / "data" / "checkpoints" / name / "config.json"
            (folder / "config.json").write_text(config.read_text())
            tokenizer = AutoTokenizer.from_pretrained(place)
            made.append([name, files, change, [tokenizer(text)["input_ids"] for text in TEXTS]])
    random.Random(0).shuffle(made)
    lines = ",\n".join(json.dumps(case) for case in made)
    (HERE / "data" / "tokenizers.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(made)} folders, {len(TEXTS)} texts each")


if __name__ == "__main__":
    main()
