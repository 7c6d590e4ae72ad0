"""The weights file: a header that names the arrays, the arrays, the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attnexplain.models.spelling import BUCKETS, buckets
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary

if TYPE_CHECKING:  # they need PyTorch, and what reads or measures the file does not
    from attnexplain.models.training.learn import Learned
    from attnexplain.models.training.learn_order import LearnedOrder

Numbers = np.ndarray[Any, np.dtype[Any]]
NEAREST = 10
"""How many of a word's nearest say how crowded it is around it."""


def write(path: Path, learned: Learned, order: LearnedOrder, vocabulary: Vocabulary) -> None:
    """Write the file that `attnexplain.models.tiny` reads. Embeddings are bytes, with one scale for each of their places."""
    content = [row for row, word in enumerate(vocabulary.words) if word not in FUNCTION_WORDS]
    arrays: dict[str, Numbers] = {}
    for number, matrices in enumerate(((learned.w_q, learned.w_k, learned.w_v), order.ahead, order.back)):
        for name, matrix in zip(("w_q", "w_k", "w_v"), matrices, strict=True):
            arrays[f"{name}_{number}"] = matrix.astype("<f4")
    arrays["unknown"] = learned.embeddings[content].mean(axis=0).astype("<f4")
    arrays["unknown_kind"] = order.kinds[content].mean(axis=0).astype("<f4")
    groups = letter_groups(learned.embeddings, vocabulary)
    for name, rows in {"embeddings": learned.embeddings, "kinds": order.kinds, "groups": groups}.items():
        scales = (np.abs(rows).max(axis=0) / 127).astype("<f4")
        arrays[f"{name}_scales"] = scales
        arrays[name] = np.round(rows / scales).astype("i1")
    arrays["offered"] = np.packbits([word in vocabulary.offered for word in vocabulary.words])
    arrays["silent"] = np.packbits([word in vocabulary.silent for word in vocabulary.words])
    rounded = arrays["embeddings"].astype(np.float64) * arrays["embeddings_scales"]
    arrays["crowded"] = np.round(crowded(rounded @ learned.w_v, vocabulary) * 255).astype("u1")
    order_of_arrays = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)  # numbers start where they may
    header = {"arrays": [[name, array.dtype.str, list(array.shape)] for name, array in order_of_arrays]}
    written = json.dumps(header).encode()
    written += b" " * (-(len(written) + 8) % 16)  # so that the arrays start on a multiple of 16
    words = "\n" + "\n".join(vocabulary.words) + "\n"
    parts = [len(written).to_bytes(8, "little"), written, *(array.tobytes() for _, array in order_of_arrays)]
    path.write_bytes(b"".join([*parts, words.encode()]))


def crowded(values: Numbers, vocabulary: Vocabulary) -> Numbers:
    """Return for each offered word half of its mean cosine to its nearest offered ones: how crowded it is around it."""
    rows = [row for row, word in enumerate(vocabulary.words) if word in vocabulary.offered]
    unit = values[rows] / np.linalg.norm(values[rows], axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1.0)
    nearest = np.partition(cosines, -NEAREST, axis=1)[:, -NEAREST:]
    return np.asarray(np.clip(nearest.mean(axis=1) / 2, 0, 1))


def letter_groups(embeddings: Numbers, vocabulary: Vocabulary, ridge: float = 1.0) -> Numbers:
    """Fit a vector to each bucket of letter groups, so that their mean comes near each content word's embedding."""
    rows = [row for row, word in enumerate(vocabulary.words) if word.isalpha() and word not in FUNCTION_WORDS]
    design = np.zeros((len(rows), BUCKETS), dtype=np.float32)
    for i, row in enumerate(rows):
        groups = buckets(vocabulary.words[row])
        np.add.at(design[i], groups, 1 / len(groups))
    gram = design.T @ design + ridge * np.eye(BUCKETS, dtype=np.float32)
    return np.asarray(np.linalg.solve(gram.astype(np.float64), (design.T @ embeddings[rows]).astype(np.float64)))
