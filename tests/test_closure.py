"""The screen is closed under arithmetic: every number on it can be computed again from others on it.

Whole screens are read back as a reader would, with nothing but their text, and each matrix is recomputed from the
matrices it is said to come from, within the rounding shown.
"""

import re

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
    screen = draw([*arguments, "--digits", str(digits)])
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
    title, divisor = next(
        (line, float(found[1])) for line in screen.split("\n") if (found := re.match(r"S / ([\d.]+), ", line))
    )
    scaled = read(screen, title, n)
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
    check_equations(screen, unit)
    assert not re.search(r"-0\.?0*(?![\d.])", screen)


def check_equations(screen, unit):
    """Evaluate every worked line of numbers alone: it gives the result below it, or a note says that it is rounded."""
    for block in re.findall(r"((?:^  = .*\n(?:^    [^( ].*\n)*)+(?:^    \(.*\n)*)", screen, re.MULTILINE):
        parts = [" ".join(part.split()) for part in re.split(r"^  = ", block, flags=re.MULTILINE)[1:]]
        result = float(re.match(r"-?[\d.]+|-∞", parts[-1]).group().replace("∞", "inf"))
        noted = "rounded" in parts[-1]
        terms = [part for part in parts[:-1] if re.fullmatch(r"[-\d. +×/()]+", part)]
        for term in terms:
            value = eval(term.replace("×", "*"))  # noqa: S307 - digits and signs alone, by the pattern above
            count = len(re.findall(r"\d+\.\d+", term))
            sizes = sum(abs(float(number)) for number in re.findall(r"\d+\.\d+", term))
            if set(term) <= set("0123456789.-+ "):
                assert noted or abs(value - result) < 0.01 * unit, block
                assert abs(value - result) <= 0.51 * unit * (count + 1), block
            elif "/" in term:
                above, below = (float(number) for number in term.split("/"))
                assert abs(value - result) <= 0.51 * unit * (1 + 1 / below + abs(above) / below**2), block
            else:
                assert abs(value - result) <= unit * (1 + sizes), block


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("digits", [1, 2, 4])
@pytest.mark.parametrize(
    ("sentence", "n", "extra"),
    [(RIVER, 8, []), (RIVER, 8, ["--causal"]), (ARTICLE, 14, FOLLOW), ("Time flies like an arrow", 5, ["--no-scale"])],
)
def test_the_samples(sentence, n, extra, width, digits):
    check(["--width", str(width), *extra, sentence], n, 16, digits)
    check(["--width", str(width), "-m", "untrained", *extra, sentence], n, 16, digits)


@given(st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=12), st.integers(44, 140), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_any_sentence(words, width, digits):
    check(["--width", str(width), " ".join(words)], len(words), 16, digits)


def test_a_published_example():
    from pathlib import Path

    examples = Path(__file__).parent.parent / "sentences"
    check(["--width", "100", "--model", str(examples / "karim.json")], 3, 4, 2)
    check(["--width", "100", "--model", str(examples / "raschka-causal.json")], 6, 3, 4)


def test_where_rounding_shows_the_screen_says_so():
    """The weights of a row as shown don't always add up to 1.00; then, and only then, a line says so."""
    for sentence in (RIVER, ARTICLE, "a b", "The cat sat"):
        screen = draw(["--step", "3", "--width", "120", sentence])
        n = len(re.findall(r"\w[\w'-]*", sentence))
        table = read(screen, "W, the attention weights", n)
        off = np.abs(table[:, :n].sum(axis=1) - 1) > 0.001
        noted = re.search(r"Rounded: in (\d+) of (\d+) rows the weights", screen)
        assert (noted is not None) == bool(off.any())
        assert noted is None or int(noted[1]) == off.sum()
