"""The weights file: a header that names the arrays, the arrays, the words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from attnexplain.models.spelling import BUCKETS, buckets
from attnexplain.models.training.learn import Learned
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary

Numbers = np.ndarray[Any, np.dtype[Any]]


def write(path: Path, learned: Learned, vocabulary: Vocabulary) -> None:
    """Write the file that `attnexplain.models.tiny` reads. Embeddings are bytes, with one scale for each column."""
    scales = np.abs(learned.embeddings).max(axis=0) / 127
    groups = letter_groups(learned.embeddings, vocabulary)
    group_scales = np.abs(groups).max(axis=0) / 127
    content = [row for row, word in enumerate(vocabulary.words) if word not in FUNCTION_WORDS]
    arrays: dict[str, Numbers] = {
        "w_q": learned.w_q.astype("<f4"),
        "w_k": learned.w_k.astype("<f4"),
        "w_v": learned.w_v.astype("<f4"),
        "scales": scales.astype("<f4"),
        "group_scales": group_scales.astype("<f4"),
        "unknown": learned.embeddings[content].mean(axis=0).astype("<f4"),
        "embeddings": np.round(learned.embeddings / scales).astype("i1"),
        "groups": np.round(groups / group_scales).astype("i1"),
        "function": np.packbits([word in FUNCTION_WORDS for word in vocabulary.words]),
        "offered": np.packbits([word in vocabulary.offered for word in vocabulary.words]),
    }
    header = {"arrays": [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]}
    written = json.dumps(header).encode()
    written += b" " * (-(len(written) + 8) % 16)  # so that the arrays start on a multiple of 16
    words = "\n" + "\n".join(vocabulary.words) + "\n"
    parts = [len(written).to_bytes(8, "little"), written, *(array.tobytes() for array in arrays.values())]
    path.write_bytes(b"".join([*parts, words.encode()]))


def letter_groups(embeddings: Numbers, vocabulary: Vocabulary, ridge: float = 1.0) -> Numbers:
    """Fit a vector to each bucket of letter groups, so that their mean comes near each content word's embedding."""
    rows = [row for row, word in enumerate(vocabulary.words) if word.isalpha() and word not in FUNCTION_WORDS]
    design = np.zeros((len(rows), BUCKETS), dtype=np.float32)
    for i, row in enumerate(rows):
        groups = buckets(vocabulary.words[row])
        np.add.at(design[i], groups, 1 / len(groups))
    gram = design.T @ design + ridge * np.eye(BUCKETS, dtype=np.float32)
    return np.asarray(np.linalg.solve(gram.astype(np.float64), (design.T @ embeddings[rows]).astype(np.float64)))
