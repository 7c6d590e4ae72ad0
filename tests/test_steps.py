"""What the steps say, by their data: numbers in sentences and tables that no screen is compared for."""

import json
import re

import numpy as np
import pytest
from command import call
from scipy.stats import entropy as scipy_entropy

from attnexplain import explain
from attnexplain.overview import habit, overview
from attnexplain.render.ink import Ink
from attnexplain.render.terminal import render_text
from attnexplain.steps import lesson
from attnexplain.steps.blocks import Grid, Links, Prose
from attnexplain.steps.compare import comparison
from attnexplain.steps.context import FAR, HARDLY
from attnexplain.steps.heads import ranking_lesson

RIVER = "The river bank was flooded after the storm"
MANY = " ".join(["river bank water boat fish stream lake shore bridge harbor sea canal"] * 4)


def blocks(trace, step, kind, **options):
    return [block for block in lesson(trace, steps=(step,), **options).steps[0].blocks if isinstance(block, kind)]


def prose(trace, step, **options):
    return " ".join(block.text for block in blocks(trace, step, Prose, **options))


def numbers_file(tmp_path, **content):
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps(content))
    return str(path)


def test_the_sums_under_all_places_are_the_context_vector():
    trace = explain(RIVER)
    table = next(grid for grid in blocks(trace, 4, Grid, full=True) if grid.title.startswith("Share × value for all"))
    row = trace.tokens.index("bank")
    assert np.allclose(table.footer[1], trace.context[row])
    assert np.allclose(table.numbers, trace.weights[row][:, None] * trace.values)


@pytest.mark.parametrize("causal", [False, True])
def test_what_the_scaling_does_is_what_scipy_says(causal):
    trace = explain(RIVER, causal=causal)
    table = next(grid for grid in blocks(trace, 3, Grid, full=True) if grid.title == "What the scaling does")
    plain = np.exp(np.where(np.isfinite(trace.scaled_scores), trace.scores, -np.inf))
    without = plain / plain.sum(axis=1, keepdims=True)
    assert table.columns == (
        "largest with √d_k", "largest without", "entropy with √d_k", "entropy without", "at most",
    )  # fmt: skip
    expected = [
        trace.weights.max(1),
        without.max(1),
        scipy_entropy(trace.weights, axis=1),
        scipy_entropy(without, axis=1),
    ]
    seen = np.arange(1, 9) if causal else np.full(8, 8)
    assert np.allclose(table.numbers, np.column_stack([*expected, np.log(seen)]))
    assert ("ln of the number of words" in prose(trace, 3, full=True)) == causal


def test_the_ranking_says_the_mean_over_the_heads():
    found = overview("the dog bites the man", model="tiny", find="dog:man")
    text = " ".join(block.text for block in ranking_lesson(found, 4).steps[0].blocks if isinstance(block, Prose))
    mean = np.mean([head.weight for head in found.heads])
    assert f"on average over all 3 heads it is {mean:.4f}" in text
    assert f"puts {max(head.weight for head in found.heads):.4f}" in text


def test_the_scores_of_the_asking_word_are_named_in_order():
    trace = explain(RIVER)
    row = trace.scores[trace.tokens.index("bank")]
    said = re.search(r"in order: (.*)\.$", prose(trace, 2)).group(1)
    numbers = [float(part.rsplit(" ", 1)[1]) for part in said.split(", ")]
    assert numbers == sorted(numbers, reverse=True)
    assert np.allclose(sorted(numbers), sorted(np.round(row, 2)), atol=0.0051)
    assert "and 38 with lower scores" in prose(explain(MANY), 2)
    assert "what comes later is masked" in prose(explain(RIVER, causal=True), 2)


def test_each_word_has_its_three_strongest_links_and_no_masked_one():
    trace = explain(MANY, causal=True)
    (links,) = blocks(trace, 3, Links)
    assert [len(linked) for _, linked in links.rows[:4]] == [1, 2, 3, 3]
    for place, (_, linked) in enumerate(links.rows):
        assert [share for _, share in linked] == sorted(trace.weights[place], reverse=True)[: len(linked)]


@pytest.mark.parametrize(
    ("angle", "says"), [(0.96, "hardly differ"), (0.94, "differ:"), (0.51, "differ:"), (0.49, "point different ways")]
)
def test_the_comparison_says_how_far_the_contexts_differ(angle, says, tmp_path):
    assert (HARDLY, FAR) == (0.95, 0.5)
    other = [angle, float(np.sqrt(1 - angle**2))]
    vocabulary = {"word": [0.0, 0.0], "one": [1.0, 0.0], "two": other}
    zero, identity = [[0.0], [0.0]], [[1.0, 0.0], [0.0, 1.0]]
    path = numbers_file(tmp_path, embeddings=vocabulary, w_q=zero, w_k=zero, w_v=identity)
    lines = " ".join(call("--model", path, "--query", "word", "--compare", "word two", "word one")[1].split())
    assert f"context vectors {says}" in lines


def test_the_comparison_shows_what_is_masked():
    first, second = (explain(text, causal=True, scale=False) for text in (RIVER, "The bank raised its rates"))
    text = render_text(comparison(first, second, query="bank"), Ink(), width=100)
    assert re.search(r"score +scaled +share", text)
    assert "-∞" in text


def test_small_scores_are_shifted_before_they_become_powers(tmp_path):
    path = numbers_file(
        tmp_path, tokens=["x", "y"], queries=[[1, 0], [1, 0]], keys=[[-7, 0], [-6, 0]], values=[[1], [2]], scale=False
    )
    code, out, err = call("--model", path, "--step", "3")
    assert (code, err) == (0, "")
    assert "because e^-6.00 is nearly 0" in " ".join(out.split())
    assert re.search(r'share\("x", "y"\) ≈ 1\.00 / 1\.37 ≈ 0\.73', out)


def test_a_sum_too_large_for_its_digits_is_said_to_be_rounded(tmp_path):
    path = numbers_file(
        tmp_path, tokens=["river", "bank"], queries=[[4000.5, 3], [1500, -2000.5]], keys=[[700, 9], [900, 800]],
        values=[[1], [2]],
    )  # fmt: skip
    out = call("--model", path, "--step", "2")[1]
    assert re.search(r"  ≈ 3\.60e\+06\n", out)
    assert not re.search(r"  = \d\.\d\de\+06\n", out)


def test_whole_numbers_are_written_whole(tmp_path):
    path = numbers_file(
        tmp_path, tokens=["a", "b"], embeddings=[[1, 2], [0, 3]], w_q=[[1, 0], [0, 1]], w_k=[[1, 1], [0, 1]],
        w_v=[[0.5, 0], [0, 1]],
    )  # fmt: skip
    out = call("--model", path, "--digits", "3")[1]
    assert 'score("b", "a") = q("b") · k("a") = 0 + 9 = 9' in out
    step = out.split("Step 1")[1].split("Step 2")[0]
    queries, values = step.split("V, the values")
    assert not re.search(r"\d\.\d", queries)
    assert re.search(r"a +0\.500 +2\.000", values)  # one matrix has one way of writing


def test_half_of_the_attention_is_not_more_than_half():
    even = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0.5, 0.5]])
    assert habit(even, [False] * 3, causal=False)[0] not in ("previous token", "same token")
    assert habit(np.eye(3), [False] * 3, causal=False)[0] == "same token"


def test_a_causal_head_is_broad_for_what_it_can_see():
    n = 6
    spread = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    assert habit(spread, [False] * n, causal=True)[0] == "broad"
    assert habit(np.full((4, 4), 0.25), [False] * 4, causal=False)[0] == "broad"


def test_json_has_parameter_matrices_where_the_screen_has_them(tmp_path):
    generator = np.random.default_rng(0)
    matrices = {f"w_{letter}": generator.normal(size=(40, 3)).tolist() for letter in "qkv"}
    path = numbers_file(tmp_path, tokens=["a", "b"], embeddings=generator.normal(size=(2, 40)).tolist(), **matrices)
    assert "W_q, the parameter matrix" in call("--model", path, "--full")[1]
    assert np.allclose(json.loads(call("--model", path, "--json")[1])["parameters"]["w_q"], matrices["w_q"])
    assert "parameters" not in json.loads(call("--json", "--step", "2", "The cat")[1])


@pytest.mark.parametrize("full", [False, True])
def test_every_block_has_a_name_of_its_own_the_same_for_every_sentence(full):
    one, other = (
        [step.ids for step in lesson(explain(text), full=full).steps]
        for text in (RIVER, "The tall girl threw a red ball")
    )
    names = [name for ids in one for name in ids]
    assert len(set(names)) == len(names)
    assert {"1/queries", "2/scores", "3/weights", "4/context", "3/formula"} <= set(names)
    assert {"1/queries", "2/scores", "3/weights", "4/context"} <= {name for ids in other for name in ids}
