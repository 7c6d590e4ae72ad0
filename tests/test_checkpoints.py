"""Real checkpoints: every head of every layer as transformers computes it."""

import functools
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

from attnexplain import explain, load_model

FOLDER = Path(__file__).parent / "data" / "checkpoints"
NAMES = sorted(path.name for path in FOLDER.iterdir())
SENTENCES = (
    "The animal didn't cross the street because it was too tired.",
    "She deposited the money at the bank",
    "Chanting brings love 猫 é",
)
PARTS = ("queries", "keys", "values", "weights", "context")


@functools.cache
def reference(name):
    with np.load(FOLDER / name / "reference.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize("number", range(len(SENTENCES)))
@pytest.mark.parametrize("name", NAMES)
def test_every_head_of_every_layer_agrees_with_transformers(name, number):
    expected = reference(name)
    model = load_model(str(FOLDER / name))
    tokens = model.tokenize(SENTENCES[number], (), 512)
    assert tokens.words == tuple(expected[f"tokens_{number}"])
    count = 0
    for layer, head, trace in model.every_head(tokens):
        for part in PARTS:
            np.testing.assert_allclose(getattr(trace, part), expected[f"{part}_{number}"][layer, head], atol=1e-5)
        count += 1
    assert count == expected[f"weights_{number}"].shape[0] * expected[f"weights_{number}"].shape[1]


@pytest.mark.parametrize("name", NAMES)
def test_the_lesson_of_a_head_is_that_of_transformers(name):
    expected = reference(name)
    layers, heads = expected["weights_0"].shape[:2]
    for layer in range(layers):
        for head in range(heads):
            trace = explain(SENTENCES[0], model=str(FOLDER / name), layer=layer, head=head)
            assert (trace.model.layer, trace.model.head) == (layer, head)
            for part in PARTS:
                np.testing.assert_allclose(getattr(trace, part), expected[f"{part}_0"][layer, head], atol=1e-5)
            np.testing.assert_allclose(trace.queries, trace.embeddings @ trace.head.w_q + trace.head.b_q, atol=1e-12)
