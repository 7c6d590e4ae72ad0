"""What a sentence encoder makes of words in their sentence: which of them belong together there.

A word alone has all its meanings at once. In a sentence the encoder's first layers have mixed it with the words that it
belongs to, so the cosine of two words' outputs says more than that of the two words alone: on sentences that models were
chosen by, an ambiguous word is most like a word that tells its meaning in .82 of them (of the words alone: .69).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from attnexplain.models.training.sources import minilm
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary

Rows = np.ndarray[Any, np.dtype[np.int32]]
Cosines = np.ndarray[Any, np.dtype[np.float16]]

LAYERS = (1, 2)
"""The layers whose cosines are averaged, counted from 1."""
SHORTEST = 5
"""Words of a sentence that is listened to, three of them content words."""
BATCH = 256


@dataclass(frozen=True)
class Heard:
    """Sentences, and how nearly each two of their words point the same way in them."""

    rows: Rows  # [sentences, longest], -1 where a sentence has ended
    cosines: Cosines  # [sentences, longest, longest]


def worth_hearing(rows: Rows, vocabulary: Vocabulary) -> Rows:
    """Choose the sentences that are long enough."""
    is_content = np.array([word not in FUNCTION_WORDS for word in vocabulary.words])
    return np.array([row for row in rows if (row >= 0).sum() >= SHORTEST and is_content[row[row >= 0]].sum() >= 3])


def hear(work: Path, rows: Rows, vocabulary: Vocabulary) -> Heard:
    """Run the encoder's first layers on sentences, given as rows of the vocabulary."""
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(minilm(work), local_files_only=True)
    model = AutoModel.from_pretrained(minilm(work), local_files_only=True).eval()
    model.encoder.layer = model.encoder.layer[: max(LAYERS)]
    cosines = np.zeros((len(rows), rows.shape[1], rows.shape[1]), dtype=np.float16)
    by_length = np.argsort((rows >= 0).sum(axis=1), kind="stable")
    for start in range(0, len(rows), BATCH):
        some = by_length[start : start + BATCH]
        texts = [[vocabulary.words[row] for row in rows[i] if row >= 0] for i in some]
        encoded = tokenizer(texts, is_split_into_words=True, padding=True, return_tensors="pt")
        with torch.no_grad():
            states = model(**encoded, output_hidden_states=True).hidden_states
        for b, i in enumerate(some):
            n = len(texts[b])
            cosines[i, :n, :n] = _cosines([states[layer][b] for layer in LAYERS], encoded.word_ids(b), n)
    return Heard(rows, cosines)


def _cosines(states: list[torch.Tensor], word_ids: list[int | None], n: int) -> Any:
    """Average the pieces of each word, and the cosines over the layers; [pieces, width] each -> [n, n]."""
    of_word = torch.tensor([[float(word == place) for word in word_ids] for place in range(n)])
    of_word /= of_word.sum(dim=1, keepdim=True)
    vectors = [functional.normalize(of_word @ state, dim=-1) for state in states]
    return torch.stack([v @ v.T for v in vectors]).mean(0).numpy()
