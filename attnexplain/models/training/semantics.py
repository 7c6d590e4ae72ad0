"""What a sentence encoder knows of each word alone: the raw material of the embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnexplain.models.spelling import NUMBER, ORDINAL, YEAR
from attnexplain.models.training.sources import minilm

WIDTH = 192
_STANDS_FOR = {
    YEAR: "year 1987", ORDINAL: "third", NUMBER: "number 42",
    # words that this program speaks in, as it means them
    "transformer": "transformer neural network", "transformers": "transformer neural networks",
    "token": "token of a text, a word", "tokens": "tokens of a text, words",
    "embedding": "word embedding vector", "embeddings": "word embedding vectors",
    "softmax": "softmax of numbers, probability", "tokenizer": "tokenizer that splits text into words",
    "backpropagation": "training a neural network by backpropagation", "gpu": "graphics processor of a computer",
    "gpus": "graphics processors of computers", "covid": "covid pandemic virus", "usb": "usb cable computer",
    "api": "api programming interface", "apis": "api programming interfaces", "chatgpt": "chatgpt language model",
}  # fmt: skip
"""What the encoder reads instead of the word alone."""


def word_features(work: Path, words: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return (words, WIDTH): MiniLM's mean output for the word alone beside the mean of its input embeddings.

    Each part is centred and set to length 1 before principal components bring both together to WIDTH numbers.
    """
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm(work), local_files_only=True)
    model = AutoModel.from_pretrained(minilm(work), local_files_only=True).eval()
    outputs, inputs = [], []
    with torch.no_grad():
        for start in range(0, len(words), 512):
            texts = [_STANDS_FOR.get(word, word) for word in words[start : start + 512]]
            batch = tokenizer(texts, padding=True, return_tensors="pt")
            mask = batch["attention_mask"][..., None].float()
            outputs.append((model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1))
            pieces = mask.clone()
            pieces[:, 0] = 0  # [CLS]
            last = batch["attention_mask"].sum(1) - 1
            pieces[torch.arange(len(texts)), last] = 0  # [SEP]
            embedded = model.embeddings.word_embeddings(batch["input_ids"])
            inputs.append((embedded * pieces).sum(1) / pieces.sum(1).clamp(min=1))
    both = torch.cat([_normal(torch.cat(outputs)), _normal(torch.cat(inputs))], dim=1).double()
    centred = both - both.mean(0)
    _, _, directions = torch.linalg.svd(centred.T @ centred)
    reduced = centred @ directions[:WIDTH].T
    return (reduced / reduced.std()).float().numpy()


def _normal(part: torch.Tensor) -> torch.Tensor:
    centred = part - part.mean(0)
    return centred / centred.norm(dim=1, keepdim=True)
