"""What came out: figures of a finished model, and of honest baselines beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from attnexplain.attention import Head, attend
from attnexplain.models.spelling import normal_word
from attnexplain.models.training.sources import evaluation_file
from attnexplain.models.training.vocabulary import FUNCTION_WORDS
from attnexplain.tokens import tokenize

Numbers = np.ndarray[Any, np.dtype[np.floating[Any]]]


@dataclass(frozen=True)
class Candidate:
    """A model to be measured: the words, their embeddings, and a head (None: uniform attention)."""

    index: dict[str, int]
    embeddings: Numbers  # [words, d_model]
    head: Head
    uniform: bool = False

    def weights(self, words: list[str]) -> tuple[Numbers, Numbers]:
        """Return the attention weights and the scaled scores of known words."""
        trace = attend(self.embeddings[[self.index[word] for word in words]], self.head)
        n = len(words)
        return (np.full((n, n), 1 / n) if self.uniform else trace.weights), trace.scaled_scores


def measure(
    candidate: Candidate, cues: Path, held_out: list[list[str]], news: list[list[str]], work: Path
) -> dict[str, float]:
    """Take all figures of a model."""
    return {
        "cue": cue_accuracy(candidate, cues)[0],
        "mrr": rebuild_mrr(candidate, held_out),
        "news": rebuild_mrr(candidate, news),
        **shape_of_attention(candidate, held_out + news),
        "similarity": word_similarity(candidate, work)[0],
    }


def cue_accuracy(candidate: Candidate, cues: Path) -> tuple[float, list[str]]:
    """In how many sentences an ambiguous word attends most, of all other words, to one that tells its meaning.

    Each line of the file: the word, the cues, the sentence, with tabs between.
    """
    right, wrong = 0, []
    lines = [line.split("\t") for line in cues.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")]
    for target, telling, sentence in lines:
        words = [word for word in map(normal_word, tokenize(sentence).words) if word in candidate.index]
        weights = candidate.weights(words)[0][words.index(target)]
        others = [(-weight, place) for place, weight in enumerate(weights) if words[place] != target]
        best = words[min(others)[1]] if others else ""
        if best in telling.split():
            right += 1
        else:
            wrong.append(f"{target} -> {best} ({telling}): {sentence}")
    return right / len(lines), wrong


def rebuild_mrr(candidate: Candidate, sentences: list[list[str]], negatives: int = 1000, most: int = 3000) -> float:
    """Mean reciprocal rank of a content word's own value vector, by cosine to the context that the others make.

    Its own copies are hidden. One word a sentence; the sentences are taken evenly from all, and so are the negatives
    from the vocabulary.
    """
    generator = np.random.default_rng(0)
    head = candidate.head
    values = _unit(candidate.embeddings @ head.w_v)
    ranks = []
    for sentence in sentences[:: max(len(sentences) // most, 1)]:
        words = [word for word in sentence if word in candidate.index]
        rows = np.array([candidate.index[word] for word in words])
        if len(rows) < 3:
            continue
        _, scores = candidate.weights(words)
        if candidate.uniform:
            scores = np.zeros_like(scores)
        hidden = rows[:, None] == rows[None, :]
        content = [i for i, word in enumerate(words) if word not in FUNCTION_WORDS and not hidden[i].all()]
        if not content:
            continue
        place = int(generator.choice(content))
        shares = np.where(hidden[place], 0.0, np.exp(scores[place] - scores[place][~hidden[place]].max()))
        context = _unit((shares / shares.sum()) @ (candidate.embeddings[rows] @ head.w_v))
        drawn = generator.integers(0, len(values), negatives)
        drawn = drawn[drawn != rows[place]]
        ranks.append(1 / (1 + np.count_nonzero(values[drawn] @ context > values[rows[place]] @ context)))
    return float(np.mean(ranks))


def shape_of_attention(candidate: Candidate, sentences: list[list[str]], most: int = 3000) -> dict[str, float]:
    """Say where content words look: at function words, at themselves, how evenly (means of rows); the largest score."""
    function, own, entropy, largest = [], [], [], 0.0
    for sentence in sentences[:: max(len(sentences) // most, 1)]:
        words = [word for word in sentence if word in candidate.index]
        if len(words) < 3:
            continue
        weights, scores = candidate.weights(words)
        is_function = np.array([word in FUNCTION_WORDS for word in words])
        largest = max(largest, float(np.abs(scores).max()))
        for i in np.flatnonzero(~is_function):
            function.append(weights[i][is_function].sum())
            own.append(weights[i][[word == words[i] for word in words]].sum())
            entropy.append(-(weights[i] * np.log(np.maximum(weights[i], 1e-12))).sum() / np.log(len(words)))
    return {
        "function": float(np.mean(function)),
        "own": float(np.mean(own)),
        "entropy": float(np.mean(entropy)),
        "largest": largest,
    }


def word_similarity(candidate: Candidate, work: Path) -> tuple[float, int]:
    """Spearman's correlation of the embeddings' cosines with WordSim-353, and how many pairs are known."""
    ours, theirs = [], []
    unit = _unit(candidate.embeddings - candidate.embeddings.mean(0))
    for line in evaluation_file(work, "wordsim353.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        one, other, score = line.lower().split("\t")
        if one in candidate.index and other in candidate.index:
            ours.append(float(unit[candidate.index[one]] @ unit[candidate.index[other]]))
            theirs.append(float(score))
    return float(spearmanr(ours, theirs).statistic), len(ours)


def _unit(vectors: Numbers) -> Numbers:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
