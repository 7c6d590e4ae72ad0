"""Fetch, train, measure, write. See the package's docstring for the one command."""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from attnexplain.attention import Head
from attnexplain.models.tiny import AHEAD, BACK, CARD
from attnexplain.models.tiny_file import FILE, read_tiny
from attnexplain.models.training import corpus, sources, vocabulary
from attnexplain.models.training.card import Recipes, read_record, write_card
from attnexplain.models.training.evaluate import (
    Candidate,
    Cue,
    Numbers,
    by_cosine,
    chance,
    cue_accuracy,
    order,
    read_cues,
    senses,
    shape_of_attention,
    unlike,
    word_similarity,
)
from attnexplain.models.training.hearing import hear, worth_hearing
from attnexplain.models.training.learn import Recipe, learn, padded
from attnexplain.models.training.learn_order import OrderRecipe, kind_features, learn_order
from attnexplain.models.training.semantics import word_features
from attnexplain.models.training.telling import TellingRecipe, accuracy_left_out, tell
from attnexplain.models.training.write import write

HERE = Path(__file__).parent
CUES, SECOND_CUES, TOLD, SENSES, ORDER = (
    HERE / name for name in ("cues.tsv", "cues-second.tsv", "cues-told.tsv", "senses.tsv", "order.tsv")
)


def main() -> None:
    """Read the command line and do the work."""
    parser = argparse.ArgumentParser(prog="python -m attnexplain.models.training", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".training"), help="where sources are kept (%(default)s)")
    parser.add_argument("--card-only", action="store_true", help="measure the file that is there; write its card")
    arguments = parser.parse_args()
    _keep_memory()
    work = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    sources.fetch(work)
    counts = Counter(word for sentence in corpus.sentences(corpus.counted_texts(work)) for word in sentence)
    words = vocabulary.choose(work, counts)
    sentences = list(corpus.sentences(corpus.training_texts(work)))
    print(f"{len(sentences):,} sentences, {len(words.words):,} words, {len(words.offered):,} to offer", flush=True)
    features = word_features(work, words.words)
    path, recipes = FILE, Recipes(Recipe(), TellingRecipe(), OrderRecipe())
    about = kind_features(work, words)
    examples = worth_hearing(padded(list(corpus.sentences(corpus.examples(work))), words.index), words)
    print(f"{len(examples):,} sentences to listen to", flush=True)
    if arguments.card_only:
        left_out = read_record(HERE.parent / CARD)["figures"]["told"]["left out"]  # of the training, not of the file
    else:
        heard = hear(work, examples, words)
        learned, cues = learn(features, words, sentences, heard, recipes.recipe), read_cues(TOLD)
        left_out = accuracy_left_out(learned, words, cues, examples, recipes.telling_recipe)
        told = tell(learned, words, cues, examples, recipes.telling_recipe)
        write(path, told, learn_order(about, features, work, words, recipes.order_recipe), words)
    held_out = list(corpus.sentences(corpus.held_out_texts(work))) + list(corpus.sentences(corpus.news_texts(work)))
    tied = learn_order(about, features, work, words, replace(recipes.order_recipe, tied=True))
    figures = {
        "meaning": _meaning(features, words, held_out, work),
        "told": {"itself": cue_accuracy(_shipped(words), read_cues(TOLD)), "left out": left_out},
        "order": {
            "learned": _order(words),
            "W_q = W_k": order(tied.kinds, Head(*tied.ahead), Head(*tied.back), words, ORDER),
        },
    }
    sizes = {
        "words": len(words.words), "offered": len(words.offered), "silent": len(words.silent),
        "sentences": len(sentences), "heard": len(examples), "cues": len(read_cues(CUES)), "second_cues": len(read_cues(SECOND_CUES)), "told": len(read_cues(TOLD)),
    }  # fmt: skip
    write_card(HERE.parent / CARD, path, recipes, sizes, figures)
    print(json.dumps(figures, indent=1))


def _meaning(
    features: Numbers, words: vocabulary.Vocabulary, held_out: list[list[str]], work: Path
) -> dict[str, dict[str, float]]:
    """Take the figures of the head of meaning as shipped, and of what it is measured beside."""
    sets, shipped = {"cue": read_cues(CUES), "second": read_cues(SECOND_CUES)}, _shipped(words)
    head = shipped.head
    width = head.d_model
    x = features[:, :width].astype(np.float64)
    components = Candidate(words, x / x.std(0), Head(*[np.eye(width)] * 3))
    tied = replace(shipped, head=Head(head.w_q, head.w_q, head.w_v))
    random = [_random(shipped, seed) for seed in range(5)]
    whole = replace(components, embeddings=features.astype(np.float64), head=Head(*[np.eye(features.shape[1])] * 3))

    def measured(take: Callable[[list[Cue]], float]) -> dict[str, float]:
        return {name: take(cues) for name, cues in sets.items()}

    cues, told = sets["cue"], read_cues(TOLD)
    new_words = [cue for cue in sets["second"] if cue.word not in {one.word for one in told}]
    return {
        "learned": {
            **measured(lambda some: cue_accuracy(shipped, some)), "new_words": cue_accuracy(shipped, new_words),
            "unlike": cue_accuracy(shipped, [cue for cue in sets["second"] if unlike(cue, told)]),
            **senses(shipped, cues, SENSES), **shape_of_attention(shipped, held_out),
            "similarity": word_similarity(shipped, work),
        },
        "W_q = W_k": measured(lambda some: cue_accuracy(tied, some)),
        "random W_q, W_k": measured(lambda some: float(np.mean([cue_accuracy(one, some) for one in random]))),
        "PCA, W = 1": {
            **measured(lambda some: cue_accuracy(components, some)), **senses(components, cues, SENSES),
        },
        "cosine of X": measured(lambda some: cue_accuracy(shipped, some, by_cosine)),
        "encoder's cosine": measured(lambda some: cue_accuracy(whole, some, by_cosine)),
        "any content word": measured(lambda some: chance(shipped, some, content_alone=True)),
        "any word": measured(lambda some: chance(shipped, some, content_alone=False)),
    }  # fmt: skip


def _shipped(words: vocabulary.Vocabulary) -> Candidate:
    file = read_tiny()
    embeddings = np.array([file.meaning((row,), "") for row in range(len(words.words))])
    return Candidate(words, embeddings, file.head(0))


def _order(words: vocabulary.Vocabulary) -> dict[str, tuple[float, float]]:
    file = read_tiny()
    kinds = np.array([file.kind([row]) for row in range(len(words.words))])
    return order(kinds, file.head(AHEAD), file.head(BACK), words, ORDER)


def _random(candidate: Candidate, seed: int) -> Candidate:
    generator = np.random.default_rng(seed)
    shape = candidate.head.w_q.shape
    w_q, w_k = generator.normal(size=(2, *shape)) / shape[0] ** 0.5
    return replace(candidate, head=Head(w_q, w_k, candidate.head.w_v))


def _keep_memory() -> None:
    """Let the allocator keep what it was given: returning it after each step doubles the time (Linux)."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0)  # M_MMAP_MAX
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


if __name__ == "__main__":
    main()
