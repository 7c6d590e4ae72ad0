"""Duplicate token and induction heads, on random tokens that are repeated."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain import load_model
from attnexplain.models.checkpoint import checkpoint
from attnexplain.overview import of_repeats, on_repeats, overview
from attnexplain.tokens import Repeats, Tokens

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

FOLDER = Path(__file__).parent / "data" / "checkpoints"
GPT2, BERT = str(FOLDER / "gpt2"), str(FOLDER / "bert")
REPEATS = Repeats(Tokens(("<s>", *"abcabcabcabc", "</s>")), 3, 1, 4)
N = len(REPEATS.tokens.texts)


def looking(back, weight=1.0):
    """A head that looks so many tokens back, and with the rest of its attention at itself."""
    weights = np.eye(N) * (1 - weight)
    for row in range(N):
        weights[row, max(row - back, 0)] += weight
    return weights


@pytest.mark.parametrize(
    ("back", "name"), [(3, "duplicate token"), (6, "duplicate token"), (2, "induction"), (5, "induction")]
)
def test_a_head_that_does_nothing_else_has_all_of_the_share(back, name):
    """From the second repeat on; of a look over two repeats the first three end before there is a copy."""
    scores = on_repeats(looking(back), REPEATS, causal=True)
    other = "induction" if name == "duplicate token" else "duplicate token"
    assert scores[name] == pytest.approx(1.0 if back < 4 else 6 / 9)
    assert scores[other] == 0


@pytest.mark.parametrize("back", [0, 1, 4])
def test_other_heads_have_none_of_it(back):
    assert on_repeats(looking(back), REPEATS, causal=True) == {"duplicate token": 0, "induction": 0}


def test_an_even_head_has_the_share_of_the_places():
    """Row i of a causal model has i + 1 places; of repeat k they hold k copies, and k places behind a copy."""
    weights = np.tril(np.ones((N, N)))
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.mean([k / (1 + 3 * k + i + 1) for k in (1, 2, 3) for i in range(3)])
    scores = on_repeats(weights, REPEATS, causal=True)
    assert scores == pytest.approx({"duplicate token": expected, "induction": expected})


def test_an_encoder_may_look_ahead():
    """Of 12 rows each has 3 copies elsewhere; and 3 behind a copy, but for the last of all, which nothing follows."""
    scores = on_repeats(np.full((N, N), 1 / N), REPEATS, causal=False)
    behind = [sum((j - i - 1) % 3 == 0 and j != i + 1 for j in range(1, 12)) for i in range(12)]
    assert scores == pytest.approx({"duplicate token": 3 / N, "induction": np.mean(behind) / N})


def test_the_name_needs_more_than_half():
    assert of_repeats({"duplicate token": 0.5, "induction": 0.1}) is None
    assert of_repeats({"duplicate token": 0.6, "induction": 0.1}) == "duplicate token"
    assert of_repeats(None) is None


@pytest.mark.parametrize("name", ["gpt2", "bert", "llama-3"])
def test_the_random_tokens_are_a_sequence_four_times_over(name):
    model = load_model(str(FOLDER / name))
    repeats = model.repeats()
    ids = repeats.tokens.ids
    inside = ids[repeats.first : repeats.first + repeats.length * repeats.times]
    assert repeats.times == 4
    assert inside == inside[: repeats.length] * 4
    assert len(set(inside)) == repeats.length  # each once in the sequence
    assert len(ids) <= 48 if name != "llama-3" else repeats.length <= 25
    ordinary = model.tokenize("a", (), 9)
    specials = [number for number, special in zip(ordinary.ids, ordinary.special, strict=True) if special]
    assert not set(inside) & set(specials)
    if name == "bert":
        assert [ids[0], ids[-1]] == specials


def test_the_scores_are_those_of_the_weights_of_each_head():
    found, model = overview("a cat", model=GPT2), load_model(GPT2)
    repeats = model.repeats()
    for head, (layer, number, trace) in zip(found.heads, model.every_head(repeats.tokens), strict=True):
        assert (head.layer, head.head) == (layer, number)
        assert head.on_repeats == on_repeats(trace.weights, repeats, causal=True)


@pytest.mark.parametrize("option", ["--overview", "--find"])
def test_json_has_the_scores_of_repeats(option):
    code, out, _ = call(
        "--model", BERT, *([option] if option == "--overview" else [option, "a:cat"]), "--json", "a cat"
    )
    assert code == 0
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    heads = written["overview"] if option == "--overview" else written["find"]["heads"]
    assert all(set(head["on_repeats"]) == {"duplicate token", "induction"} for head in heads)


def test_a_large_model_is_tried_when_asked(monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGE", 1)
    code, out, _ = call("--model", BERT, "--overview", "a cat")
    assert (code, "(--repeats)" in out, "Olsson" in out) == (0, True, False)
    code, out, _ = call("--model", BERT, "--overview", "--repeats", "a cat")
    assert (code, "(--repeats)" in out, "On 11 random tokens, four times over:" in " ".join(out.split())) == (
        0,
        False,
        True,
    )


def test_the_learned_model_has_no_repeats():
    assert overview("a cat", model="tiny").heads[0].on_repeats is None
    code, _, err = call("--overview", "--repeats", "a cat")
    assert (code, "--repeats does not go with tiny" in err) == (2, True)
