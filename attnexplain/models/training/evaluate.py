"""What came out: figures of a finished model, and of honest baselines beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from attnexplain.attention import AttentionTrace, Head, attend
from attnexplain.models.positions import with_positions
from attnexplain.models.spelling import normal_word
from attnexplain.models.training.sources import evaluation_file
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary
from attnexplain.models.training.write import crowded
from attnexplain.tokens import tokenize

Numbers = np.ndarray[Any, np.dtype[np.floating[Any]]]
Judge = Callable[[AttentionTrace, list[str], int], Numbers]
"""Gives each word of a sentence a number, for one that asks; the largest is where it looks."""


@dataclass(frozen=True)
class Cue:
    """An ambiguous word, the words of its sentence that tell its meaning, and the sentence."""

    word: str
    cues: frozenset[str]
    sentence: str


@dataclass(frozen=True)
class Candidate:
    """A model to be measured: the words, their embeddings, and a head."""

    vocabulary: Vocabulary
    embeddings: Numbers  # [words, d_model]
    head: Head

    def words(self, sentence: str) -> list[str]:
        """Take the known words of a sentence."""
        return [word for word in map(normal_word, tokenize(sentence).texts) if word in self.vocabulary.index]

    def run(self, sentence: str) -> tuple[list[str], AttentionTrace]:
        """Run the head on the known words of a sentence."""
        words = self.words(sentence)
        return words, attend(self.embeddings[[self.vocabulary.index[word] for word in words]], self.head)


def read_cues(path: Path) -> list[Cue]:
    """Read a file of cues: the word, the telling words, the sentence, with tabs between."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")]
    return [Cue(word, frozenset(cues.split()), sentence) for word, cues, sentence in lines]


def by_weight(trace: AttentionTrace, words: list[str], asking: int) -> Numbers:
    """Look where the attention weight is largest."""
    return np.asarray(trace.weights[asking])


def by_cosine(trace: AttentionTrace, words: list[str], asking: int) -> Numbers:
    """Look at the content word whose embedding is most like one's own."""
    x = _unit(np.asarray(trace.embeddings))
    is_content = np.array([word not in FUNCTION_WORDS for word in words])
    return np.where(is_content, x @ x[asking], -2.0)


def cue_accuracy(candidate: Candidate, cues: list[Cue], judge: Judge = by_weight) -> float:
    """In how many sentences an ambiguous word looks most, of all other words, at one that tells its meaning."""
    right = []
    for cue in cues:
        words, trace = candidate.run(cue.sentence)
        strengths = judge(trace, words, words.index(cue.word))
        others = [place for place, word in enumerate(words) if word != cue.word]
        right.append(words[max(others, key=lambda place: (strengths[place], -place))] in cue.cues)
    return float(np.mean(right))


def unlike(cue: Cue, others: list[Cue]) -> bool:
    """Whether a sentence shares at most half of the content words with each of some others (the Jaccard index)."""
    words = _content_words(cue.sentence)
    return all(
        2 * len(words & _content_words(one.sentence)) <= len(words | _content_words(one.sentence)) for one in others
    )


@cache
def _content_words(sentence: str) -> frozenset[str]:
    return frozenset(map(normal_word, tokenize(sentence).texts)) - FUNCTION_WORDS


def chance(candidate: Candidate, cues: list[Cue], *, content_alone: bool) -> float:
    """How often a word taken at random, of all others or of the content words, tells the meaning."""
    shares = []
    for cue in cues:
        words, _ = candidate.run(cue.sentence)
        others = [word for word in words if word != cue.word and not (content_alone and word in FUNCTION_WORDS)]
        shares.append(np.mean([word in cue.cues for word in others]))
    return float(np.mean(shares))


def senses(candidate: Candidate, cues: list[Cue], path: Path) -> dict[str, float]:
    """Measure what the context vector of an ambiguous word says: where it moved, and which words are near it.

    `path` has for each cue the words of its sense. `moved`: the context is nearer to the right sense than the value is,
    beside the wrong one. `right`: the five nearest words name the right sense and no wrong one. `wrong`: they name the
    wrong one.
    """
    lines = [line.split("\t")[1].split() for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    vocabulary = candidate.vocabulary
    index, values = vocabulary.index, _unit(candidate.embeddings @ candidate.head.w_v)
    offered = [word for word in vocabulary.words if word in vocabulary.offered]
    rows, crowd = [index[word] for word in offered], crowded(candidate.embeddings @ candidate.head.w_v, vocabulary)
    of_word: dict[str, list[int]] = {}
    for number, cue in enumerate(cues):
        of_word.setdefault(cue.word, []).append(number)
    found: dict[str, list[bool]] = {"moved": [], "right": [], "wrong": []}
    for one, other in [pair for a, b in of_word.values() for pair in ((a, b), (b, a))]:
        words, trace = candidate.run(cues[one].sentence)
        place = words.index(cues[one].word)
        nearness = values[rows] @ _unit(trace.context[place]) - crowd
        near = [offered[i] for i in np.argsort(-nearness, kind="stable")[:6] if offered[i] != cues[one].word][:5]
        centres = [
            _unit(values[[index[word] for word in lines[k] if word in index]].mean(axis=0)) for k in (one, other)
        ]
        before, after = (
            float(_unit(vector) @ (centres[0] - centres[1])) for vector in (trace.values[place], trace.context[place])
        )
        is_wrong = bool(set(near) & set(lines[other]))
        found["moved"].append(after > before)
        found["right"].append(bool(set(near) & set(lines[one])) and not is_wrong)
        found["wrong"].append(is_wrong)
    return {name: float(np.mean(values)) for name, values in found.items()}


def order(
    kinds: Numbers, ahead: Head, back: Head, vocabulary: Vocabulary, path: Path
) -> dict[str, tuple[float, float]]:
    """Measure the heads that see order: how often a word looks most at the right one, and how often a trivial rule does.

    The rules: an article or an adjective looks at the next word, a pronoun at the first content word, a verb at the
    word before it.
    """
    right: dict[str, list[bool]] = {}
    trivial: dict[str, list[bool]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        sentence, notes = line.split("\t")
        words = [normal_word(word) for word in tokenize(sentence).texts]
        rows = [vocabulary.index.get(word) for word in words]
        x = with_positions(np.array([kinds.mean(axis=0) if row is None else kinds[row] for row in rows]))
        looks = {"ahead": attend(x, ahead).weights, "back": attend(x, back).weights}
        first = next((place for place, word in enumerate(words) if word not in FUNCTION_WORDS), 0)
        for note in notes.split():
            kind, _, places = note.partition(":")
            asking, _, answers = places.partition(">")
            place, goals = int(asking) - 1, [int(answer) - 1 for answer in answers.split(",")]
            row = np.array(looks["ahead" if kind in ("article", "adjective") else "back"][place])
            row[place] = -1
            rule = {"article": place + 1, "adjective": place + 1, "verb": place - 1}.get(kind, first)
            right.setdefault(kind, []).append(int(row.argmax()) in goals)
            trivial.setdefault(kind, []).append(rule in goals)
    return {kind: (float(np.mean(right[kind])), float(np.mean(trivial[kind]))) for kind in right}


def shape_of_attention(candidate: Candidate, sentences: list[list[str]], most: int = 3000) -> dict[str, float]:
    """Say where content words look: at function words, at themselves, how evenly (means of rows); the largest score."""
    function, own, entropy, largest = [], [], [], 0.0
    index = candidate.vocabulary.index
    for sentence in sentences[:: max(len(sentences) // most, 1)]:
        words = [word for word in sentence if word in index]
        if len(words) < 3:
            continue
        trace = attend(candidate.embeddings[[index[word] for word in words]], candidate.head)
        is_function = np.array([word in FUNCTION_WORDS for word in words])
        largest = max(largest, float(np.abs(trace.scaled_scores).max()))
        for i in np.flatnonzero(~is_function):
            row = trace.weights[i]
            function.append(row[is_function].sum())
            own.append(row[[word == words[i] for word in words]].sum())
            entropy.append(-(row * np.log(np.maximum(row, 1e-12))).sum() / np.log(len(words)))
    return {
        "function": float(np.mean(function)),
        "own": float(np.mean(own)),
        "entropy": float(np.mean(entropy)),
        "largest": largest,
    }


def word_similarity(candidate: Candidate, work: Path) -> float:
    """Spearman's correlation of the embeddings' cosines with WordSim-353, where both words are known."""
    ours, theirs = [], []
    index, unit = candidate.vocabulary.index, _unit(candidate.embeddings - candidate.embeddings.mean(0))
    for line in evaluation_file(work, "wordsim353.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        one, other, score = line.lower().split("\t")
        if one in index and other in index:
            ours.append(float(unit[index[one]] @ unit[index[other]]))
            theirs.append(float(score))
    return float(spearmanr(ours, theirs).statistic)


def _unit(vectors: Numbers) -> Numbers:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
