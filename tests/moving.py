"""The README's moving picture: what the command shows, one screen after another, in one SVG that holds no script.

For readers who want no motion it stands still at the first screen.
"""

import re

from screens import ANIMAL

from attnexplain import explain
from attnexplain.overview import overview
from attnexplain.render.ink import Ink
from attnexplain.render.svg import render_svg
from attnexplain.render.themes import THEMES
from attnexplain.steps import lesson
from attnexplain.steps.blocks import Equation, Gallery, Grid, Lesson, Prose, Step
from attnexplain.steps.heads import overview_lesson

RIVER = "The river bank was flooded after the storm"
CRISP = ' shape-rendering="crispEdges"'
"""What all rectangles have, and the style says once."""
COLUMNS, WIDE, HIGH = 80, 760, 600
SECONDS = 5
"""How long each screen is seen."""


def frames() -> list[tuple[str, Lesson]]:
    """Compose what is shown: the command, and its lesson."""
    whole = lesson(explain(RIVER))
    scores, weights = (_without_prose(whole.steps[number - 1]) for number in (2, 3))
    heads = overview_lesson(overview(ANIMAL, model="minilm"))
    pictures = heads.steps[0]._replace(blocks=tuple(b for b in heads.steps[0].blocks if isinstance(b, Gallery)))
    return [
        (f'attnexplain "{RIVER}"', Lesson(RIVER, (), answer=whole.answer)),
        (f'attnexplain --step 2 "{RIVER}"', Lesson(RIVER, (scores,))),
        (f'attnexplain --step 3 "{RIVER}"', Lesson(RIVER, (weights,))),
        (f'attnexplain --model minilm --overview "{ANIMAL[:28]}…"', Lesson(ANIMAL, (pictures,))),
    ]


def _without_prose(step: Step) -> Step:
    """Keep the matrix, the words that announce the arithmetic, and the arithmetic."""
    kept = [block for block in step.blocks if isinstance(block, Grid | Equation) or _announces(block)]
    return step._replace(blocks=tuple(kept))


def _announces(block: object) -> bool:
    return isinstance(block, Prose) and block.id == "by-hand"


def moving() -> str:
    """Draw it."""
    shown = frames()
    count, colours = len(shown), THEMES["dark"]
    steps = 100 / count
    drawn, style = [], ""
    for number, (command, composed) in enumerate(shown):
        picture = render_svg(composed, Ink("truecolor"), width=COLUMNS)
        style = style or re.search(r"<style>\n(.*?)</style>", picture, re.DOTALL)[1]
        inside = picture.partition("</style>")[2].removesuffix("</svg>\n")
        inside = re.sub(r'<rect width="100%" height="100%"[^>]*>', "", inside).replace(CRISP, "")
        high = HIGH - 40
        lowest = max(float(y) for y in re.findall(r' y="([\d.]+)"', inside)) + 30
        box = f"0 0 {WIDE} {max(lowest, high):g}"
        drawn.append(
            f'<g class="s s{number}"><text x="20" y="32" class="f b">$ {command.replace("&", "&amp;")}</text>'
            f'<svg y="40" width="{WIDE}" height="{high}" viewBox="{box}" preserveAspectRatio="xMinYMin">'
            f"{inside}</svg></g>"
        )
    delays = "\n".join(f".s{number} {{ animation-delay: {(number - count) * SECONDS}s; }}" for number in range(count))
    size = f'viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="moving-title">
<title id="moving-title">In a terminal: what attention did to a word, the scores, the weights, all heads</title>
<style>
{style}
rect {{ shape-rendering: crispEdges; }}
.s {{ opacity: 0; animation: show {count * SECONDS}s step-end infinite; }}
{delays}
@keyframes show {{ 0% {{ opacity: 1; }} {steps:g}% {{ opacity: 0; }} }}
@media (prefers-reduced-motion: reduce) {{ .s {{ animation: none; }} .s0 {{ opacity: 1; }} }}
</style>
<rect width="100%" height="100%" fill="{colours.paper}"/>
{"".join(drawn)}
</svg>
"""


if __name__ == "__main__":
    print(moving(), end="")
