"""Small files and texts of strangers end in ten seconds and a gigabyte, or are refused before anything is built."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zoo
from command import bounded, call

from attnexplain.models.archives import parse_npz
from attnexplain.models.own_numbers import LARGEST

GPT2 = Path(__file__).parent / "data" / "checkpoints" / "gpt2"
MEGABYTES, SECONDS = 1000, 10
"""Beside what Python and its libraries reserve of the address space without using it."""


def within(arguments, folder, stdin=b""):
    """Run a command with so much memory and time, on one thread; the address space is what the system can bound."""
    done = bounded(
        arguments, stdin=stdin, folder=folder, seconds=SECONDS, megabytes=MEGABYTES + 400,
        OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="1", COLUMNS="80",
    )  # fmt: skip
    assert done.seconds < SECONDS
    assert "Traceback" not in done.err.decode()
    assert "bug of ours" not in done.err.decode()
    return done


def zeros(*shape):
    return zoo.npy(np.zeros(shape, "i1"))


def tokens(count):
    return zoo.npy(np.array(["a"] * count))


FILES = {
    "nothing-wide.npz": (zoo.zipped(tokens=tokens(2), embeddings=zoo.claims((10**8, 0))), 3, "each side has from 1"),
    "no-sides.npz": (zoo.zipped(tokens=tokens(2), embeddings=zoo.claims((0, 10**8))), 3, "each side has from 1"),
    "many-rows.npz": (zoo.zipped(tokens=tokens(2), embeddings=zeros(4_000_000, 1)), 3, "w_q, w_k and w_v are missing"),
    "many-numbers.npz": (zoo.zipped(tokens=tokens(2), embeddings=zeros(4000, 4000)), 3, "16,000,000 numbers"),
    "many-tokens.npz": (
        zoo.zipped(tokens=tokens(4096), **{key: zeros(4096, 1000) for key in ("queries", "keys", "values")}),
        3, "the text has 4096 tokens, and 512 are allowed",
    ),
    "wide.npz": (
        zoo.zipped(tokens=tokens(4), **{key: zeros(4, 16_000) for key in ("queries", "keys", "values")}), 0, ""
    ),
    "wider.npz": (
        zoo.zipped(tokens=tokens(4), **{key: zeros(4, 20_000) for key in ("queries", "keys", "values")}),
        3, "rows of 20,000 numbers, and 16,384 are allowed",
    ),
    "heads.npz": (zoo.zipped(tokens=tokens(500), weights=zeros(60, 500, 500)), 0, ""),
    "too-many-heads.npz": (zoo.zipped(tokens=tokens(500), weights=zeros(80, 500, 500)), 3, "20,000,000 numbers"),
    "wider.json": (
        json.dumps({"tokens": ["a"], **{key: [[0] * 100_000] for key in ("queries", "keys", "values")}}).encode(),
        3, "has 100,000 numbers, and 16,384 are allowed",
    ),
    "large.json": (
        json.dumps(
            {"tokens": ["a"] * 300, **{key: [[0] * 300] * 300 for key in ("queries", "keys", "values")}}
        ).encode(), 0, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_small_file_is_explained_or_refused(name, tmp_path):
    data, code, said = FILES[name]
    assert len(data) < 1 << 20
    (tmp_path / name).write_bytes(data)
    done = within(["--model", name], tmp_path)
    assert (done.code, said in done.err.decode()) == (code, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 990_000, 0),
        ("a b " * 240_000, 3),
        ("word " * 512, 0),
        ("\u0e01" * 300_000, 3),
        ("1," * 490_000 + "1", 0),
    ],
    ids=["one word", "many words", "just enough", "syllables", "one number"],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_text_of_a_megabyte_is_explained_or_refused(text, code, form, tmp_path):
    (tmp_path / "text.txt").write_text(text)
    assert within([*form, "--file", "text.txt"], tmp_path).code == code


@pytest.mark.parametrize("phrase", ["a b " * 20, "a b " * 10_000])
def test_a_long_phrase_is_looked_for_in_bounded_time(phrase, tmp_path):
    (tmp_path / "text.txt").write_text("a b " * 50_000)
    done = within(["--phrase", phrase, "--file", "text.txt"], tmp_path)
    assert done.code == (3 if len(phrase) < 1000 else 2)


def test_phrases_may_make_a_text_short_enough():
    code, out, _ = call("--json", "--step", "2", "--max-tokens", "3", "--phrase", "a b", "--phrase", "c d", "a b c d e")
    assert code == 0
    assert json.loads(out)["tokens"] == ["a b", "c d", "e"]


def test_layers_of_a_long_text_are_run_one_head_at_a_time(tmp_path):
    """24 heads of 1,024 tokens: together their scores, scaled scores and weights are more than 300 MB in float32."""
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    from safetensors.numpy import load_file, save_file

    config = json.loads((GPT2 / "config.json").read_text()) | {"n_embd": 48, "n_head": 24, "n_positions": 1024}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer.json").write_bytes((GPT2 / "tokenizer.json").read_bytes())
    shapes = {name: tensor.shape for name, tensor in load_file(GPT2 / "model.safetensors").items()}
    larger = {12: 48, 36: 144, 48: 192, 320: 320}
    numbers = np.random.default_rng(0)
    tensors = {}
    for name, shape in shapes.items():
        size = (1024, 48) if "wpe" in name else tuple(larger[side] for side in shape)
        tensors[name] = numbers.normal(size=size).astype(np.float32) * 0.1
    save_file(tensors, tmp_path / "model.safetensors")
    done = bounded(
        ["--model", str(tmp_path), "--max-tokens", "1024", "--overview", "--json", "a " * 511],
        seconds=60, megabytes=900, OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="1",
    )  # fmt: skip
    assert (done.code, done.err) == (0, b"")
    assert len(json.loads(done.out)["overview"]) == 72


def test_too_little_memory_is_said_and_is_no_bug(tmp_path):
    (tmp_path / "text.txt").write_text(" ".join(f"w{number}" for number in range(4096)))
    done = bounded(
        ["--model", "untrained", "--max-tokens", "4096", "--file", "text.txt"],
        folder=tmp_path, seconds=60, megabytes=500, OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="1",
    )  # fmt: skip
    assert done.code == 3
    assert done.out == b""
    assert done.err.startswith(b"attnexplain: error: not enough memory for this text and this model\n")


def test_a_version_of_npy_that_is_not_known_is_refused():
    header = zoo.claims((1, 1)) + bytes(8)
    for version in (3, 9):
        data = zoo.zipped(embeddings=header[:6] + bytes([version]) + header[7:])
        with pytest.raises(ValueError, match=rf"written in version {version}\.0 of \.npy, which is not known"):
            parse_npz(data, LARGEST)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("embeddings.npy", header)
    assert parse_npz(stream.getvalue(), LARGEST)["embeddings"].shape == (1, 1)
