"""What a model adds to the four steps, as a diagram: one line a step, what is added in brackets."""

from __future__ import annotations

from math import isclose, sqrt

from attnexplain.arithmetic import digits_of, write_number
from attnexplain.explanation import Explanation
from attnexplain.steps.blocks import Diagram, DiagramRow, Stage, Step, View
from attnexplain.steps.sight import reach


def adds_something(trace: Explanation) -> bool:
    """Whether the model adds something to the four steps of the article."""
    return not trace.variant.is_plain or trace.model.sharing > 1


def diagram_step(trace: Explanation, view: View) -> Step:
    """Draw what the model adds to each of the four steps."""
    model = trace.model
    rows = (
        DiagramRow(1, "vectors", _of_vectors(trace, "X·W_q", "Q", is_query=True)),
        DiagramRow(1, "", _of_vectors(trace, "X·W_k", "K", is_query=False)),
        DiagramRow(1, "", (Stage("X·W_v"), *_shared(trace), Stage("V"))),
        DiagramRow(2, "scores", (Stage("Q·Kᵀ"), Stage("S"))),
        DiagramRow(3, "weights", _of_weights(trace, view)),
        DiagramRow(4, "context", (Stage("W·V"), Stage("C"))),
    )
    whom = model.family or "this model"
    note = f"In brackets: what is added. {model.elsewhere}".rstrip()
    return Step(0, f"What {whom} adds to the four steps", (Diagram(rows, note),))


def _of_vectors(trace: Explanation, start: str, end: str, *, is_query: bool) -> tuple[Stage, ...]:
    variant = trace.variant
    stages = [Stage(start)]
    norm = variant.query_norm if is_query else variant.key_norm
    if norm is not None:
        stages.append(Stage("norm over all heads" if norm.over_all_heads else "norm", is_added=True))
    if variant.rotation is not None:
        stages.append(Stage("rotation", is_added=True))
    return (*stages, *(() if is_query else _shared(trace)), Stage(end))


def _shared(trace: Explanation) -> tuple[Stage, ...]:
    if trace.model.sharing == 1:
        return ()
    return (Stage(f"shared by {trace.model.sharing} heads", is_added=True),)


def _of_weights(trace: Explanation, view: View) -> tuple[Stage, ...]:
    variant = trace.variant
    stages = [Stage("S")]
    if isclose(trace.scale, sqrt(trace.d_k)):
        stages.append(Stage("/ √d_k"))
    elif trace.scale != 1:
        stages.append(Stage(f"/ {write_number(trace.scale, digits_of([trace.scale], view.fine))}", is_added=True))
    if variant.softcap is not None:
        written = write_number(variant.softcap, digits_of([variant.softcap], view.fine))
        stages.append(Stage(f"soft cap at {written}", is_added=True))
    if variant.bias is not None:
        stages.append(Stage("+ bias by distance", is_added=True))
    if trace.causal:
        stages.append(Stage("mask"))
    if variant.window is not None:
        side = "back" if trace.causal else "to each side"
        stages.append(Stage(f"window: {reach(trace)} {side}", is_added=True))
    stages.append(Stage("softmax"))
    if variant.sink is not None:
        stages[-1] = Stage("softmax with a sink", is_added=True)
    return (*stages, Stage("W"))
