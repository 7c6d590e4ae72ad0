"""The lesson of a sentence: the answer, the four steps, notes, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, sqrt

from attnexplain.errors import CommandError
from attnexplain.explanation import Explanation
from attnexplain.facts import DEFAULT_MODEL
from attnexplain.steps.answer import answer
from attnexplain.steps.blocks import Command, Lesson, Place, Prose, View
from attnexplain.steps.choice import worked_pair
from attnexplain.steps.command import command
from attnexplain.steps.context import context_step
from attnexplain.steps.diagram import adds_something, diagram_step
from attnexplain.steps.labels import knows_no_word, names_of, notes_of
from attnexplain.steps.prediction import prediction_step
from attnexplain.steps.qkv import qkv_step
from attnexplain.steps.scores import scores_step
from attnexplain.steps.weights import weights_step
from attnexplain.text import for_shell

LONGEST_COMMAND = 60
"""Characters of a sentence that is written out in the commands that stand last."""

COMPOSERS = {1: qkv_step, 2: scores_step, 3: weights_step, 4: context_step}
"""The four steps, in the order in which they are computed."""


def lesson(
    trace: Explanation,
    *,
    query: str | None = None,
    key: str | None = None,
    steps: Sequence[int] = (),
    digits: int = 2,
    full: bool = False,
    place: Place | None = None,
) -> Lesson:
    """Compose the lesson of a sentence.

    Args:
        trace: what `explain` computed.
        query: the word whose row is worked out by hand, or its position counted from 1.
        key: the word that answers it; both are chosen where none is named.
        steps: which of the four, in any order; all, and the answer before them, where none is named.
        digits: digits after the point.
        full: whether every matrix and every number is shown.
        place: which number of a vector is worked out in the steps 1 and 4; the first of the query unless given.

    Raises:
        CommandError: the vectors have no such place.
        WordError: the query or the key is not a word of the sentence.
    """
    view = View(*worked_pair(trace, query, key), digits, full, query is not None or key is not None)
    if place is not None:
        view = at_place(trace, view, place, steps)
    names = names_of(trace)
    if knows_no_word(trace) and not steps and not full:
        return of_no_known_word(trace)
    shown = tuple(COMPOSERS[number](trace, names, view) for number in sorted(set(steps or COMPOSERS)))
    first = None if steps else answer(trace, names, view)
    if not steps and adds_something(trace):
        shown = (diagram_step(trace, view), *shown)
    if trace.predicted is not None:
        shown = (*shown, prediction_step(trace, names, view, trace.predicted))
    return Lesson(
        trace.sentence, shown, notes_of(trace, names), first, () if steps else _ways_on(trace, query, key, full=full)
    )


def at_place(trace: Explanation, view: View, place: Place, steps: Sequence[int]) -> View:
    """Look at one place of a vector.

    Raises:
        CommandError: the vectors have no such place.
    """
    widths = {"queries": trace.d_k, "keys": trace.d_k, "values": trace.d_v}
    asked = [(place.vectors, widths[place.vectors])] * (not steps or 1 in steps)
    for vectors, width in (*asked, *[("context vectors", trace.d_v)] * (not steps or 4 in steps)):
        if place.number >= width:
            raise CommandError(f"--place {place.number + 1}: {vectors} have {width} places here")
    return view._replace(place=place.number, vectors=place.vectors)


def of_no_known_word(trace: Explanation) -> Lesson:
    """Say that the model knows none of it, instead of a grid of equal numbers."""
    says = Prose(
        "The learned model knows English words, and none of this sentence: to it all of these words are the same, so "
        "there is nothing for attention to find. Write it in English; or choose a model that knows the language (a "
        "folder of a multilingual checkpoint).",
        is_note=True,
    )
    ways = Prose("Or see the arithmetic with random numbers: --model untrained", is_note=True, is_on_screen_only=True)
    return Lesson(trace.sentence, (), (says, ways))


def _ways_on(trace: Explanation, query: str | None, key: str | None, *, full: bool) -> tuple[Command | Prose, ...]:
    """Say how to go on from here, with the options that led here."""
    model = trace.model
    if model.kind in ("trace", "numbers"):
        return ()
    ways = [["--step", "3"], *([] if full else [["--full"]]), ["--explore"]]
    ways += [["--next", "5"]] if model.predicts and trace.predicted is None else []
    ways += [["--compare", "another sentence"]] if model.kind != "untrained" and not trace.found.second_begins else []
    if len(trace.sentence) > LONGEST_COMMAND:
        return (Prose(f"Add to the command: {', or '.join(' '.join(map(for_shell, way)) for way in ways)}"),)
    options = [word for option, value in options_of(trace, query, key) for word in (option, value) if word]
    return tuple(command([*options, *way], trace.sentence, trace.found) for way in ways)


def options_of(trace: Explanation, query: str | None = None, key: str | None = None) -> list[tuple[str, str]]:
    """Gather the options that made this lesson what it is, as far as they are not the default anyway."""
    model = trace.model
    options = [("--phrase", token) for token in trace.tokens if " " in token and not trace.are_pieces]
    if model.name != DEFAULT_MODEL:
        options.append(("--model", model.source or model.name))
    if model.seed:
        options.append(("--seed", str(model.seed)))
    if model.kind == "checkpoint" and (model.layer or model.head):
        options.append(("--layer", str(model.layer)))
    if model.layer or model.head:
        options.append(("--head", str(model.head)))
    if trace.causal != model.causal:
        options.append(("--causal" if trace.causal else "--no-causal", ""))
    divisor = model.divisor or sqrt(trace.d_k)
    if not isclose(trace.scale, divisor):
        options.append(("--no-scale" if trace.scale == 1 else "--scale", ""))
    options += [("--query", query)] if query is not None else []
    return options + ([("--key", key)] if key is not None else [])
