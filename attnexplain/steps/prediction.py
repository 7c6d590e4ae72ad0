"""What attention is for in a language model: behind the four steps, the tokens that it predicts."""

from __future__ import annotations

from attnexplain.arithmetic import as_printed, digits_of, write_number
from attnexplain.explanation import Explanation
from attnexplain.models.model import Behind, Predicted
from attnexplain.steps.blocks import Block, Entry, Formula, FormulaLine, Number, Prose, Step, Symbol, Table, View


def prediction_step(trace: Explanation, names: tuple[str, ...], view: View, predicted: Predicted) -> Step:
    """Show the most probable next tokens, or words in place of masks, and how they come about."""
    title = "What the model puts in place of the mask" if predicted.is_masked else "What the model expects next"
    blocks: tuple[Block, ...] = (Prose(_whence(trace, names, predicted)),)
    if predicted.behind is not None:
        blocks = (*blocks, _formula(predicted.behind, len(predicted.positions), view))
    tables = tuple(_table(names, view, predicted, position) for position in predicted.positions)
    return Step(0, title, (*blocks, *tables))


def _whence(trace: Explanation, names: tuple[str, ...], predicted: Predicted) -> str:
    """Say which hidden state it is, what of the model made it, and what makes probabilities of it."""
    behind, word = predicted.behind, names[predicted.positions[0]]
    who = f'The mask, "{word}",' if predicted.is_masked else f'The last token, "{word}",'
    if len(predicted.positions) > 1:
        who = "Each mask"
    through, ends = "all layers", ""
    if behind is not None:
        ends = (
            f" {_in_words(behind)} a score of it for each token of the vocabulary, and softmax makes probabilities of "
            "the scores."
        )
        if behind.layers > 1:
            through = f"all {behind.layers} layers (this lesson shows one head of layer {trace.model.layer})"
    return f"{who} goes through {through}, where attention brings it what it needs of the others.{ends}"


def _in_words(behind: Behind) -> str:
    """Name what stands between the last layer and the scores."""
    parts = [
        *(["a norm"] if behind.has_norm else []),
        *(["a matrix that makes it narrower"] if behind.is_narrowed else []),
        *(["one more matrix, an activation f, a norm"] if behind.has_dense else []),
        "the output matrix",
    ]
    says = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"{says[0].upper()}{says[1:]} {'make' if len(parts) > 1 else 'makes'}"


def _formula(behind: Behind, count: int, view: View) -> Formula:
    """Write all of it as one formula, and the shapes at its end."""
    inner: tuple[str | Symbol, ...] = (Symbol("h"),)
    if behind.has_norm:
        inner = ("norm(", *inner, ")")
    if behind.is_narrowed:
        inner = (*inner, "·", Symbol("W", "n"))
    if behind.has_dense:
        bias = (" + ", Symbol("b", "f")) if behind.dense_has_bias else ()
        inner = ("norm(f(", *inner, "·", Symbol("W", "f"), *bias, "))")
    inner = (*inner, "·", Symbol("W", "out"), *((" + ", Symbol("b", "out")) if behind.has_bias else ()))
    if behind.softcap is not None:
        cap = write_number(behind.softcap, digits_of([behind.softcap], view.fine))
        inner = (f"{cap}·tanh((", *inner, f") / {cap})")
    shapes = f"p: ({count}, {behind.vocabulary}); W_out: ({behind.width}, {behind.vocabulary})"
    return Formula((FormulaLine((Symbol("p"), " = softmax(", *inner, ")"), shapes),))


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
