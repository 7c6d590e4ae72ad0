"""Two sentences side by side, articles on one question each, and a lesson with pauses."""

import json
import re

import numpy as np
import pytest
from command import call, on_terminal

from attnexplain import explain
from attnexplain.steps.topics import TOPICS

RIVER, MONEY = "The river bank was flooded after the storm", "She deposited the money at the bank"


# Comparison


def test_the_word_that_changed_most_is_found_and_its_numbers_are_those_of_both_traces():
    code, out, _ = call("--width", "100", RIVER, "--compare", MONEY)
    assert code == 0
    assert '"bank" in two sentences' in out
    one, other = explain(RIVER), explain(MONEY)
    first, second = one.context[one.tokens.index("bank")], other.context[other.tokens.index("bank")]
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    said = " ".join(out.split())
    assert f"their cosine is {cosine:.2f}" in said
    for trace, word in ((one, "river"), (other, "money")):
        weight = trace.weights[trace.tokens.index("bank"), trace.tokens.index(word)]
        assert f'"{word}" ({weight:.2f})' in said


def test_the_word_to_compare_can_be_named():
    assert '"the" in two sentences' in call("the cat sat", "--compare", "a dog on the mat", "--query", "the")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a cat", "--compare", "one dog"], "the two sentences have no word in common"),
        (["a cat", "--compare", "a dog", "--query", "cat"], "--query: 'cat' is not a word of this sentence"),
        (["a cat", "--compare", "a dog", "--key", "cat"], "--compare looks at one word, so --key does not go with it"),
    ],
)
def test_what_cannot_be_compared(arguments, message):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"attnexplain: error: {message}")


def test_a_comparison_as_json_is_one_object_per_sentence():
    out = call("--json", RIVER, "--compare", MONEY)[1]
    assert [json.loads(line)["sentence"] for line in out.splitlines()] == [RIVER, MONEY]


@pytest.mark.parametrize("width", [30, 60, 100, 200])
def test_both_sentences_stand_beside_or_below_one_another(width):
    out = call("--width", str(width), RIVER, "--compare", MONEY)[1]
    assert max(len(line) for line in out.split("\n") if not line.startswith("  attnexplain ")) <= width
    beside = any(
        "first sentence" in line and "second sentence" in line for line in out.split("\n") if '"bank" in' in line
    )
    assert beside == (width >= 80)


# Topics


@pytest.mark.parametrize("name", TOPICS)
def test_every_topic_has_an_article_of_one_screen(name):
    code, out, err = call("--explain", name)
    assert (code, err) == (0, "")
    assert out.startswith(TOPICS[name][0])
    assert out.count("\n") <= 28
    if name not in ("layers", "shared-keys"):  # which are about how parts are put together
        assert len(re.findall(r"-?\d+(?:\.\d\d)?(?![\w.)])", out)) >= 3
    assert max(map(len, out.split("\n"))) <= 80
    assert call("--explain", name.upper(), "--width", "40", "--ascii")[1].isascii()


def test_who_asks_and_who_answers_is_told_the_right_way_round():
    out = " ".join(call("--explain", "scores")[1].split())
    assert 'what "cats" asks of "drink" is not what "drink" asks of "cats"' in out


def test_the_step_of_training_is_worked_with_as_many_digits_as_it_needs():
    assert "= 0.50 - 0.01 × 3.00" in call("--explain", "training")[1]


def test_an_unknown_topic_says_which_there_are():
    code, out, err = call("--explain", "sofmax")
    assert (code, out) == (2, "")
    assert "did you mean softmax?" in err
    assert "dot-product" in err


# Pauses


def test_pause_waits_for_enter_between_the_steps_on_a_terminal():
    code, screen = on_terminal("--pause", "--color", "never", "The cat sat", keys=b"\n" * 20)
    assert code == 0
    lines = screen.count("\n") - 20  # the terminal shows the keys too, when they are typed
    assert screen.count("Enter: go on") >= lines // 24 > 4  # after each step, and within what is longer than a screen
    order = [screen.index(mark) for mark in ("Step 1", "Step 2", "Step 3", "Step 4")]
    assert order == sorted(order)


def test_without_a_terminal_nothing_waits():
    assert call("--pause", "The cat sat") == call("The cat sat")


def test_the_article_on_scaling_has_the_roots_of_its_widths():
    rows = re.findall(r"^d_k = (\d+), √d_k = (\d+)", call("--explain", "scaling")[1], re.MULTILINE)
    assert len(rows) == 3
    assert all(int(root) ** 2 == int(width) for width, root in rows)


def test_the_article_on_context_works_out_a_word_of_its_own():
    article = call("--explain", "context")[1]
    word = re.search(r'place 1 of context\("(\w+)"\)', article)[1]
    row = re.search(rf"^{word} +([\d.]+) +([\d.]+) +([\d.]+) ", article, re.MULTILINE).groups()
    assert tuple(re.findall(r"([\d.]+)×", article)) == row
