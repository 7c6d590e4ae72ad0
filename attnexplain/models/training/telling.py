"""What our own sentences tell: at which words one that has several meanings should look.

Neither rebuilding a word from its sentence nor listening to the encoder says which words *tell* a meaning. Some hundreds
of sentences say it (`cues-told.tsv`), and W_q and W_k learn it from them in a second, short descent: the attention of the
ambiguous word, its own copies aside, has to lie on the words that tell its meaning (the cross-entropy of its sum there).
Embeddings and W_v stay as they are, and so does the company of words alone. Three terms hold W_q and W_k near what they
were:

    product   the mean square of the change of W_q W_kᵀ
    scores    the mean square of the change of scaled scores, in sentences that tell nothing
    own       the mean square of what the ambiguous word gives itself beyond what it gave before; less costs nothing

Their weights were chosen by `accuracy_left_out`: a fifth of the words at a time is measured after learning from the
sentences of the other words alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from attnexplain.attention import Head
from attnexplain.models.training.evaluate import Candidate, Cue, cue_accuracy
from attnexplain.models.training.hearing import Rows
from attnexplain.models.training.learn import Learned
from attnexplain.models.training.vocabulary import Vocabulary

PARTS = 5


@dataclass(frozen=True)
class TellingRecipe:
    """Everything that decides what is learned from the sentences that tell."""

    seed: int = 0
    steps: int = 400
    batch: int = 128
    """Sentences that tell nothing, for each step; those that tell are all taken."""
    rate: float = 1e-2
    product: float = 20.0
    scores: float = 0.3
    own: float = 5.0


@dataclass(frozen=True)
class _Told:
    """The sentences as rows of embeddings, filled up with row 0."""

    asking: torch.Tensor  # [sentences]
    words: torch.Tensor  # [sentences, n]
    there: torch.Tensor  # [sentences, n]
    others: torch.Tensor  # [sentences, n], true at every word but the asking one
    telling: torch.Tensor  # [sentences, n]


def tell(learned: Learned, vocabulary: Vocabulary, cues: list[Cue], rows: Rows, recipe: TellingRecipe) -> Learned:
    """Learn W_q and W_k anew, beginning with what they are; `rows` are sentences that tell nothing."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(recipe.seed)
    told, plain = _told(_candidate(learned, vocabulary), cues), torch.from_numpy(rows).long()
    x = torch.from_numpy(learned.embeddings)
    before = torch.from_numpy(learned.w_q @ learned.w_k.T)  # [d_model, d_model]
    w_q, w_k = (torch.from_numpy(matrix.copy()).requires_grad_() for matrix in (learned.w_q, learned.w_k))
    optimiser = torch.optim.Adam([w_q, w_k], lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    scale = w_q.shape[1] ** 0.5

    def scored() -> torch.Tensor:
        return (x[told.words] @ w_k @ (x[told.asking] @ w_q)[:, :, None])[:, :, 0] / scale  # [sentences, n]

    def own_share(scores: torch.Tensor) -> torch.Tensor:
        shares = scores.masked_fill(~told.there, -1e9).softmax(-1)
        return shares.masked_fill(told.others, 0.0).sum(-1)  # [sentences]

    own_before = own_share(scored()).detach()
    for _ in range(recipe.steps):
        scores = scored()
        more = (own_share(scores) - own_before).clamp(min=0)
        logarithms = scores.masked_fill(~told.others, -1e9).log_softmax(-1)
        right = logarithms.masked_fill(~told.telling, -1e9).logsumexp(-1)
        some = plain[torch.randint(len(plain), (recipe.batch,), generator=generator)]
        there, change = some >= 0, w_q @ w_k.T - before
        of_sentence = x[some.clamp(min=0)]  # [batch, n, d_model]
        moved = (of_sentence @ change @ of_sentence.transpose(1, 2) / scale)[there[:, :, None] & there[:, None, :]]
        loss = recipe.product * change.square().mean() + recipe.scores * moved.square().mean() - right.mean()
        loss = loss + recipe.own * more.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return replace(learned, w_q=w_q.detach().numpy().copy(), w_k=w_k.detach().numpy().copy())


def accuracy_left_out(
    learned: Learned, vocabulary: Vocabulary, cues: list[Cue], rows: Rows, recipe: TellingRecipe
) -> float:
    """Measure on each fifth of the ambiguous words what was learned from the sentences of the others."""
    words = np.random.default_rng(recipe.seed).permutation(sorted({cue.word for cue in cues}))
    right = 0.0
    for part in range(PARTS):
        left = set(words[part::PARTS])
        out = [cue for cue in cues if cue.word in left]
        told = tell(learned, vocabulary, [cue for cue in cues if cue.word not in left], rows, recipe)
        right += cue_accuracy(_candidate(told, vocabulary), out) * len(out)
    return right / len(cues)


def _candidate(learned: Learned, vocabulary: Vocabulary) -> Candidate:
    return Candidate(vocabulary, learned.embeddings, Head(learned.w_q, learned.w_k, learned.w_v))


def _told(candidate: Candidate, cues: list[Cue]) -> _Told:
    index = candidate.vocabulary.index
    sentences = [candidate.words(cue.sentence) for cue in cues]
    shape = len(cues), max(map(len, sentences))
    words, (there, others, telling) = torch.zeros(shape, dtype=torch.long), torch.zeros(3, *shape, dtype=torch.bool)
    for row, (cue, sentence) in enumerate(zip(cues, sentences, strict=True)):
        for place, word in enumerate(sentence):
            words[row, place] = index[word]
            there[row, place] = True
            others[row, place] = word != cue.word
            telling[row, place] = word in cue.cues
    return _Told(torch.tensor([index[cue.word] for cue in cues]), words, there, others, telling)
