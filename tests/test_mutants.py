"""What thirty hand-made mutants showed that no test noticed: each of these fails where one of them lives."""

import contextlib
import json
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from command import call

from attnexplain import explain
from attnexplain.arithmetic import weighted_sum
from attnexplain.errors import CheckpointError
from attnexplain.models.checkpoint.config import Config
from attnexplain.overview import habit
from attnexplain.render.html import Page, render_html
from attnexplain.render.ink import Ink
from attnexplain.render.terminal import render_text
from attnexplain.steps import lesson
from attnexplain.steps.blocks import Column, Grid, Lesson, Step
from attnexplain.steps.compare import comparison

CHECKPOINTS = Path(__file__).parent / "data" / "checkpoints"
SENTENCE = "The animal didn't cross the street because it was too tired."


@contextlib.contextmanager
def numbers(content):
    """A file of numbers for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.json"
        path.write_text(json.dumps(content))
        yield str(path)


def drawn(*blocks):
    return Lesson("", (Step(0, "x", blocks),))


def test_the_footer_of_a_page_has_an_empty_cell_under_a_column_before_the_matrix():
    numbers = np.array([[1.0, 2.0]])
    grid = Grid("t", ("a",), ("1", "2"), numbers, before=Column("weight", [0.5]), footer=("sum", [3.0, 4.0]))
    foot = Page(Ink()).fragment(drawn(grid)).split("<tfoot>")[1]
    assert foot.startswith('<tr><th scope="row">sum</th><td></td><td>3.00</td><td>4.00</td>')
    without = Grid("t", ("a",), ("1", "2"), numbers, footer=("sum", [3.0, 4.0]))
    assert '<th scope="row">sum</th><td>3</td>' in Page(Ink()).fragment(drawn(without))


def test_positions_beside_a_large_picture_count_from_1_in_steps_of_what_a_sign_stands_for():
    n = 200
    names = tuple(f"w{i}" for i in range(n))
    text = render_text(drawn(Grid("t", names, names, np.eye(n), "share")), Ink(), width=80)
    tall = -(-n // 48)
    ticks = [int(line[:3]) for line in text.splitlines() if line[:3].strip().isdigit() and "█" in line]
    assert ticks == [1 + 5 * tall * k for k in range(len(ticks))]
    assert len(ticks) > 5
    page = render_html(drawn(Grid("t", names, names, np.eye(n), "share")), Ink())
    tall = -(-n // 96)
    for of in ('text-anchor="end"', "rotate"):  # the rows, the columns
        counted = [int(number) for number in re.findall(rf"{of}[^>]*>(\d+)</text>", page)]
        assert counted == list(range(1, n + 1, tall))


def test_the_rest_of_a_long_weighted_sum_is_what_was_not_written_out():
    words = " ".join(f"word{i}" for i in range(40))
    trace = explain(words, model="untrained")
    (step,) = lesson(trace, steps=(4,)).steps
    table = next(block for block in step.blocks if isinstance(block, Grid) and "word by word" in block.title)
    query = list(trace.tokens).index(table_query(step))
    products = np.asarray(table.numbers)[:, 2]
    written = len(products) - 1
    assert written < 40
    assert table.rows[-1] == f"the other {40 - written}"
    exact = trace.weights[query] * trace.values[:, 0]
    chosen = [list(trace.tokens).index(row.split("(")[0]) for row in table.rows[:-1]]
    assert products[-1] == pytest.approx(np.delete(exact, chosen).sum(), abs=0.005)
    assert table.footer[1][2] == pytest.approx(products.sum(), abs=1e-9)
    worked = weighted_sum(trace.weights[query], trace.values[:, 0], 8)
    assert float(worked.total) == pytest.approx(exact.sum(), abs=1e-6)


def table_query(step):
    return next(b.text for b in step.blocks if hasattr(b, "text") and "By hand" in b.text).split('"')[1]


def test_a_sink_next_door_is_no_neighbour():
    """Each word looks at the one before; of the second word that is the sink, which counts as a sink alone."""
    weights = np.array([[1.0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    does, shares, _ = habit(weights, [True, False, False, False], causal=False)
    assert shares["previous token"] == 1.0  # of the two words that have a word before them
    assert shares["sink"] == pytest.approx(1 / 3)
    assert does == "previous token"


def test_the_first_row_of_a_causal_head_is_not_counted():
    """It can only look at itself. Of the others one looks at itself, one at the first."""
    weights = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]])
    _, shares, _ = habit(weights, [False] * 3, causal=True)
    assert shares["same token"] == 0.5
    assert shares["sink"] == 0.5


def sink_of(lengths):
    """What step 3 says of a sink whose value is so long beside the others'."""
    from dataclasses import replace

    trace = explain(SENTENCE, model=str(CHECKPOINTS / "bert"))
    n = len(trace.tokens)
    weights = np.full((n, n), 0.4 / (n - 1))
    weights[:, 0] = 0.6
    values = np.ones_like(trace.values)
    values[0] *= lengths
    changed = replace(trace, weights=weights, values=values)
    return " ".join(render_text(lesson(changed, steps=(3,)), Ink(), width=80).split())


def test_a_sink_changes_little_only_where_its_value_is_short():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    assert "It changes little" in sink_of(0.5)
    for length in (0.75, 1.0, 2.0):
        assert "Why so much attention to [CLS]*" in sink_of(length)
        assert "It changes little" not in sink_of(length)


def test_what_enters_layer_0_under_a_mask_knows_its_own_place_alone():
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")

    def said(layer):
        return " ".join(
            call("--model", str(CHECKPOINTS / "gpt2"), "--layer", str(layer), "-s", "1", "a cat")[1].split()
        )

    assert "so each knows" not in said(0)
    assert "so each knows all that came before it." in said(1)


def test_a_comparison_picks_the_word_whose_contexts_differ_most():
    one = explain("The river bank near the old house was flooded after the storm")
    other = explain("She deposited the money at the bank near the old house")
    shared = ("bank", "near", "old", "house")
    cosines = {}
    for word in shared:
        a, b = (trace.context[[t.lower() for t in trace.tokens].index(word)] for trace in (one, other))
        cosines[word] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    company = {token: near.before for token, near in zip(one.tokens, one.neighbours, strict=True)}
    telling = {word: cosine for word, cosine in cosines.items() if company[word]}  # neither "near" nor "old"
    assert len(telling) == 2
    step = comparison(one, other).steps[0]
    assert step.title == f'"{min(telling, key=telling.get)}" in two sentences'


def test_the_cosine_of_a_vector_of_zeros_is_0():
    """Values of zeros: the two contexts have no direction, so nothing can be said to point the same way."""
    eye, zero = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]
    with numbers({"embeddings": {"a": [1, 0], "b": [0, 1]}, "w_q": eye, "w_k": eye, "w_v": zero}) as path:
        out = call("--model", path, "--compare", "b a", "a b")[1]
    assert "their cosine is 0.00" in " ".join(out.split())


@pytest.mark.parametrize(("lower", "token"), [(True, "the"), (False, "[UNK]")])
def test_a_vocabulary_is_lower_cased_only_where_its_settings_say_so(lower, token, tmp_path):
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    folder = tmp_path / "bert"
    shutil.copytree(CHECKPOINTS / "bert", folder)
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower}))
    assert explain("THE", model=str(folder)).tokens[1] == token


def test_gelu_pytorch_tanh_is_the_approximation_and_not_gelu():
    from attnexplain.models.checkpoint.layers import ACTIVATIONS

    x = np.linspace(-4, 4, 201)
    by_tanh = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(ACTIVATIONS["gelu_pytorch_tanh"](x), by_tanh, atol=1e-6)
    assert np.abs(ACTIVATIONS["gelu"](x) - by_tanh).max() > 1e-4


def test_what_was_read_of_the_file_is_given_back_after_each_layer(monkeypatch):
    pytest.importorskip("tokenizers", reason="the extra attnexplain[models] is not installed")
    from attnexplain.models.checkpoint import tensors

    given_back = []
    monkeypatch.setattr(tensors, "give_back", lambda data: given_back.append(len(data)))
    explain("a cat", model=str(CHECKPOINTS / "bert"), layer=2)
    assert len(given_back) == 3
    given_back.clear()
    explain("a cat", model=str(CHECKPOINTS / "roberta"), layer=1)  # three files
    assert len(given_back) == 2 * 3


@pytest.mark.parametrize("epsilon", [0, 0.0, 1, -1e-12, True, "1e-12"])
def test_an_epsilon_is_a_number_between_0_and_1(epsilon):
    with pytest.raises(CheckpointError, match="layer_norm_eps must be a number between 0 and 1"):
        Config({"layer_norm_eps": epsilon}).number("layer_norm_eps", 1e-12)
    assert Config({"layer_norm_eps": 1e-12}).number("layer_norm_eps", 1e-5) == 1e-12
