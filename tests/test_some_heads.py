"""Looking over some of the heads, and over the means of their weights."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from command import SCHEMA, call

from attnexplain import explain, explain_all
from attnexplain.overview import habit, hides, named, overview
from attnexplain.render.ink import Ink
from attnexplain.render.terminal import render_text
from attnexplain.steps.heads import overview_lesson
from attnexplain.variants import visible_mask

pytest.importorskip("safetensors", reason="the extra attnexplain[models] is not installed")
pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

FOLDER = Path(__file__).parent / "data" / "checkpoints"
BERT, MISTRAL, GPT_OSS = (str(FOLDER / name) for name in ("bert", "mistral", "gpt-oss"))
SENTENCE = "The animal didn't cross the street"


@pytest.mark.parametrize("model", [BERT, MISTRAL, GPT_OSS])
@pytest.mark.parametrize(
    ("which", "shape"),
    [
        ({"heads": "mean"}, "rows"),
        ({"layers": "mean"}, "columns"),
        ({"layers": "mean", "heads": "mean"}, "one"),
    ],
)
def test_a_mean_is_what_a_head_with_the_mean_weights_does(model, which, shape):
    found = overview(SENTENCE, model=model, **which)
    every = explain_all(SENTENCE, model=model)
    axes = {"rows": 1, "columns": 0, "one": (0, 1)}[shape]
    expected = every.weights.astype(float).mean(axis=axes).reshape(-1, *every.weights.shape[2:])
    sinks = None if every.sinks is None else every.sinks.astype(float).mean(axis=axes).reshape(len(expected), -1)
    assert len(found.heads) == len(expected)
    for place, (head, weights) in enumerate(zip(found.heads, expected, strict=True)):
        taken = None if sinks is None else sinks[place]
        _, shares, _ = habit(weights, found.tokens.special, causal=found.causal, taken=taken)
        assert head.shares == pytest.approx(shares, abs=1e-6)
        np.testing.assert_allclose(head.picture, weights, atol=1e-6)
        assert (head.layer is None, head.head is None) == ("layers" in which, "heads" in which)


def test_some_heads_are_those_of_all():
    every = {(head.layer, head.head): head for head in overview(SENTENCE, model=BERT).heads}
    some = overview(SENTENCE, model=BERT, layers=[-1, 0], heads=[1])
    assert [(head.layer, head.head) for head in some.heads] == [(2, 1), (0, 1)]  # in the order that is asked for
    for head in some.heads:
        assert head.shares == every[head.layer, head.head].shares
        assert head.on_repeats == every[head.layer, head.head].on_repeats


def test_the_overview_opens_a_head_that_is_told_apart_by_no_word():
    found = overview(SENTENCE, model=BERT)
    for place, head in enumerate(found.heads):
        does = ["sink"] * len(found.heads)
        does[place] = "other"
        heads = tuple(replace(one, does=what) for one, what in zip(found.heads, does, strict=True))
        text = render_text(overview_lesson(replace(found, heads=heads)), Ink(), width=200)
        assert f"--layer {head.layer} --head {head.head} " in text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bert", "BERT with 3 layers of 3 heads"),
        (
            "albert",
            "8 layers of 3 heads, which share the parameters of 4, and embeddings of 7 numbers that a matrix makes",
        ),
    ],
)
def test_the_overview_says_what_the_model_is(name, says):
    found = overview(SENTENCE, model=str(FOLDER / name))
    assert says in " ".join(render_text(overview_lesson(found), Ink(), width=80).split())


def test_the_lesson_says_where_pieces_are_joined_and_what_becomes_of_the_context():
    arguments = "--model", BERT, "--step", "3-4", SENTENCE
    plain, joined = (" ".join(call(*more, *arguments)[1].split()) for more in ((), ("--merge-words",)))
    assert "Pieces joined into words" in joined
    assert "Pieces joined into words" not in plain
    width = 3 * explain(SENTENCE, model=BERT).d_v
    assert f"one head of 3. The layer puts all their context vectors end to end ({width} numbers)" in plain


def test_the_overview_says_where_pieces_are_joined():
    for merges in (False, True):
        text = render_text(overview_lesson(overview(SENTENCE, model=BERT, merge_words=merges)), Ink(), width=200)
        assert ("Pieces are joined into words" in text) == merges


def test_the_command_says_which_and_what_is_a_mean():
    code, out, err = call("--model", BERT, "--overview", "--layer", "1-2", "--head", "mean", "--width", "80", SENTENCE)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line[0] for line in lines if line[:2] in ("1 ", "2 ", "0 ")] == ["1", "2"]
    assert "  mean" in lines
    assert "mean: of the weights of all heads" in out
    assert "--head" not in out  # no command opens a mean


@pytest.mark.parametrize("which", [["--head", "mean"], ["--layer", "mean", "--head", "0,1"], ["--layer", "2"]])
@pytest.mark.parametrize("what", [["--overview"], ["--find", "animal:street"]])
def test_json_says_so_too(which, what):
    code, out, err = call("--model", BERT, "--json", *what, *which, SENTENCE)
    assert (code, err) == (0, "")
    written = json.loads(out)
    jsonschema.validate(written, SCHEMA)
    heads = written["overview"] if "overview" in written else written["find"]["heads"]
    layers = {"--layer mean": {"mean"}, "--layer 2": {2}, "--head mean": {0, 1, 2}}[" ".join(which[:2])]
    assert {head["layer"] for head in heads} == layers
    if "mean" in which and "find" in written:
        assert "command" not in written["find"]


def test_the_ranking_of_means_is_that_of_mean_weights():
    found = overview(SENTENCE, model=BERT, find="animal:street", heads="mean")
    every = explain_all(SENTENCE, model=BERT, heads="mean")
    asks, answers = [2, 3], [10, 11]  # anim ##al, stre ##et
    for head in found.heads:
        weight = every.weights[head.layer, 0][np.ix_(asks, answers)].sum(axis=1).mean()
        assert head.weight == pytest.approx(weight, abs=1e-6)
    _, out, _ = call("--model", BERT, "--find", "animal:street", "--head", "mean", SENTENCE)
    assert f"In the mean over all heads of layer {found.ranked()[0].layer}," in out


def test_a_head_that_is_even_within_its_window_is_named_for_it():
    visible = visible_mask(12, causal=True, window=3)
    even = visible / visible.sum(axis=1, keepdims=True)
    assert hides(visible, causal=True)
    assert habit(even, [False] * 12, causal=True, visible=visible)[0] == "window"
    assert habit(even, [False] * 12, causal=True)[0] == "other"  # it is far from even among all that came before
    wide = visible_mask(12, causal=True, window=12)
    assert not hides(wide, causal=True)
    assert habit(wide / wide.sum(axis=1, keepdims=True), [False] * 12, causal=True, visible=wide)[0] == "broad"
    assert named({"sink": 0.6}, 0.9, is_windowed=True) == "sink"


def test_both_sides_of_a_window_count_in_an_encoder():
    visible = visible_mask(9, causal=False, window=2)
    even = visible / visible.sum(axis=1, keepdims=True)
    name, _, evenness = habit(even, [False] * 9, causal=False, visible=visible)
    assert (name, evenness) == ("window", pytest.approx(1))


def test_real_layers_with_windows_are_told_from_others():
    long = " ".join([SENTENCE] * 4)
    found = overview(long, model=MISTRAL)
    assert any(found.windows)
    for head in found.heads:
        window = found.windows[head.layer]
        assert head.is_windowed == (window is not None and window < len(found.tokens.texts))
        assert 0 <= head.evenness <= 1 + 1e-9


def test_means_over_a_file_know_of_windows_and_of_means(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("\n".join([" ".join([SENTENCE] * 4), SENTENCE]))
    code, out, _ = call("--model", MISTRAL, "--overview", "--head", "mean", "--file", str(file), "--json")
    assert code == 0
    every = [overview(line, model=MISTRAL, heads="mean") for line in file.read_text().splitlines()]
    for place, head in enumerate(json.loads(out)["overview"]):
        mean = np.mean([found.heads[place].entropy for found in every])
        assert (head["head"], head["entropy"]) == ("mean", pytest.approx(mean))


def test_whether_a_window_hides_something_does_not_hang_on_the_order_of_lines(tmp_path):
    lines = [SENTENCE, " ".join([SENTENCE] * 4)]
    said = []
    for name, order in (("a.txt", lines), ("b.txt", lines[::-1])):
        (tmp_path / name).write_text("\n".join(order))
        _, out, _ = call("--model", MISTRAL, "--overview", "--json", "--file", str(tmp_path / name))
        said.append([head["does"] for head in json.loads(out)["overview"]])
    assert said[0] == said[1]


def test_even_rows_are_even_beside_a_sink_too():
    for n, taken in ((2, 0.3), (100, 0.4)):
        even = np.tri(n) / np.tri(n).sum(axis=1, keepdims=True) * (1 - taken)
        name, _, evenness = habit(even, [False] * n, causal=True, taken=np.full(n, taken))
        assert evenness == pytest.approx(1)
        assert name == "broad" or n == 2
