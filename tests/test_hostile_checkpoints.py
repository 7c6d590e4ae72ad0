"""A checkpoint is data from strangers: whatever is in the folder, one clear line, exit code 3, and nothing is run."""

import base64
import json
import math
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from command import call

FOLDER = Path(__file__).parent / "data" / "checkpoints"
SENTENCE = "The animal was too tired"


def edit(name, change):
    """Change a JSON file of the folder."""

    def act(folder):
        path = folder / name
        content = json.loads(path.read_text())
        result = change(content)
        path.write_text(json.dumps(content if result is None else result))

    return act


def config(**keys):
    return edit("config.json", lambda content: content.update(keys))


def without(key):
    return edit("config.json", lambda content: content.pop(key) and None)


def written(name, data):
    def act(folder):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    return act


def removed(name):
    return lambda folder: (folder / name).unlink()


def fifo(name):
    def act(folder):
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return act


def linked(name, target):
    def act(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return act


def header(change, data=None):
    """Change the header of model.safetensors; the numbers stay, or are `data`."""

    def act(folder):
        path = folder / "model.safetensors"
        raw = path.read_bytes()
        length = int.from_bytes(raw[:8], "little")
        entries = json.loads(raw[8 : 8 + length])
        changed = change(entries)
        text = changed if isinstance(changed, bytes) else json.dumps(entries if changed is None else changed).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + (raw[8 + length :] if data is None else data))

    return act


def number(tensor, value):
    """Overwrite the first number of a tensor."""

    def act(folder):
        path = folder / "model.safetensors"
        raw = bytearray(path.read_bytes())
        length = int.from_bytes(raw[:8], "little")
        start = 8 + length + json.loads(raw[8 : 8 + length])[tensor]["data_offsets"][0]
        raw[start : start + 4] = struct.pack("<f", value)
        path.write_bytes(raw)

    return act


def tokenizer(change):
    return edit("tokenizer.json", change)


def tokenizer_class(name):
    return written("tokenizer_config.json", json.dumps({"tokenizer_class": name}))


AS_STORED = tokenizer_class("PreTrainedTokenizerFast")
"""The class whose tokenizer.json is taken as it is; others take their own normalizer."""


def growing(*rules):
    """A chain of replacements."""
    chain = [{"type": "Replace", "pattern": {"String": a}, "content": b} for a, b in rules]
    return tokenizer(lambda content: content.update(normalizer={"type": "Sequence", "normalizers": chain}))


def normalized(*rules):
    return tokenizer(lambda content: content.update(normalizer={"type": "Sequence", "normalizers": list(rules)}))


LONG_CHARSMAP = base64.b64encode(struct.pack("<I", 4) + bytes(4) + b"x" * 100 + b"\0").decode()
RANDOM_MERGES = {"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.5}
ENDING = {"type": "Split", "pattern": {"Regex": "\\s+$"}, "behavior": "Isolated", "invert": False}


def sharded(weight_map):
    def act(folder):
        (folder / "model.safetensors").rename(folder / "part.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))

    return act


def both(*acts):
    def act(folder):
        for each in acts:
            each(folder)

    return act


QUERY = "encoder.layer.0.attention.self.query.weight"
GAIN = "encoder.layer.1.output.LayerNorm.weight"
DEEP = b"[" * 100_000
SPLIT = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "/////wAA"}
EMPTY_CHARSMAP = {"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"}

# what is done to the folder, and what the line has to say
CASES = {
    "no config": (removed("config.json"), "config.json: No such file"),
    "config not JSON": (written("config.json", "{"), "config.json: not JSON"),
    "config not UTF-8": (written("config.json", b"\xff"), "config.json: not UTF-8"),
    "config a list": (written("config.json", "[]"), "config.json: not an object"),
    "config nested deeply": (written("config.json", DEEP), "config.json: lists are nested too deeply"),
    "config huge": (written("config.json", b" " * (1 << 21)), "config.json: the file is larger than 1 MiB"),
    "config key twice": (written("config.json", '{"a": 1, "a": 2}'), "the key 'a' occurs twice"),
    "config a pipe": (fifo("config.json"), "config.json: not a regular file"),
    "config a device": (linked("config.json", "/dev/zero"), "config.json: not a regular file"),
    "config a folder": (linked("config.json", "/"), "Is a directory"),
    "config a link to itself": (linked("config.json", "config.json"), "cannot open"),
    "code of its own": (config(auto_map={"AutoModel": "evil.Model"}), "asks to run code"),
    "no family": (without("model_type"), "config.json has no model_type"),
    "unknown family": (config(model_type="t5"), "model_type = 't5' is not one of those"),
    "family a number": (config(model_type=3), "model_type must be a short text"),
    "family with controls": (config(model_type="\x1b[31mred"), "is not one of those"),
    "no sizes": (without("hidden_size"), "config.json has no hidden_size"),
    "size a text": (config(hidden_size="12"), "hidden_size must be a whole number"),
    "size a fraction": (config(hidden_size=12.0), "hidden_size must be a whole number"),
    "size true": (config(hidden_size=True), "hidden_size must be a whole number"),
    "size negative": (config(hidden_size=-12), "hidden_size must be a whole number"),
    "size enormous": (config(hidden_size=10**30), "hidden_size must be a whole number"),
    "layers enormous": (config(num_hidden_layers=10**9), "num_hidden_layers must be a whole number"),
    "layers too many": (config(num_hidden_layers=5), "encoder.layer.3.attention.self.query.weight is missing"),
    "layers too few": (config(num_hidden_layers=2), "num_hidden_layers = 2, and the tensors have more"),
    "heads do not divide": (config(num_attention_heads=5), "hidden_size = 12 is not a multiple of num_attention_heads = 5"),
    "width of another": (config(hidden_size=24), "has the shape (160, 12); config.json says hidden_size = 24"),
    "inner width of another": (config(intermediate_size=21), "config.json says hidden_size = 12, intermediate_size = 21"),
    "vocabulary of another": (config(vocab_size=161), "vocab_size = 161"),
    "positions of another": (config(max_position_embeddings=49), "max_position_embeddings = 49"),
    "epsilon a text": (config(layer_norm_eps="0"), "layer_norm_eps must be a number"),
    "epsilon negative": (config(layer_norm_eps=-1), "layer_norm_eps must be a number"),
    "activation unknown": (config(hidden_act="__import__('os')"), "hidden_act = \"__import__('os')\" is not known"),
    "relative positions": (config(position_embedding_type="relative_key"), "position_embedding_type = 'relative_key'"),
    "no tensors": (removed("model.safetensors"), "there is no model.safetensors"),
    "a pickle only": (
        both(removed("model.safetensors"), written("pytorch_model.bin", b"\x80\x04.")), "pytorch_model.bin is a pickle"
    ),
    "tensors empty": (written("model.safetensors", b""), "its first bytes promise"),
    "tensors short": (written("model.safetensors", b"abc"), "its first bytes promise"),
    "tensors a pipe": (fifo("model.safetensors"), "not a regular file"),
    "tensors a device": (linked("model.safetensors", "/dev/zero"), "not a regular file"),
    "tensors dangling": (linked("model.safetensors", "/nowhere"), "there is no model.safetensors"),
    "header longer than the file": (written("model.safetensors", struct.pack("<Q", 1 << 40) + b"{}"), "promise a header"),
    "header of all ones": (written("model.safetensors", b"\xff" * 64), "promise a header"),
    "header not JSON": (written("model.safetensors", struct.pack("<Q", 2) + b"{x"), "not JSON"),
    "header deep": (written("model.safetensors", struct.pack("<Q", len(DEEP)) + DEEP), "nested too deeply"),
    "header huge": (
        written("model.safetensors", struct.pack("<Q", 1 << 25) + b" " * (1 << 25)), "its header is larger than 16 MiB"
    ),
    "header a list": (written("model.safetensors", struct.pack("<Q", 2) + b"[]"), "not an object"),
    "tensor twice": (
        header(lambda entries: json.dumps(entries)[:-1].encode() + b', "' + QUERY.encode() + b'": {}}'),
        f"the key '{QUERY}' occurs twice",
    ),
    "tensor without a shape": (header(lambda entries: entries[QUERY].pop("shape") and None), "not a valid .safetensors"),
    "offsets out of range": (
        header(lambda entries: entries[QUERY].update(data_offsets=[0, 1 << 50])), "not a valid .safetensors"
    ),
    "offsets negative": (header(lambda entries: entries[QUERY].update(data_offsets=[-8, 0])), "not a valid .safetensors"),
    "offsets backwards": (header(lambda entries: entries[QUERY].update(data_offsets=[576, 0])), "not a valid"),
    "offsets overlap": (header(lambda entries: entries[QUERY].update(entries[GAIN])), "not a valid .safetensors"),
    "numbers cut off": (header(lambda entries: None, b"\0" * 100), "not a valid .safetensors"),
    "shape overflows": (header(lambda entries: entries[QUERY].update(shape=[1 << 62, 1 << 62])), "not a valid"),
    "shape of another": (header(lambda entries: entries[QUERY].update(shape=[144])), "has the shape (144,)"),
    "shape negative": (header(lambda entries: entries[QUERY].update(shape=[-12, -12])), "not a valid"),
    "type unknown": (header(lambda entries: entries[QUERY].update(dtype="F31")), "not a valid .safetensors"),
    "type not a float": (header(lambda entries: entries[QUERY].update(dtype="I32")), "is stored as I32"),
    "name with controls": (header(lambda entries: {"\x1b[2J": entries[QUERY]}), "not a valid .safetensors"),
    "NaN in a matrix": (number(QUERY, float("nan")), f"the tensor {QUERY} holds a number that is not finite"),
    "infinity in a gain": (number(GAIN, float("inf")), f"the tensor {GAIN} holds a number that is not finite"),
    "NaN in the embeddings": (
        number("embeddings.LayerNorm.bias", float("nan")), "the tensor embeddings.LayerNorm.bias holds a number"
    ),
    "numbers that overflow": (
        both(number(QUERY, 3e38), number("embeddings.LayerNorm.weight", 3e38)), "not finite"
    ),
    "index above": (sharded({QUERY: "../part.safetensors"}), "names the file '../part.safetensors'"),
    "index absolute": (sharded({QUERY: "/etc/passwd"}), "names the file '/etc/passwd'"),
    "index hidden": (sharded({QUERY: ".part.safetensors"}), "a plain name in the same folder is wanted"),
    "index with controls": (sharded({QUERY: "\x1b[2J.safetensors"}), "a plain name in the same folder is wanted"),
    "index of a pickle": (sharded({QUERY: "pytorch_model.bin"}), "a plain name in the same folder is wanted"),
    "index of nothing": (sharded({QUERY: "missing.safetensors"}), "missing.safetensors"),
    "index wrong": (sharded({"nothing": "part.safetensors"}), "says that nothing is in part.safetensors"),
    "index empty": (sharded({}), "has no weight_map"),
    "index a number": (sharded(7), "has no weight_map"),
    "index of numbers": (sharded({QUERY: 7}), "names the file '7'"),
    "index of many": (sharded({str(i): f"{i}.safetensors" for i in range(600)}), "names 600 files"),
    "no tokenizer": (removed("tokenizer.json"), "there is no tokenizer.json"),
    "tokenizer not JSON": (written("tokenizer.json", "{"), "tokenizer.json does not work"),
    "tokenizer not UTF-8": (written("tokenizer.json", b"\xff"), "tokenizer.json is not UTF-8"),
    "tokenizer deep": (written("tokenizer.json", DEEP), "tokenizer.json does not work"),
    "tokenizer huge": (written("tokenizer.json", b" " * ((1 << 26) + 1)), "the file is larger than 64 MiB"),
    "tokenizer a pipe": (fifo("tokenizer.json"), "not a regular file"),
    "tokenizer without a model": (tokenizer(lambda content: content.pop("model") and None), "does not work"),
    "tokenizer of one word": (
        tokenizer(lambda content: content["model"].update(vocab={"x": 0})), "tokenizer.json does not work"
    ),
    "tokenizer with numbers too large": (
        tokenizer(lambda content: content["model"]["vocab"].update({"the": 4_000_000_000})), "the token number 4000000000"
    ),
    "tokenizer slow": (
        both(tokenizer(lambda content: content.update(pre_tokenizer=SPLIT)), AS_STORED), "splits by the regular expression"
    ),
    "tokenizer panics": (tokenizer(lambda content: content.update(normalizer=CHARSMAP)), "the tokenizer panicked"),
    "tokenizer panics late": (
        both(tokenizer(lambda content: content.update(normalizer=EMPTY_CHARSMAP)), AS_STORED), "panicked"
    ),
    "vocabulary not UTF-8": (both(removed("tokenizer.json"), written("vocab.txt", b"\xff")), "vocab.txt is not UTF-8"),
    "vocabulary empty": (both(removed("tokenizer.json"), written("vocab.txt", b"")), "does not work"),
    "tokenizer class unknown": (tokenizer_class("BertJapaneseTokenizer"), "its tokenizer is a BertJapaneseTokenizer"),
    "tokenizer class a number": (written("tokenizer_config.json", '{"tokenizer_class": 7}'), "its tokenizer is a 7"),
    "tokenizer class with controls": (tokenizer_class("\x1b[2J"), "whose tokens are not made here"),
    "tokenizer that brings code": (written("tokenizer_config.json", '{"auto_map": {}}'), "asks to run code"),
    "tokenizer settings not JSON": (written("tokenizer_config.json", "{"), "tokenizer_config.json: not JSON"),
    "tokenizer settings a pipe": (fifo("tokenizer_config.json"), "not a regular file"),
    "lower case in words": (
        written("tokenizer_config.json", '{"do_lower_case": "no"}'), "do_lower_case must be true or false"
    ),
    "added tokens a list": (written("tokenizer_config.json", '{"added_tokens_decoder": []}'), "an object of numbered"),
    "added tokens without a text": (
        written("tokenizer_config.json", '{"added_tokens_decoder": {"7": {"lstrip": true}}}'), "an object with its content"
    ),
    "added tokens without a number": (written("added_tokens.json", '{"x": "y"}'), "'x' has no number"),
    "text that grows": (both(growing(("a", "a" * 9)), AS_STORED), "could grow 9 times longer"),
    "text that grows in a chain": (both(growing(("a", "bbb"), ("b", "ccc")), AS_STORED), "could grow 9 times longer"),
    "text that grows out of nothing": (both(growing(("", "x" * 20)), AS_STORED), "could grow 21 times longer"),
    "text that grows out of a pattern": (
        both(normalized({"type": "Replace", "pattern": {"Regex": "x*"}, "content": "aaaaaaaa"}), AS_STORED), "could grow 9",
    ),
    "text that doubles and doubles": (both(normalized(*[{"type": "ByteLevel"}] * 4), AS_STORED), "could grow 16 times"),
    "rules without end": (both(normalized(*[{"type": "Lowercase"}] * 5000), AS_STORED), "has more than 24 rules"),
    "a table of characters that grows": (
        both(normalized({"type": "Precompiled", "precompiled_charsmap": LONG_CHARSMAP}), AS_STORED), "could grow 9 times",
    ),
    "tokens around without end": (
        tokenizer(lambda content: content["post_processor"]["special_tokens"]["[CLS]"].update(ids=[2] * 50_000, tokens=["[CLS]"] * 50_000)),
        "puts more tokens around a text",
    ),
    "merges at random": (
        both(tokenizer(lambda content: content.update(model=RANDOM_MERGES)), AS_STORED), "leaves out merges at random"
    ),
    "a pattern with an end": (
        both(tokenizer(lambda content: content.update(pre_tokenizer=ENDING)), AS_STORED), "splits by the regular expression"
    ),
    "no unknown piece": (written("tokenizer_config.json", '{"unk_token": null}'), "unk_token is null"),
    "words without end": (
        both(tokenizer(lambda content: content["model"].update(max_input_chars_per_word=10**7)), AS_STORED),
        "looks into words of 10000000 characters",
    ),
    "merges of nothing": (
        both(removed("tokenizer.json"), tokenizer_class("GPT2Tokenizer"), written("vocab.json", "{}"), written("merges.txt", "a b\n")), "does not work"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_bad_checkpoint_gets_one_clear_line(name, tmp_path, capfd):
    act, message = CASES[name]
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    act(folder)
    start = time.monotonic()
    layer = "1" if name == "layers too few" else "2"
    code, out, err = call("--model", str(folder), "--layer", layer, "--head", "2", SENTENCE)
    assert (code, out) == (3, "")
    assert message in err
    assert err.startswith("attnexplain: error: bert: ")
    assert not [line for line in err.strip().split("\n")[1:] if not line.startswith("  hint: ")]
    assert all(character >= " " or character == "\n" for character in err)
    assert capfd.readouterr() == ("", "")  # nothing was written past Python's own streams
    assert time.monotonic() - start < 10


# The same of newer models, and what only they have

OF_TENSORS = ("tensor ", "offsets", "shape", "type ", "NaN", "infinity", "numbers that overflow", "name with")
OF_SIZES = (
    "no sizes", "size ", "layers", "heads", "width", "inner", "vocabulary", "positions", "epsilon", "activation", "relative",
    "merges", "no unknown", "tokens around", "words without", "lower case", "added tokens", "tokenizer class a number",
    "tokenizer panics", "tokenizer with numbers", "tokenizer of one", "a table", "text that", "rules", "a pattern", "no tensors",
)  # fmt: skip
SHARED = [name for name in CASES if not name.startswith((*OF_TENSORS, *OF_SIZES))]
"""Cases that know nothing of the layout of BERT or of its kind of tokenizer."""


@pytest.mark.parametrize("base", ["qwen3", "gemma2", "gpt-neox-in-turn", "electra", "albert"])
@pytest.mark.parametrize("name", SHARED)
def test_a_bad_checkpoint_of_a_newer_model_gets_the_same_line(name, base, tmp_path, capfd):
    act, message = CASES[name]
    _gets_one_line(base, act, message, tmp_path, capfd)


def rope(**keys):
    return edit("config.json", lambda content: content["rope_parameters"].update(keys))


SINES = "encoder.embed_positions.weight"
Q_OF_QWEN, GAIN_OF_QWEN = "layers.1.self_attn.q_proj.weight", "layers.1.self_attn.q_norm.weight"
NEWER = {
    "heads of keys that do not divide": ("qwen3", config(num_key_value_heads=3), "not a multiple of num_key_value_heads = 3"),
    "more heads of keys than heads": ("qwen3", config(num_key_value_heads=8), "not a multiple of num_key_value_heads = 8"),
    "heads of keys of zero": ("qwen3", config(num_key_value_heads=0), "num_key_value_heads must be a whole number from 1"),
    "heads of keys of another": ("qwen3", config(num_key_value_heads=4), "has the shape (16, 24); config.json says"),
    "heads that lie": ("qwen3", config(num_attention_heads=8), "config.json says head_dim = 8, hidden_size = 24"),
    "a head of zero": ("qwen3", config(head_dim=0), "head_dim must be a whole number from 1"),
    "a head of another": ("qwen3", config(head_dim=6), "config.json says head_dim = 6"),
    "a head of odd places": ("qwen3", config(head_dim=7), "7 of 7 places are to be rotated, which is no number of pairs"),
    "layers too many": ("qwen3", config(num_hidden_layers=5, layer_types=None), "the tensor layers.4.input_layernorm.weight is missing"),
    "layers too few": ("qwen3", config(num_hidden_layers=3), "num_hidden_layers = 3, and the tensors have more"),
    "kinds of layers too few": ("qwen3", config(layer_types=["full_attention"]), "layer_types must be a list of 4"),
    "kinds of layers unknown": ("qwen3", config(layer_types=["chunked_attention"] * 4), "layer_types must be a list of 4, each of"),
    "kinds of layers a list": ("qwen3", config(layer_types=[["full_attention"]] * 4), "layer_types must be a list of 4"),
    "kinds of layers a number": ("qwen3", config(layer_types=4), "layer_types must be a list of 4"),
    "rope of zero": ("qwen3", rope(rope_theta=0), "rope_theta must be a number between 1"),
    "rope of minus one": ("qwen3", rope(rope_theta=-1.0), "rope_theta must be a number between 1"),
    "rope too large": ("qwen3", rope(rope_theta=1e300), "rope_theta must be a number between 1"),
    "rope a text": ("qwen3", rope(rope_theta="10000"), "rope_theta must be a number between 1"),
    "rope a list": ("qwen3", config(rope_parameters=[1]), "rope_parameters must be an object"),
    "rope of older keys zero": ("qwen3", config(rope_parameters=None, rope_theta=0), "rope_theta must be a number"),
    "rope unknown": ("qwen3", rope(rope_type="proportional"), "rope_type = 'proportional' is not known; these are: default, dynamic"),
    "rope with controls": ("qwen3", rope(rope_type="\x1b[2J"), "is not known; these are"),
    "rope without a factor": ("qwen3", rope(rope_type="linear"), "config.json, rope_parameters has no factor"),
    "rope by zero": ("qwen3", rope(rope_type="linear", factor=0), "factor must be a number between 0"),
    "rope by nothing": ("llama-3", rope(factor=None), "rope_parameters has no factor"),
    "rope from high to low": ("llama-3", rope(low_freq_factor=4.0), "high_freq_factor = 4 must be above low_freq_factor = 4"),
    "rope made for nothing": ("llama-3", rope(original_max_position_embeddings=0), "original_max_position_embeddings must be a whole"),
    "rope with few factors": ("phi3", rope(short_factor=[1.0]), "short_factor must be a list of 3 numbers"),
    "rope with factors of zero": ("phi3", rope(short_factor=[1.0, 0, 1.0]), "short_factor must be a number between 0"),
    "rope of part none": ("gpt-neox", rope(partial_rotary_factor=0.1), "places are to be rotated, which is no number of pairs"),
    "rope of more than all": ("gpt-neox", rope(partial_rotary_factor=2), "partial_rotary_factor must be a number between 0 and 1"),
    "window of zero": ("mistral", config(sliding_window=0), "sliding_window must be a whole number from 1"),
    "window of minus one": ("mistral", config(sliding_window=-1), "sliding_window must be a whole number from 1"),
    "window a fraction": ("mistral", config(sliding_window=1.5), "sliding_window must be a whole number from 1"),
    "window missing": ("gemma2", config(sliding_window=None), "layer_types has layers with a window, and sliding_window is missing"),
    "cap of zero": ("gemma2", config(attn_logit_softcapping=0), "attn_logit_softcapping must be a number between 0"),
    "cap of minus one": ("gemma2", config(attn_logit_softcapping=-1), "attn_logit_softcapping must be a number between 0"),
    "scale of zero": ("gemma2", config(query_pre_attn_scalar=0), "query_pre_attn_scalar must be a number between 0"),
    "scale a text": ("gemma2", config(query_pre_attn_scalar="8"), "query_pre_attn_scalar must be a number between 0"),
    "scale not a number": (
        "gemma2", both(config(query_pre_attn_scalar="X"), lambda folder: (folder / "config.json").write_text(
            (folder / "config.json").read_text().replace('"X"', "NaN"))), "config.json: NaN is not a finite number",
    ),
    "layers without rotation unknown": ("smollm3", config(no_rope_layers=[2, 1, 1, 1]), "no_rope_layers must be a list of 4"),
    "biases that are not there": ("llama-2", config(attention_bias=True), "layers.0.self_attn.q_proj.bias is missing"),
    "biases that should not be": ("qwen3", config(attention_bias=False), "says that there is no layers.0.self_attn"),
    "a tensor missing": (
        "qwen3", header(lambda entries: json.dumps({key.replace("q_norm", "x"): entry for key, entry in entries.items()}).encode()),
        "the tensor layers.0.self_attn.q_norm.weight is missing",
    ),
    "NaN in a query": ("qwen3", number(Q_OF_QWEN, float("nan")), f"the tensor {Q_OF_QWEN} holds a number that is not finite"),
    "infinity in a norm": ("qwen3", number(GAIN_OF_QWEN, float("inf")), f"the tensor {GAIN_OF_QWEN} holds a number that is not finite"),
    "numbers that overflow": ("qwen3", both(number(Q_OF_QWEN, 3e38), number("layers.1.input_layernorm.weight", 3e38)), "not finite"),
    "experts": ("qwen3", config(num_experts=4), "num_experts = '4' is not known for this kind of model"),
    "quantized": ("qwen3", config(quantization_config={"bits": 4}), "quantization_config"),
    "local of zero": ("modernbert", config(local_attention=0), "local_attention must be a whole number from 1"),
    "local of minus one": ("modernbert", config(local_attention=-1), "local_attention must be a whole number from 1"),
    "global every zero": (
        "modernbert", config(layer_types=None, global_attn_every_n_layers=0), "global_attn_every_n_layers must be a whole"
    ),
    "rope of one kind missing": ("modernbert", rope(sliding_attention=[1]), "sliding_attention must be an object"),
    "rope of one kind zero": (
        "modernbert", rope(sliding_attention={"rope_theta": 0}), "sliding_attention: rope_theta must be a number"
    ),
    "a norm in the first layer": ("modernbert-as-published", config(norm_bias=True), "embeddings.norm.bias is missing"),
    "kinds of attention too few": ("gpt-neo", config(attention_layers=None, attention_types=[[["global"], 1]]), "for each of 4 layers"),
    "kinds of attention many": ("gpt-neo", config(attention_layers=None, attention_types=[[["global"], 10**9]]), "for each of 4 layers"),
    "kinds of attention unknown": ("gpt-neo", config(attention_layers=None, attention_types=[[["near"], 4]]), "for each of 4 layers"),
    "kinds of attention nested": ("gpt-neo", config(attention_layers=None, attention_types=[[[["global"]], 4]]), "for each of 4 layers"),
    "kinds of attention a number": ("gpt-neo", config(attention_layers=None, attention_types=7), "for each of 4 layers"),
    "kinds of attention a text": ("gpt-neo", config(attention_layers=None, attention_types="global"), "for each of 4 layers"),
    "local window of zero": ("gpt-neo", config(window_size=0), "window_size must be a whole number from 1"),
    "few buckets": ("mpnet", config(relative_attention_num_buckets=8), "must be at least 32"),
    "buckets of another": ("mpnet", config(relative_attention_num_buckets=64), "has the shape (32, 3)"),
    "norms without gains": ("opt", config(layer_norm_elementwise_affine=False), "is not supported"),
    "embeddings wider": ("opt", config(word_embed_proj_dim=16), "config.json says vocab_size = 320, word_embed_proj_dim = 16"),
    "embeddings narrower": ("electra", config(embedding_size=6), "config.json says embedding_size = 6"),
    "embeddings of zero": ("electra", config(embedding_size=0), "embedding_size must be a whole number from 1"),
    "groups of zero": ("albert", config(num_hidden_groups=0), "num_hidden_groups must be a whole number from 1"),
    "groups too many": ("albert", config(num_hidden_groups=4), "albert_layer_groups.2.albert_layers.0"),
    "groups too few": ("albert", config(num_hidden_groups=1), "num_hidden_groups = 1, and the tensors have more"),
    "layers in groups too many": ("albert", config(inner_group_num=3), "albert_layers.2.attention.query.weight is missing"),
    "sines of another": ("roformer", number(SINES, 0.01), f"the tensor {SINES} holds sines and cosines that are off by up to 0.01"),
    "sines that are none": ("roformer", number(SINES, math.nan), f"the tensor {SINES} holds sines and cosines that are off"),
    "sines for more heads": ("roformer", config(num_attention_heads=6), f"the tensor {SINES} has the shape (48, 4); config.json makes it (48, 2)"),
    "sines for fewer places": ("roformer", config(max_position_embeddings=47), "config.json makes it (47, 4)"),
    "an older rope for any length": ("modernbert", config(max_position_embeddings=None, rope_scaling={"rope_type": "yarn", "factor": 2.0}), "has no max_position_embeddings"),
    "rope beside kinds of layers": ("modernbert", rope(rope_type="linear", factor=2.0), "'rope_type' stands where only full_attention and"),
    "an older rope by its oldest key": ("modernbert", config(rope_scaling={"type": "linear", "factor": 2.0}), "rope_scaling: type has no effect in transformers"),
    "an older rope by null": ("modernbert", config(rope_scaling={"rope_type": "yarn", "factor": 2.0, "truncate": None}), "truncate = false has no effect"),
    "local layers of another number": ("gpt-neo", config(attention_layers=["local"]), "attention_layers must be a list of 4"),
    "quantized by a method": ("llama-3", config(quantization_config={"quant_method": "mxfp4"}), "the checkpoint is quantized (quantization_config: 'mxfp4')"),
    "values rotated": ("roformer", config(rotary_value=True), "rotary_value = true is not supported"),
    "experts of zero": ("gpt-oss", config(num_local_experts=0), "num_local_experts must be a whole number from 1"),
    "experts too few": ("gpt-oss", config(num_local_experts=1), "num_experts_per_tok = 2 is more than num_local_experts = 1"),
    "experts of another": ("gpt-oss", config(num_local_experts=4), "config.json says"),
    "gates held at zero": ("gpt-oss", config(swiglu_limit=0), "swiglu_limit must be a number between 0"),
    "no tokenizer": ("qwen3", removed("tokenizer.json"), "there is no tokenizer.json in the folder"),
    "a tokenizer of words": (
        "qwen3", lambda folder: shutil.copy(FOLDER / "bert" / "tokenizer.json", folder), "holds a WordPiece, and its tokenizer class makes a BPE"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWER)
def test_a_bad_checkpoint_of_a_newer_model_gets_one_clear_line(name, tmp_path, capfd):
    base, act, message = NEWER[name]
    _gets_one_line(base, act, message, tmp_path, capfd)


def _gets_one_line(base, act, message, tmp_path, capfd):
    folder = tmp_path / base
    shutil.copytree(FOLDER / base, folder)
    act(folder)
    start = time.monotonic()
    code, out, err = call("--model", str(folder), "--layer", "2", "--head", "2", SENTENCE)
    assert (code, out) == (3, "")
    assert message in err
    assert err.startswith(f"attnexplain: error: {base}: ")
    assert not [line for line in err.strip().split("\n")[1:] if not line.startswith("  hint: ")]
    assert all(character >= " " or character == "\n" for character in err)
    assert capfd.readouterr() == ("", "")  # nothing was written past Python's own streams
    assert time.monotonic() - start < 10


def test_at_least_eighty_cases():
    assert len(CASES) >= 80


def test_a_header_that_lies_costs_no_memory(tmp_path):
    """A sparse file of 40 GB with a valid header: what is not asked for is not read."""
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8 : 8 + length])
    end = max(entry["data_offsets"][1] for name, entry in entries.items() if name != "__metadata__")
    huge = 40 << 30
    entries["unused"] = {"dtype": "F32", "shape": [huge // 4], "data_offsets": [end, end + huge]}
    text = json.dumps(entries).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + raw[8 + length :])
        file.truncate(8 + len(text) + end + huge)

    def limit():
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))

    command = [sys.executable, "-m", "attnexplain", "--model", str(folder), "--json", SENTENCE]
    done = subprocess.run(command, capture_output=True, timeout=60, preexec_fn=limit)
    assert (done.returncode, done.stderr) == (0, b"")
    path.write_bytes(b"")


def test_nothing_touches_the_network_without_download(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert call("--model", str(FOLDER / "bert"), SENTENCE)[0] == 0
    assert call("--model", "openai-community/gpt2", SENTENCE)[0] == 2


def test_nothing_in_the_folder_is_ever_run(tmp_path):
    folder = tmp_path / "bert"
    shutil.copytree(FOLDER / "bert", folder)
    for name in ("modeling_bert.py", "tokenizers.py", "safetensors.py", "__init__.py", "sitecustomize.py"):
        (folder / name).write_text("open('was-run', 'w').close()\n")
    command = [sys.executable, "-P", "-m", "attnexplain", "--model", ".", SENTENCE]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (folder / "was-run").exists()
