"""The model card: what the file is, what it was measured to do, what it cannot do."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from attnexplain.models.training.learn import Recipe
from attnexplain.models.training.sources import SOURCES

ROWS = {
    "cue": "cue: an ambiguous word attends most to a word that tells its meaning",
    "mrr": "rebuild: mean reciprocal rank among 1,000, held-out WordNet",
    "news": "rebuild: the same on the Lee news corpus",
    "function": "share of content words' attention on function words",
    "own": "share of content words' attention on themselves",
    "entropy": "entropy of content words' attention, of its maximum",
    "largest": "largest scaled score in held-out sentences",
    "similarity": "WordSim-353, Spearman",
}


def write_card(
    path: Path,
    model: Path,
    recipe: Recipe,
    sizes: dict[str, int],
    figures: dict[str, dict[str, float]],
    trials: list[dict[str, Any]],
    cues: int,
) -> None:
    """Write the card as Markdown, and its figures as JSON beside it, for the tests."""
    data = model.read_bytes()
    record = {
        "file": model.name,
        "sha256": sha256(data).hexdigest(),
        "bytes": len(data),
        "date": date.today().isoformat(),
        "recipe": asdict(recipe),
        "sizes": sizes,
        "figures": figures,
    }
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sources = "\n".join(f"| {s.package} | {s.registry} | {s.used_for} | {s.licence} |" for s in SOURCES)
    names = list(figures)
    measured = "\n".join(
        f"| {what} | " + " | ".join(_cell(figures[name].get(key)) for name in names) + " |"
        for key, what in ROWS.items()
    )
    keys = [key for key in ROWS if key in trials[0]] if trials else []
    tried = "\n".join(
        f"| {t['d_model']} | {t['d_k']} | {t['seed']} | " + " | ".join(_cell(t[key]) for key in keys) + " |"
        for t in trials
    )
    path.write_text(
        f"""# tiny: the learned model of attnexplain

{sizes["words"]:,} English words with an embedding of {recipe.d_model} numbers each, and one attention head without
biases or positions: W_q, W_k and W_v of {recipe.d_model} × {recipe.d_k}. A word attends to the words of its
sentence that tell most about it.

| file | bytes | SHA-256 | made on |
| --- | --- | --- | --- |
| {model.name} | {len(data):,} | {record["sha256"]} | {record["date"]} |

## What it was made from

| package | from | used for | licence |
| --- | --- | --- | --- |
{sources}

{sizes["sentences"]:,} sentences of 3 to 24 words; one WordNet synset in twenty was held out. The notices that these
licences ask for are in the file NOTICES beside this card.

## How it was learned

Each word of a sentence, hidden from itself, is rebuilt from the values of the words that it attends to: its context
vector has to point at its own value vector among those of all words of the batch and {recipe.negatives:,} others
(cross-entropy of cosine / {recipe.temperature}). Further terms, with their weights: {_listed(recipe.weights)}.
{recipe.steps:,} steps of Adam at {recipe.rate}, falling along a cosine, {recipe.batch} sentences each, seed
{recipe.seed}. Embeddings are kept as bytes with one scale for each of their places. The program is
attnexplain/models/training in the source; one command repeats it.

## What it was measured to do

All figures are of the file as shipped, beside three baselines: the same embeddings with random matrices (the mean of
five seeds), principal components of the encoder with identity matrices, and uniform attention. The cue test has
{cues} sentences that no model was chosen by.

| | {" | ".join(names)} |
| --- |{" --- |" * len(names)}
{measured}

## What was tried

Widths and seeds, each before it was rounded to bytes, with an earlier weighting of the terms (guide 1.2, attention to
function words 12, alike 1), earlier training texts (every definition with its words), 1,000 random others, a shorter
cue test that was used for choosing, and rebuilding measured on noun entries alone, which are the easiest: on all kinds
of entries it is about .05 lower. A d_k of 8 rebuilds least, and a d_model of 12 too little; 12 of 16 is a good deal
better, and still fits Q, K and V on 80 columns. Texts and weights of the terms were then chosen on a longer cue test
(cues-dev.tsv): more guidance makes attention tell meanings apart better, and rebuild worse.

| d_model | d_k | seed | {" | ".join(keys)} |
| --- | --- | --- |{" --- |" * len(keys)}
{tried}

## What it cannot do

- It sees no word order: "dog bites man" and "man bites dog" are the same to it.
- It cannot tell what "it" or "she" stands for: with one layer, what a word asks for does not depend on its sentence.
- A word has one embedding for all its meanings; only the context vector tells them apart.
- Names, rare words and function words are poor, and so is all that is not English. Words it does not know are taken
  apart or guessed, and marked.
- It has learned from old books and dictionaries, and from an encoder trained on the web; it repeats their habits. Words
  that WordNet marks as offensive or sexual are never offered as neighbours.

Real models have many layers, many heads and positions.
""",
        encoding="utf-8",
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _listed(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
