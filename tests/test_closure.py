"""The screen is closed under arithmetic: every number on it can be computed again from others on it.

Whole screens are read back as a reader would, with nothing but their text, and each matrix is recomputed from the
matrices it is said to come from, within the rounding shown.
"""

import math
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screens import ARTICLE, FOLLOW, draw

NUMBER = re.compile(r"(?<![\w(.])-?(?:\d+\.?\d*(?:e[+-]\d+)?|∞)(?![\w(])")
VOCABULARY = ["river", "bank", "money", "cat", "the", "of", "love", "storm", "wine", "chef", "zebra"]
RIVER = "The river bank was flooded after the storm"


def read(screen, title, rows):
    """Read a grid of so many rows: its blocks of columns, put side by side."""
    lines = screen.split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(title))
    if not any("." in line for line in lines[at + 1 : at + 2 + rows]):  # whole numbers, which stand in one block
        heading = lines[at + 1].split()
        columns = len(heading) if all(map(str.isdigit, heading)) else rows
        whole = [line.replace("▸", " ").split()[-columns:] for line in lines[at + 2 : at + 2 + rows]]
        return np.array(whole, dtype=float)
    blocks = []
    while True:
        at += 1
        heading = []
        while at < len(lines) and lines[at].strip() and not _cells(lines[at], heading):
            heading.append(lines[at])
            at += 1
        block = [_cells(line, heading) for line in lines[at : at + rows]]
        blocks.append(np.array(block))
        at += rows
        while at < len(lines) and lines[at].startswith("sum"):
            at += 1
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if lines[at].strip() or not following.startswith(" ") or following.strip().startswith(("=", "(")):
            return np.hstack(blocks)


def _cells(line, heading):
    """The numbers of a row: its label is cut off where the first heading's column can begin."""
    found = [match.group().replace("∞", "inf") for match in re.finditer(r"-?\d+\.\d+|-?∞", line.replace("▸", " "))]
    return [float(number) for number in found]


def dot_tolerance(left, right, unit):
    """How far a dot product of rounded numbers can be from the rounded dot product."""
    d = left.shape[1]
    return 0.5 * unit * (np.abs(left).sum(1)[:, None] + np.abs(right).sum(0)[None, :]) + d * unit**2 + unit


def check(arguments, n, d_model, digits):
    screen = draw(["--full", *arguments, "--digits", str(digits)])
    unit = 10.0**-digits
    x = read(screen, "X, the embeddings", n)
    w = {letter: read(screen, f"W_{letter}, the parameter matrix", d_model) for letter in "qkv"}
    q, k, v = (read(screen, title, n) for title in ("Q, the queries", "K, the keys", "V, the values"))
    for letter, made in (("q", q), ("k", k), ("v", v)):
        assert (np.abs(x @ w[letter] - made) <= dot_tolerance(x, w[letter], unit)).all()
    scores = read(screen, "S, the scores (", n)
    assert scores.shape == (n, n)
    assert (np.abs(q @ k.T - scores) <= dot_tolerance(q, k.T, unit)).all()
    assert (read(screen, "S, the scores of step 2", n) == scores).all()
    scaled, divisor = scores, 1.0  # where nothing is divided or masked there is one matrix
    for line in screen.split("\n"):
        if found := re.match(r"S / ([\d.]+), ", line):
            scaled, divisor = read(screen, line, n), float(found[1])
    visible = np.isfinite(scaled)
    bound = unit * (0.5 + 0.5 / divisor + 0.5 * np.abs(scores) / divisor**2 + unit)
    assert (np.abs(scores / divisor - scaled)[visible] <= bound[visible]).all()
    table = read(screen, "W, the attention weights", n)
    weights, sums = table[:, :n], table[:, n]
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    assert (np.abs(exponentials / exponentials.sum(axis=1, keepdims=True) - weights) <= 2 * unit).all()
    assert (sums == 1).all()
    assert (weights[~visible] == 0).all()
    context = read(screen, "C, the context vectors", n)
    assert (np.abs(weights @ v - context) <= dot_tolerance(weights, v, unit)).all()
    assert check_equations(screen, digits) >= 4
    assert not re.search(r"-0\.?0*(?![\d.])", screen)


def check_equations(screen, digits):
    """Every "=" between two sides of numbers holds to the last digit, and every "≈" is the other side, rounded.

    Returns how many there were.
    """
    checked = 0
    for equation in re.findall(r"^(\S.*(?:\n  .*)*)", screen, re.MULTILINE):
        text = " ".join(equation.replace("−", "-").split())
        sides = re.split(r" ([=≈]) ", re.split(r" \((?:the table|the eight|rounded)", text)[0])
        for left, sign, right in zip(sides[::2], sides[1::2], sides[2::2], strict=False):
            if not all(
                re.fullmatch(r"(?:[-\d. +×/()]|tanh)+", side) and re.search(r"\d", side) for side in (left, right)
            ):
                continue
            value, written = (_exactly(side) for side in (left, right))
            if sign == "=":
                assert value == written, equation
            else:
                places = len(right.partition(".")[2])
                step = Decimal(1).scaleb(-places)
                assert abs(value - Fraction(written)) * 2 <= Fraction(step), equation
            checked += 1
    return checked


def _exactly(side):
    """Work out a sum, products or a quotient of written numbers without any rounding."""
    return Fraction(
        eval(  # noqa: S307 - digits and signs alone, by the pattern of the caller
            re.sub(r"\d+(?:\.\d+)?", lambda number: f"Fraction('{number[0]}')", side.replace("×", "*")),
            {"Fraction": Fraction, "tanh": lambda number: Fraction(math.tanh(number))},
        )
    )


def test_a_wrong_equation_is_found():
    assert check_equations("x\n  ≈ 0.39 + 2.61\n  = 3.00\n", 2) == 1
    assert check_equations("share ≈ 0.57 / 1.57 ≈ 0.36\n", 2) == 1
    for wrong in ("x\n  ≈ 0.39 + 2.61\n  = 3.01\n", "share ≈ 0.57 / 1.57 ≈ 0.37\n", "a = 1 / 3 = 0.33\n"):
        with pytest.raises(AssertionError):
            check_equations(wrong, 2)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("digits", [1, 2, 4])
@pytest.mark.parametrize(
    ("sentence", "n", "extra"),
    [(RIVER, 8, []), (RIVER, 8, ["--causal"]), (ARTICLE, 14, FOLLOW), ("Time flies like an arrow", 5, ["--no-scale"])],
)
def test_the_samples(sentence, n, extra, width, digits):
    check(["--width", str(width), *extra, sentence], n, 24, digits)
    check(["--width", str(width), "-m", "untrained", *extra, sentence], n, 16, digits)


@given(st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=12), st.integers(44, 140), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_any_sentence(words, width, digits):
    check(["--width", str(width), " ".join(words)], len(words), 24, digits)


def test_a_published_example():
    from pathlib import Path

    examples = Path(__file__).parent.parent / "sentences"
    check(["--width", "100", "--model", str(examples / "karim.json")], 3, 4, 2)
    check(["--width", "100", "--model", str(examples / "raschka-causal.json")], 6, 3, 4)


@pytest.mark.parametrize("options", [[], ["--digits", "0"], ["--digits", "1"], ["--causal"], ["-m", "untrained"]])
@pytest.mark.parametrize("sentence", [RIVER, ARTICLE, "a b", "The cat sat"])
def test_the_equations_of_the_shorter_lesson_hold_too(sentence, options):
    assert check_equations(draw([*options, sentence]), 2) >= 3


def test_where_the_worked_cell_differs_from_the_table_the_screen_says_so():
    """The worked row starts from rounded numbers; where it ends elsewhere than the table, a line says why."""
    found = {True: 0, False: 0}
    for sentence in (RIVER, ARTICLE, "a b", "The cat sat", "The river bank", "Time flies like an arrow", *VOCABULARY):
        screen = draw(["--step", "2", "--width", "120", sentence])
        marked = re.search(r"▸(-?\d+\.\d+)", screen)[1]
        worked = re.search(r"^  = (-?[\d.]+)$", screen, re.MULTILINE)[1]
        noted = f"(the table has {marked}, computed with all digits)" in screen
        assert noted == (marked != worked)
        found[noted] += 1
    assert found[True]
    assert found[False]
