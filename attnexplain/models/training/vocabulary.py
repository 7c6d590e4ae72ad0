"""Which words the model knows, which of them are function words, and which may be offered as neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attnexplain.models.little import little_words
from attnexplain.models.spelling import NUMBERS
from attnexplain.models.training.corpus import first_meanings, irregular_forms, own_sentences, synsets
from attnexplain.models.training.safety import CALENDAR, identity_words, listed, proper_names, unfit_words
from attnexplain.models.training.sources import minilm

FUNCTION_WORDS = little_words()
"""Words that hold sentences together: they say little on their own, and attention to them says little."""
GENERIC_WORDS = listed("generic_words.txt")
"""Words that attention is led away from in training, like function words, though they have a meaning."""

MOST_WORDS = 40_000
RARE = 4
"""A word that no encoder lists must occur so often in the training texts."""
COMMON = 12
"""A neighbour that is offered to a reader occurs so often in the training texts, or is frequent elsewhere."""
FREQUENT = 9000
"""The words that the encoder lists first are frequent in the texts of today."""

_NOT_IN_CLASS = re.compile(
    r"slur|obscen|vulgar|offensive|disparag|derogat|slang for|sexual|genital|prostitut|urinat|excre|feces|faeces|"
    r"defecat|copulat|masturbat|intercourse|erotic|pornograph|rape|brothel|incest|nipple|penis|vagina|anus|buttock|"
    r"castrat|ejaculat|orgasm|lewd|lascivious|homosexual|lesbian|sodom",
    re.IGNORECASE,
)
MODERN_WORDS = listed("modern_words.txt")


@dataclass(frozen=True)
class Vocabulary:
    """The words, in order; their counts in the training texts."""

    words: tuple[str, ...]
    counts: tuple[int, ...]
    offered: frozenset[str]
    """Those that may be company."""
    silent: frozenset[str]
    """Those that no company is shown for, because they say who somebody is."""

    @cached_property
    def index(self) -> dict[str, int]:
        """Word → its row."""
        return {word: row for row, word in enumerate(self.words)}


def choose(work: Path, counts: Counter[str], most: int = MOST_WORDS) -> Vocabulary:
    """Take the kinds of numbers, contractions, modern words, the encoder's own whole words, and those of the texts."""
    listed_by_encoder = [line for line in minilm_words(work) if re.fullmatch(r"[a-z]+", line)]
    frequent = [
        word for word, count in counts.most_common() if count >= RARE and re.fullmatch(r"[a-z]+('[a-z]+)?", word)
    ]
    contractions = [word for word in sorted(FUNCTION_WORDS) if re.fullmatch(r"[a-z']+", word)]
    modern = sorted(MODERN_WORDS)
    words = list(dict.fromkeys([*NUMBERS, *contractions, *modern, *listed_by_encoder, *frequent]))[:most]
    silent = frozenset(words) & identity_words(work)
    offered = _offered(work, words, counts) - silent
    return Vocabulary(tuple(words), tuple(counts[word] for word in words), offered, silent)


def minilm_words(work: Path) -> list[str]:
    """Read the encoder's vocabulary, which is nearly in order of frequency."""
    return (minilm(work) / "vocab.txt").read_text(encoding="utf-8").splitlines()


def _offered(work: Path, words: list[str], counts: Counter[str]) -> frozenset[str]:
    """Choose what may be shown as a neighbour: plain words, no names, nothing that does not belong in class."""
    ours = MODERN_WORDS | {word for sentence in own_sentences() for word in sentence.split()}
    frequent = set([line for line in minilm_words(work) if line.isalpha()][:FREQUENT]) - proper_names(work)
    irregular = irregular_forms(work)
    plain: set[str] = set(MODERN_WORDS | CALENDAR)
    unfit: set[str] = set(unfit_words(work))
    fit = listed("fit.txt")
    first = {part: first_meanings(work, part) for part in ("noun", "verb", "adj", "adv")}
    for synset in synsets(work):
        lower = [word for word in synset.words if word.islower()]
        plain.update(lower)
        if _NOT_IN_CLASS.search(synset.definition):  # a word is judged by its first meaning
            unfit.update(word for word in lower if first[synset.part].get(word) == synset.offset)
    return frozenset(
        word
        for word in words
        if (len(word) > 2 or word in MODERN_WORDS) and word not in FUNCTION_WORDS | GENERIC_WORDS | unfit
        and (word in ours | CALENDAR or word in frequent or counts[word] >= COMMON)
        and (word in plain or any(base in plain for base in _bases(word, irregular)))
        and (word in fit or not any(base in unfit for base in _bases(word, irregular)))
    )  # fmt: skip


def _bases(word: str, irregular: Mapping[str, Sequence[str]]) -> list[str]:
    """Look up or guess what a word is a form of: ate → eat, flooded → flood, drinks → drink, making → make."""
    bases = list(irregular.get(word, ()))
    for ending in ("s", "es", "d", "ed", "ing", "er", "est", "ly", "ies", "ied"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            stem = word[: -len(ending)]
            bases += [stem, stem + "e", stem + "y"]
            if len(stem) > 3 and stem[-1] == stem[-2]:
                bases.append(stem[:-1])
    return bases
