"""Fetch, train, measure, write. See the package's docstring for the one command."""

from __future__ import annotations

import argparse
import ctypes
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from attnexplain.attention import Head
from attnexplain.models.tiny import CARD, FILE, Tiny
from attnexplain.models.training import corpus, sources, vocabulary
from attnexplain.models.training.card import write_card
from attnexplain.models.training.evaluate import Candidate, Numbers, measure
from attnexplain.models.training.learn import Learned, Recipe, learn
from attnexplain.models.training.semantics import word_features
from attnexplain.models.training.write import write

HERE = Path(__file__).parent
TRIALS = HERE / "trials.json"
CUES = HERE / "cues.tsv"
CUES_FOR_CHOOSING = HERE / "cues-dev.tsv"
TRIAL_STEPS = 3000
TRIED = [(d_model, d_k, seed) for seed in (0, 1, 2) for d_model, d_k in ((16, 8), (16, 12), (16, 16), (12, 12))]


def main() -> None:
    """Read the command line and do the work."""
    parser = argparse.ArgumentParser(prog="python -m attnexplain.models.training", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".training"), help="where sources are kept (%(default)s)")
    parser.add_argument(
        "--try", dest="trials", type=int, nargs="+", metavar="N", help=f"only measure these of the {len(TRIED)} trials"
    )
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
    held_out = list(corpus.sentences(corpus.held_out_texts(work)))
    news = list(corpus.sentences(corpus.news_texts(work)))

    for trial in arguments.trials or ():
        d_model, d_k, seed = TRIED[trial]
        learned = learn(
            features, words, sentences, replace(Recipe(), steps=TRIAL_STEPS, d_model=d_model, d_k=d_k, seed=seed)
        )
        figures = measure(_candidate(learned, words), CUES_FOR_CHOOSING, held_out, news, work)
        print(json.dumps({"d_model": d_model, "d_k": d_k, "seed": seed, **figures}), flush=True)
    if arguments.trials:
        return

    path = HERE.parent / FILE
    recipe = Recipe()
    if not arguments.card_only:
        write(path, learn(features, words, sentences, recipe), words)
    shipped = _shipped(words)
    columns = {
        "learned": measure(shipped, CUES, held_out, news, work),
        "random W": _mean([measure(_random(shipped, seed), CUES, held_out, news, work) for seed in range(5)]),
        "PCA, W = 1": measure(_components(features, recipe.d_model, words), CUES, held_out, news, work),
        "uniform": measure(replace(shipped, uniform=True), CUES, held_out, news, work),
    }
    sizes = {"words": len(words.words), "offered": len(words.offered), "sentences": len(sentences)}
    cues = sum(line[:1] not in ("", "#") for line in CUES.read_text(encoding="utf-8").splitlines())
    write_card(HERE.parent / CARD, path, recipe, sizes, columns, json.loads(TRIALS.read_text()), cues)
    print(json.dumps(columns, indent=1))


def _candidate(learned: Learned, words: vocabulary.Vocabulary) -> Candidate:
    return Candidate(words.index, learned.embeddings.astype(np.float64), Head(learned.w_q, learned.w_k, learned.w_v))


def _shipped(words: vocabulary.Vocabulary) -> Candidate:
    model = Tiny()
    return Candidate(words.index, np.array([model.look_up(word)[0] for word in words.words]), model.head)


def _random(candidate: Candidate, seed: int) -> Candidate:
    generator = np.random.default_rng(seed)
    shape = candidate.head.w_q.shape
    return replace(candidate, head=Head(*(generator.normal(size=(3, *shape)) / shape[0] ** 0.5)))


def _components(features: Numbers, d_model: int, words: vocabulary.Vocabulary) -> Candidate:
    x = features[:, :d_model].astype(np.float64)
    one = np.eye(d_model)
    return Candidate(words.index, x / x.std(0), Head(one, one, one))


def _mean(figures: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in figures])) for key in figures[0]}


def _keep_memory() -> None:
    """Let the allocator keep what it was given: returning it after each step doubles the time (Linux)."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0)  # M_MMAP_MAX
        library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


if __name__ == "__main__":
    main()
