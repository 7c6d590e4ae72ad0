"""What attention is for in a language model: behind the four steps, the tokens that it predicts."""

from __future__ import annotations

from attnexplain.arithmetic import as_printed, digits_of, write_number
from attnexplain.explanation import Explanation
from attnexplain.models.model import Predicted
from attnexplain.steps.blocks import Block, Entry, Formula, FormulaLine, Number, Prose, Step, Symbol, Table, View

ENDS = {
    "": "The output matrix makes",
    "norm": "A norm and the output matrix make",
    "matrix": "One more matrix, an activation f, a norm and the output matrix make",
}
"""What stands behind the last layer."""


def prediction_step(trace: Explanation, names: tuple[str, ...], view: View, predicted: Predicted) -> Step:
    """Show the most probable next tokens, or words in place of masks, and how they come about."""
    title = "What the model puts in place of the mask" if predicted.is_masked else "What the model expects next"
    says = Prose(
        f"{_whence(trace, names, predicted)} {ENDS[predicted.before]} a score of it for each token of the "
        "vocabulary, and softmax makes probabilities of the scores."
    )
    tables = tuple(_table(names, view, predicted, position) for position in predicted.positions)
    return Step(0, title, (says, *_formula(predicted, view), *tables))


def _whence(trace: Explanation, names: tuple[str, ...], predicted: Predicted) -> str:
    """Say which hidden state it is, and what of the model made it."""
    whole = f"all {predicted.layers} layers" if predicted.layers > 1 else "all layers"
    heads = f" (this lesson shows one head of layer {trace.model.layer})" if predicted.layers > 1 else ""
    if len(predicted.positions) > 1:
        return f"Each mask goes through {whole}{heads}, where attention brings it what it needs of the others."
    word = names[predicted.positions[0]]
    which = f'The mask, "{word}",' if predicted.is_masked else f'The last token, "{word}",'
    return f"{which} goes through {whole}{heads}, where attention brings it what it needs of the others."


def _formula(predicted: Predicted, view: View) -> tuple[Block, ...]:
    """Write the formula down, with its shapes where they are known."""
    if not predicted.vocabulary:
        return ()
    count, width, vocabulary = len(predicted.positions), predicted.width, predicted.vocabulary
    matrix = Symbol("W", "out")
    inner: tuple[str | Symbol, ...] = {
        "": (Symbol("h"), "·", matrix),
        "norm": ("norm(", Symbol("h"), ")·", matrix),
        "matrix": ("norm(f(", Symbol("h"), "·", Symbol("W", "f"), "))·", matrix),
    }[predicted.before]
    if predicted.softcap is not None:
        cap = write_number(predicted.softcap, digits_of([predicted.softcap], view.fine))
        inner = (f"{cap}·tanh(", *inner, f" / {cap})")
    shapes = f"({count}, {vocabulary}) = ({count}, {width})·({width}, {vocabulary})"
    return (Formula((FormulaLine((Symbol("p"), " = softmax(", *inner, ")"), shapes),)),)


def _table(names: tuple[str, ...], view: View, predicted: Predicted, position: int) -> Table:
    """List the tokens of one place, and what all others get together."""
    found = [token for token in predicted.tokens if token.position == position]
    rest = 1 - sum(token.probability for token in found)
    rows: list[tuple[Entry, ...]] = [
        *((token.shown, token.probability) for token in found),
        ("all others", Number(as_printed(max(rest, 0.0), view.fine), view.fine)),
    ]
    where = f'in place of "{names[position]}"' if predicted.is_masked else f'after "{names[position]}"'
    return Table(f"The most probable {where}", ("token", "probability"), rows, id="next")
