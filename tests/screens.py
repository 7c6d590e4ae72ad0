"""Whole screens that are kept as golden files, and the way to draw them."""

import contextlib
import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from attnexplain.cli import main

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
    **{f"article-{width}": [*FOLLOW, "--width", str(width), ARTICLE] for width in (60, 80, 120)},
    "bank-80": ["--width", "80", "The river bank was flooded after the storm"],
    **{f"untrained-{width}": [*FOLLOW, "-m", "untrained", "--width", str(width), ARTICLE] for width in (80,)},
    "causal-40": ["-m", "untrained", "--causal", "--width", "40", "The cat sat on the mat"],
    "brief-ascii-80": ["--brief", "--ascii", "--width", "80", "Le naïve cat: 猫 sat"],
    "long-80": ["-m", "untrained", "--step", "3", "--width", "80", LONG],
    "long-colour-100": ["-m", "untrained", "--step", "3", "--width", "100", "--color", "always", LONG],
    "scripts-80": ["--step", "3", "--width", "80", "我喜欢 self-attention ❤️ и кошку"],
    "no-scale-80": ["-m", "untrained", "--no-scale", "--step", "3", "--digits", "4", "--width", "80", "The cat sat"],
}


PICTURE = GOLDEN / "lesson.svg"
"""The README's picture."""

# Rich's own frame, less the fonts that it would have a browser fetch.
_FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: Arial, sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture() -> str:
    """Draw the weights of the article's sentence as an SVG, as Rich records them."""
    screen = draw([*FOLLOW, "--step", "3", "--brief", "--width", "100", "--color", "always", ARTICLE])
    start = screen.index("W, the attention weights")
    shown = screen[screen.rindex("\n", 0, start) + 1 : screen.index("\n\n", start)]
    console = Console(record=True, width=100, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(shown))
    return console.export_svg(title="attnexplain --step 3", unique_id="lesson", code_format=_FRAME)


def draw(arguments: list[str]) -> str:
    """Return what the command writes to standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(arguments)
    assert code == 0
    return out.getvalue()
