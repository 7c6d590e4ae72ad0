"""The objective, and the descent: each word is rebuilt from the words around it.

A word's own copies are hidden from it, so its context vector is made of its neighbours' values alone:

    c(i) = Σ_j softmax(q(i)·k(j) / √d_k) · v(j),    j over the other words of the sentence

and c(i) has to point at v(i) among the value vectors of all words of the batch and some random others (cross-entropy
of cosine / 0.1). So a word learns to attend to those words of its sentence that tell most about it.

That alone makes function words a place where attention collects and says nothing. Further terms (`Recipe.weights`):

    heard     words are led to those that the encoder finds akin to them in the same sentence (`hearing.py`)
    guide     words are led to those whose meanings, as the encoder knows them alone, are akin to theirs
    little    content words pay for attention to function words and others that go with everything, by its square
    own       attention to oneself, in the ordinary softmax that is shipped, is held near a set share
    spread    function words look around evenly
    bounds    scaled scores stay small
    short     function words have short embeddings
    delta     corrections of single words stay small, so that words outside the texts move along with the others
    alike     embeddings keep the similarities that the encoder finds

At the end queries are made shorter (`Recipe.softened`): each word shares its attention out more evenly then, in the same
order, and its sentence moves it farther.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from attnexplain.models.training.corpus import LONGEST
from attnexplain.models.training.hearing import Heard
from attnexplain.models.training.vocabulary import FUNCTION_WORDS, GENERIC_WORDS, Vocabulary

Numbers = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is learned."""

    d_model: int = 24
    d_k: int = 9
    d_v: int = 24
    seed: int = 3
    steps: int = 900
    batch: int = 256
    negatives: int = 2000
    rate: float = 1e-2
    temperature: float = 0.1
    heard_temperature: float = 0.05
    frequent: float = 1e-3
    """Words with a larger share of the texts than this count less, by the square root."""
    own_share: float = 0.22
    softened: float = 0.7
    """What queries are multiplied by at the end."""
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "heard": 6.0,
            "guide": 6.0,
            "little": 5.0,
            "own": 40.0,
            "spread": 0.3,
            "bounds": 0.5,
            "short": 0.05,
            "delta": 0.003,
            "alike": 0.5,
        }
    )


@dataclass(frozen=True)
class Learned:
    """What training found, as float32."""

    embeddings: Numbers  # [words, d_model]
    w_q: Numbers
    w_k: Numbers
    w_v: Numbers
    losses: tuple[float, ...]


def padded(sentences: list[list[str]], index: dict[str, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Put the known words of each sentence into a row, filled up with -1; sentences of fewer than three stay out."""
    rows = []
    for sentence in sentences:
        known = [index[word] for word in sentence if word in index][:LONGEST]
        if len(known) >= 3:
            rows.append(known + [-1] * (LONGEST - len(known)))
    return np.array(rows, dtype=np.int32)


def learn(
    features: Numbers, vocabulary: Vocabulary, sentences: list[list[str]], heard: Heard, recipe: Recipe
) -> Learned:
    """Descend. The same recipe on the same machine gives the same numbers to the last bit."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(recipe.seed)
    is_function = torch.tensor([word in FUNCTION_WORDS for word in vocabulary.words])
    is_little = torch.tensor([word in FUNCTION_WORDS | GENERIC_WORDS for word in vocabulary.words])
    semantics = torch.cat(
        [torch.from_numpy(features), torch.ones(len(features), 1), is_function[:, None].float()], dim=1
    )  # [words, 194]
    counts = torch.tensor(vocabulary.counts, dtype=torch.float32)
    share = counts / counts.sum()
    importance = torch.where(is_function, 0.02, (recipe.frequent / (share + 1e-9)).sqrt().clamp(max=1.0))
    data = torch.from_numpy(padded(sentences, vocabulary.index)).long()
    heard_rows, heard_cosines = torch.from_numpy(heard.rows).long(), torch.from_numpy(heard.cosines)

    d_model, d_k = recipe.d_model, recipe.d_k
    first = torch.zeros(semantics.shape[1], d_model)
    first[:d_model] = torch.eye(d_model)  # the principal components come in order
    first[:d_model] /= semantics[:, :d_model].std(0)[:, None]
    project = first.clone().requires_grad_()
    delta = torch.zeros(len(features), d_model, requires_grad=True)
    w_q = (torch.randn(d_model, d_k, generator=generator) / d_model**0.5).requires_grad_()
    w_k = w_q.detach().clone().requires_grad_()  # queries and keys begin alike: like attends to like
    w_v = (torch.randn(d_model, recipe.d_v, generator=generator) / d_model**0.5).requires_grad_()
    matrices = (w_q, w_k, w_v)
    optimiser = torch.optim.Adam([project, delta, *matrices], lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    losses = []
    for _ in range(recipe.steps):
        rows = data[torch.randint(len(data), (recipe.batch,), generator=generator)]
        others = torch.randint(len(features), (recipe.negatives,), generator=generator)
        loss = _loss(rows, others, semantics, project, delta, matrices, is_function, is_little, importance, recipe)
        listened = torch.randint(len(heard_rows), (recipe.batch,), generator=generator)
        rows, cosines = heard_rows[listened], heard_cosines[listened].float()
        x = semantics[rows.clamp(min=0)] @ project + delta[rows.clamp(min=0)]  # [batch, n, d_model]
        scores = (x @ w_q) @ (x @ w_k).transpose(1, 2) / d_k**0.5
        loss = loss + recipe.weights["heard"] * _heard(rows, cosines, scores, is_function, is_little, recipe)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    with torch.no_grad():
        embeddings = semantics @ project + delta
    learned = [matrix.detach().numpy().copy() for matrix in matrices]
    return Learned(embeddings.numpy(), learned[0] * np.float32(recipe.softened), learned[1], learned[2], tuple(losses))


def _loss(
    rows: torch.Tensor,  # [batch, n]
    others: torch.Tensor,  # [negatives]
    semantics: torch.Tensor,
    project: torch.Tensor,
    delta: torch.Tensor,
    matrices: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    is_function: torch.Tensor,
    is_little: torch.Tensor,
    importance: torch.Tensor,
    recipe: Recipe,
) -> torch.Tensor:
    there = rows >= 0  # [batch, n]
    words, place = torch.unique(torch.cat([rows.clamp(min=0).flatten(), others]), return_inverse=True)
    place, drawn = place[: rows.numel()].view(rows.shape), place[rows.numel() :]  # [batch, n], [negatives]; into words
    x = semantics[words] @ project + delta[words]  # [words, d_model]
    q, k, v = (x @ matrix for matrix in matrices)  # [words, d_k], [words, d_k], [words, d_v]
    scores = q[place] @ k[place].transpose(1, 2) / recipe.d_k**0.5  # [batch, n, n]

    hidden = ~there[:, None, :] | (rows[:, :, None] == rows[:, None, :])
    weights = scores.masked_fill(hidden, -1e4).softmax(-1)
    context = weights @ v[place]  # [batch, n, d_v]
    asked = there & (~hidden).any(-1)
    function_row = is_function[rows.clamp(min=0)] & there
    scale = importance[rows.clamp(min=0)] * asked
    chosen = scale.flatten() > 0.015
    cosines = functional.normalize(context.flatten(0, 1)[chosen], dim=-1) @ functional.normalize(v, dim=-1).T
    rebuilt = functional.cross_entropy(cosines / recipe.temperature, place.flatten()[chosen], reduction="none")
    weight = scale.flatten()[chosen]
    loss = (rebuilt * weight).sum() / weight.sum()

    shown = scores.masked_fill(~there[:, None, :], -1e4).softmax(-1)  # the softmax that is shipped
    content = there & ~function_row
    little = is_little[rows.clamp(min=0)] & there
    own = (shown * (rows[:, :, None] == rows[:, None, :])).sum(-1)
    to_little = (shown * (little[:, None, :] & (rows[:, :, None] != rows[:, None, :]))).sum(-1)
    entropy = -(shown * shown.clamp(min=1e-9).log()).sum(-1) / there.sum(-1, keepdim=True).float().log()
    meaning = functional.normalize(semantics[rows.clamp(min=0), :-2], dim=-1)  # [batch, n, 192]
    kin = meaning @ meaning.transpose(1, 2) / recipe.temperature
    kin = kin.masked_fill(hidden | little[:, None, :], -1e4).softmax(-1)
    guided = -(kin * weights.clamp(min=1e-9).log()).sum(-1)
    terms = {
        "guide": guided[content & asked].mean(),
        "little": to_little[content].square().mean(),
        "own": (own[content].mean() - recipe.own_share) ** 2,
        "spread": (1 - entropy)[function_row].mean(),
        "bounds": (scores[there[:, :, None] & there[:, None, :]].abs() - 6).clamp(min=0).square().mean(),
        "short": x[is_function[words]].square().mean(),
        "delta": delta[words].square().mean(),
        "alike": (_cosines(x[drawn]) - _cosines(semantics[others, :-2])).square().mean(),
    }
    return loss + sum(recipe.weights[name] * term for name, term in terms.items())


def _heard(
    rows: torch.Tensor,  # [batch, n]
    cosines: torch.Tensor,  # [batch, n, n]
    scores: torch.Tensor,  # [batch, n, n]
    is_function: torch.Tensor,
    is_little: torch.Tensor,
    recipe: Recipe,
) -> torch.Tensor:
    """Compare where content words look with what the encoder finds akin to them in their sentence, little words aside."""
    there, words = rows >= 0, rows.clamp(min=0)
    hidden = ~there[:, None, :] | (rows[:, :, None] == rows[:, None, :])
    out = hidden | is_little[words][:, None, :]
    goal = (cosines / recipe.heard_temperature).masked_fill(out, -1e4).softmax(-1)
    found = scores.masked_fill(hidden, -1e4).log_softmax(-1)
    asking = there & ~is_function[words] & (~out).any(-1)
    return -(goal * found).sum(-1)[asking].mean()


def _cosines(x: torch.Tensor) -> torch.Tensor:
    unit = functional.normalize(x, dim=-1)
    return unit @ unit.T
