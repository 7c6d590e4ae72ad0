"""What is fuzzed: each target makes an input of bytes, hands it to our code, and fails where a promise is broken."""

import contextlib
import functools
import io
import json
import os
import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
import zoo
from command import call, raw
from fuzz.source import Source

from attnexplain.errors import AttnExplainError
from attnexplain.merging import words_of
from attnexplain.text import visible, word_key
from attnexplain.tokens import tokenize, word_spans

CHECKPOINTS = Path(__file__).parent.parent / "data" / "checkpoints"
JSON_FRAGMENTS = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1e308",
    b"-0",
    b"1" * 400,
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\\u001b[31m"',
    b"[[",
    b"]]",
    b",",
    b":",
    b"\xff",
    b"[" * 3000,
    b'"tokens"',
    b'"embeddings"',
    b'"weights"',
    b'"queries"',
    b'"schema": "attnexplain/1", ',
    b'"causal": true, ',
    b'"scale": 0, ',
    b'"w_q"',
    b"0.5",
    b"-1",
    b"4096",
    b"1099511627776",
)
NPY_FRAGMENTS = (
    b"<f8",
    b">f8",
    b"<f4",
    b"|O",
    b"<U9",
    b"|S3",
    b"|b1",
    b"<c16",
    b"<i8",
    b"True",
    b"False",
    b"(",
    b")",
    b",",
    b"1000000000",
    b"(0,)",
    b"(2, 2)",
    b"(-1,)",
    b"\x93NUMPY",
    b"\x02\x00",
    b"\x00" * 8,
    b"\xff" * 8,
    b"[('a', '<f8')]",
)
OPTIONS = [
    "--file",
    "--step",
    "--query",
    "--key",
    "--phrase",
    "--model",
    "--layer",
    "--head",
    "--find",
    "--compare",
    "--explain",
    "--output",
    "--theme",
    "--digits",
    "--seed",
    "--width",
    "--color",
    "--max-tokens",
    "-f",
    "-s",
    "-m",
    "-o",
]
FLAGS = [
    "--overview",
    "--merge-words",
    "--causal",
    "--no-causal",
    "--scale",
    "--no-scale",
    "--pause",
    "--json",
    "--keep-going",
    "--force",
    "--json-schema",
    "--ascii",
    "--brief",
    "--debug",
    "--model-card",
    "--version",
    "--help",
    "--",
    "-",
    "-V",
    "-h",
    "--show-completion",
]
VALUES = [
    "1",
    "2",
    "3",
    "4",
    "0",
    "-1",
    "20",
    "500",
    "8",
    "1e3",
    "always",
    "never",
    "auto",
    "light",
    "dark",
    "tiny",
    "untrained",
    "minilm",
    "softmax",
    "mask",
    "cat:The",
    "2:1",
    "zoo/good.json",
    "zoo/vocabulary.json",
    "zoo/weights.json",
    "zoo/two.txt",
    "zoo/escapes.txt",
    "zoo/bad-middle.txt",
    "zoo/picture.txt",
    "zoo/folder.txt",
    "zoo/device.txt",
    "bert",
    "bert/config.json",
    "x.svg",
    "x.html",
    "x.txt",
    "x.json",
    "x.npz",
    "zoo/kept.svg",
    "no/such.svg",
    "gpt2",
    "nobody/nothing",
]


@functools.cache
def workplace() -> Path:
    """A folder with files good and bad, where every input is tried."""
    folder = Path(tempfile.mkdtemp(prefix="attnexplain-fuzz-"))
    (folder / "zoo").mkdir()
    zoo.make(folder / "zoo")
    for name in ("bert", "gpt2"):
        shutil.copytree(CHECKPOINTS / name, folder / name)
    return folder


def command(arguments, stdin=b""):
    """Run the command in this process, in the workplace, and see that it keeps its promises.

    Returns its exit code, and what it said on standard error.
    """
    offline = {"HF_HOME": str(workplace()), "HF_HUB_OFFLINE": "1"}
    given = io.TextIOWrapper(io.BytesIO(stdin))
    with contextlib.chdir(workplace()), patch.dict(os.environ, offline), patch.object(sys, "stdin", given):
        code, out, err = call(*arguments)
    assert code in (0, 1, 2, 3), (code, err[-2000:])
    assert "Traceback" not in err
    assert raw(out) == raw(err) == set()
    assert "\x1b" not in err
    if code:
        assert err.startswith(("attnexplain: error: ", "attnexplain: warning: ")) or "Usage: " in err, err
    return code, err


def read(model, *arguments):
    """Give a damaged model to the command, which may refuse it, but has to have opened it."""
    code, err = command(["--model", model, *arguments])
    assert "cannot open numbers" not in err
    assert "there is no model" not in err
    assert code in (0, 2, 3)


def of_tokens(data):
    """Any text, any phrases: words in their order, and nothing raw once it is made visible."""
    source = Source(data)
    text, phrases = source.text(40), [source.text(3) for _ in range(source.number(3))]
    shown = visible(text)
    assert raw(shown) == set()
    assert "\x1b" not in shown
    assert visible(shown) == shown
    assert visible(text, charset="ascii").isascii()
    assert word_key(word_key(text)) == word_key(text)
    spans = word_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    try:
        tokens = tokenize(text, phrases, 1 + source.number(64))
    except AttnExplainError:
        return
    assert tokens.texts
    assert "".join(word.text for word in words_of(text, tokens)) == "".join(tokens.texts)


def of_numbers(data):
    """A file of numbers that somebody has damaged, or in which one value is another."""
    source = Source(data)
    good = zoo.FILES[source.one_of(["good.json", "stored.json", "weights.json", "vocabulary.json", "same.json"])]
    if source.byte() % 2:
        content = json.loads(good)
        content[source.one_of(sorted(content))] = source.value()
        damaged = json.dumps(content).encode()
    else:
        damaged = source.spliced(good, JSON_FRAGMENTS)
    (workplace() / "numbers.json").write_bytes(damaged)
    shape = source.one_of([[], ["--json"], ["--step", "3"], ["The cat"], ["--width", "20"], ["--color", "always"]])
    read("numbers.json", *shape)


def of_archives(data):
    """An .npz whose arrays somebody has damaged."""
    source = Source(data)
    arrays = {name: zoo.npy(np.array(content)) for name, content in zoo.GOOD.items()}
    name = source.one_of(sorted(arrays))
    arrays[name] = source.spliced(arrays[name], NPY_FRAGMENTS)
    archive = zoo.zipped(**arrays)
    (workplace() / "numbers.npz").write_bytes(archive if source.byte() % 4 else source.spliced(archive, NPY_FRAGMENTS))
    read("numbers.npz", *source.one_of([[], ["--json"], ["--step", "4"]]))


def of_checkpoints(data):
    """A checkpoint of which somebody has damaged one file."""
    source = Source(data)
    family = source.one_of(sorted(path.name for path in CHECKPOINTS.iterdir()))
    folder = workplace() / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CHECKPOINTS / family, folder)
    (folder / "reference.npz").unlink()
    path = source.one_of(sorted(folder.iterdir()))
    fragments = (
        JSON_FRAGMENTS if path.suffix == ".json" else (*JSON_FRAGMENTS, *NPY_FRAGMENTS, b'"F16"', b'"data_offsets"')
    )
    good = path.read_bytes()
    if path.suffix != ".json" and source.byte() % 2:  # most of the file is numbers, most of the danger is not
        length = 8 + int.from_bytes(good[:8], "little")
        header = source.spliced(good[8:length], fragments)
        path.write_bytes(len(header).to_bytes(8, "little") + header + good[length:])
    else:
        path.write_bytes(source.spliced(good, fragments))
    shape = source.one_of(
        [[], ["--json"], ["--overview"], ["--layer", "2", "--head", "1"], ["--merge-words", "--step", "3"]]
    )
    read("damaged", *shape, "The cat didn't sat é")


def of_commands(data):
    """A command line of options, values and nasty texts; --download is left out, for it touches the net."""
    source = Source(data)
    arguments = []
    for _ in range(source.number(7)):
        kind = source.number(6)
        if kind == 0:
            arguments.append(source.one_of(FLAGS))
        elif kind < 4:
            option = source.one_of(OPTIONS)
            value = source.text(3) if source.byte() % 3 == 0 else source.one_of(VALUES)
            arguments += [f"{option}={value}"] if source.byte() % 8 == 0 else [option, value]
        else:
            arguments.append(source.text())
    if any(str(argument).startswith("--down") for argument in arguments):
        return
    folder = workplace()
    kept = (folder / "zoo" / "kept.svg").read_bytes()
    code, _ = command(arguments, source.text(6).encode("utf-8", "surrogatepass" if source.byte() % 2 else "replace"))
    written = [path for path in folder.iterdir() if path.name.startswith("x.")]
    assert not list(folder.rglob(".attnexplain-*"))
    assert "--force" in arguments or (folder / "zoo" / "kept.svg").read_bytes() == kept
    (folder / "zoo" / "kept.svg").write_bytes(b"precious")
    for path in written:
        assert code == 0
        assert path.stat().st_size
        path.unlink()


def of_json(data):
    """Any sentence as JSON: one line, ASCII, valid, and the sentence comes back."""
    source = Source(data)
    text = source.text(20)
    code, out, _ = call("--json", "--", text)
    assert code in (0, 3) or text == "-"
    if code == 0 and text != "-":
        assert out.isascii()
        assert out.count("\n") == 1
        assert json.loads(out)["sentence"] == text


TARGETS = {
    "tokens": of_tokens, "numbers": of_numbers, "archives": of_archives, "checkpoints": of_checkpoints,
    "commands": of_commands, "json": of_json,
}  # fmt: skip
