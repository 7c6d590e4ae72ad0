"""A folder of files that are not what they seem, for hostile cases to be pointed at."""

import io
import json
import os
import pickle
import socket
import tempfile
import zipfile
from pathlib import Path

import numpy as np

EVIL = "\x1b[31mred\x07\u202e<script>alert(1)</script>\n[bold]"
"""Text that would do something wherever it got through raw."""

GOOD = {"tokens": ["a", "b"], "embeddings": [[1, 0], [0, 1]], **{f"w_{name}": [[1, 0], [0, 1]] for name in "qkv"}}

EYE = [[1.0, 0.0], [0.0, 1.0]]
COSINE = float(np.e / np.hypot(np.e, 1))
"""Of (1, 0) and the context that is mixed of it and (0, 1) by softmax of 1 and 0."""
STORED = {
    "schema": "attnexplain/1", "version": "0.1.0", "sentence": "a b", "tokens": ["a", "b"], "made": ["", "by hand"],
    "model": {"name": "tiny", "kind": "learned", "layer": 0, "head": 0, "d_model": 2, "d_k": 2, "d_v": 2},
    "settings": {"scale": 1.0, "causal": False}, "embeddings": EYE, "queries": EYE, "keys": EYE, "values": EYE,
    "special": [False, False], "parameters": {f"w_{name}": EYE for name in "qkv"},
    "neighbours": [{"before": ["x"], "after": ["y"], "cosine": COSINE}, {"before": [], "after": [], "cosine": COSINE}],
}  # fmt: skip


def zipped(**members):
    """An archive with members that are given as bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch PICKLE_WAS_RUN",)


def npz(**arrays):
    return zipped(**{name: npy(array) for name, array in arrays.items()})


def claims(shape):
    """The header of an array of a size that is not there."""
    return (
        b"\x93NUMPY\x01\x00v\x00"
        + repr({"descr": "<f8", "fortran_order": False, "shape": shape}).ljust(117).encode()
        + b"\n"
    )


def stored(**keys):
    return json.dumps({**STORED, **keys}).encode()


def changed(**keys):
    return json.dumps({**GOOD, **keys}).encode()


FILES = {
    # sentences
    "empty.txt": b"",
    "comments.txt": b"# one\n#two\n\n",
    "two.txt": b"The cat sat\nThe dog ran\n",
    "no-end.txt": b"The cat sat",
    "crlf.txt": b"The cat sat\r\nThe dog ran\r\n",
    "cr.txt": b"The cat sat\rThe dog ran\r",
    "bom.txt": b"\xef\xbb\xbfThe cat sat\n",
    "utf16.txt": "The cat sat\n".encode("utf-16"),
    "latin1.txt": "Le na\xefve chat\n".encode("latin-1"),
    "surrogate.txt": b"a \xed\xa0\x80 b\n",
    "nul.txt": b"a\x00b c\n\x00\n",
    "escapes.txt": EVIL.encode() + b"\nThe cat sat\n",
    "long-line.txt": b"x" * (2 << 20) + b"\nThe cat sat\n",
    "many-words.txt": b"word " * 200_000 + b"\n",
    "picture.txt": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)),
    "bad-middle.txt": b"The cat sat\n\xff\xfe\nThe dog ran\n",
    f"evil {EVIL.replace('/', '')}.txt": b"The cat sat\n",
    # numbers
    "good.json": json.dumps(GOOD).encode(),
    "empty.json": b"",
    "null.json": b"null",
    "list.json": b"[]",
    "text.json": b'"text"',
    "deep.json": b"[" * 200_000 + b"]" * 200_000,
    "deep-object.json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "cut.json": json.dumps(GOOD).encode()[:-7],
    "twice.json": b'{"tokens": ["a"], "tokens": ["b"]}',
    "nan.json": json.dumps(GOOD).replace("1", "NaN", 1).encode(),
    "infinity.json": json.dumps(GOOD).replace("1", "-Infinity", 1).encode(),
    "huge.json": json.dumps(GOOD).replace("1", "1e999", 1).encode(),
    "digits.json": json.dumps(GOOD).replace("1", "1" * 5000, 1).encode(),
    "overflow.json": changed(embeddings=[[1e200, 0], [0, 1e200]], w_q=[[1e200, 0], [0, 1]]),
    "utf16.json": json.dumps(GOOD).encode("utf-16"),
    "latin1.json": json.dumps(GOOD).replace('"a"', '"\xe9"').encode("latin-1"),
    "escapes.json": changed(tokens=[EVIL, "b"]),
    "surrogate.json": changed(tokens=["\ud800", "b"]),
    "blank.json": changed(tokens=["", " "]),
    "same.json": changed(tokens=["a", "a"]),
    "numbers-as-tokens.json": changed(tokens=[1, 2]),
    "long-token.json": changed(tokens=["x" * 100_000, "b"]),
    "marks.json": changed(tokens=["e" + "\u0301" * 10_000, "b"]),
    "evil-key.json": changed(**{EVIL: 1}),
    "ragged.json": changed(w_q=[[1], [1, 2]]),
    "text-in-numbers.json": changed(w_q=[["1", 0], [0, 1]]),
    "booleans.json": changed(w_q=[[True, False], [False, True]]),
    "misfit.json": changed(w_v=[[1, 0]]),
    "no-rows.json": changed(embeddings=[]),
    "many.json": changed(tokens=["a"] * 5000, embeddings=[[1, 0]] * 5000),
    "vocabulary.json": changed(tokens=None, embeddings={"cat": [1, 0], "The": [0, 1], EVIL: [1, 1]}),
    "weights.json": b'{"tokens": ["a", "b"], "weights": [[0.5, 0.5], [1, 0]]}',
    "bad-weights.json": b'{"tokens": ["a", "b"], "weights": [[2, -1], [1, 0]]}',
    "evil-weights.json": json.dumps({"tokens": [EVIL, "b"], "weights": [[1, 0], [0, 1]]}).encode(),
    "trace-of-evil.json": json.dumps({"schema": "attnexplain/1", "tokens": [EVIL], "model": {"name": EVIL}}).encode(),
    "stored.json": stored(),
    "stored-schema.json": stored(schema="other/1"),
    "stored-sentence.json": stored(sentence=5),
    "stored-surrogate.json": stored(sentence="\ud800"),
    "stored-made.json": stored(made=5),
    "stored-made-few.json": stored(made=[""]),
    "stored-special.json": stored(special=5),
    "stored-special-few.json": stored(special=[True]),
    "stored-settings.json": stored(settings=[1]),
    "stored-scale.json": stored(settings={"scale": -1, "causal": False}),
    "stored-model.json": stored(model=[1]),
    "stored-layer.json": stored(model={"name": "x", "layer": "1"}),
    "stored-company.json": stored(neighbours=[1, 2]),
    "stored-company-few.json": stored(neighbours=[]),
    "stored-tokens.json": stored(tokens=["a", "b", "c"]),
    "text.npz": b"no archive",
    "empty.npz": b"",
    "nothing-inside.npz": zipped(),
    "pickle.npz": zipped(
        **{name: npy(np.array(GOOD[name])) for name in GOOD if name != "w_q"},
        w_q=npy(np.array([Bomb()], object), allow_pickle=True),
    ),
    "bare-pickle.npz": pickle.dumps(Bomb()),
    "bomb.npz": zipped(tokens=npy(np.array(["a"])), embeddings=claims((1, 1 << 28)) + bytes(1 << 28)),
    "claims.npz": zipped(tokens=npy(np.array(["a"])), embeddings=claims((1 << 40, 1 << 20))),
    "negative.npz": zipped(tokens=npy(np.array(["a"])), embeddings=claims((-1, 2))),
    "cut.npz": npz(tokens=np.array(["a"]), embeddings=np.ones((1, 2)))[:-40],
    "bytes.npz": npz(tokens=np.array([b"\xff", b"b"]), embeddings=np.eye(2)),
    "complex.npz": npz(tokens=np.array(["a", "b"]), embeddings=np.eye(2) * 1j),
}  # fmt: skip


def make(folder: Path) -> Path:
    """Fill a folder, with the animals that are no files too."""
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    for ending in ("txt", "json", "npz", "svg"):
        (folder / f"folder.{ending}").mkdir()
        (folder / f"dangling.{ending}").symlink_to("/nowhere/at/all")
        (folder / f"loop.{ending}").symlink_to(f"loop.{ending}")
        with socket.socket(socket.AF_UNIX) as bound, tempfile.TemporaryDirectory(dir="/tmp") as short:
            bound.bind(f"{short}/s")
            Path(f"{short}/s").rename(folder / f"socket.{ending}")
        (folder / f"zero.{ending}").symlink_to("/dev/zero")
        (folder / f"device.{ending}").symlink_to("/dev/null")
        os.mkfifo(folder / f"fifo.{ending}")
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "config.json").write_bytes(b'{"model_type": "' + b"x" * 1000 + b'"}')
    (folder / "kept.svg").write_bytes(b"precious")
    return folder
