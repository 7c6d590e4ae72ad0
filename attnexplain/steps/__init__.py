"""What each step says and shows: title, formula, words, and which cell is worked out."""

from __future__ import annotations

from collections.abc import Sequence

from attnexplain.explanation import Explanation
from attnexplain.steps.context import context_step
from attnexplain.steps.labels import names_of, notes_on_tokens, worked_pair
from attnexplain.steps.qkv import qkv_step
from attnexplain.steps.scores import scores_step
from attnexplain.steps.step import Lesson, Prose, View
from attnexplain.steps.weights import weights_step

STEPS = (qkv_step, scores_step, weights_step, context_step)


def lesson(
    trace: Explanation,
    *,
    query: str | None = None,
    key: str | None = None,
    steps: Sequence[int] = (1, 2, 3, 4),
    digits: int = 2,
) -> Lesson:
    """Compose the lesson of a sentence.

    Args:
        trace: what `explain` computed.
        query: the word whose row is worked out by hand, or its position counted from 1.
        key: the word that answers it; the strongest pair is chosen where these are not given.
        steps: which of the four, in any order.
        digits: digits after the point.

    Raises:
        CommandError: the query or the key is not a word of the sentence.
    """
    view = View(*worked_pair(trace, query, key), digits, query is not None and key is None)
    names = names_of(trace)
    shown = tuple(STEPS[number - 1](trace, names, view) for number in sorted(set(steps)))
    return Lesson(trace.sentence, tuple(_notes(trace, names, view)), shown)


def _notes(trace: Explanation, names: tuple[str, ...], view: View) -> list[Prose]:
    notes = [Prose(f"Model: {_model_name(trace)}. {trace.model.note}", is_note=True), *notes_on_tokens(trace, names)]
    if any(trace.made):
        made = dict(zip(trace.tokens, trace.made, strict=True))
        words = "; ".join(f'"{token}" ({how})' for token, how in made.items() if how)
        notes.append(Prose(f"Not in the vocabulary: {words}.", is_note=True))
    chosen = f'"{names[view.query]}" asks, "{names[view.key]}" answers'
    notes.append(Prose(f"Worked out by hand: {chosen} (--query and --key choose others)."))
    if trace.model.kind == "learned":
        notes.append(
            Prose(
                'This one layer sees no word order and cannot tell what "it" stands for. To compare: --model minilm, a '
                "real BERT of many layers; --model untrained, the same steps with random numbers."
            )
        )
    return notes


def _model_name(trace: Explanation) -> str:
    name, kind = trace.model.name, trace.model.kind
    return name if name == kind else f"{name} ({kind})"
