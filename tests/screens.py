"""Whole screens that are kept as golden files, and the way to draw them."""

import contextlib
import io
from pathlib import Path

from attnexplain import explain
from attnexplain.cli import main
from attnexplain.overview import overview
from attnexplain.render.figure import render_figure
from attnexplain.render.ink import Ink
from attnexplain.steps.figure import figure, figure_of_heads

GOLDEN = Path(__file__).parent / "golden"
ARTICLE = (
    "Chanting Hare Krishna mantra - divine self-attention, soul connects to supreme consciousness, "
    "embracing love and devotion"
)
LONG = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light"
)
FOLLOW = ["--phrase", "Hare Krishna", "--query", "Chanting"]

SCREENS = {
    **{f"article-{width}": [*FOLLOW, "--width", str(width), ARTICLE] for width in (60, 120)},
    "bank-80": ["--width", "80", "The river bank was flooded after the storm"],
    **{f"untrained-{width}": [*FOLLOW, "-m", "untrained", "--width", str(width), ARTICLE] for width in (80,)},
    "causal-40": ["-m", "untrained", "--causal", "--width", "40", "The cat sat on the mat"],
    "brief-ascii-80": ["--brief", "--ascii", "--width", "80", "Le naïve cat: 猫 sat"],
    "long-80": ["-m", "untrained", "--step", "3", "--width", "80", LONG],
    "long-colour-100": ["-m", "untrained", "--step", "3", "--width", "100", "--color", "always", LONG],
    "scripts-80": ["--step", "3", "--width", "80", "我喜欢 self-attention ❤️ и кошку"],
    "no-scale-80": ["-m", "untrained", "--no-scale", "--step", "3", "--digits", "4", "--width", "80", "The cat sat"],
}


PICTURE = GOLDEN / "weights.svg"
"""The README's first picture."""
HEADS = GOLDEN / "overview.svg"
"""And that of all heads of MiniLM, which is drawn where the model is installed."""
MOVING = GOLDEN / "moving.svg"
"""And what moves; see `moving.py`."""
ANIMAL = "The animal didn't cross the street because it was too tired"


def picture() -> str:
    """Draw the weights of the article's sentence."""
    trace = explain(ARTICLE, phrases=["Hare Krishna"])
    return render_figure(figure(trace, "weights", query="Chanting"), Ink())


def heads() -> str:
    """Draw every head of MiniLM."""
    return render_figure(figure_of_heads(overview(ANIMAL, model="minilm")), Ink())


def draw(arguments: list[str]) -> str:
    """Return what the command writes to standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(arguments)
    assert code == 0
    return out.getvalue()
