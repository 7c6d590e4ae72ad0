"""The two heads that see order: one looks ahead to a noun, one looks back to it.

Their input is small: eight numbers say which kind of word it is, and eight say where it stands, by sines and cosines as
in the first transformers (Vaswani et al. 2017, section 3.5; with 100 instead of 10,000, for sentences are short). Scores
are then a sum of what two kinds have to do with one another and of what their distance is worth. No product of the two
can be had in one layer, which is why looking ahead (an article, an adjective) and looking back (a pronoun, a verb) are
two heads and not one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from attnexplain.models.positions import KINDS, PLACES, positions
from attnexplain.models.training.corpus import meanings
from attnexplain.models.training.grammar import Grammar, Sentence
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, Vocabulary

Numbers = np.ndarray[Any, np.dtype[np.float32]]
ENDINGS = (
    "s",
    "ed",
    "ing",
    "ly",
    "er",
    "or",
    "est",
    "ful",
    "ous",
    "able",
    "ive",
    "al",
    "ic",
    "y",
    "ness",
    "tion",
    "ment",
)
LONGEST = 30
"""Words of a sentence of the grammar."""
LATEST = 6
"""A sentence may begin at any of so many positions."""


@dataclass(frozen=True)
class OrderRecipe:
    """Everything that decides what is learned."""

    d_k: int = 9
    seed: int = 0
    steps: int = 1500
    batch: int = 256
    rate: float = 5e-3
    tied: bool = False
    """Whether W_q and W_k are one matrix: only to see what that costs."""


@dataclass(frozen=True)
class LearnedOrder:
    """What training found, as float32."""

    kinds: Numbers  # [words, KINDS]
    ahead: tuple[Numbers, Numbers, Numbers]
    """W_q, W_k and W_v of the head that looks ahead."""
    back: tuple[Numbers, Numbers, Numbers]
    """Of the one that looks back."""


def kind_features(work: Path, vocabulary: Vocabulary) -> Numbers:
    """Say of each word what WordNet and its ending say: (words, features)."""
    counts = [meanings(work, part) for part in ("noun", "verb", "adj", "adv")]
    rows = []
    for word in vocabulary.words:
        bases = [word, *[word.removesuffix(ending) for ending in ("s", "es", "ed", "d", "ing")]]
        found = np.array([max(count.get(base, 0) for base in bases[:1]) for count in counts], dtype=np.float32)
        forms = np.array([max(count.get(base, 0) for base in bases) for count in counts], dtype=np.float32)
        ends = [float(word.endswith(ending) and len(word) > len(ending) + 2) for ending in ENDINGS]
        shares = [part / max(part.sum(), 1.0) for part in (found, forms)]
        rows.append([*shares[0], *shares[1], float(word in FUNCTION_WORDS), *ends, 1.0])
    return np.array(rows, dtype=np.float32)


def learn_order(
    features: Numbers, semantics: Numbers, work: Path, vocabulary: Vocabulary, recipe: OrderRecipe
) -> LearnedOrder:
    """Descend on the sentences of the grammar. The same recipe on the same machine gives the same numbers."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(recipe.seed)
    grammar, index = Grammar(work, vocabulary, recipe.seed), vocabulary.index
    known = torch.from_numpy(np.concatenate([features, semantics / semantics.std()], axis=1)).float()
    project = (torch.randn(known.shape[1], KINDS, generator=generator) * 0.05).requires_grad_()
    own = torch.zeros(len(vocabulary.words), KINDS, requires_grad=True)
    is_function = torch.tensor([word in FUNCTION_WORDS for word in vocabulary.words])
    width = KINDS + PLACES
    heads = [[(torch.randn(width, recipe.d_k, generator=generator) * 0.3).requires_grad_() for _ in "qk"] for _ in "ab"]
    where = torch.from_numpy(positions(LONGEST + LATEST)).float()  # [LONGEST + LATEST, PLACES]
    optimiser = torch.optim.Adam([project, own, *heads[0], *heads[1]], lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    for _ in range(recipe.steps):
        sentences = [made for made in (grammar.sentence() for _ in range(recipe.batch)) if len(made.words) <= LONGEST]
        rows, there, goals = _batch(sentences, index)
        offset = torch.randint(0, LATEST, (1,), generator=generator)  # a sentence may stand later in a text
        e = known[rows] @ project + own[rows] * is_function[rows][..., None]  # [batch, n, KINDS]
        p = where[int(offset) : int(offset) + rows.shape[1]]
        x = torch.cat([e, p.expand(len(rows), -1, -1)], dim=-1)
        loss = torch.zeros(())
        for (w_q, w_k), goal in zip(heads, goals, strict=True):
            keys = x @ (w_q if recipe.tied else w_k)
            scores = (x @ w_q) @ keys.transpose(1, 2) / recipe.d_k**0.5
            weights = scores.masked_fill(~there[:, None, :], -1e4).softmax(-1)
            asked = goal.any(-1)
            right = (weights * goal).sum(-1)[asked]
            loss = loss - right.clamp(min=1e-6).log().mean()
            loss = loss + 0.02 * (scores.abs() - 6).clamp(min=0).square().mean() + 0.002 * scores.square().mean()
        loss = loss + 1e-3 * e.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        kinds = known @ project + own * is_function[:, None]
    values = np.zeros((width, KINDS), dtype=np.float32)
    values[:KINDS] = np.eye(KINDS)  # what is handed over is the kind of word, as it is
    matrices = [
        (w_q.detach().numpy().copy(), (w_q if recipe.tied else w_k).detach().numpy().copy(), values)
        for w_q, w_k in heads
    ]
    return LearnedOrder(kinds.numpy(), matrices[0], matrices[1])


def _batch(
    sentences: list[Sentence], index: dict[str, int]
) -> tuple[torch.Tensor, torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    longest = max(len(made.words) for made in sentences)
    rows = torch.zeros(len(sentences), longest, dtype=torch.long)
    there = torch.zeros(len(sentences), longest, dtype=torch.bool)
    ahead, back = (torch.zeros(len(sentences), longest, longest) for _ in "ab")
    for number, made in enumerate(sentences):
        for place, word in enumerate(made.words):
            rows[number, place] = index[word]
            there[number, place] = True
        for place, goal in made.ahead.items():
            ahead[number, place, goal] = 1
        for place, goals in made.back.items():
            back[number, place, goals] = 1
    return rows, there, (ahead, back)
